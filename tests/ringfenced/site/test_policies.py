"""The policy in force: taken at the start, replaced whole, and kept where the new one cannot be used."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes.policies import OFFERS, asked
from ringfence.configfile import ConfigError, load
from ringfenced import policyfile
from ringfenced.config import Config
from ringfenced.errors import InvalidRequest, PermissionDenied
from ringfenced.policy import PEOPLE, Act
from ringfenced.policy.approval import Approval, digest_of, sign
from ringfenced.policy.rules import REQUESTS
from ringfenced.site import policies
from ringfenced.site.policies import SitePolicies

ALL = '@id("all") permit(principal, action, resource);\n'
STAY = ALL + '@id("stay") forbid(principal, action, resource) when { resource.kind == "provider" };\n'
CONFIG = """
state = "state"
[listen]
tcp = "127.0.0.1:0"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
[[departments]]
name = "ward"
grant_credits = 1
[[callers]]
identity = "spiffe://site/ward"
department = "ward"
[policy]
file = "policy.cedar"
"""
NOW = 1_800_000_000_000
KEYS = {name: Ed25519PrivateKey.generate() for name in ("chief", "privacy")}


@pytest.fixture
def config(tmp_path):
    (tmp_path / "policy.cedar").write_text(ALL)
    (tmp_path / "ringfenced.toml").write_text(CONFIG)
    return load(tmp_path / "ringfenced.toml", Config)


@pytest.fixture
def approved(tmp_path):
    """A configuration that takes two approvals."""
    table = "approvals = 2\n"
    for name, key in KEYS.items():
        path = tmp_path / f"{name}.pub"
        path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        table += f'[[policy.approvers]]\nname = "{name}"\npublic_key = "{path.name}"\n'
    (tmp_path / "policy.cedar").write_text(ALL)
    (tmp_path / "ringfenced.toml").write_text(CONFIG + table)
    return load(tmp_path / "ringfenced.toml", Config)


def approve(path, *names, schema=REQUESTS):
    with policyfile.approvals_of(path).open("a") as file:
        for name in names:
            file.write(sign(Approval(digest_of(path.read_bytes()), name, NOW, schema), KEYS[name]) + "\n")


TYPO = ALL + '@id("ward") forbid(principal in Department::"wrad", action, resource);\n'


def doubted(caplog):
    return [record.fields for record in caplog.records if record.message == "policy_doubted"]


async def test_what_is_about_nobody_is_told_once_with_its_place_and_the_policy_holds_all_the_same(config, caplog):
    """At the start, and at each reload that brings something new of the kind."""
    path = config.policy.file
    path.write_text(TYPO)
    site = SitePolicies(config, lambda: OFFERS, lambda: NOW)
    (told,) = doubted(caplog)
    assert told["place"] == f"{path}:2:33"
    assert told["problem"].endswith('Department::"wrad" is not in this site\'s configuration; write Department::"ward"')
    assert site.check().ok
    await site.reload()
    path.write_text(TYPO + "// the same\n")
    await site.reload()
    assert len(doubted(caplog)) == 1
    path.write_text(TYPO + 'forbid(principal, action, resource in Provider::"opnai");\n')
    await site.reload()
    assert [one["place"] for one in doubted(caplog)] == [f"{path}:2:33", f"{path}:3:39"]
    people = with_people(config, ALL + 'forbid(principal, action, resource == Node::"nod-1");\n')
    SitePolicies(people, lambda: OFFERS, lambda: NOW)
    assert any('Node::"nod-1"' in one["problem"] for one in doubted(caplog))


def with_people(config, text):
    """The same, with a policy for people."""
    (path := config.policy.file.with_name("people.cedar")).write_text(text)
    return config.model_copy(update={"policy": config.policy.model_copy(update={"people": path})})


def made(config, unix_ms=lambda: NOW):
    return SitePolicies(config, lambda: OFFERS, unix_ms)


def closed(site):
    return {str(target) for target, ruling in site.rulings(asked(), OFFERS).by_target.items() if not ruling.allowed}


PROVIDERS = {"acme/large", "acme/fast", "globex/huge", "globex/odd"}


async def test_a_reload_takes_the_new_policy_and_its_digest(config):
    site = made(config)
    before = site.digest
    assert closed(site) == set()
    config.policy.file.write_text(STAY)
    digest = await site.reload()
    assert closed(site) == PROVIDERS
    assert digest == site.digest != before
    assert site.rulings(asked(), OFFERS).digest == digest
    assert hashlib.sha256(site.source.encode()).hexdigest() == digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("permit(principal, action resource);", "policy.cedar:1:26: this is no Cedar"),
        ("permit(principal, action, resource) when { context.no };", "attribute `no`"),
        ("\ufffe".encode("utf-16").decode("latin-1") + "\x00", "this is no Cedar"),
    ],
)
async def test_a_policy_that_cannot_be_used_changes_nothing_and_is_told(config, text, told, caplog):
    config.policy.file.write_text(STAY)
    site = made(config)
    before = site.digest
    config.policy.file.write_text(text)
    with caplog.at_level(logging.ERROR), pytest.raises(InvalidRequest, match="The policy was not taken") as caught:
        await site.reload()
    assert told in str(caught.value)
    assert caught.value.reason == "policy_invalid"
    assert (site.digest, closed(site)) == (before, PROVIDERS)
    assert not site.check().ok
    assert told in site.check().message
    assert [record.message for record in caplog.records] == ["policy_kept"]
    config.policy.file.write_text(ALL)
    await site.reload()
    assert site.check().ok


EMPTIED = ("", " \n\t\n", "// permit(principal, action, resource);\n// was here\n")
"""What a full disk, a lost key of a config map or a failed `>` leave; Cedar calls each a policy set."""


def of_template(config, **files):
    """The same beside a template, whose permits hold where the site's own file forbids nothing."""
    more = {"template": "hospital-eu", **files}
    return config.model_copy(update={"policy": config.policy.model_copy(update=more)})


