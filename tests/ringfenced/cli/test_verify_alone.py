"""The verifier is one file: short, without anything but the standard library, and its mathematics is everybody's."""

import ast
import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from sigstore._internal import merkle

from fakes.egresslog import ORIGIN, entry, intent, ordinary, signed, tree_of, write, write_key
from ringfence.cosignature import Cosigner, cosign
from ringfence.translog import ProofError, open_checkpoint
from ringfenced.cli import verify
from ringfenced.cli.verify import Invalid, Key, Roots, ed25519_holds, open_note, read_key

FILE = Path(verify.__file__)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = KEY.public_key().public_bytes_raw()
OWN = Key(ORIGIN, verify.ED25519, RAW)
LOG = ordinary()
ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_has_at_most_500_lines():
    assert len(FILE.read_text().splitlines()) <= 500


def test_it_imports_the_standard_library_alone():
    modules = set()
    for node in ast.walk(ast.parse(FILE.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module)
    assert modules
    assert {name.partition(".")[0] for name in modules} <= sys.stdlib_module_names


def alone(folder, *more):
    """The file as an auditor runs it: a copy, Python's isolated mode, no installed package."""
    copy = folder / "ringfence-verify.py"
    copy.write_bytes(FILE.read_bytes())
    command = [sys.executable, "-I", "-S", str(copy), "--log", str(folder / "log"), "--key", str(folder / "log.pub")]
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "log", LOG, signed(LOG, KEY))
    write_key(tmp_path / "log.pub", KEY)
    (tmp_path / "kept").write_text(signed(LOG[:7], KEY))
    return tmp_path


def test_alone_it_verifies_a_whole_log(folder):
    result = alone(folder, "--checkpoint", str(folder / "kept"))
    assert (result.returncode, result.stderr) == (0, "")
    assert "the log is whole" in result.stdout
    assert "kept checkpoint kept: the first 7 entries are the ones signed" in result.stdout


def test_alone_it_says_what_is_wrong(folder):
    write(folder / "log", [*LOG[:4], LOG[4].replace(b"answered", b"failed00"), *LOG[5:]], signed(LOG, KEY))
    result = alone(folder)
    assert result.returncode == 1
    assert "FAILED root" in result.stdout
    assert "THE LOG IS NOT WHOLE" in result.stdout
    assert "no older checkpoint was given" in result.stdout


def test_alone_it_says_what_it_cannot_read(folder):
    (folder / "log" / "entries-000001.ndjson").unlink()
    assert "is missing" in alone(folder).stderr
    (folder / "log" / "checkpoint").unlink()
    assert alone(folder).returncode == 2
    (folder / "log.pub").write_text("x")
    assert alone(folder).returncode == 2


def test_alone_it_demands_the_cosignature_of_a_witness(folder):
    """It lies beside the checkpoint, over an older tree."""
    key = Ed25519PrivateKey.generate()
    witness = Cosigner("site.example/witness", key.public_key()).vkey
    missing = alone(folder, "--witness", witness)
    assert missing.returncode == 1
    assert "no signature of site.example/witness's key" in missing.stdout
    note = signed(LOG[:8], KEY)
    (folder / "log" / "checkpoint.cosigned").write_text(note + cosign(note, ORIGIN, "site.example/witness", key, 7))
    assert "witness site.example/witness: the first 8 entries" in alone(folder, "--witness", witness).stdout
    forked = [*LOG[:7], entry(7, "start", cut_bytes=1)]
    note = signed(forked, KEY)
    (folder / "log" / "checkpoint.cosigned").write_text(note + cosign(note, ORIGIN, "site.example/witness", key, 7))
    assert "forked" in alone(folder, "--witness", witness).stdout


def test_alone_it_does_not_take_a_cosigned_checkpoint_that_cannot_be_read_for_none(folder):
    (folder / "log" / "checkpoint.cosigned").symlink_to("not mounted")
    result = alone(folder)
    assert result.returncode == 2
    assert "No such file" in result.stderr


def test_a_key_that_it_cannot_use_is_refused_with_what_can(folder):
    mldsa = Cosigner("site.example/witness", MLDSA44PrivateKey.generate().public_key()).vkey
    result = alone(folder, "--witness", mldsa)
    assert result.returncode == 2
    assert "ringfence audit verify" in result.stderr


