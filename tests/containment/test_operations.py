"""What those who operate a node do, in its units under a real systemd: keys, watchdog, reload, drop-ins, doctor."""

import base64
import contextlib
import json
import time

import pytest

from containment.namespaces import until
from containment.network import PROVIDER4, PROVIDER_PORT
from containment.package import PYTHON
from containment.served import Served

pytestmark = pytest.mark.containment

DAEMON, AGENT = "ringfenced.service", "ringfence-agent.service"
TOML, AGENT_TOML = "/etc/ringfence/ringfenced.toml", "/etc/ringfence/ringfence-agent.toml"
KEYS = "/etc/ringfence/keys"
SHIPPED = "/usr/share/ringfence/drop-ins"
CREDENTIALS = {
    DAEMON: {"daemon.key": "daemon.key", "permit.key": "permit.key"},
    AGENT: {"agent.key": "agent.key", "log.key": "log.key", "provider_example": "providers/example"},
}
"""Of each unit: name of a credential, and its plain file."""
QUESTION = ("--label", "public", "--model", "assistant", "Which organ pumps blood?")
WATCHDOG_S = 10
"""As a drop-in of this test has it; the units ship with 60."""
LATE_S = 60
"""How much later than that a process is up again on a busy machine: it ends, waits and starts."""


@pytest.fixture(scope="module")
def served(machine, seen):
    """Everything started, the way to the one provider open."""
    made = Served(machine)
    made.start()
    yield made
    made.stop()


@contextlib.contextmanager
def file_kept(machine, name):
    """A file that is changed for a while."""
    text = machine.path(name).read_text()
    try:
        yield
    finally:
        machine.write(name, text)


@pytest.fixture
def encrypted(served):
    """Only for this machine: each key as its unit's drop-in wants it, and the plain ones gone. Gives the plain ones."""
    machine, plain = served.machine, {}
    machine.run("systemd-creds", "setup")
    machine.run("mkdir", "--mode=700", f"{KEYS}/providers-encrypted")
    for unit, names in CREDENTIALS.items():
        for credential, file in names.items():
            plain[file] = machine.path(f"{KEYS}/{file}").read_bytes()
            place = file.replace("providers/", "providers-encrypted/") if "/" in file else f"{file}.cred"
            words = ("--with-key=host", f"--name={credential}", f"{KEYS}/{file}", f"{KEYS}/{place}")
            machine.run("systemd-creds", "encrypt", *words)
        folder, kind = f"/etc/systemd/system/{unit}.d", "daemon" if unit == DAEMON else "agent"
        machine.run("mkdir", "--parents", folder)
        machine.run("cp", f"{SHIPPED}/encrypted-{kind}.conf", f"{folder}/encrypted.conf")
    yield plain
    for file, content in plain.items():
        machine.run("sh", "-c", 'umask 077; cat >"$1"', "sh", f"{KEYS}/{file}", stdin=content.decode())
    machine.run("rm", *(f"/etc/systemd/system/{unit}.d/encrypted.conf" for unit in CREDENTIALS))
    machine.run("systemctl", "daemon-reload")
    served.restart(AGENT, DAEMON)


def secrets_of(plain):
    """What a plain key looks like on a disk: its text, and the bytes that it stands for."""
    for content in plain.values():
        lines = [line for line in content.splitlines() if line and not line.startswith(b"-----")]
        yield from lines
        if content.startswith(b"-----"):
            yield base64.b64decode(b"".join(lines))


def test_keys_are_on_no_disk_in_the_clear_and_both_serve(served, encrypted, seen):
    """systemd decrypts each for one unit, into memory that is never swapped."""
    secrets = list(secrets_of(encrypted))
    assert {f"{KEYS}/{file}" for file in encrypted} <= served.kept(secrets)
    served.machine.run("rm", *(f"{KEYS}/{file}" for file in encrypted))
    served.machine.run("systemctl", "daemon-reload")
    served.restart(AGENT, DAEMON)
    asked = len(seen.read_text().splitlines())
    assert served.asks(*QUESTION), served.machine.journal(AGENT)
    assert len(seen.read_text().splitlines()) == asked + 1
    assert served.kept(secrets) == set()


def test_a_process_that_hangs_is_ended_and_started_again(served, keeping):
    """Within the time that a drop-in says, which is respected; both at once, as on a machine that stood still."""
    machine, units = served.machine, (DAEMON, AGENT)
    setting = f"[Service]\nWatchdogSec={WATCHDOG_S}s\n"
    with machine.dropped_in(DAEMON, setting), machine.dropped_in(AGENT, setting):
        served.restart(*units)
        assert {machine.shown(unit, "WatchdogUSec") for unit in units} == {f"{WATCHDOG_S}s"}
        before = {unit: served.pid(unit) for unit in units}
        machine.run("kill", "-STOP", *map(str, before.values()))
        since_s = time.monotonic()
        for unit in units:
            until(
                lambda unit=unit: served.pid(unit) not in {0, before[unit]} and served.is_up(unit),
                f"another {unit}",
                WATCHDOG_S + LATE_S,
            )
            keeping.time(f"{unit} hung, WatchdogSec={WATCHDOG_S}s: up again after", time.monotonic() - since_s)
        assert {machine.shown(unit, "NRestarts") for unit in units} == {"1"}
        assert all("Watchdog timeout" in machine.journal(unit) for unit in units)
        until(served.answers, "the site", WATCHDOG_S + LATE_S)
    served.restart(*units)


