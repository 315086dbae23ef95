"""A permit holds for one payload, one key and one short time; everything else is refused by name."""

import dataclasses
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level
from ringfence.permit import DOMAIN, LIFETIME_MS, SKEW_MS, Permit, PermitError, Statement, sign, verify
from ringfence.recognize import ENTITIES
from ringfence.v1 import egress_pb2

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEYS = {"permit-1": KEY.public_key()}
PAYLOAD = b"the payload"
NOW = 1_800_000_000_000


def statement(**changes):
    plain = Statement(
        payload_sha256=hashlib.sha256(PAYLOAD).digest(),
        payload_bytes=len(PAYLOAD),
        provider="cloud",
        model="gpt",
        label=Label(Level.INTERNAL),
        label_before=Label(Level.CONFIDENTIAL, frozenset({Category.PHI, Category.PII})),
        caller_pseudonym="c-1",
        department="ward",
        request_id="r-1",
        issued_at_unix_ms=NOW,
        expires_at_unix_ms=NOW + LIFETIME_MS,
        nonce=bytes(range(16)),
        key_id="permit-1",
        findings_by_type={"PERSON": 2, "MRN": 1},
        decision_reason="cheapest",
        cost_microcredits_max=12,
    )
    return dataclasses.replace(plain, **changes)


def resigned(data):
    return Permit(data, KEY.sign(DOMAIN + data))


def rule_of(permit, payload=PAYLOAD, now=NOW, keys=KEYS):
    with pytest.raises(PermitError) as caught:
        verify(permit, keys, payload, now)
    return caught.value.rule


def test_what_is_signed_is_what_is_verified():
    assert verify(sign(statement(), KEY), KEYS, PAYLOAD, NOW) == statement()


def test_the_signature_is_over_the_domain_and_the_statement():
    permit = sign(statement(), KEY)
    KEY.public_key().verify(permit.signature, b"ringfence permit v1\n" + permit.statement)
    assert rule_of(Permit(permit.statement, KEY.sign(permit.statement))) == "signature"


def test_another_key_or_an_unknown_key_id_is_refused():
    other = Ed25519PrivateKey.generate()
    assert rule_of(sign(statement(), other)) == "signature"
    assert rule_of(sign(statement(key_id="permit-2"), KEY)) == "key"


def test_another_payload_is_refused_by_digest_and_by_length():
    permit = sign(statement(), KEY)
    assert rule_of(permit, payload=b"The payload") == "payload"
    assert rule_of(sign(statement(payload_bytes=10), KEY)) == "payload"


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        (NOW - SKEW_MS - 1, False),
        (NOW - SKEW_MS, True),
        (NOW + LIFETIME_MS + SKEW_MS - 1, True),
        (NOW + LIFETIME_MS + SKEW_MS, False),
    ],
)
def test_a_permit_holds_between_its_times_give_or_take_the_skew(now, holds):
    permit = sign(statement(), KEY)
    if holds:
        verify(permit, KEYS, PAYLOAD, now)
    else:
        assert rule_of(permit, now=now) == "freshness"


@pytest.mark.parametrize("lifetime", [0, -1, LIFETIME_MS + 1])
def test_no_permit_holds_longer_than_thirty_seconds_or_ends_before_it_begins(lifetime):
    assert rule_of(sign(statement(expires_at_unix_ms=NOW + lifetime), KEY)) == "freshness"


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_nonce_has_sixteen_bytes(length):
    assert rule_of(sign(statement(nonce=bytes(length)), KEY)) == "nonce"


def test_unknown_fields_are_refused_at_every_depth():
    """A field that this version does not know could say anything; also inside the label."""
    data = sign(statement(), KEY).statement
    assert rule_of(resigned(data + b"\xfa\x07\x03abc")) == "statement"
    message = egress_pb2.PermitStatement.FromString(data)
    label = message.label.SerializeToString() + b"\xfa\x07\x03abc"
    message.ClearField("label")
    smuggled = message.SerializeToString() + b"\x22" + bytes([len(label)]) + label
    assert rule_of(resigned(smuggled)) == "statement"


