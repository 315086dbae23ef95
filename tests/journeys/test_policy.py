"""A site's policy over gRPC: it narrows where requests go, is replaced while they run, and stays where it is broken."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import signal
import sys

import grpc
import psutil
import pytest
import pytest_asyncio

from fakes.site import site, unwell
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import types_pb2 as types
from ringfence.v1.admin_pb2 import PolicyCase, SetLockdownRequest
from ringfence.wire import label_to

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

ALL = '@id("all") permit(principal, action, resource);\n'
STAY = ALL + '@id("ward stays") forbid(principal in Department::"ward", action, resource in Provider::"cloud");\n'
TABLE = """
[policy]
file = "policy.cedar"
people = "people.cedar"
[[policy.rules]]
name = "no embeddings outside"
tasks = ["embedding"]
only_site = true
[[policy.ceilings]]
task = "thrifty"
cost_microcredits_max = 0
"""
PUBLIC = {"label": Label(Level.PUBLIC)}
CLOUD = {**PUBLIC, "model": "gpt"}


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=[1, 2], ids=["one process", "two workers"])
async def stand(request, tmp_path_factory, short_folder):
    """A site with a policy of its own."""
    folder = short_folder / str(request.param)
    folder.mkdir()
    (folder / "policy.cedar").write_text(ALL)
    (folder / "people.cedar").write_text(ALL)
    async with site(folder, extra=TABLE, workers=request.param) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def fresh(stand):
    """The site as it began."""
    (stand.folder / "people.cedar").write_text(ALL)
    await put(stand, ALL)
    return stand


async def digests(stand, count=20):
    """What workers say is in force; each connection goes to one of them."""
    found = set()
    for _ in range(count):
        async with stand.client("operator") as client:
            found.add((await client.policy()).digest)
    return found


async def put(stand, text, name="policy.cedar"):
    """Write a policy and wait until every worker has it; its digest."""
    (stand.folder / name).write_text(text)
    async with stand.client("operator") as client:
        digest = await client.reload_policy()
    await until(stand, lambda found: found == {digest})
    return digest


async def until(stand, holds):
    """Wait until what the workers say is in force is as it should be."""
    async with asyncio.timeout(30):
        while True:
            if holds(await digests(stand)):
                return
            await asyncio.sleep(0.1)


async def seen(holds):
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while True:
            if holds():
                return
            await asyncio.sleep(0.2)


def workers_of(stand):
    """The daemon's worker processes."""
    return [one for one in psutil.Process(stand.daemon.pid).children() if "--worker" in one.cmdline()]


async def decided(stand, **options):
    async with stand.client() as client:
        return (await client.plan("Which form does a transfer need?", **options)).decision


def told(decision, model="gpt"):
    """How a target was told in a plan."""
    (one,) = [one for one in decision.candidates if one.target.model == model]
    return one.rule, one.reason


async def refused(stand, **options):
    async with stand.client() as client:
        with pytest.raises(RingfenceCallError) as caught:
            await client.generate_text("word", **options)
    return caught.value


async def test_a_forbid_removes_a_target_and_is_named_in_the_plan(fresh):
    digest = await put(fresh, STAY)
    decision = await decided(fresh, **CLOUD)
    assert told(decision) == ("policy", "forbidden by ward stays")
    assert decision.policy_digest == digest
    before = len(fresh.entries())
    error = await refused(fresh, **CLOUD)
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert len(fresh.entries()) == before, "nothing left, and nothing was tried"


async def test_a_row_of_the_table_and_a_ceiling_count(fresh):
    assert told(await decided(fresh, **CLOUD, task="embedding")) == ("policy", "forbidden by no embeddings outside")
    rule, reason = told(await decided(fresh, **CLOUD, task="thrifty"))
    assert rule == "ceiling"
    assert "the ceiling is 0" in reason


