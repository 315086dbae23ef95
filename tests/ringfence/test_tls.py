"""Who is at the other end, and that TLS 1.2 is asked away in time."""

import socket
import subprocess
import sys

import grpc
import pytest

from ringfence.tls import channel_options, peer_identity, peer_of
from ringfence.tls13 import CIPHER_SUITES, CIPHER_VARIABLE, require_tls13

ME = b"spiffe://site.example/daemon"


@pytest.mark.parametrize(
    ("uris", "identity"),
    [
        ((ME,), ME.decode()),
        ((), None),
        ((ME, b"spiffe://site.example/other"), None),
        ((b"https://site.example/daemon",), None),
        ((b"spiffe://site.example",), None),
        ((b"spiffe:///daemon",), None),
        ((b"spiffe://site.example/d\xc3\xa4mon",), None),
    ],
)
def test_an_identity_is_the_one_spiffe_uri_of_the_certificate(uris, identity):
    assert peer_identity({"peer_uri": list(uris)}) == identity


def test_version_and_group_are_told_where_grpc_tells_them():
    context = {"ssl_tls_version": [b"TLSv1.3"], "ssl_negotiated_key_exchange_group": [b"X25519MLKEM768"]}
    peer = peer_of(context)
    assert (peer.identity, peer.tls_version, peer.key_exchange_group) == (None, "TLSv1.3", "X25519MLKEM768")
    assert peer_of({}).tls_version == ""


def test_asking_too_late_is_an_error_and_asking_twice_is_not():
    """gRPC is imported here, and would not look again."""
    with pytest.raises(RuntimeError, match="before grpc"):
        require_tls13({})
    require_tls13({CIPHER_VARIABLE: CIPHER_SUITES})


def test_asking_in_time_sets_the_variable():
    code = "import os; from ringfence.tls13 import *; require_tls13(os.environ); print(os.environ[CIPHER_VARIABLE])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == CIPHER_SUITES


@pytest.fixture
def proxy(monkeypatch):
    """Somebody who listens where the variables of the environment say that the proxy is."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(5)
        for name in ("grpc_proxy", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{listening.getsockname()[1]}")
        for name in ("no_grpc_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield listening


@pytest.fixture
def nobody():
    """A target where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_channel_goes_straight_whatever_proxy_the_environment_names(proxy, nobody):
    """A proxy would learn who speaks with whom, and could keep the daemon from its agent."""
    with grpc.insecure_channel(nobody, options=channel_options(2**20, "localhost")) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/t/T")(b"", timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    proxy.settimeout(0)
    with pytest.raises(BlockingIOError):
        proxy.accept()


def test_a_channel_without_our_options_would_go_by_the_proxy(proxy, nobody):
    """Else the test above shows nothing."""
    with grpc.insecure_channel(nobody) as channel:
        call = channel.unary_unary("/t/T").future(b"", timeout=5)
        accepted, _ = proxy.accept()
        with accepted:
            assert accepted.recv(7) == b"CONNECT"
        call.cancel()
