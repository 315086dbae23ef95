"""Plays every transcript; REWRITE=1 writes what came instead."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from transcript import parse, play, render  # noqa: E402 - importlib mode adds no folder

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("path", sorted((HERE / "transcripts").glob("*.txt")), ids=lambda path: path.stem)
async def test_transcript(site, path):
    document = path.read_text()
    title, exchanges = parse(document)
    for exchange in exchanges:
        exchange.said = await play(site, exchange)
    if os.environ.get("REWRITE"):
        path.write_text(render(title, exchanges))
    else:
        assert render(title, exchanges) == document
