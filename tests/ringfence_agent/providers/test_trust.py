"""Whom a provider's connection trusts."""

import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.certs import write_fresh
from fakes.provider import StandInProvider
from ringfence_agent.providers import ProviderError
from ringfence_agent.providers.trust import POST_QUANTUM_GROUP, Trust, TrustError, _only_post_quantum, pin_of

PINNED_ELSEWHERE = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def pins(path):
    """The pins of every certificate in a PEM file."""
    return [pin_of(one.public_bytes(Encoding.DER)) for one in x509.load_pem_x509_certificates(path.read_bytes())]


def leaf(certs):
    return frozenset(pins(certs / "provider.pem")[:1])


def issuer(certs):
    return frozenset(pins(certs / "provider-ca.pem"))


def test_a_pin_is_what_openssl_makes_of_the_same_certificate(certs):
    """The command in the configuration's error, run for real."""
    command = (
        f"openssl x509 -in {certs / 'provider.pem'} -pubkey -noout | openssl pkey -pubin -outform der "
        "| openssl dgst -sha256 -binary | openssl base64"
    )
    told = subprocess.run(["sh", "-c", command], capture_output=True, check=True, text=True).stdout.strip()
    assert {told} == leaf(certs)


@pytest.mark.parametrize("pinned", [leaf, issuer])
async def test_with_an_authority_the_leaf_or_its_issuer_may_be_pinned(certs, standin, ask, pinned):
    trust = Trust(certs / "provider-ca.pem", pinned(certs) | {PINNED_ELSEWHERE})
    response, *_ = await ask(standin, trust=trust)
    assert response.status_code == 200


@pytest.mark.parametrize("authority", [True, False])
async def test_a_key_that_is_not_pinned_gets_nothing(certs, standin, ask, authority):
    """The handshake succeeds, and not a byte of the request follows it."""
    trust = Trust(certs / "provider-ca.pem" if authority else None, frozenset({PINNED_ELSEWHERE}))
    with pytest.raises(ProviderError, match="not pinned") as raised:
        await ask(standin, trust=trust)
    assert raised.value.reason == "unreachable"
    assert standin.raw == b""


async def test_a_pin_alone_trusts_the_leafs_key(certs, standin, ask):
    response, *_ = await ask(standin, trust=Trust(None, leaf(certs)))
    assert response.status_code == 200


async def test_without_an_authority_an_issuers_pin_trusts_nobody(certs, ask):
    """Nobody verified that the issuer signed anything: who shows its certificate has not its key."""
    whole = (certs / "provider.pem").read_bytes() + (certs / "provider-ca.pem").read_bytes()
    (certs / "chain.pem").write_bytes(whole)
    (certs / "chain.key").write_bytes((certs / "provider.key").read_bytes())
    async with StandInProvider(certs, certificate="chain") as chained:
        with pytest.raises(ProviderError, match="not pinned"):
            await ask(chained, trust=Trust(None, issuer(certs)))
        assert chained.raw == b""


async def test_a_pinned_key_does_not_make_up_for_another_authority(certs, ask, tmp_path):
    async with StandInProvider(write_fresh(tmp_path)) as stranger:
        trust = Trust(certs / "provider-ca.pem", leaf(tmp_path))
        with pytest.raises(ProviderError, match="cannot be reached"):
            await ask(stranger, trust=trust)
        assert stranger.raw == b""


async def test_tls_older_than_1_3_gets_nothing(certs, ask):
    async with StandInProvider(certs, tls_max=ssl.TLSVersion.TLSv1_2) as old:
        with pytest.raises(ProviderError, match=r"1\.3"):
            await ask(old)
        assert old.raw == b""


async def test_a_certificate_of_another_name_gets_nothing(certs, standin, ask):
    """The agent's own authority did not issue it either."""
    with pytest.raises(ProviderError):
        await ask(standin, trust=Trust(certs / "ca.pem"))
    assert standin.raw == b""


def test_without_authority_and_pins_there_is_no_trust():
    with pytest.raises(TrustError):
        Trust(None).context()


class Fifteen:
    """A context as Python 3.15 has it."""

    groups = ""

    def set_groups(self, groups):
        self.groups = groups


def test_demanding_a_post_quantum_key_exchange_offers_nothing_else():
    context = Fifteen()
    _only_post_quantum(context)
    assert context.groups == POST_QUANTUM_GROUP


@pytest.mark.skipif(hasattr(ssl.SSLContext, "set_groups"), reason="this Python can demand it")
def test_where_python_cannot_demand_it_that_is_said_at_the_start(certs):
    with pytest.raises(TrustError, match=r"Python 3\.15"):
        Trust(certs / "provider-ca.pem", demand_post_quantum=True).context()


def test_what_is_no_certificate_has_no_pin():
    assert pin_of(b"secret") == ""
