"""One JSON line an event; what libraries and exceptions say stays out."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest

from ringfenced.telemetry.log import FLUSH_S, LineBuffer, configure


@pytest.fixture(autouse=True)
def _restored():
    root, ours = logging.getLogger(), logging.getLogger("ringfenced")
    before = (root.handlers[:], ours.handlers[:], ours.propagate, ours.level)
    yield
    root.handlers[:], ours.handlers[:], ours.propagate, ours.level = before


def test_an_event_is_one_line_with_its_fields(capsys):
    configure("info")
    logging.getLogger("ringfenced.api").info("ready", extra={"fields": {"port": 7}})
    logging.getLogger("ringfenced.api").debug("not asked for")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["port"]) == ("ready", "info", 7)


def test_an_exceptions_text_and_trace_stay_out(capsys):
    configure("info")
    logging.getLogger("ringfenced").error("defect", exc_info=ValueError("Joanna Whitfield"))
    err = capsys.readouterr().err
    assert "Joanna" not in err
    assert json.loads(err)["error_type"] == "ValueError"


def test_libraries_are_silenced(capsys):
    configure("debug")
    logging.getLogger("grpc").error("Joanna Whitfield")
    logging.getLogger("asyncio").error("Joanna Whitfield")
    assert capsys.readouterr().err == ""


async def test_lines_are_written_together_and_soon():
    stream = io.StringIO()
    lines = LineBuffer(stream)
    lines.add("a")
    lines.add("b")
    assert stream.getvalue() == ""
    await asyncio.sleep(FLUSH_S * 2)
    assert stream.getvalue() == "a\nb\n"
    lines.add("c")
    lines.flush()
    assert stream.getvalue() == "a\nb\nc\n"


def test_outside_an_event_loop_a_line_is_written_at_once():
    stream = io.StringIO()
    LineBuffer(stream).add("a")
    assert stream.getvalue() == "a\n"
