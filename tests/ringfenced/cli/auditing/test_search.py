"""`ringfence audit search`: what is asked of the daemon, and what is shown of its answer."""

import json

from fakes.egresslog import ordinary
from ringfence.v1 import audit_pb2 as audit
from ringfence.v1.types_pb2 import LEVEL_CONFIDENTIAL
from ringfenced.cli.auditing import search as module

LOG = ordinary()


def found(*indices):
    return [audit.SearchEntriesResponse(index=index, entry=LOG[index]) for index in indices]


def search(ringfence, *arguments):
    return ringfence("audit", "search", *arguments, name="auditor")


def test_every_filter_is_asked_of_the_daemon(daemon, ringfence):
    daemon.script["SearchEntries"] = found(1, 2)
    names = {"department": "ward", "provider": "cloud", "model": "gpt", "kind": "intent"}
    options = [part for name, value in names.items() for part in (f"--{name}", value)]
    more = ["--caller", "spiffe://x/y", "--request", "r1", "--label", "confidential"]
    times = ["--since", "2026-11-03", "--until", "2026-11-04T00:00:00Z"]
    result = search(ringfence, *options, *more, *times)
    assert result.exit_code == 0
    ((method, asked),) = daemon.requests
    assert method == "SearchEntries"
    assert {name: getattr(asked, name) for name in names} == names
    assert (asked.caller, asked.request_id, asked.level_min) == ("spiffe://x/y", "r1", LEVEL_CONFIDENTIAL)
    assert getattr(asked, "from").ToJsonString() == "2026-11-03T00:00:00Z"
    assert asked.until.ToJsonString() == "2026-11-04T00:00:00Z"
    assert len(result.stdout.splitlines()) == 3
    assert "cloud/gpt" in result.stdout


def test_nothing_given_asks_for_everything(daemon, ringfence):
    daemon.script["SearchEntries"] = []
    assert search(ringfence, "-n", "0").exit_code == 0
    assert daemon.requests[0][1] == audit.SearchEntriesRequest(entries_max=module.PAGE_ENTRIES)


def test_json_gives_the_entries_themselves(daemon, ringfence):
    daemon.script["SearchEntries"] = found(5)
    assert [json.loads(line) for line in search(ringfence, "--json").stdout.splitlines()] == [
        {"index": 5, "entry": json.loads(LOG[5])}
    ]


def test_where_it_stops_is_said(daemon, ringfence):
    daemon.script["SearchEntries"] = found(1, 2)
    assert "stopped after 2" in search(ringfence, "-n", "2").stderr
    assert "stopped" not in search(ringfence, "-n", "3").stderr


def test_pages_follow_each_other_until_one_is_short(monkeypatch):
    monkeypatch.setattr(module, "PAGE_ENTRIES", 3)
    asked = []

    class Client:
        def entries(self, query):
            asked.append((query.from_index, query.entries_max))
            return found(*range(query.from_index, min(len(LOG), query.from_index + query.entries_max)))

    assert [each.index for each in module.pages(Client(), audit.SearchEntriesRequest(), 0)] == list(range(10))
    assert asked == [(0, 3), (3, 3), (6, 3), (9, 3)]
    asked.clear()
    assert [each.index for each in module.pages(Client(), audit.SearchEntriesRequest(), 4)] == [0, 1, 2, 3]
    assert asked == [(0, 3), (3, 1)]


def test_a_level_or_a_time_that_makes_no_sense_is_wrong_usage(daemon, ringfence):
    for arguments in (("--label", "SECRET"), ("--since", "soon"), ("--until", "1y")):
        assert search(ringfence, *arguments).exit_code == 2
    assert not daemon.requests
