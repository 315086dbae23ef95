"""Retries, breaker, padding and new keys, through daemon's client, real agent and real TLS."""

import json

import pytest

from fakes.agent import agent, client, folder, gather, terms
from fakes.provider import StandInProvider, answer, failure
from ringfence.labels import Label, Level
from ringfence.v1 import egress_pb2
from ringfence_agent import build, config
from ringfenced.deidentify import deidentify
from ringfenced.errors import NotFound, Unavailable
from ringfenced.model import Message, Prompt, Role, Text

PUBLIC = Label(Level.PUBLIC)


def payload():
    asked = Prompt(messages=(Message(Role.USER, (Text("What does a ward clerk do?"),)),))
    return deidentify(asked, (), PUBLIC, seed=bytes(32), scan=lambda _text: ())[0]


@pytest.fixture
async def provider(tmp_path):
    folder(tmp_path, "https://localhost:1/v1")
    async with StandInProvider(tmp_path) as provider:
        folder(tmp_path, provider.base_url)
        yield provider


def entries(tmp_path, kind):
    lines = b"".join(path.read_bytes() for path in sorted((tmp_path / "log").glob("entries-*"))).splitlines()
    return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


def put(path, text):
    path.chmod(0o600)
    path.write_text(text)


async def test_a_retry_is_the_same_bytes_under_one_intent_and_one_outcome(provider, tmp_path):
    provider.script = [failure(503), answer("Hello")]
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await gather(egress.send(payload(), terms(), 10_000))
    assert len(provider.bodies) == 2
    assert provider.bodies[0] == provider.bodies[1]
    assert len(entries(tmp_path, "intent")) == 1
    [outcome] = entries(tmp_path, "outcome")
    assert (outcome["outcome"], outcome["attempts"]) == ("answered", 2)


async def test_a_provider_that_is_down_is_listed_as_such_and_asked_no_more(provider, tmp_path):
    """By two callers; the daemon hears when to come back, and the outcome says that nothing was tried."""
    folder(tmp_path, provider.base_url, breaker_failures_max="2", attempts_max="1")
    provider.script = [failure(500)]
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        for caller in ("c-1", "c-2"):
            with pytest.raises(Unavailable):
                await gather(egress.send(payload(), terms(caller_pseudonym=caller), 10_000))
        assert not any(offer.available for offer in await egress.offers())
        listed = await egress._stub.ListProviders(egress_pb2.ListProvidersRequest())
        assert {model.unavailable_reason for model in listed.models} == {"breaker"}
        with pytest.raises(Unavailable, match="left alone") as raised:
            await gather(egress.send(payload(), terms(), 10_000))
    assert 0 < raised.value.retry_after_ms <= 30_000
    assert [outcome["attempts"] for outcome in entries(tmp_path, "outcome")] == [1, 1, 0]
    assert len(provider.bodies) == 2


async def test_what_is_padded_is_judged_logged_and_sent_padded(provider, tmp_path):
    folder(tmp_path, provider.base_url, padding='"buckets"')
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await gather(egress.send(payload(), terms(), 10_000))
    [body] = provider.bodies
    assert (len(body), body[-1:]) == (1024, b" ")
    assert json.loads(body)["messages"]
    assert [intent["bytes_out"] for intent in entries(tmp_path, "intent")] == [1024]


async def test_a_key_is_changed_without_a_restart_and_the_log_says_so(provider, tmp_path):
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await gather(egress.send(payload(), terms(), 10_000))
        same = await egress.rotate_key("cloud", by="o-1")
        put(tmp_path / "api.key", "sk-fresh\n")
        other = await egress.rotate_key("cloud", by="o-2")
        await gather(egress.send(payload(), terms(), 10_000))
    assert (same.changed, other.changed) == (False, True)
    assert ["Bearer sk-test-key" in head for head in provider.heads] == [True, False]
    assert "Bearer sk-fresh\r\n" in provider.heads[1]
    said = [(entry["provider"], entry["caller"], entry["fingerprint"]) for entry in entries(tmp_path, "key")]
    assert said == [("cloud", "o-1", same.fingerprint), ("cloud", "o-2", other.fingerprint)]


async def test_a_place_without_a_key_changes_nothing(provider, tmp_path):
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        put(tmp_path / "api.key", "")
        with pytest.raises(Unavailable, match="keeps the key") as raised:
            await egress.rotate_key("cloud", by="o-1")
        with pytest.raises(NotFound):
            await egress.rotate_key("clout", by="o-1")
        await gather(egress.send(payload(), terms(), 10_000))
    assert raised.value.reason == "key_unreadable"
    assert "Bearer sk-test-key\r\n" in provider.heads[0]
    assert entries(tmp_path, "key") == []


def test_a_key_may_be_a_credential_of_systemds(tmp_path):
    file = folder(tmp_path, "https://localhost:1/v1")
    file.write_text(file.read_text().replace('api_key_file = "api.key"', 'api_key_credential = "provider_cloud"'))
    handed_over = tmp_path / "credentials"
    handed_over.mkdir()
    (handed_over / "provider_cloud").write_text("sk-handed-over")
    (handed_over / "provider_cloud").chmod(0o400)
    settings, _ = config.load(file)
    assert build.prepare(settings, handed_over).keys["cloud"]() == "sk-handed-over"
    with pytest.raises(config.ConfigError, match="provider cloud: credential provider_cloud"):
        build.prepare(settings)
