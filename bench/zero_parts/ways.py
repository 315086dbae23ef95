"""What the stand-in provider says of a request's text instead of a good answer; the text comes again in each. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable

from fakes.provider import BREAK, HANG, chunk, head

STREAM = head(200, "Content-Type: text/event-stream")
"""How a stream begins."""

Made = list[object]
"""An answer of the stand-in provider's script."""


def _error(status: int, said: str) -> Made:
    body = json.dumps({"error": {"message": said, "type": said, "code": said}}).encode()
    header = f"x-request-id: {said.encode().hex()}"
    return [head(status, "Content-Type: application/json", f"Content-Length: {len(body)}", header), body]


def _redirect(said: str) -> Made:
    return [head(302, f"Location: https://localhost/{said.encode().hex()}", "Content-Length: 0")]


def _wrong_json(said: str) -> Made:
    return [STREAM, chunk({"content": [said]}), chunk({"tool_calls": said}), chunk(usage={said: said})]


def _other_tool(said: str) -> Made:
    call = {"index": 0, "id": said, "function": {"name": said, "arguments": said}}
    return [STREAM, chunk({"tool_calls": [call]}), chunk(finish="tool_calls"), b"data: [DONE]\n\n"]


def hangs(said: str) -> Made:
    return [STREAM, chunk({"content": said + " "}), chunk({"content": said}), HANG]


WAYS: dict[str, Callable[[str], Made]] = {
    "failed with 500": lambda said: _error(500, said),
    "failed with 400": lambda said: _error(400, said),
    "failed with 429": lambda said: _error(429, said),
    "redirected": _redirect,
    "broken off": lambda said: [STREAM, chunk({"content": said}), BREAK],
    "no JSON": lambda said: [STREAM, b"data: {" + said.encode() + b"\n\n"],
    "wrong JSON": _wrong_json,
    "no HTTP": lambda said: [said.encode() + b"\r\n\r\n"],
    "a tool that nobody offered": _other_tool,
}
"""What a provider makes of a request's text instead of an answer."""
