"""The ways in which known gateways lose sensitive payloads, each tried over gRPC on a whole site.

Every test has two halves: what may leave arrives at the stand-in provider the same way (so that the test could fail),
and what may not brings it not one byte. Where de-identified egress is allowed, what arrives bears no identifier.

Sources of the list: issues and advisories of LiteLLM, Portkey, Kong AI Gateway and OpenRouter about fallbacks that
ignore where a request must stay, and about guardrails that read message texts alone.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.site import site as open_site
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

NOTE = "Patient: Quillon Abernethy, MRN: 77120093"
WORDS = [b"Quillon", b"Abernethy", b"77120093", base64.b64encode(NOTE.encode())[:24]]
PUBLIC = Label(Level.PUBLIC)
MAY = types.Permission(deidentified_egress=True)
OPEN = "Which organ pumps blood?"


def message(*parts, **fields):
    return types.Message(role=types.ROLE_USER, parts=parts, **fields)


def said(text):
    return message(types.Part(text=text))


def asking(*messages, **fields):
    return pb.GenerateRequest(**{"messages": messages or [said("hello")], **fields})


class Arrivals:
    """What reached the provider since this was made: bytes, not requests."""

    def __init__(self, site):
        self._site = site
        self._before = len(site.provider.raw)
        self._connections = site.provider.connections

    def nothing(self):
        """No byte, and nobody even knocked."""
        assert bytes(self._site.provider.raw[self._before :]) == b""
        assert self._site.provider.connections == self._connections

    def something_clean(self):
        """Bytes, and no identifier among them."""
        arrived = bytes(self._site.provider.raw[self._before :])
        assert arrived
        assert not [word for word in WORDS if word in arrived]


async def attempt(site, request):
    """Ask; the error where there is one."""
    try:
        await site.client().generate_text(request)
    except RingfenceCallError as error:
        return error
    return None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def down(request):
    """A site whose only local model keeps dying, so that it was given up; the provider is well."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with open_site(folder) as made:
        for _ in range(8):
            with contextlib.suppress(RingfenceCallError):
                await made.client().generate_text(asking(said("/crash 0"), model="house", deadline_ms=3000))
        await until(lambda: is_given_up(made))
        yield made
    shutil.rmtree(folder)


async def is_given_up(site):
    plan = await site.client().plan(asking(model="house"))
    return not plan.decision.HasField("target")


async def until(is_true, seconds_max=30.0):
    """Wait for something to come true."""
    async with asyncio.timeout(seconds_max):
        while not await is_true():  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.1)


# ── the local target is down, and a fallback is there ────────────────────────────────────────────────────────────────


async def test_what_is_public_falls_back_to_the_provider(down):
    """The control: the fallback is configured and works."""
    before = Arrivals(down)
    assert await attempt(down, asking(said(OPEN), label=types.Label(level=types.LEVEL_PUBLIC))) is None
    before.something_clean()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"permission": types.Permission(ladder_length_max=5)},
        {"permission": types.Permission(providers=["cloud"], regions=["eu"], ladder_length_max=5)},
        {"model": "gpt"},
        {"metadata": {"fallback": "gpt", "fallbacks": '["cloud/gpt"]', "x-ringfence-target": "cloud/gpt"}},
        {"task": types.Task(name="cloud/gpt", quality_min=0.9)},
        {"label": types.Label(level=types.LEVEL_PUBLIC)},
        {"priority": types.PRIORITY_BATCH},
        {"deadline_ms": 2000},
    ],
    ids=["plain", "ladder", "provider", "model", "metadata", "task", "public", "batch", "deadline"],
)
async def test_a_note_does_not_fall_back_whatever_its_caller_says(down, fields):
    """Down is down: a clear error, and nothing at the provider."""
    before = Arrivals(down)
    error = await attempt(down, asking(said(NOTE), **fields))
    assert error is not None
    assert error.code.name in {"UNAVAILABLE", "FAILED_PRECONDITION", "DEADLINE_EXCEEDED"}
    before.nothing()


async def test_a_note_falls_back_de_identified_where_its_caller_permits_that(down):
    """Nothing of it arrives as it was."""
    before = Arrivals(down)
    assert await attempt(down, asking(said(NOTE), permission=MAY)) is None
    before.something_clean()