async def test_the_policy_in_force_is_shown_with_the_digest_of_its_source(fresh):
    async with fresh.client("auditor") as client:
        policy = await client.policy()
    assert hashlib.sha256(policy.source.encode()).hexdigest() == policy.digest
    sources = json.loads(policy.source)["policy"]["cedar"]
    assert [source["name"] for source in sources] == ["policy.cedar", "[[policy.rules]]"]


async def test_only_operators_reload_and_try(fresh):
    for name in ("caller-ward", "auditor"):
        async with fresh.client(name) as client:
            for call in (client.reload_policy(), client.test_policy([])):
                with pytest.raises(RingfenceCallError) as caught:
                    await call
                assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED


NIGHT = (
    ALL
    + '@id("nobody lifts at night") forbid(principal, action == Action::"lift", resource);\n'
    + '@id("the ward asks, and no more") forbid(principal in Department::"ward", action, resource)'
    + ' when { principal.roles.contains("caller") };\n'
)


async def test_a_policy_takes_from_people_what_their_roles_let_them(fresh):
    """In every worker, named in the refusal, and gone with the next reload; requests are not what it speaks of."""
    before = await digests(fresh)
    digest = await put(fresh, NIGHT, "people.cedar")
    assert before != {digest}
    for _ in range(4):
        async with fresh.client() as client, fresh.client("operator") as operator:
            for call in (client.models(), client.plan("word", **PUBLIC), client.wallet()):
                with pytest.raises(RingfenceCallError, match="forbidden by the ward asks, and no more") as caught:
                    await call
                assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
                assert caught.value.reason == "policy_forbids"
            assert (await client.generate_text("one two", **PUBLIC, model="house")).decision.policy_digest == digest
            assert (await operator.models())[0].name
            with pytest.raises(RingfenceCallError, match="may not lift here: forbidden by nobody lifts at night"):
                await operator.set_lockdown(SetLockdownRequest(on=False, reason="morning"))
    await put(fresh, ALL, "people.cedar")
    async with fresh.client() as client:
        assert await client.models()


async def test_roles_are_the_floor_of_what_people_may_do(fresh):
    """A policy that permits everything to everybody lets no caller operate."""
    async with fresh.client() as client:
        with pytest.raises(RingfenceCallError, match="lacks the role operator") as caught:
            await client.reload_policy()
        assert caught.value.reason == "role_missing"


async def test_a_broken_policy_for_people_changes_nothing(fresh):
    digest = await put(fresh, NIGHT, "people.cedar")
    (fresh.folder / "people.cedar").write_text('permit(principal, action == Action::"generate", resource);')
    async with fresh.client("operator") as client:
        with pytest.raises(RingfenceCallError, match=r"people\.cedar:1:\d+: unrecognized action") as caught:
            await client.reload_policy()
        assert caught.value.reason == "policy_invalid"
    assert await digests(fresh) == {digest}
    async with fresh.client() as client:
        with pytest.raises(RingfenceCallError, match="the ward asks, and no more"):
            await client.models()


async def test_cases_are_decided_by_floor_and_policy_together(fresh):
    await put(fresh, STAY)
    ward = "spiffe://ringfence.local/caller/ward"
    restricted, public = label_to(Label(Level.RESTRICTED)), label_to(Label())
    cases = [
        PolicyCase(name="floor", caller=ward, label=restricted, provider="cloud", expect_rule="label"),
        PolicyCase(name="policy", caller=ward, label=public, provider="cloud", expect_rule="ward stays"),
        PolicyCase(name="site", label=public, expect_allowed=True),
        PolicyCase(name="wrong", label=public, target="local:house"),
    ]
    async with fresh.client("operator") as client:
        results = await client.test_policy(cases)
        with pytest.raises(RingfenceCallError, match="no such identity"):
            await client.test_policy([PolicyCase(caller="spiffe://x/y", label=public)])
        with pytest.raises(RingfenceCallError, match=r"cases\[0\]\.label"):
            await client.test_policy([PolicyCase(label=types.Label())])
    assert [(one.name, one.passed) for one in results] == [
        ("floor", True),
        ("policy", True),
        ("site", True),
        ("wrong", False),
    ]


