"""A real embedding model of this node says more of prompts; numbers are kept, and of RESTRICTED ones none."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import tempfile
import urllib.request
import zlib
from pathlib import Path

import pytest

from fakes.random_extras import write_random_bert
from fakes.site import free_port
from fakes.site import site as open_site
from ringfence.labels import Label, Level
from ringfenced.learn.outcome import EMBEDDED, Features

pytestmark = [pytest.mark.journey, pytest.mark.llama]

EXTRA = """
[[models]]
name = "vectors"
path = "vectors.gguf"
embeddings = true
context_tokens = 128
threads = 1
[routing]
embedder = "vectors"
learn_label_max = "RESTRICTED"
[telemetry]
metrics_listen = "127.0.0.1:{metrics}"
"""
PATIENCE_S = 60.0


@pytest.fixture
async def node():
    folder, metrics = Path(tempfile.mkdtemp(prefix="rf-")), free_port()
    write_random_bert(folder / "vectors.gguf")
    async with open_site(folder, extra=EXTRA.format(metrics=metrics)) as made:
        yield made, metrics
    shutil.rmtree(folder)


async def embedded(metrics):
    """Prompts, by what came of asking the model."""
    opened = await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{metrics}/metrics")
    with opened as answer:
        told = answer.read().decode()
    found = re.findall(r'^ringfence_routing_embedded_total\{outcome="(\w+)"\} (\S+)', told, re.MULTILINE)
    return {outcome: float(count) for outcome, count in found}


def kept(site):
    """The features that are kept, the newest last."""
    path = site.folder / "state" / "outcomes.sqlite3"
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT content FROM features ORDER BY request").fetchall()
    connection.close()
    return [Features.from_bytes(zlib.decompress(row[0])) for row in rows]


async def all_kept(site, count):
    """What is kept, once it is so much: it is written a moment after the answer."""
    deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
    while len(found := await asyncio.to_thread(kept, site)) < count:
        assert asyncio.get_running_loop().time() < deadline_s, found
        await asyncio.sleep(0.2)
    return found


async def test_what_the_model_says_is_kept_as_numbers_and_of_restricted_prompts_nothing(node):
    site, metrics = node
    client = site.client()

    async def ask(text, level=Level.PUBLIC):
        return await client.generate_text(text, model="house", label=Label(level))

    # Short prompts, and some that are longer than the model reads: of these the end is read. On a busy machine the
    # model may be late, and is left alone for a second then.
    for number in range(20):
        await ask("Which ward?" if number % 2 else "Which ward is free? " * 30)
        await asyncio.sleep(0.2)
    outcomes = await embedded(metrics)
    assert "failed" not in outcomes
    assert outcomes["used"] >= 4
    found = await all_kept(site, 20)
    said = [one for one in found if one.space]
    assert len(said) == outcomes["used"]
    assert {len(one.embedded) for one in said} == {EMBEDDED}
    assert len({one.space for one in said}) == 1
    assert len({tuple(one.embedded) for one in said}) >= 2

    # A RESTRICTED one teaches where the site says so, but nothing is embedded or kept of it but its form.
    await ask("Which ward?", Level.RESTRICTED)
    restricted = (await all_kept(site, 21))[-1]
    assert (restricted.space, len(restricted.index)) == (0, 0)
    assert await embedded(metrics) == outcomes

    # Nothing of a prompt is in the files.
    files = b"".join(path.read_bytes() for path in (site.folder / "state").glob("outcomes*"))
    assert b"ward" not in files
