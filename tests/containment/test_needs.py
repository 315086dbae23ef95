"""A machine that cannot run a stage is told why; nothing is attacked here."""

import shutil

import pytest

from containment import needs


@pytest.fixture
def able(monkeypatch):
    """A machine that has everything."""
    monkeypatch.setattr(needs.os, "geteuid", lambda: 0)
    monkeypatch.setattr(needs, "_refused", lambda *_words: "")
    monkeypatch.setattr(needs, "_no_cgroups", lambda: "")
    monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}")
    return monkeypatch


def test_nothing_is_missing_where_everything_is(able):
    assert (needs.namespaces(), needs.machine()) == ("", "")


def test_who_is_not_root_is_told(able):
    able.setattr(needs.os, "geteuid", lambda: 1000)
    assert needs.namespaces().startswith("not root")
    assert needs.machine() == needs.namespaces()


def test_missing_tools_are_named_by_the_packages_that_have_them(able):
    able.setattr(shutil, "which", lambda tool: None if tool in {"nft", "tshark", "dumpcap", "systemd-nspawn"} else tool)
    assert needs.namespaces() == "not installed: nftables, tshark (Debian: apt install nftables tshark)"
    able.setattr(shutil, "which", lambda tool: None if tool == "systemd-nspawn" else tool)
    assert needs.namespaces() == ""
    assert needs.machine() == "not installed: systemd-container (Debian: apt install systemd-container)"


def test_a_root_that_cannot_be_made_is_told_in_a_line(able):
    refused = "`unshare --mount` is refused here: mount: /mnt: permission denied."
    able.setattr(needs, "_refused", lambda *words: refused if "--mount-proc" in words else "")
    assert needs.namespaces() == "no overlay of this machine's root can be made: permission denied."


def test_a_kernel_that_refuses_is_quoted(able):
    able.setattr(needs, "_refused", lambda *words: f"{words[0]} is refused")
    assert needs.namespaces() == "--net is refused"
