import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.auditing.target import Target, Way, target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-", Target(Way.STDOUT)),
        ("entries.ndjson", Target(Way.FILE, path=Path("entries.ndjson"))),
        ("/var/log/a:b", Target(Way.FILE, path=Path("/var/log/a:b"))),
        ("unix:/dev/log", Target(Way.UNIX, path=Path("/dev/log"))),
        ("unix:///dev/log", Target(Way.UNIX, path=Path("/dev/log"))),
        ("tcp+tls://siem.example", Target(Way.TLS, "siem.example", 6514)),
        ("tcp+tls://siem.example:10", Target(Way.TLS, "siem.example", 10)),
        ("tcp://[::1]:601", Target(Way.TCP, "::1", 601)),
        ("udp://[fe80::1]", Target(Way.UDP, "fe80::1", 514)),
    ],
)
def test_every_way_is_read(text, expected):
    assert target(text) == expected


@pytest.mark.parametrize(
    "place", [Target(Way.TLS, "a", 1), Target(Way.UDP, "::1", 2), Target(Way.UNIX, path=Path("/x"))]
)
def test_what_is_printed_is_read_back(place):
    assert target(str(place)) == place


@pytest.mark.parametrize(
    "text",
    ["", "unix:relative", "http://a", "tcp+tls://", "tcp+tls://a:0", "tcp+tls://a:65536", "tcp+tls://a:b", "tcp://a/b",
     "tcp://u@a:1", "tcp+tls://a:", "tcp://[::1", "tcp://[::1]x", "c:file"],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match=r"write|not known"):
        target(text)


@given(st.text(max_size=30))
def test_nothing_but_a_value_error_is_raised(text):
    with contextlib.suppress(ValueError):
        target(text)
