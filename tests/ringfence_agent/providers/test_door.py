"""The door's own rules, without a network."""

import httpx2
import pytest

from ringfence_agent.providers import ProviderError, Tally
from ringfence_agent.providers.door import CheckedNetwork, Exchange, is_global


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
    ],
)
def test_only_the_internets_addresses_are_global(address, allowed):
    assert is_global(address) is allowed


async def test_a_name_that_leads_inside_is_not_connected_to():
    with pytest.raises(ProviderError, match="not global"):
        await CheckedNetwork(allow_private=False).connect_tcp("localhost", 443)


class Door:
    sent = ()

    async def send(self, body, _tally):
        self.sent = (*self.sent, body)
        return httpx2.Response(200)


async def test_an_exchange_sends_the_judged_body_once_and_nothing_else():
    """An SDK that changes the body, asks again, or asks otherwise sends nothing."""
    for method, body in (("POST", b"changed"), ("GET", b"judged")):
        door = Door()
        with pytest.raises(ProviderError, match="not judged"):
            await Exchange(door, b"judged", Tally()).handle_async_request(
                httpx2.Request(method, "https://anywhere", content=body)
            )
        assert door.sent == ()
    door = Door()
    exchange = Exchange(door, b"judged", Tally())
    request = httpx2.Request("POST", "https://anywhere", content=b"judged")
    await exchange.handle_async_request(request)
    with pytest.raises(ProviderError):
        await exchange.handle_async_request(request)
    assert door.sent == (b"judged",)
