"""Real providers of each family, made as the agent makes them, and bare doors, before a stand-in with real TLS."""

import contextlib
import hashlib

import pytest

from fakes.certs import write_fresh
from fakes.families import FAMILIES
from fakes.provider import StandInProvider
from ringfence.configfile import ConfigError
from ringfence.v1 import egress_pb2, types_pb2
from ringfence_agent.config_provider import Clearance, ProviderConfig
from ringfence_agent.decode import decode
from ringfence_agent.providers import Tally
from ringfence_agent.providers.caps import EVENT_STREAM, Caps
from ringfence_agent.providers.door import Call, Door, DoorSettings
from ringfence_agent.providers.make import make
from ringfence_agent.providers.trust import Trust


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return write_fresh(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def approved_picture():
    """A payload with a picture, and the digests that approve it."""
    data = b"\x89PNG\r\n\x1a\n\xfb\xef\xbe"
    message = hello("See:")
    message.messages[0].parts.add().image.CopyFrom(types_pb2.Image(data=data, media_type="image/png"))
    return message, frozenset({hashlib.sha256(data).hexdigest()})


class Asked:
    """A provider of one family and the stand-in that it asks."""

    def __init__(self, family, stand_in, provider):
        self.family = family
        self.stand_in = stand_in
        self.provider = provider
        self.tally = Tally()

    async def ask(self, message=None, *, embeds=False, seconds_max=20.0):
        """Encode and send; every piece of the answer."""
        return [piece async for piece in self.sending(message, embeds=embeds, seconds_max=seconds_max)]

    @staticmethod
    def decoded(message, approved=frozenset()):
        return decode(message.SerializeToString(), approved)

    def sending(self, message=None, *, embeds=False, seconds_max=20.0, approved=frozenset()):
        model = self.family.embedding_model if embeds else self.family.model
        self.body = self.provider.encode(self.decoded(message or hello(), approved), model)
        return self.provider.send(model, self.body, self.tally, seconds_max)


def hello(*texts):
    message = egress_pb2.EgressPayload()
    one = message.messages.add(role=2)
    for text in texts or ("What?",):
        one.parts.add(text=text)
    return message


def settings(family, base_url, **changes):
    """A family's configuration."""
    embeds = {"embedding_models": {"e": family.embedding_model}} if family.embedding_model else {}
    return ProviderConfig(
        **{
            "name": "cloud",
            "kind": family.kind,
            "base_url": base_url + family.prefix,
            "authority": "provider-ca.pem",
            "api_key_file": "api.key",
            "clearance": Clearance(level="INTERNAL"),
            "models": {"m": family.model},
            **embeds,
            **family.settings,
            **changes,
        }
    )


@pytest.fixture
def asking(certs):
    """A function: the name of a family to a context in which one can be asked."""

    class Context:
        def __init__(self, name, *, key=None, response_bytes_max=1 << 20, stand_in=None, **changes):
            self.family = FAMILIES[name]
            self.key = key or self.family.key
            self.bytes_max = response_bytes_max
            self.changes = changes
            self.stand_in = stand_in or StandInProvider(certs)

        async def __aenter__(self):
            stand_in = await self.stand_in.__aenter__()
            config = settings(self.family, f"https://localhost:{stand_in.port}", **self.changes)
            door = DoorSettings(
                url=config.base_url,
                trust=Trust(certs / "provider-ca.pem"),
                caps=Caps(self.bytes_max),
                connect_seconds_max=5.0,
                idle_seconds_max=20.0,
                connections_max=8,
                allow_private_addresses=True,
            )
            try:
                self.provider = make(config, door, lambda: self.key)
            except ConfigError:
                await self.stand_in.__aexit__()
                raise
            return Asked(self.family, stand_in, self.provider)

        async def __aexit__(self, *error):
            await self.provider.aclose()
            await self.stand_in.__aexit__(*error)

    return Context


def bearer(key):
    return ((b"Authorization", b"Bearer " + key.encode()),)


def call(body=b"{}"):
    """A call for a stream."""
    return Call("/v1/chat/completions", EVENT_STREAM, bearer, body)


@pytest.fixture
async def standin(certs):
    async with StandInProvider(certs) as provider:
        yield provider


@pytest.fixture
def door_to(certs):
    """Make a door to a stand-in; `changes` are settings."""

    @contextlib.asynccontextmanager
    async def open_door(provider, key=lambda: "sk-test-key", **changes):
        settings = {
            "url": provider.base_url,
            "trust": Trust(certs / "provider-ca.pem"),
            "caps": Caps(64 * 1024),
            "connect_seconds_max": 5.0,
            "idle_seconds_max": 5.0,
            "connections_max": 4,
            "allow_private_addresses": True,
        }
        door = Door(DoorSettings(**(settings | changes)), key)
        try:
            yield door
        finally:
            await door.aclose()

    return open_door


@pytest.fixture
def ask(door_to):
    """Send a body to a stand-in and read its whole answer; gives status, body and tally."""

    async def send(provider, body=b"{}", **changes):
        tally = Tally()
        async with door_to(provider, **changes) as door:
            response = await door.send(call(body), tally)
            try:
                return response, await response.aread(), tally
            finally:
                await response.aclose()

    return send
