"""The drill of docs/operations.md: its own commands, on a ledger that is being written and a log that grows."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes.journals import KEY, append, journal
from ringfenced.cli import verify
from ringfenced.store.ledger import SqliteLedger

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
BLOCKS = dict(re.findall(r"<!-- drill: ([a-z-]+) -->\n```bash\n(.*?)```", PAGE, re.DOTALL))
VERIFIER = Path(verify.__file__)
PROGRAM = f'#!/bin/sh\n[ "$1 $2" = "audit verify" ] || exit 2\nshift 2\nexec {sys.executable} {VERIFIER} "$@"\n'
"""`ringfence audit verify` is this file; started by itself it needs no second for each time."""


class Machine:
    """A machine's folders in a folder, and the programs that the page calls."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.daemon, self.agent = root / "var/lib/ringfenced", root / "var/lib/ringfence-agent"
        self.log, self.ledger = self.agent / "log", self.daemon / "ledger.sqlite3"
        for folder in (self.daemon, self.log, root / "etc/ringfence/pki", root / "bin"):
            folder.mkdir(parents=True)
        public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (root / "etc/ringfence/pki/log.pub").write_bytes(public)
        (self.agent / "salt.key").write_bytes(bytes(32))
        (self.daemon / "pseudonym.key").write_bytes(bytes(32))
        for name, text in (("ringfence", PROGRAM), ("systemctl", f"#!/bin/sh\necho $* >> {root}/systemctl\n")):
            (root / "bin" / name).write_text(text)
            (root / "bin" / name).chmod(0o755)

    async def do(self, name):
        """Run a block of the page; its exit status and what it printed."""
        script = re.sub(r"(?<![\w.])/(var/lib|etc/ringfence|srv)\b", rf"{self.root}/\1", BLOCKS[name])
        made = sorted((self.root / "srv/backup/ringfence").glob("*"))
        environment = {
            **os.environ,
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            **({"BACKUP": str(made[-1])} if made else {}),
        }
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", script),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    def backup(self):
        """The folder of the one that was made."""
        (made,) = (self.root / "srv/backup/ringfence").iterdir()
        return made

    def systemctl(self):
        """What systemd was told."""
        return (self.root / "systemctl").read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


async def spend(ledger, times):
    """Requests that cost a microcredit each, one after the other."""
    for _ in range(times):
        request_id = os.urandom(16).hex()
        await ledger.reserve("ward", request_id, 10)
        ledger.settle("ward", request_id, 1)
        await asyncio.sleep(0.001)


def opened(path):
    return SqliteLedger(path, {"ward": 1_000_000}, lambda: 7)


def sound(path):
    """What the departments had spent by a file, which must be whole."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    (rows,) = connection.execute("SELECT coalesce(sum(amount_microcredits), 0) FROM settlement").fetchone()
    spent = dict(connection.execute("SELECT * FROM spent")).get("ward", 0)
    connection.close()
    assert rows == spent
    return spent


async def test_the_page_has_every_step():
    assert set(BLOCKS) == {"backup", "restore-ledger", "ask-log", "restore-log"}


async def test_wallets_and_log_are_saved_while_both_are_written_and_wallets_come_back(machine):
    ledger = opened(machine.ledger)
    async with journal(machine.log) as log:
        await append(log, 300)
        await spend(ledger, 100)
        async with asyncio.TaskGroup() as group:
            saving = group.create_task(machine.do("backup"))
            while not saving.done():
                await append(log, 20)
                await spend(ledger, 20)
    code, said = saving.result()
    assert code == 0, said
    spent = (await ledger.wallet("ward")).spent_microcredits
    ledger.close()

    saved = machine.backup()
    kept = sound(saved / "daemon/ledger.sqlite3")
    assert 0 < kept <= spent
    assert (saved / "daemon/pseudonym.key").read_bytes() == bytes(32)
    assert saved.stat().st_mode & 0o777 == 0o700

    shutil.rmtree(machine.daemon)
    machine.daemon.mkdir(mode=0o700)
    (machine.daemon / "ledger.sqlite3-wal").write_bytes(b"of another ledger")
    code, said = await machine.do("restore-ledger")
    assert code == 0, said
    assert machine.systemctl() == ["stop ringfenced", "start ringfenced"]
    restored = opened(machine.ledger)
    assert (await restored.wallet("ward")).spent_microcredits == kept
    await spend(restored, 5)
    assert (await restored.wallet("ward")).spent_microcredits == kept + 5
    restored.close()
    assert (machine.daemon / "pseudonym.key").exists()


async def test_a_log_that_is_all_there_comes_back_and_goes_on(machine):
    opened(machine.ledger).close()
    async with journal(machine.log) as log:
        await append(log, 50)
    (machine.daemon / "witnessed.checkpoint").write_bytes((machine.log / "checkpoint").read_bytes())
    assert (await machine.do("backup"))[0] == 0
    shutil.rmtree(machine.log)
    assert (await machine.do("ask-log"))[0] == 0
    code, said = await machine.do("restore-log")
    assert code == 0, said
    assert machine.log.stat().st_mode & 0o777 == 0o700
    async with journal(machine.log) as log:
        assert log.size == 50
        await append(log, 10)
    lines = (machine.log / "entries-000000.ndjson").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(60))
    shutil.rmtree(machine.backup() / "agent/log")
    shutil.copytree(machine.log, machine.backup() / "agent/log")
    assert (await machine.do("ask-log"))[0] == 0, "what was witnessed before is the beginning of what is there now"


async def test_a_copy_that_is_older_than_what_was_witnessed_is_found_out(machine):
    opened(machine.ledger).close()
    async with journal(machine.log) as log:
        await append(log, 50)
    assert (await machine.do("backup"))[0] == 0
    async with journal(machine.log) as log:
        await append(log, 1)
    (machine.daemon / "witnessed.checkpoint").write_bytes((machine.log / "checkpoint").read_bytes())
    assert (await machine.do("ask-log"))[0] == 1


async def test_a_backup_of_a_log_that_was_tampered_with_is_none(machine):
    opened(machine.ledger).close()
    async with journal(machine.log) as log:
        await append(log, 50)
    entries = machine.log / "entries-000000.ndjson"
    entries.write_bytes(entries.read_bytes().replace(b'"number":7', b'"number":8', 1))
    assert (await machine.do("backup"))[0] == 1
