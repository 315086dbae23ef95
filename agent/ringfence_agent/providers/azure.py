"""Azure OpenAI: OpenAI's answers behind other paths and another header.

Source: Microsoft, "Azure OpenAI in Azure AI Foundry Models REST API reference". A model stands in the path as its
deployment; with ``api_version = "v1"`` the paths are OpenAI's own and the deployment stands in the body alone.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit

import httpx2
import openai

from ringfence_agent.providers.door import Headers
from ringfence_agent.providers.openai import NOT_A_KEY, Dialect

V1: Final = "v1"
"""The version whose paths hold neither a deployment nor a date."""


def headers(key: str) -> Headers:
    """The table of headers."""
    return ((b"api-key", key.encode("ascii")),)


def dialect(base_url: str, api_version: str) -> Dialect:
    """Azure's, for a resource.

    Args:
        base_url: the resource, for example ``https://site.openai.azure.com``.
        api_version: a dated version, for example ``2024-10-21``, or ``v1``.
    """
    root = urlsplit(base_url).path

    def target(wire_model: str, path: str) -> str:
        if api_version == V1:
            return f"{root}/openai/v1{path}"
        return f"{root}/openai/deployments/{quote(wire_model, safe='')}{path}?api-version={quote(api_version, safe='')}"

    def client(http: httpx2.AsyncClient, wire_model: str) -> openai.AsyncOpenAI:
        if api_version == V1:
            url = f"{base_url}/openai/v1"
            return openai.AsyncOpenAI(api_key=NOT_A_KEY, base_url=url, max_retries=0, timeout=None, http_client=http)
        return openai.AsyncAzureOpenAI(
            azure_endpoint=base_url,
            azure_deployment=wire_model,
            api_version=api_version,
            api_key=NOT_A_KEY,
            max_retries=0,
            timeout=None,
            http_client=http,
        )

    return Dialect(target, headers, client)
