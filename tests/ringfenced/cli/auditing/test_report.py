"""`ringfence audit report`: one page that needs nothing else, and CSV files."""

import csv
import json
import re
from html.parser import HTMLParser

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fakes.egresslog import ORIGIN, ordinary, refusal, signed, write, write_key
from ringfence.v1 import audit_pb2 as audit
from ringfenced.cli.app import app
from ringfenced.cli.auditing.charts import columns, short
from ringfenced.cli.auditing.markup import element

KEY = Ed25519PrivateKey.generate()
LOG = ordinary()
"""Its entries are of 2023-11-14."""
HOSTILE = "<script>alert(1)</script><img src=https://x.example/y onerror='a'>\"&\x1b[2J\u202e"


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "log", LOG, signed(LOG, KEY))
    write_key(tmp_path / "log.pub", KEY)
    return tmp_path


def report(folder, *more, month="2023-11"):
    arguments = ["audit", "report", "--month", month, "--log", str(folder / "log"), "--out", str(folder / "out"), *more]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def page_of(folder):
    return (folder / "out" / "report.html").read_text()


def with_key(folder):
    return ("--key", str(folder / "log.pub"))


def rows(folder, name):
    with (folder / "out" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


class Reader(HTMLParser):
    """Tags in balance, and what the page would load or run."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes = [], set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_a_month_becomes_a_page_and_files(folder):
    result = report(folder, *with_key(folder))
    assert result.exit_code == 0
    page = page_of(folder)
    for piece in (
        "What left the site in 2023-11",
        ORIGIN,
        "it is whole",
        "cloud",
        "INTERNAL {PHI}",
        "residual",
        "400 B",
    ):
        assert piece in page
    (destination,) = [row for row in rows(folder, "destinations") if row["provider"] == "cloud"]
    assert (destination["model"], destination["sent"], destination["bytes_out"]) == ("gpt", "4", "400")
    assert rows(folder, "refusals")[0]["reason"] == "residual"


def test_the_page_needs_nothing_else_and_runs_nothing(folder):
    report(folder)
    page = page_of(folder)
    reader = read(page)
    assert not reader.tags & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert not reader.attributes & {"src", "href", "onload", "onclick", "style"}
    assert "default-src &#x27;none&#x27;" in page
    assert not re.search(r"url\((?!#)|@import", page)


def test_whatever_an_entry_says_it_is_no_markup(folder):
    log = [*LOG, refusal(10).replace(b'"kind"', b'"department":' + json.dumps(HOSTILE).encode() + b',"kind"')]
    write(folder / "log", log, signed(log, KEY))
    report(folder)
    page = page_of(folder)
    assert "script" not in read(page).tags
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_without_a_key_the_page_says_that_nothing_was_verified(folder):
    result = report(folder)
    assert result.exit_code == 0
    assert "not verified" in result.stderr
    assert "Not verified" in page_of(folder)


def test_a_log_that_is_not_whole_ends_with_1_and_the_page_says_so(folder):
    edited = [*LOG[:4], LOG[4].replace(b'"bytes_in":50', b'"bytes_in":51'), *LOG[5:]]
    write(folder / "log", edited, signed(LOG, KEY))
    result = report(folder, *with_key(folder), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verified"] is False
    assert "THE LOG IS NOT WHOLE" in page_of(folder)


def test_a_month_without_entries_is_a_page_too(folder):
    assert report(folder, month="2024-01").exit_code == 0
    assert "no entries" in page_of(folder)
    assert rows(folder, "callers") == []


def test_contracts_come_from_the_agents_configuration(folder):
    (folder / "agent.toml").write_text('[[providers]]\nname = "cloud"\ncontract = "BAA 2026-01"\n')
    report(folder, "--agent-config", str(folder / "agent.toml"))
    assert "BAA 2026-01" in page_of(folder)
    assert rows(folder, "destinations")[0]["contract"] == "BAA 2026-01"


@pytest.mark.parametrize(
    ("more", "month"),
    [
        ((), "2026"),
        (("--agent-config", "/none"), "2023-11"),
        (("--key", "/none"), "2023-11"),
        (("--out", "/proc/x"), "2023-11"),
    ],
)
def test_wrong_usage(folder, more, month):
    assert report(folder, *more, month=month).exit_code == 2


def test_through_the_daemon_only_the_month_is_asked_for(daemon, ringfence, folder):
    daemon.script["GetCheckpoint"] = [audit.GetCheckpointResponse(checkpoint=signed(LOG, KEY))]
    daemon.script["SearchEntries"] = [audit.SearchEntriesResponse(index=i, entry=e) for i, e in enumerate(LOG)]
    arguments = ("audit", "report", "--month", "2023-11", "--out", str(folder / "out"))
    assert ringfence(*arguments, name="auditor").exit_code == 0
    asked = daemon.requests[-1][1]
    assert getattr(asked, "from").ToJsonString() == "2023-11-01T00:00:00Z"
    assert asked.until.ToJsonString() == "2023-12-01T00:00:00Z"
    assert ringfence(*arguments, *with_key(folder), name="auditor").exit_code == 0
    assert "it is whole" in page_of(folder)


# ── the parts ────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(text=st.text(), value=st.text())
def test_text_and_attributes_are_never_markup(text, value):
    reader = read(element("p", text, title=value).text)
    assert reader.tags == {"p"}
    assert reader.attributes == {"title"}


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=40), st.booleans())
def test_a_chart_is_well_formed_and_its_columns_stay_inside(values, hatched):
    chart = columns("title", [str(index) for index in range(len(values))], values, hatched=hatched).text
    read(chart)
    heights = [
        float(height) for height in re.findall(r'height="([0-9.]+)" class|height="([0-9.]+)"', chart)[0] if height
    ]
    assert all(0 <= height <= 120 for height in heights)
    assert chart.count("<rect") == len(values)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (1234, "1.23 k"), (98_234_567, "98.2 M"), (10**20, "100 E")],
)
def test_figures_are_short(value, said):
    assert short(value) == said
