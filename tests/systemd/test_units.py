import os
import re
import socket
import subprocess
import tomllib

import pytest
from typer.testing import CliRunner

from ringfence.confine.begin import EXIT_NOT_CONFINED
from ringfenced.cli.app import app
from ringfenced.workers import EXIT_CONFIG

AUDITORS = ("ringfence-export.service", "ringfence-watch.service")
RELAY = "ringfence-relay.service"
SERVICES = ("ringfenced.service", "ringfence-agent.service", "ringfenced-proxy.service", RELAY, *AUDITORS)
UNITS = (*SERVICES, "ringfenced-proxy.socket", "ringfence-relay.socket")

EXPOSURE_MAX = {
    "ringfenced.service": 0.2,
    "ringfence-agent.service": 1.0,
    "ringfenced-proxy.service": 0.2,
    RELAY: 1.0,
    **dict.fromkeys(AUDITORS, 1.0),
}
"""As `systemd-analyze security` counts: 0 for a service that can do nothing, 10 for one that can do everything."""


def test_systemd_has_nothing_to_say_about_the_units(root, analyze):
    """It exits 0 on an unknown key: silence is the test."""
    verified = analyze("verify", f"--root={root}", *UNITS)
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_an_unknown_key_is_told(root, analyze, unit):
    """Proves that the silence above means something."""
    path = root / "usr/lib/systemd/system" / unit
    section = "[Socket]" if unit.endswith(".socket") else "[Service]"
    path.write_text(path.read_text().replace(section, f"{section}\nPrivateNetwrok=yes"))
    assert "'PrivateNetwrok'" in analyze("verify", f"--root={root}", unit).stderr


@pytest.mark.parametrize(
    ("drop_in", "unit"),
    [
        ("nvidia", "ringfenced.service"),
        ("encrypted-daemon", "ringfenced.service"),
        ("encrypted-agent", "ringfence-agent.service"),
        ("providers", "ringfence-agent.service"),
        ("siem", "ringfence-export.service"),
        ("siem", "ringfence-watch.service"),
        ("callers", "ringfenced-proxy.socket"),
        ("relay", "ringfence-relay.service"),
    ],
)
def test_the_examples_of_drop_ins_fit_their_units(root, analyze, source, drop_in, unit):
    folder = root / f"usr/lib/systemd/system/{unit}.d"
    folder.mkdir()
    (folder / f"{drop_in}.conf").write_bytes((source / f"drop-ins/{drop_in}.conf").read_bytes())
    verified = analyze("verify", f"--root={root}", unit)
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES)
def test_exposure_stays_low(root, analyze, unit):
    threshold = round(EXPOSURE_MAX[unit] * 10)
    report = analyze("security", "--offline=yes", f"--root={root}", f"--threshold={threshold}", unit)
    print(report.stdout)  # noqa: T201 - what there is to gain, for whom looks with -s
    assert report.returncode == 0, report.stdout


ENGINE_EXPOSURE_MAX = 0.7


def test_an_engines_exposure_stays_low_with_its_gpu(root, analyze, source):
    """Engines run in the daemon's unit: what they could do is what that unit lets them, the GPU's drop-in included."""
    folder = root / "usr/lib/systemd/system/ringfenced.service.d"
    folder.mkdir()
    before = exposure(root, analyze, "ringfenced.service")
    (folder / "nvidia.conf").write_bytes((source / "drop-ins/nvidia.conf").read_bytes())
    assert before < exposure(root, analyze, "ringfenced.service") <= ENGINE_EXPOSURE_MAX


def exposure(root, analyze, unit):
    """What `systemd-analyze security` counts in all."""
    report = analyze("security", "--offline=yes", f"--root={root}", unit)
    return float(re.search(r"Overall exposure level for .*: ([\d.]+)", report.stdout)[1])


def writable(settings):
    """Every folder that a service can write to, as its unit says."""
    return {
        *(f"/var/lib/{name}" for name in settings.get("StateDirectory", ())),
        *(f"/run/{name}" for name in settings.get("RuntimeDirectory", ())),
        *settings.get("ReadWritePaths", ()),
    }


def test_daemon_and_agent_share_no_path_that_either_can_write(units):
    daemon, agent = (writable(units[name]) for name in ("ringfenced.service", "ringfence-agent.service"))
    assert daemon
    assert agent
    for one in daemon:
        for other in agent:
            assert not f"{one}/".startswith(f"{other}/"), (one, other)
            assert not f"{other}/".startswith(f"{one}/"), (one, other)