@pytest.fixture
def own_policy(served):
    """The site's own policy in a file, which lets everything go that the rest lets go."""
    machine, file = served.machine, "/etc/ringfence/policy.cedar"
    machine.write(file, "permit(principal, action, resource);\n")
    with file_kept(machine, TOML):
        served.edit(TOML, "[policy]\n", f'[policy]\nfile = "{file}"\n')
        served.restart(DAEMON)
        yield file
    machine.run("rm", file)
    served.restart(DAEMON)


def test_a_reload_ends_no_stream_and_the_new_policy_holds(served, own_policy):
    """The engine is held still meanwhile, so that the stream is in the middle, however fast the machine is."""
    machine = served.machine
    assert served.asks(*QUESTION)
    main = served.pid(DAEMON)
    engine = machine.run("pgrep", "--parent", str(main), "--full", "ringfenced.engines").split()[0]
    machine.run("kill", "-STOP", engine)
    try:
        with served.stream("--max-tokens", "24", "--model", "local-small", "Tell me of wards.") as stream:
            until(lambda: "decision" in stream.stdout.readline(), "the decision")
            machine.write(own_policy, 'forbid(principal, action, resource) when { resource.kind == "provider" };\n')
            machine.run("systemctl", "reload", DAEMON)
            until(lambda: not served.asks(*QUESTION), "the new policy")
            assert stream.poll() is None
            machine.run("kill", "-CONT", engine)
            events = [json.loads(line) for line in stream.stdout]
    finally:
        machine.run("kill", "-CONT", engine)
    assert stream.returncode == 0
    assert {"finish", "receipt"} <= {name for event in events for name in event}, events
    assert served.pid(DAEMON) == main
    assert "active" in machine.run("systemctl", "is-active", DAEMON)


def test_the_doctor_finds_nothing_wrong_in_a_site_as_it_ships(served):
    """And has looked at everything that it is there for."""
    found = served.doctor("--deep", "--reach")
    assert [f"{check}: {told}" for check, (state, told) in found.items() if state == "error"] == []
    well = {check for check, (state, _told) in found.items() if state == "ok"}
    for unit in (DAEMON, AGENT):
        assert {unit, f"walls of {unit}", f"packet filter of {unit}", f"self-test of {unit}"} <= well, found
    assert {"core dumps of ringfenced", "core dumps of ringfence-agent", "swap", "permissions"} <= well, found
    assert {"egress log", "witness", "daemon: confinement", "provider's assistant", "way to example"} <= well, found


FILTERS = """
import sys; from pathlib import Path
from ringfenced.cli.doctoring.look_systemd import packet_filters
print(*(packet_filters(Path("/sys/fs/cgroup") / group.lstrip("/")) for group in sys.argv[1:]))
"""


def test_the_kernels_own_count_tells_who_is_filtered(served):
    """Of daemon and agent; the control is somebody whose unit asks for nothing."""
    groups = [served.machine.shown(unit, "ControlGroup") for unit in (DAEMON, AGENT, "accomplice.service")]
    daemon, agent, nobody = map(int, served.machine.run(PYTHON, "-c", FILTERS, *groups).split())
    assert daemon > 0
    assert agent > 0
    assert nobody == 0


def test_the_doctor_connects_as_the_agent_would(served, network):
    """From its unit: a provider that the unit does not open is not reached, though this host could."""
    watch = network.watching()
    assert served.doctor("--reach")["way to example"][0] == "ok"
    arrivals = watch.stop()
    assert arrivals.allowed > 0
    arrivals.nothing_escaped()
    closed = "[Service]\nIPAddressAllow=\nIPAddressAllow=localhost\n"
    with served.machine.dropped_in(AGENT, closed):  # systemd filters anew at once, while the agent runs
        watch = network.watching()
        state, told = served.doctor("--reach")["way to example"]
        watch.stop().nothing()
        assert (state, PROVIDER4 in told) == ("warning", True), told


def test_the_doctor_sees_walls_that_are_down(served):
    """By a drop-in, or because the process could not put it up itself."""
    machine = served.machine
    opened = "[Service]\nIPAddressAllow=any\n"
    weaker = "[Service]\nPrivateNetwork=no\nSystemCallFilter=~landlock_create_ruleset\n"
    with machine.dropped_in(AGENT, opened), machine.dropped_in(DAEMON, weaker):
        served.restart(AGENT, DAEMON)
        found = served.doctor()
        down = (f"walls of {AGENT}", f"walls of {DAEMON}", f"self-test of {DAEMON}", "daemon: confinement")
        assert {found[check][0] for check in down} == {"error"}, found
        assert "PrivateNetwork=no" in found[f"walls of {DAEMON}"][1]
        assert found[f"self-test of {AGENT}"][0] == "ok"
    served.restart(AGENT, DAEMON)


def test_a_way_out_that_works_is_told_and_not_tried_again_and_again(served):
    """An address that must not be reached, and is: the process does not serve (77), and stays ended, for all to see."""
    machine, way = served.machine, f"{PROVIDER4}:{PROVIDER_PORT}"
    with file_kept(machine, AGENT_TOML):
        served.edit(AGENT_TOML, "[confine]\n", f'[confine]\nunreachable = ["{way}"]\n')
        assert not machine.does("systemctl", "restart", AGENT)
        machine.run("sleep", "8")  # longer than RestartSec=
        assert machine.shown(AGENT, "ActiveState") == "failed"
        assert (machine.shown(AGENT, "ExecMainStatus"), machine.shown(AGENT, "NRestarts")) == ("77", "0")
        told = machine.journal(AGENT)
        assert f"reach {way}" in told
        assert "does not serve" in told
        assert served.doctor()[AGENT][0] == "error"
        with machine.dropped_in(AGENT, "[Service]\nIPAddressAllow=\nIPAddressAllow=localhost\n"):
            machine.run("systemctl", "start", AGENT)
    served.restart(AGENT)
