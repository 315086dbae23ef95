"""docs/evaluators.md: what it says of kinds is so, and the evaluator that it shows runs."""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from fakes.cases import case
from fakes.judged import offer, rung, way
from ringfenced.config.evaluators import BUILT_IN, THRESHOLDS, Evaluator, Kind
from ringfenced.site.evaluator_client import EvaluatorClient, open_channel

PAGE = (Path(__file__).parents[3] / "docs" / "evaluators.md").read_text()


def test_the_table_has_every_kind_in_its_order_with_its_threshold_and_settings():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): row for row in rows if row[0].strip("`") in get_args(Kind) and len(row) == 6}
    assert list(told) == list(get_args(Kind))
    for kind, row in told.items():
        assert float(row[3]) == THRESHOLDS[kind]
        assert set(re.findall(r"`(\w+)`", row[4])) <= Evaluator.model_fields.keys()
    sentence = PAGE[PAGE.index("`schema`,\n`tools`") :].partition("are there under")[0]
    assert re.findall(r"`(\w+)`", sentence) == list(BUILT_IN)


def test_its_sections_are_read():
    sections = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]
    assert [Evaluator(**one).kind for section in sections for one in section["evaluators"]] == ["pattern", "grpc"]


async def test_its_evaluator_runs(short_folder, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    target = f"unix:{short_folder}/doses.sock"
    (tmp_path / "doses.py").write_text(code.replace("unix:/run/ringfence/doses.sock", target))
    process = await asyncio.create_subprocess_exec(sys.executable, str(tmp_path / "doses.py"))
    try:
        made = way(offer())
        async with open_channel(target, None, "") as channel:
            await asyncio.wait_for(channel.channel_ready(), 60)
            client = EvaluatorClient(channel)
            said = [await client.judge(case(text), made, rung(offer()), 10.0) for text in ("5 mg", "some")]
    finally:
        process.kill()
        await process.wait()
    assert [(one.score, one.reason) for one in said] == [(1.0, ""), (pytest.approx(0.0), "no_dose")]