@pytest.mark.parametrize("unit", SERVICES)
def test_folders_that_everybody_may_write_are_closed(units, unit):
    """ProtectSystem=strict leaves /dev alone, and on some machines a tmpfs at /run/lock; /run is hidden whole."""
    settings = units[unit]
    closed = {path.lstrip("-").partition(":")[0] for path in settings["InaccessiblePaths"]}
    closed |= {path.partition(":")[0] for path in settings.get("TemporaryFileSystem", ())}
    assert {"/dev/shm", "/dev/mqueue", "/run"} <= closed
    assert settings["ReadOnlyPaths"] == ["/tmp", "/var/tmp"]
    assert settings["ProtectSystem"] == ["strict"]


@pytest.mark.parametrize("unit", SERVICES)
def test_of_run_a_service_sees_only_what_it_uses(units, unit):
    """Behind any other socket there somebody may have what the service has not: a network, or a socket to hand over."""
    settings = units[unit]
    assert "/run:ro,mode=0755,nosuid,nodev,noexec" in settings["TemporaryFileSystem"]
    seen = {path.lstrip("-") for key in ("BindPaths", "BindReadOnlyPaths") for path in settings.get(key, ())}
    ours = {"/run/ringfenced", "/run/ringfence/callers", "/run/ringfence/agent", "/run/systemd/notify"}
    resolver = {"/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf"}
    has_way_out = "IPAddressAllow" in settings
    assert seen <= ours | (resolver if has_way_out else set())


@pytest.mark.parametrize("unit", SERVICES)
def test_nothing_is_executed_from_where_a_service_can_write(units, unit):
    """NoExecPaths=/ alone leaves the folders of StateDirectory= and BindPaths= executable (systemd 252)."""
    settings = units[unit]
    folders = {each for each in writable(settings) | set(settings.get("BindPaths", ())) if each.startswith("/")}
    assert folders <= set(settings["NoExecPaths"])