async def test_restricted_content_does_not_fall_back_even_then(down):
    before = Arrivals(down)
    picture = types.Part(image=types.Image(data=b"\x89PNG\r\n\x1a\n", media_type="image/png"))
    for request in (
        asking(said("hello"), permission=MAY, label=types.Label(level=types.LEVEL_RESTRICTED)),
        asking(message(types.Part(text="hello"), picture), permission=MAY),
    ):
        assert (await attempt(down, request)).code.name in {"UNAVAILABLE", "FAILED_PRECONDITION"}
    before.nothing()


async def test_an_engine_that_dies_on_a_note_hands_it_to_nobody(site):
    """The death comes in the middle of the run, after the decision."""
    before = Arrivals(site)
    for words in ("/crash 0", "/crash 2"):
        error = await attempt(site, asking(said(NOTE), said(words), permission=types.Permission(ladder_length_max=5)))
        assert error.code.name == "UNAVAILABLE"
    before.nothing()


# ── identifiers where guardrails do not look ─────────────────────────────────────────────────────────────────────────

ENCODED = base64.b64encode(NOTE.encode()).decode()
HIDDEN = {
    "tool description": {"tools": [types.Tool(name="t", description=NOTE)]},
    "tool name": {"tools": [types.Tool(name="Patient_Quillon_Abernethy_MRN_77120093", description="x")]},
    "tool schema": {"tools": [types.Tool(name="t", parameters_json_schema=json.dumps({"description": NOTE}))]},
    "answer schema": {"response_format": types.ResponseFormat(json_schema=json.dumps({"description": NOTE}))},
    "schema name": {"response_format": types.ResponseFormat(json_schema="{}", name=NOTE)},
    "enumeration": {"response_format": types.ResponseFormat(json_schema=json.dumps({"enum": [NOTE]}))},
    "message name": {"messages": [message(types.Part(text="hello"), name=NOTE)]},
    "tool result": {
        "messages": [
            said("hello"),
            types.Message(role=types.ROLE_TOOL, tool_call_id="1", parts=[types.Part(text=NOTE)]),
        ]
    },
    "tool arguments": {
        "messages": [
            said("hello"),
            types.Message(
                role=types.ROLE_ASSISTANT,
                tool_calls=[types.ToolCall(id="1", name="t", arguments_json=json.dumps({"who": NOTE}))],
            ),
        ]
    },
    "system prompt": {"messages": [types.Message(role=types.ROLE_SYSTEM, parts=[types.Part(text=NOTE)]), said("hi")]},
    "first of many turns": {"messages": [said(NOTE), *(said("and then?") for _ in range(8))]},
    "json document": {"messages": [message(types.Part(json=json.dumps({"a": [{"b": NOTE}]})))]},
    "json key": {"messages": [message(types.Part(json=json.dumps({NOTE: 1})))]},
    "text file": {
        "messages": [message(types.Part(file=types.File(data=NOTE.encode(), media_type="text/plain")))],
    },
    "file name": {
        "messages": [message(types.Part(file=types.File(data=b"x", media_type="text/plain", name=NOTE)))],
    },
    "base64 in a text": {"messages": [said(f"Read this: {ENCODED}")]},
    "base64 file": {
        "messages": [message(types.Part(file=types.File(data=ENCODED.encode(), media_type="text/plain")))],
    },
    "data url": {"messages": [said(f"See data:text/plain;base64,{ENCODED}")]},
    "two parts": {
        "messages": [message(types.Part(text="Patient: Quillon"), types.Part(text=" Abernethy, MRN: 77120093"))]
    },
    "stop word": {"sampling": types.Sampling(stop=["Quillon Abernethy", "MRN: 77120093"])},
    "metadata": {"metadata": {"ticket": NOTE}},
    "task": {"task": types.Task(name="MRN:77120093")},
}


@pytest.mark.parametrize("where", HIDDEN)
async def test_an_identifier_outside_the_text_stays(site, where):
    """The provider's model is the only one asked for, and the caller permits nothing de-identified."""
    before = Arrivals(site)
    error = await attempt(site, asking(model="gpt", **HIDDEN[where]))
    assert error is not None
    assert error.code.name == "FAILED_PRECONDITION"
    assert error.detail.decision.label.level >= types.LEVEL_CONFIDENTIAL
    before.nothing()


@pytest.mark.parametrize("where", HIDDEN)
async def test_an_identifier_outside_the_text_leaves_only_de_identified(site, where):
    """Where de-identified egress is permitted, what arrives bears no word of it; most of these stay all the same."""
    before = len(site.provider.raw)
    await attempt(site, asking(model="gpt", permission=MAY, **HIDDEN[where]))
    arrived = bytes(site.provider.raw[before:])
    assert not [word for word in WORDS if word in arrived]


