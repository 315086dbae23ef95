"""The daemon as witness: what is kept is cosigned, seldom enough, and comes back beside the agent's checkpoint."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from fakes import agent as fake
from ringfence.cosignature import cosigned_at, read_vkey
from ringfence.translog import Checkpoint, open_checkpoint, sign_checkpoint
from ringfenced.egress.cosigning import AGAIN_S, Cosigning
from ringfenced.errors import NotFound

ORIGIN = "site.example/egress"
LOG = Ed25519PrivateKey.generate()
KEYS = (Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())


def note(size):
    return sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), LOG)


class Clock:
    now_s = 100.0

    def cosigning(self, keys=KEYS):
        clocks = {"unix_ms": lambda: int(self.now_s * 1000), "monotonic_s": lambda: self.now_s}
        return Cosigning(ORIGIN, "w.example", keys, **clocks)


async def offered(one, newest):
    handed = []

    async def add(text):
        handed.append(text)

    await one.offer(newest, add)
    return handed


async def test_each_key_cosigns_with_the_time(tmp_path):
    one = Clock().cosigning()
    (text,) = await offered(one, note(3))
    assert [cosigned_at(text, ORIGIN, read_vkey(vkey)) for vkey in one.vkeys] == [100, 100]
    assert open_checkpoint(text, ORIGIN, LOG.public_key()).size == 3


async def test_at_most_once_a_second_and_an_unchanged_log_now_and_then():
    clock = Clock()
    one = clock.cosigning()
    assert await offered(one, note(3))
    assert not await offered(one, note(4))
    clock.now_s += 1
    assert await offered(one, note(4))
    clock.now_s += 1
    assert not await offered(one, note(4))
    clock.now_s += AGAIN_S
    assert await offered(one, note(4))


async def test_its_newest_line_stands_before_one_that_it_wrote_earlier():
    clock = Clock()
    one = clock.cosigning(KEYS[:1])
    (first,) = await offered(one, note(3))
    clock.now_s += AGAIN_S
    (second,) = await offered(one, first)
    assert cosigned_at(second, ORIGIN, read_vkey(one.vkeys[0])) == 160


async def test_without_keys_or_before_the_first_checkpoint_nothing_happens():
    assert not await offered(Clock().cosigning(()), note(3))
    assert not await offered(Clock().cosigning(), "")


async def test_an_agent_that_does_not_take_it_is_told_and_is_no_error():
    one = Clock().cosigning()

    async def refuse(_text):
        raise NotFound("no witness that the agent's log.witnesses names")

    await one.offer(note(3), refuse)
    assert "log.witnesses" in one.failure


@pytest.mark.parametrize("known", [True, False])
async def test_a_real_agent_publishes_what_a_real_daemon_cosigned(tmp_path, known):
    """Over mTLS; with both of the log's signatures, and both of the witness's."""
    file = fake.folder(tmp_path, "https://localhost:1/v1")
    vkeys = (tmp_path / "witness.vkeys").read_text().split()
    witnesses = f"witnesses = {vkeys!r}\n" if known else ""
    text = file.read_text().replace("[log]\n", f'[log]\nsigning_key_mldsa = "log-mldsa.key"\n{witnesses}')
    file.write_text(text)
    keys = (tmp_path / "witness.key", tmp_path / "witness-mldsa.key")
    published = tmp_path / "log" / "checkpoint.cosigned"
    settings = {"witness_name": "ringfence.local/witness", "witness_keys": keys}
    async with fake.agent(file), fake.client(tmp_path, **settings) as client, asyncio.TaskGroup() as group:
        running = group.create_task(client.run())
        if known:
            await fake.until(published.exists)
            note = published.read_bytes().decode()
            assert all(cosigned_at(note, ORIGIN, read_vkey(vkey)) > 0 for vkey in vkeys)
            assert note.count(f"— {ORIGIN} ") == 2
            async with asyncio.timeout(5):
                while (await client.log.checkpoint()).count("— ringfence.local/witness ") != 2:  # noqa: ASYNC110 - a peer
                    await asyncio.sleep(0.01)
        else:
            await fake.until(lambda: client._cosigning.failure)
            assert not published.exists()
        running.cancel()
    assert (tmp_path / "log" / "checkpoint").read_bytes().decode().count(f"— {ORIGIN} ") == 2
