"""The log stays, with what it takes to read it, wherever the configuration put it."""

import pytest

from ringfenced.cli.installing.leaving import is_evidence, leaving

STATE = "var/lib/ringfence-agent"


def test_without_a_configuration_the_usual_places_are_taken():
    plan = leaving(None, None)
    assert plan.log == f"{STATE}/log"
    kept = ("log", "salt.key", "log.pub", "witnessed.checkpoint", "witnessed.checkpoint.condemned")
    assert plan.staying == {f"{STATE}/{name}" for name in kept}
    assert {"etc/ringfence", "var/lib/ringfenced", STATE} <= set(plan.going)
    assert plan.elsewhere == ()


def test_a_log_elsewhere_stays_there_and_is_told():
    agent = b'[log]\ndirectory = "/srv/log"\nsalt_key = "../salt"\n'
    agent += b'[archive]\ndirectory = "/var/lib/ringfence-agent/sealed"\n'
    daemon = b'state = "/srv/state"\n[agent]\nlog_public_key = "pki/log.pub"\n[library]\nfolder = "/srv/models"\n'
    plan = leaving(daemon, agent)
    assert plan.copied == (
        ("etc/ringfence/pki/log.pub", "srv/log.pub"),
        ("srv/state/witnessed.checkpoint", "srv/witnessed.checkpoint"),
        ("srv/state/witnessed.checkpoint.condemned", "srv/witnessed.checkpoint.condemned"),
    )
    assert {"srv/log", "etc/salt", f"{STATE}/sealed"} <= plan.staying
    assert plan.elsewhere == ("/etc/salt", "/srv/log", "/srv/models", "/srv/state")


@pytest.mark.parametrize("text", [b"[log", b"\xff"])
def test_a_file_that_cannot_be_read_is_no_reason_to_guess(text):
    with pytest.raises(ValueError):
        leaving(None, text)


def test_a_log_is_known_by_its_files():
    assert is_evidence(["entries-000000.ndjson"])
    assert is_evidence(["sealed-000000000017.rec"])
    assert not is_evidence(["ledger.sqlite3", "cache"])