@pytest.mark.parametrize("text", EMPTIED)
@pytest.mark.parametrize("template", ["", "hospital-eu"])
async def test_an_emptied_file_changes_nothing_and_is_told(config, text, template, monkeypatch):
    """Beside a template it would take every forbid of the site away, and be taken by itself."""
    config.policy.file.write_text(STAY)
    site = made(of_template(config, template=template))
    before, shut = site.digest, closed(site)
    assert shut >= PROVIDERS
    async with running(site, monkeypatch):
        config.policy.file.write_text(text)
        await until(lambda: not site.check().ok)
    assert (site.digest, closed(site)) == (before, shut)
    assert "policy.cedar: holds no policy" in site.check().message


@pytest.mark.parametrize("text", EMPTIED)
def test_an_emptied_file_stops_the_start(config, text):
    """With what to do: write a policy, or name no file."""
    config.policy.file.write_text(text)
    with pytest.raises(ConfigError, match="write one, or take `file` out of"):
        made(of_template(config))
    with pytest.raises(ConfigError, match="holds no policy"):
        policyfile.load_unapproved(config, None)


@pytest.mark.parametrize("text", EMPTIED)
async def test_an_emptied_file_about_people_is_no_policy_either(config, text):
    site = made(people := with_people(config, ALL))
    before = site.digest
    people.policy.people.write_text(text)
    with pytest.raises(InvalidRequest, match="write one, or take `people` out of"):
        await site.reload()
    assert site.digest == before
    with pytest.raises(ConfigError, match=r"people\.cedar: holds no policy"):
        made(people)


async def test_whatever_reading_ends_with_changes_nothing(config, monkeypatch):
    """An accident while a policy is read must end neither the worker nor the policy before."""
    config.policy.file.write_text(STAY)
    site = made(config)

    def load(*_):
        raise RecursionError

    monkeypatch.setattr(policyfile, "load", load)
    with pytest.raises(InvalidRequest, match="RecursionError"):
        await site.reload()
    assert closed(site) == PROVIDERS
    assert not site.check().ok


async def test_a_file_that_is_gone_changes_nothing(config):
    site = made(config)
    config.policy.file.unlink()
    with pytest.raises(InvalidRequest, match="No such file"):
        await site.reload()
    assert closed(site) == set()


def test_a_policy_that_cannot_be_used_stops_the_start(config):
    config.policy.file.write_text("permit(")
    with pytest.raises(ConfigError, match=r"policy\.cedar:1:7"):
        made(config)


