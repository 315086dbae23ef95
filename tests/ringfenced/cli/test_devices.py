"""`ringfence node`: tables and JSON, once and again and again."""

import json

from ringfence.v1 import admin_pb2 as admin

GPU = admin.Device(
    id="GPU-aaaa-0123-4567",
    kind="gpu",
    name="NVIDIA H200",
    index=0,
    memory_total_bytes=141 * 2**30,
    memory_used_bytes=2 * 2**30,
    memory_free_bytes=138 * 2**30,
    utilisation=0.0,
    power_watts=75.2,
    power_limit_watts=700,
    driver_version="580.159.03",
    cuda_version="13.0",
    sm_clock_mhz=1980,
    throttle_reasons=["power cap"],
    performance_state=0,
    ecc_enabled=True,
    ecc_uncorrected=0,
    pcie_generation=5,
    pcie_width=16,
    nvlinks=17,
    nvlinks_total=18,
    processes=[admin.DeviceProcess(pid=4242, memory_bytes=2**31), admin.DeviceProcess(pid=17)],
    links=[admin.DeviceLink(device_id="GPU-bbbb", kind="NVLink")],
)
LOST = admin.Device(id="GPU-bbbb", kind="gpu", name="NVIDIA H200", excluded_rule="lost", excluded_reason="it fell off")
PART = admin.Device(id="MIG-1", kind="gpu", name="part", parent_id="GPU-aaaa-0123-4567", mig_profile="1g.18gb")
CPU = admin.Device(
    id="cpu", kind="cpu", name="2 x x86_64", memory_free_bytes=2**34, load_1m=1.5, cpu_utilisation=[0.5, 1]
)


def table(text, title):
    """The lines of one table."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip() == title)
    rest = lines[start + 1 :]
    return "\n".join(rest[: next((n for n, line in enumerate(rest) if n > 1 and not line.strip()), len(rest))])


def test_every_table_shows_its_facts(daemon, ringfence):
    daemon.script["ListDevices"] = [admin.ListDevicesResponse(devices=[CPU, GPU, LOST, PART])]
    result = ringfence("node", name="operator")
    assert result.exit_code == 0
    for title, pieces in {
        "devices": ("GPU-aaaa-0123-4567", "2.0/141.0", "0%", "75", "it fell off", "mig 1g.18gb"),
        "what they are": ("580.159.03", "13.0"),
        "how they run": ("138.0", "700", "1980/-", "P0", "power cap", "gen 5 x16", "17/18"),
        "errors of their memory": ("yes", "0/-"),
        "between them": ("GPU-bbbb", "NVLink"),
        "who uses them": ("4242", "2.0", "17"),
        "host": ("16.0", "1.5", "50% 100%"),
    }.items():
        for piece in pieces:
            assert piece in table(result.stdout, title), (title, piece)
    assert "GPU-aaaa " in table(result.stdout, "how they run")


def test_what_is_not_known_is_a_dash_and_never_0(daemon, ringfence):
    daemon.script["ListDevices"] = [admin.ListDevicesResponse(devices=[LOST])]
    result = ringfence("node", name="operator")
    for title in ("what they are", "how they run", "errors of their memory"):
        row = next(line for line in table(result.stdout, title).splitlines() if "GPU-bbbb" in line)
        assert set(row.split()[1:]) == {"-"}


def test_a_node_without_gpus_shows_its_host(daemon, ringfence):
    daemon.script["ListDevices"] = [admin.ListDevicesResponse(devices=[CPU])]
    result = ringfence("node", name="operator")
    assert "what they are" not in result.stdout
    assert "16.0" in table(result.stdout, "host")


def test_json_is_one_device_a_line(daemon, ringfence):
    daemon.script["ListDevices"] = [admin.ListDevicesResponse(devices=[CPU, GPU])]
    lines = ringfence("node", "--json", name="operator").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["cpu", "GPU-aaaa-0123-4567"]


def test_watching_shows_each_state_with_models(daemon, ringfence):
    state = admin.WatchNodeResponse(devices=[GPU], models=[admin.Model(name="tiny")])
    state.at.FromSeconds(1_764_000_000)
    daemon.script["WatchNode"] = [state, state]
    result = ringfence("node", "--watch", "--interval", "250", name="operator")
    assert result.exit_code == 0
    assert result.stdout.count("NVIDIA H200") == 2
    assert result.stdout.count("tiny") == 2
    assert result.stdout.count("2025-11-24T") == 2
    assert daemon.requests[0][1].interval_ms == 250


def test_watching_in_json_is_one_state_a_line(daemon, ringfence):
    daemon.script["WatchNode"] = [admin.WatchNodeResponse(devices=[GPU])] * 3
    lines = ringfence("node", "-w", "--json", name="operator").stdout.splitlines()
    assert [json.loads(line)["devices"][0]["id"] for line in lines] == ["GPU-aaaa-0123-4567"] * 3
