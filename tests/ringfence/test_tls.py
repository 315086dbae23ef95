"""Who is at the other end, and that TLS 1.2 is asked away in time."""

import subprocess
import sys

import pytest

from ringfence.tls import peer_identity, peer_of
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