# ── turns, tries and hints ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_conversation_that_began_at_the_provider_does_not_take_a_note_there(site):
    """Stickiness is a cost, never a permission."""
    first = asking(said(OPEN), model="gpt", conversation_id="sticky", label=types.Label(level=types.LEVEL_PUBLIC))
    assert await attempt(site, first) is None
    before = Arrivals(site)
    second = asking(said(OPEN), said(NOTE), conversation_id="sticky", task=types.Task(quality_min=0.9))
    assert (await attempt(site, second)).code.name == "FAILED_PRECONDITION"
    before.nothing()


async def test_a_run_that_once_was_restricted_stays_so(site):
    restricted = asking(said("hello"), run_id="r", label=types.Label(level=types.LEVEL_RESTRICTED))
    assert await attempt(site, restricted) is None
    before = Arrivals(site)
    assert (await attempt(site, asking(said(OPEN), run_id="r", model="gpt", permission=MAY))) is not None
    before.nothing()


async def test_a_rung_that_falls_short_hands_a_note_to_no_provider(site):
    """The ladder's next rung would be the provider; the label holds on every rung."""
    before = Arrivals(site)
    unsure = asking(said(NOTE), said("/logprob -9"), permission=types.Permission(ladder_length_max=5))
    assert await attempt(site, unsure) is None
    before.nothing()
    open_ = asking(
        said("/logprob -9"),
        label=types.Label(level=types.LEVEL_PUBLIC),
        permission=types.Permission(ladder_length_max=5),
    )
    assert await attempt(site, open_) is None
    before.something_clean()


async def test_what_the_caller_hangs_up_on_is_sent_by_nobody_afterwards(site):
    """A retry in the background would be one that nobody asked for."""
    before = Arrivals(site)
    stream = site.client().generate(
        asking(said(NOTE), said("/hang 2"), permission=types.Permission(ladder_length_max=5))
    )
    await anext(stream)
    await stream.aclose()
    await asyncio.sleep(0.5)
    before.nothing()


# ── when in doubt ────────────────────────────────────────────────────────────────────────────────────────────────────

TYPOS = {
    "unknown section": "\n[clasification]\npolicy = 'hospital-us'\n",
    "unknown key": "\n[classification]\nlevel_minimum = 'RESTRICTED'\n",
    "unknown level": '\n[[classification.rules]]\nentity = "PERSON"\nlevel = "CONFIDENTAL"\n',
    "unknown type": '\n[[classification.rules]]\nentity = "PERSN"\ncategories = ["PHI"]\n',
    "unknown category": '\n[[sources]]\nname = "lab"\nlabel = { level = "CONFIDENTIAL", categories = ["PHY"] }\n',
    "not TOML": "\n[classification\n",
    "routing": "\n[routing]\nexplor = 0.5\n",
}


@pytest.mark.parametrize("typo", TYPOS)
async def test_a_typo_in_the_configuration_starts_nothing(site, typo):
    """A section that is misspelt protects nobody: the daemon says where and does not start."""
    file = site.folder / "typo.toml"
    file.write_text((site.folder / "daemon.toml").read_text() + TYPOS[typo])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ringfenced", "--config", str(file), "--check-config"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 78
    assert b"typo.toml" in told


READER = """
[[models]]
name = "reader"
engine = "command"
command = {command}

[classification]
[[classification.plugins]]
name = "second-look"
kind = "llm"
model = "reader"
seconds_max = 1
"""


@pytest.mark.parametrize(
    "arguments",
    [["--first-ms", "60000"], ["--text", "no JSON at all"], ["--text", "{}"], ["--tokens", "0"]],
    ids=["hangs", "nonsense", "wrong", "nothing"],
)
async def test_a_recogniser_that_hangs_or_errs_lets_nothing_out(arguments):
    """What it could not read counts as RESTRICTED, also what looks harmless."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    command = json.dumps([sys.executable, "-P", "-m", "ringfenced.engines.scripted", *arguments])
    async with open_site(folder, extra=READER.format(command=command)) as made:
        before = Arrivals(made)
        for permission in (MAY, types.Permission()):
            request = asking(said(OPEN), model="gpt", permission=permission, deadline_ms=20_000)
            error = await attempt(made, request)
            assert error is not None
            assert error.code.name in {"FAILED_PRECONDITION", "DEADLINE_EXCEEDED", "UNAVAILABLE"}
        before.nothing()
    shutil.rmtree(folder)