# ── Ed25519 ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SMALL_ORDER = [
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
]
"""The eight points of small order, as RFC 8032 encodes them."""


def oracle(raw, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_the_vectors_of_rfc_8032():
    """Section 7.1, tests 1 to 3."""
    for public, message, signature in (
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            (
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ),
    ):
        assert ed25519_holds(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


@settings(max_examples=25)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_what_others_sign_holds(seed, message):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert ed25519_holds(key.public_key().public_bytes_raw(), message, key.sign(message))


@settings(max_examples=60)
@given(st.integers(0, 96 * 8 - 1))
def test_a_flipped_bit_anywhere_agrees_with_the_oracle_that_it_is_wrong(bit):
    data = bytearray(RAW + KEY.sign(b"message"))
    data[bit // 8] ^= 1 << bit % 8
    raw, signature = bytes(data[:32]), bytes(data[32:])
    assert not ed25519_holds(raw, b"message", signature)
    assert not oracle(raw, b"message", signature)


def test_s_must_be_below_the_order():
    """S + L satisfies the equation as well; a signature would then have more than one form."""
    signature = KEY.sign(b"message")
    s = int.from_bytes(signature[32:], "little")
    for other in (s + ORDER, s + 2 * ORDER, ORDER, 2**256 - 1):
        bent = signature[:32] + (other % 2**256).to_bytes(32, "little")
        assert not ed25519_holds(RAW, b"message", bent)
        assert not oracle(RAW, b"message", bent)


@pytest.mark.parametrize("length", [0, 31, 32, 63, 65, 96])
def test_a_signature_has_64_bytes_and_a_key_32(length):
    signature = (KEY.sign(b"m") * 2)[:length]
    assert not ed25519_holds(RAW, b"m", signature)
    assert not ed25519_holds((RAW * 3)[: length if length != 32 else 33], b"m", KEY.sign(b"m"))


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=lambda raw: raw.hex()[:8] + raw.hex()[-2:])
def test_a_key_of_small_order_signs_nothing(raw):
    """With R one of the eight points and S = 0 a cofactorless equation holds for one message in eight, or for all."""
    messages = [str(number).encode() for number in range(8)]
    forged = [(message, r + bytes(32)) for message in messages for r in SMALL_ORDER]
    assert not any(ed25519_holds(raw, message, signature) for message, signature in forged)


def test_the_neutral_key_would_sign_everything_elsewhere():
    """What the rule above is for: another library, which follows RFC 8032 to the letter, takes this."""
    forged = SMALL_ORDER[0] + bytes(32)
    assert oracle(SMALL_ORDER[0], b"anything", forged)
    assert not ed25519_holds(SMALL_ORDER[0], b"anything", forged)


def test_a_point_has_one_encoding():
    """y and y + p are the same number; of the fields of 2^255 only 19 have two forms."""
    for y in range(19):
        for sign in (0, 1 << 255):
            raw = (y + P | sign).to_bytes(32, "little")
            assert verify._decoded(raw) is None
    assert verify._decoded((1 | 1 << 255).to_bytes(32, "little")) is None  # x = 0 has no sign


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32))
def test_arbitrary_bytes_are_a_point_that_encodes_to_them_or_none(raw):
    point = verify._decoded(raw)
    assert point is None or verify._encoded(point) == raw


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64), st.sampled_from(SMALL_ORDER))
def test_what_it_takes_others_take(raw, signature, small):
    for one in (signature, small + signature[32:], small + bytes(32)):
        assert ed25519_holds(raw, b"m", one) <= oracle(raw, b"m", one)


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def roots(entries, sizes):
    made = Roots(sizes)
    for one in entries:
        made.append(one)
    return made.at


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=20), max_size=70))
def test_every_root_is_pymerkles_and_ours(entries):
    tree = InmemoryTree(algorithm="sha256")
    for one in entries:
        tree.append_entry(one)
    found = roots(entries, range(len(entries) + 1))
    for size in range(len(entries) + 1):
        assert found[size] == tree_of(entries[:size]).root()
        if size:
            assert found[size] == tree.get_root(size)