async def test_a_broken_policy_changes_nothing_and_shows_in_the_checks(fresh):
    digest = await put(fresh, STAY)
    (fresh.folder / "policy.cedar").write_text("permit(principal, action resource);")
    async with fresh.client("operator") as client:
        with pytest.raises(RingfenceCallError, match=r"policy\.cedar:1:26: this is no Cedar") as caught:
            await client.reload_policy()
        assert caught.value.reason == "policy_invalid"
        health = await client.health()
    assert unwell(health) == ["policy"]
    assert told(await decided(fresh, **CLOUD))[0] == "policy"
    assert await digests(fresh) == {digest}
    assert any('"policy_kept"' in line for line in fresh.lines())


@pytest.mark.parametrize("how", ["the file alone", "SIGHUP"])
async def test_a_change_is_seen_by_every_worker_without_being_asked(fresh, how):
    before = await digests(fresh)
    (fresh.folder / "policy.cedar").write_text(STAY)
    if how == "SIGHUP":
        fresh.daemon.send_signal(signal.SIGHUP)
    await until(fresh, lambda found: found != before and len(found) == 1)
    assert told(await decided(fresh, **CLOUD)) == ("policy", "forbidden by ward stays")


async def test_no_request_is_dropped_while_the_policy_is_replaced(fresh):
    """Callers ask without a pause; every answer is whole, and each decision is of one policy or the other."""
    seen, stop = [], asyncio.Event()

    async def ask():
        async with fresh.client() as client:
            while not stop.is_set():
                answer = await client.generate_text("one two three", **PUBLIC, model="house")
                assert answer.text
                seen.append(answer.decision.policy_digest)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(ask())
        both = {await put(fresh, text) for text in (ALL, STAY, ALL, STAY)}
        stop.set()
    assert set(seen) <= both
    assert len(set(seen)) == 2


async def test_a_worker_that_dies_beside_a_broken_policy_takes_nobody_with_it(fresh):
    """It comes back once the file can be used."""
    workers = workers_of(fresh)
    if not workers:
        pytest.skip("one process serves alone")
    digest = await put(fresh, STAY)
    (fresh.folder / "policy.cedar").write_text("permit(")
    workers[0].kill()
    await seen(lambda: any('"code":78' in line.replace(" ", "") for line in fresh.lines()))
    assert await digests(fresh) == {digest}
    assert fresh.daemon.returncode is None
    await put(fresh, ALL)
    await seen(lambda: len(workers_of(fresh)) == len(workers))


async def check_config(stand):
    """What `ringfenced --check-config` ends with, and what it says."""
    command = (sys.executable, "-P", "-m", "ringfenced", "--config", str(stand.folder / "daemon.toml"))
    process = await asyncio.create_subprocess_exec(*command, "--check-config", stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    return process.returncode, said


async def test_a_name_that_nobody_has_is_told_when_the_policy_is_taken(fresh):
    """It parses, so that it takes effect; what it is about is nobody, and the log and the check say where."""
    await put(fresh, ALL + 'forbid(principal, action, resource in Provider::"clud");\n')
    problem = 'Provider::\\"clud\\" is not in this site\'s configuration; write Provider::\\"cloud\\"'
    await seen(lambda: any("policy.cedar:2:39" in line and problem in line for line in fresh.lines()))
    code, said = await check_config(fresh)
    assert code == 0
    assert b"warning: " in said
    assert b"policy.cedar:2:39" in said
    assert told(await decided(fresh, **CLOUD))[0] == "chosen"


async def test_a_daemon_does_not_start_with_a_policy_that_it_cannot_use(fresh):
    (fresh.folder / "policy.cedar").write_text("permit(principal, action resource);")
    code, said = await check_config(fresh)
    assert code == 78
    assert b"policy.cedar:1:26: this is no Cedar" in said
    with contextlib.suppress(RingfenceCallError):
        await put(fresh, ALL)
