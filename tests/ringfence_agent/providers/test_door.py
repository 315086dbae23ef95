"""The door's own rules, without a network."""

import httpx2
import pytest

from ringfence_agent.providers import ProviderError, Tally
from ringfence_agent.providers.door import Call, CheckedNetwork, Exchange, is_global


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
    def __init__(self):
        self.sent = ()

    async def send(self, call, _tally):
        self.sent = (*self.sent, call)
        return httpx2.Response(200)


URL = "https://provider.example/api"
CALL = Call("/api/path?a=1", "application/json", lambda key: ((b"X-Key", key.encode()),), b'{"a": 1, "b": [2]}')


def exchange(door, call=CALL):
    return Exchange(door, URL, call, Tally())


def asked(method="POST", url="https://provider.example/api/path?a=1", content=CALL.body):
    return httpx2.Request(method, url, content=content)


@pytest.mark.parametrize(
    "request_",
    [
        asked(method="GET"),
        asked(method="PUT"),
        asked(url="http://provider.example/api/path?a=1"),
        asked(url="https://elsewhere.example/api/path?a=1"),
        asked(url="https://provider.example:8443/api/path?a=1"),
        asked(url="https://provider.example/api/path"),
        asked(url="https://provider.example/api/path?a=1&b=2"),
        asked(url="https://provider.example/api/other?a=1"),
        asked(url="https://provider.example/path?a=1"),
        asked(url="https://provider.example/api/path%3Fa=1"),
        asked(content=b'{"a": 1, "b": [3]}'),
        asked(content=b'{"a": 1, "b": [2], "c": 3}'),
        asked(content=b'{"a": 1}'),
        asked(content=CALL.body + b"{}"),
        asked(content=b""),
        asked(content=b"[" * 100_000),
    ],
)
async def test_what_was_not_judged_is_not_sent(request_):
    """Another method, address, path, query or body than the call's."""
    door = Door()
    with pytest.raises(ProviderError, match="not judged"):
        await exchange(door).handle_async_request(request_)
    assert door.sent == ()


@pytest.mark.parametrize("content", [CALL.body, b'{"b":[2],"a":1}', b' {"a":1,"b":[2]}\n'])
async def test_the_judged_bytes_are_what_is_sent(content):
    """Also where the SDK writes the same JSON otherwise."""
    door = Door()
    await exchange(door).handle_async_request(asked(content=content))
    assert door.sent == (CALL,)


async def test_a_body_that_is_no_json_must_be_the_same_bytes():
    door = Door()
    call = CALL._replace(body=b"judged")
    await exchange(door, call).handle_async_request(asked(content=b"judged"))
    assert door.sent == (call,)
    with pytest.raises(ProviderError):
        await exchange(door, call).handle_async_request(asked(content=b"judged "))


async def test_a_call_is_sent_once():
    door = Door()
    one = exchange(door)
    await one.handle_async_request(asked())
    with pytest.raises(ProviderError):
        await one.handle_async_request(asked())
    assert door.sent == (CALL,)


async def test_an_address_with_its_default_port_is_the_same_address():
    door = Door()
    await exchange(door).handle_async_request(asked(url="https://provider.example:443/api/path?a=1"))
    assert door.sent == (CALL,)
