"""The whole agent in an environment that would steer every SDK: what is sent stays the same, and nothing is written."""

import pytest

from fakes.agent import agent_process, client, folder, gather, terms
from fakes.families import FAMILIES
from fakes.provider import StandInProvider
from ringfence.labels import Label, Level
from ringfenced.deidentify import deidentify
from ringfenced.model import Message, Prompt, Role, Sent, Text

WORDS = "What does a ward clerk do?"
HOSTILE = {
    "OPENAI_LOG": "debug",
    "OPENAI_BASE_URL": "https://elsewhere.example",
    "GOOGLE_GENAI_HTTP_CLIENT": "nonsense",
    "GOOGLE_GEMINI_BASE_URL": "https://elsewhere.example",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "SSL_CERT_FILE": "/nowhere",
}


@pytest.mark.parametrize("name", ["openai", "gemini"])
async def test_no_environment_steers_the_agent_or_makes_it_talk(tmp_path, monkeypatch, name):
    family = FAMILIES[name]
    folder(tmp_path, "https://localhost:1/v1")
    (tmp_path / "api.key").chmod(0o600)
    (tmp_path / "api.key").write_text(family.key)
    async with StandInProvider(tmp_path, script=[family.answer("an answer")]) as provider:
        file = folder(tmp_path, f"https://localhost:{provider.port}{family.prefix}")
        text = file.read_text().replace('"openai"', f'"{family.kind}"').replace("gpt-5-mini-2026-01-02", family.model)
        file.write_text(text)
        for variable, value in HOSTILE.items():
            monkeypatch.setenv(variable, value)
        with agent_process(file) as running:
            async with client(tmp_path) as egress:
                prompt = Prompt((Message(Role.USER, (Text(WORDS),)),))
                payload, _ = deidentify(prompt, (), Label(Level.PUBLIC), seed=bytes(32), scan=lambda _text: ())
                events = await gather(egress.send(payload, terms(), 20_000))
        assert isinstance(events[-1], Sent)
        assert provider.heads[0].split("\r\n")[0] == f"POST {family.path} HTTP/1.1"
        said = running.said.read_text()
        assert WORDS not in said
        assert "an answer" not in said
        assert family.key not in said
        assert all(line.startswith("{") for line in said.splitlines())
