"""Only witnesses that the configuration names, only over what this log signed, and never back to an older one."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ringfence.cosignature import Cosigner, cosign, cosigned_at
from ringfence.translog import NOTE_CHARS_MAX, Checkpoint, ProofError, open_checkpoint, sign_checkpoint
from ringfence_agent.cosigned import FILE, Cosigned

ORIGIN = "site.example/egress"
LOG = Ed25519PrivateKey.generate()
SECOND = MLDSA44PrivateKey.generate()
ONE, TWO = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
WITNESSES = (Cosigner("w.example/1", ONE.public_key()), Cosigner("w.example/2", TWO.public_key()))


def note(size, key=LOG):
    return sign_checkpoint(Checkpoint(ORIGIN, size, bytes([size]) * 32), key)


def by(signed, *keys, time=7):
    names = {ONE: "w.example/1", TWO: "w.example/2"}
    return signed + "".join(cosign(signed, ORIGIN, names.get(key, "stranger"), key, time) for key in keys)


def cosigned(tmp_path, **changes):
    settings = {"second_key": None, "witnesses": WITNESSES, **changes}
    return Cosigned(tmp_path, ORIGIN, LOG.public_key(), **settings)


def times(text):
    found = {}
    for witness in WITNESSES:
        try:
            found[witness.name] = cosigned_at(text, ORIGIN, witness)
        except ProofError:
            continue
    return found


async def test_what_a_witness_hands_back_is_published(tmp_path):
    one = cosigned(tmp_path)
    await one.add(by(note(3), ONE))
    text = (tmp_path / FILE).read_bytes().decode()
    assert open_checkpoint(text, ORIGIN, LOG.public_key()).size == 3
    assert times(text) == {"w.example/1": 7}
    assert one.shown(note(3)) == text
    assert one.shown(note(4)) == note(4)


async def test_the_newest_stays_over_restarts_and_late_comers(tmp_path):
    await cosigned(tmp_path).add(by(note(5), ONE))
    again = cosigned(tmp_path)
    await again.add(by(note(4), TWO))
    assert times((tmp_path / FILE).read_bytes().decode()) == {"w.example/1": 7}
    assert times(again.shown(note(5))) == {"w.example/1": 7}


async def test_cosignatures_of_one_checkpoint_come_together_and_the_later_of_one_witness_counts(tmp_path):
    one = cosigned(tmp_path)
    await one.add(by(note(5), ONE))
    await one.add(by(note(5), TWO))
    await one.add(by(note(5), ONE, time=9))
    assert times((tmp_path / FILE).read_bytes().decode()) == {"w.example/1": 9, "w.example/2": 7}
    await one.add(by(note(6), TWO))
    assert times((tmp_path / FILE).read_bytes().decode()) == {"w.example/2": 7}


async def test_strangers_lines_are_left_out_and_are_no_reason_to_publish(tmp_path):
    one = cosigned(tmp_path)
    stranger = Ed25519PrivateKey.generate()
    with pytest.raises(ProofError, match=r"log\.witnesses"):
        await one.add(by(note(3), stranger))
    assert not (tmp_path / FILE).exists()
    await one.add(by(note(3), stranger, ONE))
    assert "stranger" not in (tmp_path / FILE).read_bytes().decode()


async def test_what_this_log_did_not_sign_is_refused(tmp_path):
    other = Ed25519PrivateKey.generate()
    for text in (
        by(note(3, other), ONE),
        "",
        "x",
        by(note(3), ONE).replace("egress\n3", "egress\n4"),
        "x" * NOTE_CHARS_MAX,
    ):
        with pytest.raises(ProofError):
            await cosigned(tmp_path).add(text)
    assert not (tmp_path / FILE).exists()


async def test_a_wrong_signature_under_a_known_name_refuses_all(tmp_path):
    lines = by(note(4), ONE).partition("\n\n")[2].split("\n", 1)[1]
    with pytest.raises(ProofError, match="wrong"):
        await cosigned(tmp_path).add(by(note(3), TWO) + lines)


async def test_a_log_with_a_second_key_signs_with_it_too_and_says_no_time(tmp_path):
    one = cosigned(tmp_path, second_key=SECOND)
    own = Cosigner(ORIGIN, SECOND.public_key())
    await one.add(by(one.own(note(3)), ONE))
    for text in (one.own(note(4)), one.shown(note(4)), one.shown(note(3)), (tmp_path / FILE).read_bytes().decode()):
        assert cosigned_at(text, ORIGIN, own) == 0
        assert text.count(f"— {ORIGIN} ") == 2
        assert open_checkpoint(text, ORIGIN, LOG.public_key())
    assert one.own(note(4)) is one.own(note(4))
    assert cosigned(tmp_path).own(note(4)) == note(4)


@pytest.mark.parametrize("content", [b"", b"\xff", b"nonsense", note(9, Ed25519PrivateKey.generate()).encode()])
async def test_a_file_that_is_no_checkpoint_of_this_log_counts_as_none(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    one = cosigned(tmp_path)
    await one.add(by(note(1), ONE))
    assert times((tmp_path / FILE).read_bytes().decode()) == {"w.example/1": 7}


async def test_many_at_once_leave_the_newest(tmp_path):
    one = cosigned(tmp_path)
    await asyncio.gather(*(one.add(by(note(size), ONE)) for size in (3, 9, 5, 7, 1)))
    assert open_checkpoint((tmp_path / FILE).read_bytes().decode(), ORIGIN, LOG.public_key()).size == 9


async def test_a_disk_that_fails_publishes_nothing(tmp_path):
    one = cosigned(tmp_path / "gone")
    with pytest.raises(OSError, match="No such file"):
        await one.add(by(note(3), ONE))
    assert one.shown(note(3)) == note(3)
