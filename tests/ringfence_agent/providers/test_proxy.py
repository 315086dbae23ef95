"""Through a site's own CONNECT proxy."""

import base64

import pytest

from fakes.proxy import SWALLOW, FakeProxy
from ringfence_agent.providers import ProviderError
from ringfence_agent.providers.proxy import Proxy


def through(proxy, credentials=""):
    return Proxy("localhost", proxy.port, credentials)


async def test_the_proxy_hears_host_and_port_and_sees_nothing_but_tls(standin, ask):
    """No header beyond Host, and not a byte of body or key in the clear."""
    async with FakeProxy() as proxy:
        response, _, _ = await ask(standin, b'{"marker":1}', proxy=through(proxy), allow_private_addresses=False)
    assert response.status_code == 200
    assert proxy.heads == [f"CONNECT localhost:{standin.port} HTTP/1.1\r\nHost: localhost:{standin.port}\r\n\r\n"]
    assert b"marker" not in proxy.passed
    assert b"sk-test-key" not in proxy.passed
    assert b"sk-test-key" in standin.raw


async def test_credentials_are_for_the_proxy_and_stay_there(standin, ask):
    async with FakeProxy() as proxy:
        await ask(standin, proxy=through(proxy, "agent:geheim"))
    told = base64.b64encode(b"agent:geheim").decode()
    assert f"Proxy-Authorization: Basic {told}\r\n" in proxy.heads[0]
    assert told not in standin.raw.decode()
    assert "geheim" not in repr(through(proxy, "agent:geheim"))


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (b"HTTP/1.1 407 No\r\nContent-Length: 6\r\n\r\nsecret", "credentials", "proxy_credentials"),
        (b"HTTP/1.1 403 secret\r\n\r\n", "unreachable", "status 403"),
        (b"HTTP/1.1 302 No\r\nLocation: http://elsewhere/\r\n\r\n", "unreachable", "status 302"),
        (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01 spoken before we did", "unreachable", "no tunnel"),
        (b"secret\r\n\r\n", "unreachable", "no HTTP"),
        (b"HTTP/1.1 503 " + b"x" * 20_000, "unreachable", "does not end"),
        (b"HTTP/1.1 103 Early\r\n\r\n" * 1_000, "unreachable", "does not end"),
    ],
)
async def test_any_other_answer_is_no_tunnel(standin, ask, answer, reason, words):
    async with FakeProxy(answer) as proxy:
        with pytest.raises(ProviderError, match=words) as raised:
            await ask(standin, proxy=through(proxy))
    assert raised.value.reason == reason
    assert "secret" not in str(raised.value)
    assert standin.connections == 0


async def test_a_proxy_that_says_nothing_costs_the_time_limit_of_connecting(standin, ask):
    async with FakeProxy(SWALLOW) as proxy:
        with pytest.raises(ProviderError, match="in time"):
            await ask(standin, proxy=through(proxy), connect_seconds_max=0.1)


async def test_a_proxy_that_is_away_is_named_as_the_proxy(standin, ask):
    async with FakeProxy() as proxy:
        gone = through(proxy)
    with pytest.raises(ProviderError, match="the proxy"):
        await ask(standin, proxy=gone)