@pytest.mark.parametrize("unit", ["ringfenced.service", "ringfenced-proxy.service"])
def test_the_daemons_side_has_no_way_out(units, unit):
    settings = units[unit]
    assert settings["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert settings["PrivateNetwork"] == ["yes"]
    assert settings["IPAddressDeny"] == ["any"]
    assert "IPAddressAllow" not in settings


@pytest.mark.parametrize("unit", ["ringfence-agent.service", *AUDITORS])
def test_a_way_out_is_closed_until_a_site_opens_it(units, unit):
    assert units[unit]["IPAddressDeny"] == ["any"]
    assert units[unit]["IPAddressAllow"] == ["localhost"]


def test_the_relay_reaches_one_address_and_only_once_a_site_names_it(units, source):
    settings = units[RELAY]
    assert settings["IPAddressDeny"] == ["any"]
    assert "IPAddressAllow" not in settings
    words = dict(
        line.split("=", 1) for line in (source / "drop-ins/relay.conf").read_text().splitlines() if "=" in line
    )
    where = words["Environment"].removeprefix("RINGFENCE_AGENT=")
    assert where.rpartition(":")[0] == words["IPAddressAllow"]
    assert settings["ExecStart"][-1] == "$RINGFENCE_AGENT"


def test_the_relay_stands_where_the_agent_would(units, source):
    """So that the daemon's file, unit and groups stay as they are."""
    settings = units["ringfence-relay.socket"]
    daemon = tomllib.loads((source / "ringfenced.toml").read_text())
    assert [f"unix:{path}" for path in settings["ListenStream"]] == [daemon["agent"]["target"]]
    assert settings["SocketGroup"] == units["ringfenced.service"]["SupplementaryGroups"]
    assert settings["SocketMode"] == ["0660"]
    assert settings["Conflicts"] == ["ringfence-agent.service"]


@pytest.mark.parametrize("unit", AUDITORS)
def test_an_auditor_has_nothing_of_daemon_or_agent_but_the_callers_socket(units, unit):
    settings = units[unit]
    assert {"-/var/lib/ringfenced", "-/var/lib/ringfence-agent"} <= set(settings["InaccessiblePaths"])
    assert {path for path in settings["BindReadOnlyPaths"] if "ringfence" in path} == {"/run/ringfence/callers"}
    assert settings["SupplementaryGroups"] == ["ringfence-callers"]
    assert {each.split(":")[0] for each in settings["LoadCredential"]} <= {"auditor.key", "watch"}
    assert settings["User"] not in (units["ringfenced.service"]["User"], units["ringfence-agent.service"]["User"])


@pytest.mark.parametrize("unit", AUDITORS)
def test_an_auditors_command_line_can_be_read(units, unit, source):
    """With the options of its environment file; the command only asks for help."""
    line = units[unit]["ExecStart"]
    name = unit.removeprefix("ringfence-").removesuffix(".service")
    environment = dict(
        each.split("=", 1) for each in (source / f"{name}.env").read_text().splitlines() if not each.startswith("#")
    )
    words = [part for word in line[1:] for part in environment.get(word.removeprefix("$"), word).split()]
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("unit", SERVICES)
def test_no_service_gets_up_or_leaves_memory_behind(units, unit):
    settings = units[unit]
    denied = settings["SystemCallFilter"]
    assert denied[0] == "@system-service"
    assert {"io_uring_setup", "io_uring_enter", "io_uring_register"} <= set(denied[1:])
    assert denied[1].startswith("~")
    assert settings["CapabilityBoundingSet"] == []
    assert settings["AmbientCapabilities"] == []
    assert (settings["NoNewPrivileges"], settings["MemoryDenyWriteExecute"]) == (["yes"], ["yes"])
    assert (settings["LimitCORE"], settings["MemorySwapMax"]) == (["0"], ["0"])


def test_the_one_shared_group_is_for_the_agents_socket(units, source):
    daemon, agent = units["ringfenced.service"], units["ringfence-agent.service"]
    assert daemon["User"] != agent["User"]
    assert daemon["SupplementaryGroups"] == ["ringfence-link"]
    assert "SupplementaryGroups" not in agent
    folders = [line.split() for line in (source / "tmpfiles.d/ringfence.conf").read_text().splitlines()]
    owned = {
        fields[1]: fields[2:] for fields in folders if fields and fields[0] == "d" and fields[4] == "ringfence-link"
    }
    assert owned == {"/run/ringfence/agent": ["2710", "ringfence-agent", "ringfence-link"]}


def test_every_user_and_group_of_a_unit_is_made_by_sysusers(units, source):
    lines = [line.split() for line in (source / "sysusers.d/ringfence.conf").read_text().splitlines()]
    made = {fields[1] for fields in lines if fields and fields[0] in {"u", "g"}}
    asked = {
        name
        for settings in units.values()
        for key in ("User", "Group", "SupplementaryGroups")
        for name in settings.get(key, ())
    }
    assert asked == made


@pytest.mark.skipif(os.geteuid() != 0, reason="makes users and folders in a root of its own")
def test_users_and_folders_are_made_as_systemd_reads_them(root):
    """`systemd-sysusers` and `systemd-tmpfiles` on the files that are installed."""
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    for command in (["systemd-sysusers", f"--root={root}"], ["systemd-tmpfiles", f"--root={root}", "--create"]):
        done = subprocess.run([*command, "ringfence.conf"], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr.replace("Creating", "").count("Failed")) == (0, 0), done.stderr
    users = dict(line.split(":")[0:3:2] for line in (root / "etc/passwd").read_text().splitlines())
    groups = dict(line.split(":")[0:3:2] for line in (root / "etc/group").read_text().splitlines())
    for name, user, group in (
        ("agent", "ringfence-agent", "ringfence-link"),
        ("callers", "ringfenced", "ringfence-callers"),
    ):
        folder = (root / "run/ringfence" / name).stat()
        assert (folder.st_mode & 0o7777, folder.st_uid, folder.st_gid) == (0o2710, int(users[user]), int(groups[group]))


def test_an_engine_out_of_memory_or_a_wrong_file_does_not_end_in_a_loop_or_a_stop(units):
    daemon = units["ringfenced.service"]
    assert daemon["OOMPolicy"] == ["continue"]
    assert daemon["KillMode"] == ["mixed"]
    for unit in ("ringfenced.service", "ringfence-agent.service"):
        assert units[unit]["RestartPreventExitStatus"] == [str(EXIT_NOT_CONFINED), str(EXIT_CONFIG)]


def test_a_hanging_process_is_noticed_and_started_again(units):
    for unit in ("ringfenced.service", "ringfence-agent.service"):
        settings = units[unit]
        assert settings["Type"] == ["notify"]
        assert settings["WatchdogSec"] == ["60s"]
        assert settings["Restart"] == ["on-failure"]  # systemd.service(5): the watchdog's timeout is such a failure
    assert units["ringfence-agent.service"]["StartLimitIntervalSec"] == ["0"]


def test_a_reload_ends_no_process(units):
    assert units["ringfenced.service"]["ExecReload"] == ["/usr/bin/kill", "-HUP", "$MAINPID"]


def test_connections_at_the_door_do_not_wait_for_acknowledgements(units):
    """What NoDelay= sets on the listening socket holds for each connection that comes from it (Linux, tcp(7))."""
    assert units["ringfenced-proxy.socket"]["NoDelay"] == ["yes"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_encrypted_keys_take_the_place_of_the_plain_ones(units, source):
    """Each has the same name, so that systemd hands over the one of the drop-in and the TOML files need no change."""
    for unit, drop_in in (("ringfenced.service", "encrypted-daemon"), ("ringfence-agent.service", "encrypted-agent")):
        text = (source / f"drop-ins/{drop_in}.conf").read_text()
        encrypted = re.findall(r"^LoadCredentialEncrypted=([^:]+):", text, re.MULTILINE)
        assert encrypted == [each.partition(":")[0] for each in units[unit]["LoadCredential"]]