@settings(max_examples=30)
@given(st.integers(1, 80), st.data())
def test_every_root_is_the_one_that_sigstore_reaches(size, data):
    entries = [str(number).encode() for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = list(tree_of(entries).inclusion(index, size))
    inner, _ = merkle._decomp_inclusion_proof(index, size)
    leaf = hashlib.sha256(b"\x00" + entries[index]).digest()
    reached = merkle._chain_border_right(merkle._chain_inner(leaf, path[:inner], index), path[inner:])
    assert roots(entries, [size])[size] == reached


def test_a_size_that_was_not_reached_has_no_root():
    assert roots([b"one"], [0, 1, 2]) == {0: hashlib.sha256().digest(), 1: tree_of([b"one"]).root(), 2: None}


# ── keys and notes ───────────────────────────────────────────────────────────────────────────────────────────────────


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_key_is_read_from_pem_and_from_a_verifier_key():
    assert read_key(pem(KEY)) == Key("", verify.ED25519, RAW)
    name = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"  # C2SP signed-note's own example
    assert read_key(name).name == "PeterNeumann"
    witness = Cosigner("w.example", KEY.public_key()).vkey
    assert read_key(witness) == Key("w.example", verify.COSIGNATURE, RAW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b+c",
        "a+00000000+ATJ0",
        pem(X25519PrivateKey.generate()),
        pem(MLDSA44PrivateKey.generate()),
        pem(KEY).replace("MCow", "MCox"),
        pem(KEY).replace("PUBLIC", "PRIVATE"),
        pem(KEY) + pem(KEY),
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(Invalid):
        read_key(text)


def agree(note):
    """What this file makes of a note, and the rest of the product; they must agree on what they accept."""
    try:
        mine = open_note(note, ORIGIN, OWN)
        found = (mine.size, mine.root)
    except Invalid:
        found = None
    try:
        other = open_checkpoint(note, ORIGIN, KEY.public_key())
        expected = (other.size, other.root)
    except ProofError:
        expected = None
    return found, expected


@settings(max_examples=150)
@given(st.data())
def test_a_changed_note_is_refused_where_the_rest_of_the_product_refuses_it(data):
    note = signed(LOG, KEY)
    place = data.draw(st.integers(0, len(note) - 1))
    sign = data.draw(st.characters(codec="utf-8").filter(lambda one: one != note[place]))
    found, expected = agree(note[:place] + sign + note[place + 1 :])
    assert found is None or found == expected


@given(st.text(max_size=100))
def test_arbitrary_text_is_no_note(text):
    assert agree(text) == (None, None)


def test_notes_with_lines_of_others_and_with_extensions_are_read_alike():
    note = signed(LOG, KEY)
    text, lines = note.split("\n\n")
    other = f"— witness.example {base64.b64encode(bytes(76)).decode()}\n"
    assert agree(f"{text}\n\n{other}{lines}{other}")[0] == agree(note)[1]
    extended = f"{text}\nextension\n"
    line = base64.b64encode(verify.key_id(ORIGIN, b"\x01", RAW) + KEY.sign(extended.encode())).decode()
    found, expected = agree(f"{extended}\n— {ORIGIN} {line}\n")
    assert found == expected
    assert found is not None


@pytest.mark.parametrize("size", ["007", "+7", " 7", "7.0", "1e3", "-1", "٣", "", "9" * 20])
def test_a_size_has_one_form(size):
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"
    line = base64.b64encode(verify.key_id(ORIGIN, b"\x01", RAW) + KEY.sign(text.encode())).decode()
    assert agree(f"{text}\n— {ORIGIN} {line}\n") == (None, None)


# ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def failed(*entries):
    log = [LOG[0], *entries]
    report = verify.verify(log, signed(log, KEY), [], RAW, ORIGIN)
    return {check.name for check in report.checks if not check.ok}


def with_fields(index, kind, **fields):
    return entry(index, kind, **fields)


@pytest.mark.parametrize("commitment", ["a" * 63, "A" * 64, "g" * 64, 7, ["a" * 64], ""])
def test_a_commitment_is_a_digest(commitment):
    one = with_fields(1, "intent", permit_sha256="p", label={"level": "PUBLIC"}, commitment=commitment)
    assert failed(one) == {"fields"}
    assert not failed(with_fields(1, "intent", permit_sha256="p", label={"level": "PUBLIC"}, commitment="a" * 64))


ODD = [None, "RESTRICTED", "PUBLIC", ["PUBLIC"], {}, {"categories": ["PHI"]}]
ODD += [
    {"level": level} for level in ("restricted", "public", "", "SECRET", 0, 4, True, None, ["PUBLIC"], {"PUBLIC": 1})
]


@pytest.mark.parametrize("label", [*ODD, ...])
def test_what_left_under_no_label_that_is_one_is_not_taken_for_allowed(label):
    """The agent writes one of four names; a log that says anything else there hides what it let out."""
    fields = {} if label is ... else {"label": label}
    assert failed(with_fields(1, "intent", permit_sha256="p", **fields)) == {"floor"}


@pytest.mark.parametrize("level", ["PUBLIC", "INTERNAL", "CONFIDENTIAL"])
def test_what_may_leave_under_its_label_does(level):
    assert not failed(intent(1, "a", level=level))
    assert not failed(with_fields(1, "intent", permit_sha256="p", label={"level": level, "later": [1]}))


@pytest.mark.parametrize("permit", [None, "", 7, ["p"], ...])
def test_an_intent_names_its_permit(permit):
    """Else nobody could tell whether that was used twice."""
    fields = {} if permit is ... else {"permit_sha256": permit}
    assert failed(with_fields(1, "intent", label={"level": "PUBLIC"}, **fields)) == {"fields"}


@pytest.mark.parametrize("end", [None, "", "ANSWERED", "answered ", 1, ["answered"], ...])
def test_an_outcome_says_what_became_of_it(end):
    """Else an answer that came under lockdown could pass for something else."""
    fields = {} if end is ... else {"outcome": end}
    assert failed(intent(1, "a"), entry(2, "outcome", intent=1, permit_sha256="a", **fields)) == {"fields"}


@pytest.mark.parametrize(
    ("attempts", "ok"), [(0, True), (3, True), (-1, False), ("3", False), (True, False), (10_000, False)]
)
def test_attempts_are_a_small_number(attempts, ok):
    one = entry(2, "outcome", intent=1, permit_sha256="a", outcome="answered", attempts=attempts)
    assert (failed(intent(1, "a"), one) == set()) is ok


def test_a_change_of_keys_says_whose_by_whom_and_which():
    whole = {"provider": "cloud", "caller": "c-1", "fingerprint": "00ff"}
    assert not failed(entry(1, "key", **whole))
    for name in whole:
        assert failed(entry(1, "key", **{**whole, name: 1})) == {"fields"}
        assert failed(entry(1, "key", **{other: value for other, value in whole.items() if other != name})) == {
            "fields"
        }


@pytest.mark.parametrize("on", [2, True, "1", None])
def test_a_lockdown_stops_or_allows(on):
    assert failed(entry(1, "lockdown", on=on, why="", caller="c")) == {"fields"}


def lockdown(index, on, **more):
    return entry(index, "lockdown", on=on, why="drill", caller="c", **more)


def answered(index, of, permit="a", end="answered"):
    return entry(index, "outcome", intent=of, permit_sha256=permit, outcome=end)


def test_no_provider_answers_what_began_under_lockdown():
    assert failed(lockdown(1, 1), intent(2, "a"), answered(3, 2)) == {"floor"}
    assert not failed(lockdown(1, 1), intent(2, "a"), answered(3, 2, end="cancelled"))
    assert not failed(intent(1, "a"), lockdown(2, 1), answered(3, 1))
    assert not failed(lockdown(1, 1), lockdown(2, 0), intent(3, "a"), answered(4, 3))


def test_an_order_that_waits_for_more_operators_changes_nothing():
    assert not failed(lockdown(1, 1, missing=1), intent(2, "a"), answered(3, 2))
    assert failed(lockdown(1, 1), lockdown(2, 0, missing=1), intent(3, "a"), answered(4, 3)) == {"floor"}


@pytest.mark.parametrize("missing", [-1, True, "1", [1]])
def test_how_many_operators_an_order_waits_for_is_a_number(missing):
    assert failed(lockdown(1, 1, missing=missing), intent(2, "a"), answered(3, 2)) == {"fields"}


@pytest.mark.parametrize("missing", [None, 0, "", []])
def test_an_order_that_waits_for_nobody_holds(missing):
    assert "floor" in failed(lockdown(1, 1, missing=missing), intent(2, "a"), answered(3, 2))


def test_kinds_and_fields_of_a_later_version_1_are_no_problem():
    assert not failed(entry(1, "moon", phase=3), entry(2, "refusal", reasons=[], weather={"sun": 1}))
