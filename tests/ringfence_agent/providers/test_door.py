"""The door's own rules, without a network."""

import httpx2
import pytest

from fakes.provider import HANG, StandInProvider, answer, failure, head
from fakes.proxy import FakeProxy
from ringfence_agent.providers import ProviderError, Tally
from ringfence_agent.providers.caps import EVENT_STREAM
from ringfence_agent.providers.door import Call, Exchange
from ringfence_agent.providers.rates import Rate
from ringfence_agent.providers.trust import Trust


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


CHAT = Call("/v1/chat/completions", EVENT_STREAM, lambda key: ((b"Authorization", f"Bearer {key}".encode()),), b"{}")


@pytest.mark.parametrize("status", [200, 429])
async def test_what_an_answer_says_of_its_rates_is_kept_and_the_sdk_sees_none_of_it(standin, ask, status):
    said = ("x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 1m")
    standin.script = [answer("yes", headers=said) if status == 200 else failure(status, *said)]
    response, _, tally = await ask(standin)
    assert response.status_code == status
    assert tally.rates == (Rate("requests", 0, 60, 60_000),)
    assert not any(name.startswith("x-ratelimit") for name in response.headers)


async def test_a_redirect_is_told_and_not_followed(standin, ask):
    """Not its place either: nothing of `Location` comes through."""
    async with StandInProvider(standin.certs) as elsewhere:
        standin.script = [failure(307, f"Location: {elsewhere.base_url}/chat/completions")]
        response, *_ = await ask(standin)
        assert response.status_code == 307
        assert "location" not in response.headers
        assert elsewhere.connections == 0


async def test_alternatives_and_cookies_of_an_answer_have_no_effect(standin, door_to):
    """The next request goes where the first went, and carries nothing that the answer set."""
    async with StandInProvider(standin.certs) as elsewhere, door_to(standin) as door:
        headers = ("Content-Type: text/event-stream", f'Alt-Svc: h2="localhost:{elsewhere.port}"', "Set-Cookie: a=b")
        standin.script = [[head(200, *headers)]]
        for _ in range(2):
            response = await door.send(CHAT, Tally())
            await response.aread()
            await response.aclose()
            assert not {"alt-svc", "set-cookie"} & set(response.headers)
        assert standin.heads[0] == standin.heads[1]
        assert "ookie" not in standin.heads[1]
        assert elsewhere.connections == 0


async def test_proxy_variables_have_no_effect(standin, ask, monkeypatch):
    async with FakeProxy() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        response, *_ = await ask(standin)
    assert response.status_code == 200
    assert proxy.heads == []


async def test_variables_that_name_authorities_have_no_effect(standin, ask, monkeypatch, certs):
    """OpenSSL's own variables would add to whom a default context trusts; the door's is none."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certs / "provider-ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(certs))
    with pytest.raises(ProviderError):
        await ask(standin, trust=Trust(certs / "ca.pem"))
    assert standin.raw == b""


async def test_a_new_key_is_for_requests_that_begin_after_it(standin, door_to):
    """One in flight goes on with the old one."""
    keys = ["sk-old"]
    standin.script = [[head(200, "Content-Type: text/event-stream"), b"data: x\n\n", HANG], answer("Hello")]
    async with door_to(standin, key=lambda: keys[0]) as door:
        flying = await door.send(CHAT, Tally())
        pieces = aiter(flying.stream)
        assert await anext(pieces) == b"data: x\n\n"
        keys[0] = "sk-new"
        later = await door.send(CHAT, Tally())
        await later.aread()
        assert not standin.hung_up.is_set()
        await flying.aclose()
    assert ["sk-old" in one for one in standin.heads] == [True, False]
    assert "Authorization: Bearer sk-new\r\n" in standin.heads[1]


async def test_bytes_count_as_out_once_there_is_a_connection(standin, ask):
    _, _, tally = await ask(standin, b"x" * 100)
    assert tally.bytes_out == 100


async def test_nothing_counts_as_out_where_there_is_no_connection(standin, door_to, certs):
    tally = Tally()
    async with door_to(standin, trust=Trust(certs / "ca.pem")) as door:
        with pytest.raises(ProviderError):
            await door.send(CHAT._replace(body=b"x" * 100), tally)
    assert tally.bytes_out == 0