@asynccontextmanager
async def running(site, monkeypatch, done=lambda _: None):
    monkeypatch.setattr(policies, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(policies, "SETTLE_S", 0.01)
    asked_for = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(site.run(asked_for, done))
        yield asked_for
        task.cancel()


async def until(holds):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_file_that_changes_is_read_by_itself(config, monkeypatch):
    site = made(config)
    async with running(site, monkeypatch):
        config.policy.file.write_text(STAY)
        await until(lambda: closed(site) == PROVIDERS)
        config.policy.file.write_text("permit(")
        await until(lambda: not site.check().ok)
        assert closed(site) == PROVIDERS
        config.policy.file.write_text(ALL)
        await until(lambda: closed(site) == set() and site.check().ok)


async def test_who_asked_is_told_how_it_ended_and_nobody_of_what_happened_by_itself(config, monkeypatch):
    site = made(config)
    told = []
    async with running(site, monkeypatch, told.append) as asked_for:
        config.policy.file.write_text(STAY)
        await until(lambda: closed(site) == PROVIDERS)
        assert told == []
        asked_for.set()
        await until(lambda: told == [""])
        config.policy.file.write_text("permit(")
        await until(lambda: not site.check().ok)
        asked_for.set()
        await until(lambda: len(told) == 2)
        assert "the policy before stays" in told[1]


async def test_a_file_that_is_still_being_written_is_not_read(config, monkeypatch):
    """Its beginning is a policy as well: one that lacks the rows which forbid."""
    config.policy.file.write_text(STAY)
    site = made(config)
    monkeypatch.setattr(policies, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(policies, "SETTLE_S", 0.2)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(site.run(asyncio.Event()))
        with config.policy.file.open("w") as file:
            for line in (ALL, *["// and so on\n"] * 30):
                file.write(line)
                file.flush()
                await asyncio.sleep(0.03)
                assert closed(site) == PROVIDERS
            file.write(STAY.removeprefix(ALL))
        await until(lambda: site._seen == policyfile.stamp(config))
        assert closed(site) == PROVIDERS
        task.cancel()


async def test_a_file_that_is_written_while_it_is_read_is_not_taken(config, monkeypatch):
    config.policy.file.write_text(STAY)
    site = made(config)
    real = policyfile.load

    def load(*more):
        book = real(*more)
        config.policy.file.write_text(STAY)
        return book

    monkeypatch.setattr(policyfile, "load", load)
    config.policy.file.write_text(ALL)
    with pytest.raises(InvalidRequest, match="written while they were read"):
        await site.reload()
    assert closed(site) == PROVIDERS


def test_a_start_amid_a_change_waits_until_it_is_done(config, monkeypatch):
    """The beginning of a policy may be one, without the rows that forbid; and a daemon that ended would stay away."""
    config.policy.file.write_text(ALL)
    real, loads = policyfile.load, []

    def load(*more):
        book = real(*more)
        loads.append(book)
        if len(loads) < 3:
            config.policy.file.write_text(STAY)
        return book

    monkeypatch.setattr(policyfile, "load", load)
    assert closed(made(config)) == PROVIDERS
    assert len(loads) == 3


def test_a_start_takes_no_file_that_was_written_a_moment_ago(config, monkeypatch):
    """Whoever writes it may not be done."""
    now_ms = NOW

    def write(text):
        config.policy.file.write_text(text)
        os.utime(config.policy.file, ns=(now_ms * 1_000_000, now_ms * 1_000_000))

    def sleep(seconds):
        nonlocal now_ms
        now_ms += round(seconds * 1000)
        if now_ms == NOW + 100:
            write(STAY)

    monkeypatch.setattr(policies, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    write(ALL)
    assert closed(made(config, lambda: now_ms)) == PROVIDERS
    assert now_ms == NOW + 100 + 1000 * policies.SETTLE_S


def test_a_start_waits_for_no_file_that_is_written_without_end(config, monkeypatch):
    real = policyfile.load

    def load(*more):
        config.policy.file.write_text(ALL)
        return real(*more)

    monkeypatch.setattr(policyfile, "load", load)
    monkeypatch.setattr(policies, "BEGIN_S_MAX", 0.3)
    with pytest.raises(ConfigError, match="written while they were read"):
        made(config)


async def test_links_that_are_swapped_are_a_change(config, monkeypatch, tmp_path):
    """So does Kubernetes with a config map."""
    for name, text in (("one", ALL), ("two", STAY)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.cedar").write_text(text)
        os.utime(tmp_path / name / "policy.cedar", ns=(1, 1))
    config.policy.file.unlink()
    (tmp_path / "data").symlink_to("one")
    config.policy.file.symlink_to(Path("data") / "policy.cedar")
    site = made(config)
    async with running(site, monkeypatch):
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").rename(tmp_path / "data")
        await until(lambda: closed(site) == PROVIDERS)


async def test_who_asks_has_the_files_read_whatever_they_look_like(config, monkeypatch):
    site = made(config)
    reads = []
    real = policyfile.load
    monkeypatch.setattr(policyfile, "load", lambda *more: reads.append(1) or real(*more))
    async with running(site, monkeypatch) as asked_for:
        asked_for.set()
        await until(lambda: reads)


async def test_a_policy_takes_effect_with_enough_approvals_alone(approved):
    path = approved.policy.file
    with pytest.raises(ConfigError, match="approved by nobody, and it takes 2 of chief, privacy"):
        made(approved)
    approve(path, "chief", "chief")
    with pytest.raises(ConfigError, match="approved by chief, and"):
        made(approved)
    approve(path, "privacy")
    site = made(approved)
    path.write_text(STAY)
    with pytest.raises(InvalidRequest, match="approved by nobody"):
        await site.reload()
    assert closed(site) == set()
    approve(path, "privacy", "chief")
    await site.reload()
    assert closed(site) == PROVIDERS


async def test_signatures_that_come_later_are_a_change(approved, monkeypatch):
    path = approved.policy.file
    approve(path, "chief", "privacy")
    site = made(approved)
    async with running(site, monkeypatch):
        path.write_text(STAY)
        await until(lambda: not site.check().ok)
        approve(path, "chief", "privacy")
        await until(lambda: closed(site) == PROVIDERS)


NO_LIFT = ALL + '@id("no lift") forbid(principal, action == Action::"lift", resource);\n'
WARD = "spiffe://site/ward"


def may(site, config, act):
    """Whether the site's one caller may do something."""
    try:
        site.demand(config.callers_by_identity()[WARD], act)
    except PermissionDenied:
        return False
    return True


def test_without_a_policy_for_people_roles_alone_decide(config):
    assert all(may(made(config), config, act) for act in Act)


async def test_what_people_may_do_is_replaced_and_digested_with_the_rest(config):
    before = made(config).digest
    config = with_people(config, NO_LIFT)
    site = made(config)
    with pytest.raises(PermissionDenied, match="forbidden by no lift"):
        site.demand(config.callers_by_identity()[WARD], Act.LIFT)
    assert may(site, config, Act.LOCKDOWN)
    config.policy.people.write_text(ALL)
    assert not may(site, config, Act.LIFT), "not before it was read"
    digests = {before, site.digest, await site.reload()}
    assert len(digests) == 3
    assert may(site, config, Act.LIFT)
    config.policy.people.write_text("permit(principal action, resource);")
    with pytest.raises(InvalidRequest, match=r"people\.cedar:1:18"):
        await site.reload()
    assert may(site, config, Act.LIFT)
    assert not site.check().ok


async def test_a_file_about_people_that_changes_is_read_by_itself(config, monkeypatch):
    config = with_people(config, ALL)
    site = made(config)
    async with running(site, monkeypatch):
        config.policy.people.write_text(NO_LIFT)
        await until(lambda: not may(site, config, Act.LIFT))


def test_whatever_breaks_lets_nobody_act(config, monkeypatch):
    config = with_people(config, ALL)
    site = made(config)
    monkeypatch.setattr(site._book.people, "demand", None)
    assert not may(site, config, Act.PLAN)


def test_both_files_need_approvals_each_of_its_own_kind(approved):
    """Who approves where requests may go has not approved the same words about people."""
    config = with_people(approved, ALL)
    approve(config.policy.file, "chief", "privacy")
    with pytest.raises(ConfigError, match=r"people\.cedar: approved by nobody.* --people"):
        made(config)
    lines = policyfile.approvals_of(config.policy.file).read_bytes()
    policyfile.approvals_of(config.policy.people).write_bytes(lines)
    with pytest.raises(ConfigError, match=r"people\.cedar: approved by nobody"):
        made(config)
    policyfile.approvals_of(config.policy.people).unlink()
    approve(config.policy.people, "chief", "privacy", schema=PEOPLE)
    assert made(config).digest


def test_whatever_breaks_permits_nothing(config, monkeypatch):
    site = made(config)
    monkeypatch.setattr(site._book, "rulings", None)
    assert site.rulings(asked(), OFFERS).by_target == {}


def test_every_byte_of_the_file_is_in_the_digest(config):
    digests = set()
    for text in (ALL, ALL + " ", ALL + "// why\n", ALL.replace("all", "alL"), ALL.replace("\n", "\r\n"), STAY):
        config.policy.file.write_bytes(text.encode())
        digests.add(made(config).digest)
    assert len(digests) == 6


def test_the_table_and_what_providers_are_cleared_for_are_in_the_digest(config):
    digest = made(config).digest
    other = config.model_copy(update={"policy": config.policy.model_copy(update={"template": "bank-us"})})
    assert made(other).digest != digest
    sources = replace(OFFERS[0])  # what is offered at the moment is not
    assert SitePolicies(config, lambda: (sources,), lambda: NOW).digest == digest
