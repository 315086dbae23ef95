"""Families are loaded when they are used, and no SDK is steered or writes anything."""

import logging
import os
import subprocess
import sys
import warnings

import pytest

from ringfence.configfile import ConfigError
from ringfence_agent.providers.make import forget


@pytest.mark.parametrize(("name", "package"), [("anthropic", "anthropic"), ("bedrock", "botocore")])
async def test_a_family_whose_package_is_missing_says_what_to_install(asking, monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError) as caught:
        async with asking(name):
            pass
    assert str(caught.value) == (f"providers.cloud: kind {name} needs a package; run pip install 'ringfence[{name}]'")


async def test_a_key_that_is_none_of_bedrocks_is_refused_at_the_start(asking):
    with pytest.raises(ConfigError, match="write ACCESS_KEY_ID:SECRET") as caught:
        async with asking("bedrock", key="AKID:very-secret:x:y"):
            pass
    assert "very-secret" not in str(caught.value)


def test_a_site_loads_no_more_than_the_families_that_it_uses():
    """Start-up takes no longer for families that are not there."""
    program = (
        "import sys; import ringfence_agent.build;"
        "print(*sorted({'openai', 'anthropic', 'google.genai', 'botocore'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, env=environment)
    assert run.stdout.split() == []


def test_nothing_that_could_steer_an_sdk_is_left_in_an_environment():
    environment = {
        "PATH": "/bin",
        "CREDENTIALS_DIRECTORY": "/run/credentials",
        "OPENAI_LOG": "debug",
        "AZURE_OPENAI_ENDPOINT": "https://elsewhere.example",
        "ANTHROPIC_PROFILE": "x",
        "GOOGLE_GENAI_HTTP_CLIENT": "httpx",
        "GEMINI_API_KEY": "x",
        "AWS_PROFILE": "x",
        "BOTO_CONFIG": "x",
        "SSL_CERT_FILE": "/nowhere",
        "HTTPS_PROXY": "x",
        "https_proxy": "x",
        "all_proxy": "x",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "x",
    }
    forget(environment)
    assert environment == {"PATH": "/bin", "CREDENTIALS_DIRECTORY": "/run/credentials"}


async def test_no_sdk_warns(asking):
    """A warning may repeat what a provider said."""
    async with asking("gemini"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn_explicit("banana is no FinishReason", UserWarning, "f.py", 1, module="google.genai._common")
        assert caught == []
    assert not logging.getLogger("google_genai.models").isEnabledFor(logging.CRITICAL)
