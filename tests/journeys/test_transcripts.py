"""Plays every transcript; REWRITE=1 writes what came instead."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import pytest_asyncio

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from transcript import parse, play, render  # noqa: E402 - importlib mode adds no folder

from fakes.site import site as open_site  # noqa: E402 - likewise

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def unlearned(short_folder):
    """A site that goes by what is configured: the figures in transcripts are no weights' of ours."""
    async with open_site(short_folder, extra="\n[routing]\nlearn = false\n") as made:
        yield made


@pytest.mark.parametrize("path", sorted((HERE / "transcripts").glob("*.txt")), ids=lambda path: path.stem)
async def test_transcript(unlearned, path):
    site = unlearned
    document = path.read_text()
    title, exchanges = parse(document)
    for exchange in exchanges:
        exchange.said = await play(site, exchange)
    if os.environ.get("REWRITE"):
        path.write_text(render(title, exchanges))
    else:
        assert render(title, exchanges) == document
