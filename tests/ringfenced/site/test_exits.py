"""What may be reached, as the agent last said; closed when in doubt, and at once when an operator says so."""

from dataclasses import replace

import pytest

from ringfence.labels import Label, Level
from ringfenced.egress import ProviderModel
from ringfenced.errors import Unavailable
from ringfenced.model import LockdownFacts, OperatorWord
from ringfenced.site.exits import AWAY, AgentExits, NoExits, Spent

OFFER = ProviderModel("acme", "gpt", "eu", Label(Level.INTERNAL), "", available=True)
CLOSED = ProviderModel("acme", "gpt", "eu", Label(Level.INTERNAL), "", available=False)


class Client:
    """A client of an agent that lets everything out until it is told to stop."""

    connection = "TLS 1.3, X25519MLKEM768"

    def __init__(self):
        self.offered = (OFFER,)
        self.fails = None

    async def offers(self):
        if self.fails:
            raise self.fails
        return self.offered

    async def lockdown(self):
        return LockdownFacts(on=self.offered != (OFFER,))

    async def apply_lockdown(self, *, on, reason, by, word):
        self.offered = (CLOSED,) if on else (OFFER,)
        return LockdownFacts(on=on, reason=reason, by=(by,))


class Clock:
    """A node's clock."""

    unix_ms = 1_800_000_000_000

    def __call__(self):
        return self.unix_ms


@pytest.fixture
async def exits():
    exits = AgentExits(Client(), Clock())
    assert exits.closed_reason == AWAY
    await exits.ask()
    assert (exits.closed_reason, exits.exit("acme", "gpt")) == ("", OFFER)
    return exits


async def test_what_is_spent_is_spent_until_its_time_and_no_longer(exits):
    """Between two listings too; and two answers about one moment are one moment, so that nothing seems changed."""
    clock = exits._unix_ms
    assert exits.spent("acme", "gpt") is None
    exits._client.offered = (replace(OFFER, spent_of="tokens", spent_ms=3000),)
    await exits.ask()
    spent = exits.spent("acme", "gpt")
    assert spent == Spent("tokens", clock.unix_ms + 3000)
    clock.unix_ms += 1000
    exits._client.offered = (replace(OFFER, spent_of="tokens", spent_ms=2030),)
    await exits.ask()
    assert exits.spent("acme", "gpt") is spent
    clock.unix_ms += 2000
    assert exits.spent("acme", "gpt") is None
    exits._client.offered = (replace(OFFER, spent_of="requests", spent_ms=9000),)
    await exits.ask()
    assert exits.spent("acme", "gpt").of == "requests"
    exits._client.offered = (OFFER,)
    await exits.ask()
    assert exits.spent("acme", "gpt") is None
    assert NoExits().spent("acme", "gpt") is None


async def test_a_provider_that_the_agent_leaves_alone_is_known_as_such(exits):
    """It is listed, and not reached now; what an order closed is not that."""
    assert not exits.is_resting("acme", "gpt")
    exits._client.offered = (replace(CLOSED, unavailable_reason="breaker"), replace(OFFER, model="other"))
    await exits.ask()
    assert exits.exit("acme", "gpt") is None
    assert exits.is_resting("acme", "gpt")
    assert not exits.is_resting("acme", "other")
    exits._client.offered = (replace(CLOSED, unavailable_reason="lockdown"),)
    await exits.ask()
    assert not exits.is_resting("acme", "gpt")
    assert not NoExits().is_resting("acme", "gpt")


async def test_an_order_is_seen_at_once(exits):
    """Nobody waits for the next look, a second later."""
    assert (await exits.apply_lockdown(on=True, reason="drill", by="o-1", word=OperatorWord())).on
    assert "locked down" in exits.closed_reason
    assert exits.exit("acme", "gpt") is None
    assert (await exits.lockdown()).on
    await exits.apply_lockdown(on=False, reason="over", by="o-1", word=OperatorWord())
    assert (exits.closed_reason, exits.exit("acme", "gpt")) == ("", OFFER)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unavailable("it settled on X25519", reason="agent_key_exchange"), "it settled on X25519"),
        (Unavailable("gone", reason="agent_unavailable"), AWAY),
        (ValueError("a defect"), AWAY),
    ],
)
async def test_whatever_goes_wrong_everything_is_closed(exits, error, reason):
    exits._client.fails = error
    await exits.ask()
    assert (exits.closed_reason, exits.exit("acme", "gpt")) == (reason, None)


async def test_how_the_connection_is_secured_is_told(exits):
    assert exits.connection == "TLS 1.3, X25519MLKEM768"
    assert NoExits().connection == ""


async def test_a_node_without_an_agent_is_stopped_and_takes_no_orders():
    assert (await NoExits().lockdown()).on
    with pytest.raises(Unavailable):
        await NoExits().apply_lockdown(on=False, reason="r", by="o-1", word=OperatorWord())
