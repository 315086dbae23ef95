"""An alert in the forms in which it is told."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.auditing.alert import Alert, syslog
from ringfenced.cli.auditing.facts import Facts

FACTS = Facts("1.2.3", "node1", "site.example/egress")
ALERT = Alert("too many", "high", "too many: 9", 1_793_714_400_123, {"caller": "p-1"}, 7, 2, ("siem",), lockdown=True)


def test_as_json():
    assert json.loads(ALERT.json()) == {
        "id": ALERT.id,
        "rule": "too many",
        "severity": "high",
        "said": "too many: 9",
        "time_unix_ms": 1_793_714_400_123,
        "time": "2026-11-03T14:00:00.123Z",
        "subject": {"caller": "p-1"},
        "index": 7,
        "held_back": 2,
        "actions": ["siem"],
        "lockdown": True,
    }


def test_as_syslog():
    assert syslog(ALERT, FACTS).decode() == (
        "<106>1 2026-11-03T14:00:00.123Z node1 ringfence-agent - alert "
        f'[ringfence-alert@32473 id="{ALERT.id}" rule="too many" severity="high" log="site.example/egress" index="7" '
        'held_back="2" lockdown="1" caller="p-1"] \ufefftoo many: 9'
    )


@given(said=st.text(), caller=st.text())
def test_whatever_it_is_about_it_is_one_line(said, caller):
    message = syslog(Alert("a", "low", said, 0, {"caller": caller}), FACTS).decode()
    assert len(message.splitlines()) == 1


def test_what_was_kept_is_the_same_alert():
    assert Alert.of(json.loads(ALERT.json())) == ALERT
    assert Alert.of(json.loads(Alert("a", "low", "b", 1).json())) == Alert("a", "low", "b", 1)


def test_its_id_is_the_same_for_the_same_thing_only():
    assert ALERT.id == Alert("too many", "low", "other words", 1_793_714_400_123, {"caller": "p-1"}, 7).id
    assert ALERT.id != Alert("too many", "high", "too many: 9", 1_793_714_400_123, {"caller": "p-2"}, 7).id
