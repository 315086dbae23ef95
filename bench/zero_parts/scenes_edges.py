"""Content where none belongs: in a request's other strings, in a call's head, in feedback, on the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence

import grpc.aio

from ringfence.client import generate_request
from ringfence.renewal import AsyncChannel, Certificates
from ringfence.tls import Identity, channel_options
from ringfence.v1 import types_pb2 as types
from ringfence.v1.inference_pb2 import GenerateRequest
from zero_parts.asking import OUT, Case, End, streamed, user
from zero_parts.scene import Scene, Several, each

Put = Callable[[GenerateRequest, str], object]
"""Puts a text into a request."""


def _set(path: str) -> Put:
    *way, last = path.split(".")

    def put(request: GenerateRequest, said: str) -> None:
        place = request
        for step in way:
            place = getattr(place, step)
        setattr(place, last, said)

    return put


def _append(path: str) -> Put:
    def put(request: GenerateRequest, said: str) -> None:
        place = request
        for step in path.split("."):
            place = getattr(place, step)
        place.append(said)

    return put


def _part(make: Callable[[str], types.Part]) -> Put:
    return lambda request, said: request.messages[0].parts.append(make(said))


def _before(make: Callable[[str], types.Message]) -> Put:
    return lambda request, said: request.messages.insert(0, make(said))


def _tool(**fields: Callable[[str], str]) -> Put:
    return lambda request, said: request.tools.add(
        **{"name": "t", **{name: make(said) for name, make in fields.items()}}
    )


def _titled(said: str) -> str:
    return json.dumps({"type": "object", "title": said}, ensure_ascii=False)


def _same(said: str) -> str:
    return said


def _file(data: bytes = b"x", media_type: str = "text/plain", name: str = "") -> types.Part:
    return types.Part(file=types.File(data=data, media_type=media_type, name=name))


def _picture(data: bytes, media_type: str = "image/png") -> types.Part:
    return types.Part(image=types.Image(data=data, media_type=media_type))


def _call(said: str) -> types.Message:
    call = types.ToolCall(id=said, name=said, arguments_json=_titled(said))
    return types.Message(role=types.ROLE_ASSISTANT, tool_calls=[call])


def _result(said: str) -> types.Message:
    return types.Message(role=types.ROLE_TOOL, tool_call_id=said, parts=[types.Part(text=said)])


FIELDS: dict[str, Put] = {
    "model": _set("model"),
    "task": _set("task.name"),
    "evaluators": _append("task.evaluators"),
    "conversation": _set("conversation_id"),
    "run": _set("run_id"),
    "idempotency key": _set("idempotency_key"),
    "source": _set("source"),
    "metadata": lambda request, said: request.metadata.update({"ticket": said}),
    "metadata's key": lambda request, said: request.metadata.update({said: "1"}),
    "stop": _append("sampling.stop"),
    "providers": _append("permission.providers"),
    "regions": _append("permission.regions"),
    "tool's name": _tool(name=_same),
    "tool's description": _tool(description=_same),
    "tool's schema": _tool(parameters_json_schema=_titled),
    "tool's schema, broken": _tool(parameters_json_schema=_same),
    "tool choice": _set("tool_choice.name"),
    "answer's schema": lambda request, said: setattr(request.response_format, "json_schema", _titled(said)),
    "answer's schema, broken": _set("response_format.json_schema"),
    "answer's schema, name": _set("response_format.name"),
    "answer's grammar": _set("response_format.grammar"),
    "speaker": lambda request, said: setattr(request.messages[0], "name", said),
    "document": _part(lambda said: types.Part(json=_titled(said))),
    "document, broken": _part(lambda said: types.Part(json=said)),
    "text file": _part(lambda said: _file(said.encode())),
    "file's name": _part(lambda said: _file(name=said)),
    "file's type": _part(lambda said: _file(media_type=said)),
    "picture": _part(lambda said: _picture(b"\x89PNG" + said.encode())),
    "picture's type": _part(lambda said: _picture(b"x", said)),
    "tool call": _before(_call),
    "tool's answer": _before(_result),
}
"""What is put into a short question, by where."""


def fields() -> Iterator[Scene]:
    """Each of them; most are refused where they stand, some answered."""
    for name, put in FIELDS.items():

        async def play(case: Case, put: Put = put) -> None:
            for model in ("house", "gpt"):
                request = generate_request([user(types.Part(text="/echo hello"))], model=model, permission=OUT)
                put(request, case.note if case.encoding.is_text else f"{case.canary.given} {case.canary.word}")
                await streamed(case, request)

        yield Scene("field", name, each(play))


def heads() -> Iterator[Scene]:
    """What stands beside a request: metadata of the call, the method's name, bytes that are no message, feedback."""
    yield Scene("call", "header", each(_header))
    yield Scene("call", "unknown method", each(_method))
    yield Scene("call", "no message", each(_garbage), frozenset({"internal", "unknown"}))
    yield Scene("feedback", "reason", each(_reason))
    yield Scene("feedback", "request", each(_unknown))


def commands() -> Iterator[Scene]:
    """`ringfence`, with the canary on standard input; what it prints is its caller's."""
    yield Scene("command line", "generate", _commands("generate", "--model", "house"), frozenset({"exit 0"}))
    yield Scene(
        "command line",
        "generate, refused",
        _commands("generate", "--model", "gpt"),
        frozenset({"exit 1", "exit 3", "exit 4", "exit 5"}),
    )
    yield Scene("command line", "plan", _commands("plan", "--values"), frozenset({"exit 0"}))


def _commands(*arguments: str) -> Several:
    async def several(cases: Sequence[Case]) -> list[End]:
        at_once = asyncio.Semaphore(4)

        async def one(case: Case) -> End:
            async with at_once:
                code, _ = await case.stage.command("caller-ward", *arguments, stdin=case.note.encode())
            return End(f"exit {code}")

        return list(await asyncio.gather(*map(one, cases)))

    return several


def _channel(case: Case) -> AsyncChannel:
    folder = case.stage.site.folder
    identity = Identity(folder / "caller-ward.pem", folder / "caller-ward.key", folder / "ca.pem")
    options = channel_options(1 << 20, "")
    target = f"localhost:{case.stage.site.port}"
    return AsyncChannel(Certificates(identity), lambda shown: grpc.aio.secure_channel(target, shown, options=options))


async def _raw(case: Case, method: str, data: bytes, metadata: tuple[tuple[str, str | bytes], ...] = ()) -> None:
    channel = _channel(case)
    try:
        call = channel.unary_stream(method, request_serializer=bytes, response_deserializer=bytes)
        async for _ in call(data, timeout=10, metadata=metadata):
            pass
    finally:
        await channel.close()


async def _header(case: Case) -> None:
    request = generate_request("/echo hello", model="house").SerializeToString()
    word = case.canary.word
    metadata = (("x-note-bin", case.note.encode()), ("x-note", ascii(word)), ("user-agent", ascii(word)))
    await _raw(case, "/ringfence.v1.Inference/Generate", request, metadata)


async def _method(case: Case) -> None:
    await _raw(case, f"/ringfence.v1.Inference/{case.canary.word.encode().hex()}", b"")


async def _garbage(case: Case) -> None:
    await _raw(case, "/ringfence.v1.Inference/Generate", b"\xff\xff" + case.note.encode())


async def _reason(case: Case) -> None:
    request = generate_request("/echo hello", model="house")
    events = [event async for event in case.stage.client().generate(request)]
    await case.stage.client().feedback(events[-1].receipt.request_id, 0.5, case.note)


async def _unknown(case: Case) -> None:
    await case.stage.client().feedback(case.note, 0.5, "wrong")