def test_a_field_that_comes_twice_is_refused():
    """Parsers take the last; whoever read the first would have seen something else."""
    data = sign(statement(), KEY).statement
    assert rule_of(resigned(data + egress_pb2.PermitStatement(provider="other").SerializeToString())) == "statement"


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": ""},
        {"provider": "https://evil.example"},
        {"provider": "cloud\r\nHost: evil"},
        {"model": ""},
        {"model": "gpt "},
        {"model": "g\u200bpt"},
        {"key_id": "k\n"},
        {"request_id": ""},
        {"request_id": "524-71-6038"},
        {"request_id": "4111111111111111"},
        {"request_id": "RobertJohnson"},
        {"request_id": "robert-johnson"},
        {"department": "x" * 129},
        {"department": "Mr John Smith"},
        {"caller_pseudonym": "two\nlines"},
        {"caller_pseudonym": "jane.doe@hospital.org"},
        {"findings_by_type": {"a\x00b": 1}},
        {"findings_by_type": {"SSN 524-71-6038": 1}},
        {"findings_by_type": {"C12345678": 1}},
        {"findings_by_type": {f"T{chr(65 + number // 26)}{chr(65 + number % 26)}": 1 for number in range(129)}},
        {"decision_reason": "x" * 129},
        {"decision_reason": "the card is 4111 1111 1111 1111"},
        {"decision_reason": "two\nlines"},
        {"cost_microcredits_max": -1},
        {"issued_at_unix_ms": -1},
        {"payload_bytes": -1},
    ],
)
def test_values_out_of_range_are_refused_already_when_signing(changes):
    with pytest.raises(PermitError) as caught:
        sign(statement(**changes), KEY)
    assert caught.value.rule == "statement"


@pytest.mark.parametrize("name", ["request_id", "caller_pseudonym"])
@pytest.mark.parametrize("value", ["0123456789abcdef01234567", "f" * 64, "r-1", "c1", "operator-2", "r"])
def test_ids_are_hexadecimal_or_a_short_word_with_a_number(name, value):
    permit = sign(statement(**{name: value}), KEY)
    assert getattr(verify(permit, KEYS, PAYLOAD, NOW), name) == value


@pytest.mark.parametrize(
    "reason",
    [
        "next rung, if the one before falls short",
        "cheap to try; its answer is evaluated",
        "the cheapest that is allowed, good enough and in time",
        "",
    ],
)
def test_the_reasons_that_a_daemon_gives_have_the_shape_of_one(reason):
    assert sign(statement(decision_reason=reason), KEY)


def test_every_type_of_findings_may_be_named():
    assert sign(statement(findings_by_type=dict.fromkeys(ENTITIES, 1)), KEY)


def test_a_label_without_a_level_or_with_an_unknown_one_is_refused():
    message = egress_pb2.PermitStatement.FromString(sign(statement(), KEY).statement)
    for level in (0, 9):
        message.label.level = level
        assert rule_of(resigned(message.SerializeToString())) == "statement"


@given(st.data())
def test_no_flipped_bit_passes(data):
    """In the statement or in the signature, any single bit: refused."""
    permit = sign(statement(), KEY)
    part = data.draw(st.sampled_from([0, 1]))
    bits = bytearray(permit[part])
    place = data.draw(st.integers(0, len(bits) * 8 - 1))
    bits[place // 8] ^= 1 << place % 8
    bent = Permit(bytes(bits), permit.signature) if part == 0 else Permit(permit.statement, bytes(bits))
    assert rule_of(bent) in {"signature", "statement", "key"}


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_no_bytes_make_the_verifier_raise_anything_else(data, signature):
    with pytest.raises(PermitError):
        verify(Permit(data, signature), KEYS, PAYLOAD, NOW)


def test_an_error_says_nothing_of_the_payload_or_the_statement():
    permit = sign(statement(request_id="secret-1"), KEY)
    with pytest.raises(PermitError) as caught:
        verify(permit, KEYS, b"patient data", NOW)
    assert "secret" not in str(caught.value)
    assert "patient" not in repr(caught.value)
