"""The walls in force, beside those that ship."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.doctoring.finding import State
from ringfenced.cli.doctoring.look_systemd import parsed
from ringfenced.cli.doctoring.units import (
    AGENT,
    DAEMON,
    PROXY,
    RELAY,
    SOFT,
    WALLS,
    UnitFacts,
    elsewhere,
    judge,
    left_out,
)

RUNS = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "NRestarts": "0"}


def unit(name=DAEMON, **changes):
    """A unit as it ships, but for some properties."""
    shut = {"IPAddressDeny": "::/0 0.0.0.0/0", "SystemCallFilter": "accept bind read write"}
    if name in {AGENT, RELAY}:
        shut["IPAddressAllow"] = "127.0.0.0/8 ::1/128 192.0.2.0/24"
    return UnitFacts(name, RUNS | dict(WALLS.get(name, {})) | SOFT | shut | changes, 1)


def states(*facts):
    return [each.state for each in judge(facts)]


@pytest.mark.parametrize("name", WALLS)
def test_as_they_ship_all_is_well(name):
    assert states(unit(name)) == [State.OK, State.OK, State.OK]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"PrivateNetwork": "no"}, "PrivateNetwork=no"),
        ({"RestrictAddressFamilies": "AF_INET AF_UNIX"}, "RestrictAddressFamilies=AF_INET AF_UNIX"),
        ({"IPAddressDeny": ""}, "IPAddressDeny="),
        ({"IPAddressAllow": "192.0.2.0/24"}, "IPAddressAllow=192.0.2.0/24"),
        ({"CapabilityBoundingSet": "cap_net_raw"}, "CapabilityBoundingSet=cap_net_raw"),
        ({"LimitCORE": "infinity"}, "LimitCORE=infinity"),
        ({"MemorySwapMax": "infinity"}, "MemorySwapMax=infinity"),
        ({"SystemCallFilter": ""}, "allows all"),
        ({"SystemCallFilter": "~bpf"}, "allows all"),
        ({"SystemCallFilter": "accept io_uring_setup"}, "io_uring"),
    ],
)
def test_a_wall_that_is_down_is_an_error(changes, told):
    walls = judge([unit(**changes)])[1]
    assert walls.state is State.ERROR
    assert told in walls.told


OFF = {"UnitFileState": "disabled", "ActiveState": "inactive"}
ON = {"UnitFileState": "enabled", "ActiveState": "active"}


def test_on_the_agents_own_host_nothing_of_the_daemon_is_looked_at():
    facts = [unit(**OFF), unit(PROXY, **OFF), unit("ringfenced-proxy.socket", **OFF), unit(AGENT, **ON)]
    assert elsewhere(facts) == {DAEMON}
    assert {each.check.split()[-1] for each in judge(facts)} == {AGENT}
    assert [(each.check, each.state) for each in left_out(elsewhere(facts))] == [(DAEMON, State.OK)]


def test_a_relay_is_looked_at_where_its_socket_is_on():
    idle = unit(RELAY, UnitFileState="static", ActiveState="inactive")
    assert judge([unit("ringfence-relay.socket", **OFF), idle]) == ()
    found = judge([unit("ringfence-relay.socket", **ON), idle])
    assert {each.check.split()[-1] for each in found} == {"ringfence-relay.socket", RELAY}
    assert {each.state for each in found} == {State.OK}


@pytest.mark.parametrize(
    "facts",
    [
        [unit(**OFF), unit(AGENT, **OFF)],  # before the first start: both are meant to run
        [unit(**ON), unit(AGENT, **ON)],
        [unit(**ON | {"ActiveState": "failed"}), unit(AGENT, **ON)],
        [unit(**OFF | {"ActiveState": "active"}), unit(AGENT, **ON)],  # started by hand
        [unit(**OFF)],
        [unit(**OFF), unit(AGENT, LoadState="not-found")],
        [],
    ],
)
def test_without_a_side_that_is_on_alone_both_are_looked_at(facts):
    assert elsewhere(facts) == frozenset()


def test_an_agent_that_may_go_anywhere_has_no_wall():
    assert states(unit(AGENT, IPAddressAllow="0.0.0.0/0"))[1] is State.ERROR


def test_what_a_gpu_may_need_is_told_and_no_error():
    found = judge([unit(PrivateDevices="no")])[1]
    assert (found.state, found.told) == (State.WARNING, "PrivateDevices=no")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"ActiveState": "failed", "Result": "watchdog"}, State.ERROR),
        ({"ActiveState": "inactive"}, State.WARNING),
        ({"NRestarts": "3"}, State.WARNING),
        ({"NeedDaemonReload": "yes"}, State.WARNING),
    ],
)
def test_how_it_runs(changes, state):
    assert states(unit(**changes))[0] is state


@pytest.mark.parametrize("name", [DAEMON, AGENT, "ringfence-export.service"])
@pytest.mark.parametrize(("count", "state"), [(1, State.OK), (0, State.ERROR), (None, State.WARNING)])
def test_a_filter_of_addresses_that_systemd_could_not_put_up_is_no_wall(name, count, state):
    """The setting stands either way: only the kernel knows."""
    facts = UnitFacts(name, unit(name).values, count)
    found = {each.check: each.state for each in judge([facts])}
    assert found[f"packet filter of {name}"] is state


def test_what_does_not_run_has_no_packets_to_filter():
    checks = [each.check for each in judge([unit(ActiveState="inactive")])]
    assert f"packet filter of {DAEMON}" not in checks


def test_a_unit_that_is_not_installed_is_left_out():
    assert states(UnitFacts(DAEMON, {"LoadState": "not-found"})) == []


def test_the_rest_of_the_units_only_have_to_run():
    assert states(unit("ringfence-export.service")) == [State.OK, State.OK]


def test_what_nobody_switched_on_is_left_out_where_many_have_no_use_for_it():
    off = {"UnitFileState": "disabled", "ActiveState": "inactive"}
    assert states(unit("ringfence-watch.service", **off)) == []
    assert states(unit("ringfence-watch.service", **off | {"UnitFileState": "enabled"})) == [State.WARNING]
    assert states(unit(AGENT, **off)) == [State.WARNING, State.OK]


def test_the_proxy_waits_for_its_socket():
    assert states(unit(PROXY, ActiveState="inactive")) == [State.OK, State.OK]
    assert states(unit(PROXY, ActiveState="failed"))[0] is State.ERROR


def test_blocks_of_systemctl_show_are_told_apart():
    said = "LoadState=loaded\nSystemCallFilter=a=b c\n\nLoadState=not-found\n"
    assert parsed(("a.service", "b.service"), said) == (
        UnitFacts("a.service", {"LoadState": "loaded", "SystemCallFilter": "a=b c"}),
        UnitFacts("b.service", {"LoadState": "not-found"}),
    )


@given(st.text(max_size=200))
def test_whatever_systemctl_says_is_no_reason_to_fail(said):
    judge(parsed(("a.service", DAEMON), said))


@given(st.sets(st.sampled_from(sorted(WALLS[DAEMON])), min_size=1))
def test_no_wall_of_the_daemon_can_be_missing_unseen(missing):
    values = {name: value for name, value in unit().values.items() if name not in missing}
    assert judge([UnitFacts(DAEMON, values)])[1].state is State.ERROR
