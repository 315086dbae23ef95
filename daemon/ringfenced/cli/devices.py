"""`ringfence node`: the devices of a node, once or again and again; a fact that is not known is a dash, never 0."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from ringfence.v1.admin_pb2 import Device, WatchNodeResponse
from ringfenced.cli import settings
from ringfenced.cli.output import Output, json_option
from ringfenced.cli.tables import models_table

UNKNOWN: Final = "-"

GIB: Final = 2**30

Cell = tuple[str, Callable[[Device], str]]


def node(
    context: typer.Context,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on, with models, until Ctrl-C.")] = False,
    interval_ms: Annotated[
        int, typer.Option("--interval", min=100, max=3_600_000, help="With --watch: how often, in milliseconds.")
    ] = 1000,
    as_json: json_option = False,
) -> None:
    """Show the node's devices: memory, use, heat, power, errors, links, processes. Role: operator.

    Examples:
    - `ringfence --certs run/certs --as operator node`
    - `ringfence --certs run/certs --as operator node --watch --interval 500`
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        if not watch:
            _show(output, client.devices())
            return
        with contextlib.closing(client.watch_node(interval_ms)) as told, contextlib.suppress(KeyboardInterrupt):
            for state in told:
                _show_state(output, state)


def devices_table(output: Output, devices: Sequence[Device]) -> None:
    """What each device has and does, one line each."""
    _table(output, "devices", devices, _USE, right=frozenset({"GiB used/total", "busy", "°C", "W"}))


def _show_state(output: Output, state: WatchNodeResponse) -> None:
    """One state of a node that is watched."""
    if output.as_json:
        output.message(state)
        return
    output.clear()
    output.line(state.at.ToJsonString())
    _show(output, state.devices)
    models_table(output, state.models)


def _show(output: Output, devices: Sequence[Device]) -> None:
    if output.as_json:
        for device in devices:
            output.message(device)
        return
    devices_table(output, devices)
    gpus = [device for device in devices if device.kind != "cpu"]
    if gpus:
        _table(output, "what they are", gpus, _IDENTITY)
        _table(output, "how they run", gpus, _RUNNING)
        _table(output, "errors of their memory", gpus, _ERRORS)
    links = [(_id(device), _short(link.device_id), link.kind) for device in gpus for link in device.links]
    if links:
        output.table("between them", ("id", "id", "what lies between"), links)
    users = [
        (_id(device), str(process.pid), _gib(process.memory_bytes if process.HasField("memory_bytes") else None))
        for device in gpus
        for process in device.processes
    ]
    if users:
        output.table("who uses them", ("id", "process", "GiB"), users, right=frozenset({"process", "GiB"}))
    _table(output, "host", [device for device in devices if device.kind == "cpu"], _HOST)


def _table(
    output: Output, title: str, devices: Sequence[Device], cells: Sequence[Cell], *, right: frozenset[str] = frozenset()
) -> None:
    heads = tuple(head for head, _ in cells)
    output.table(title, heads, [tuple(cell(device) for _, cell in cells) for device in devices], right=right)


def _figure(name: str, form: str = "{}") -> Callable[[Device], str]:
    """How a field is shown: in a form, or as a dash where it is unset."""
    return lambda device: form.format(getattr(device, name)) if device.HasField(name) else UNKNOWN  # type: ignore[arg-type]


def _flag(name: str) -> Callable[[Device], str]:
    """How a field that is true or false is shown."""
    words = {"True": "yes", "False": "no", UNKNOWN: UNKNOWN}
    shown = _figure(name)
    return lambda device: words[shown(device)]


def _of(one: Callable[[Device], str], other: Callable[[Device], str], between: str = "/") -> Callable[[Device], str]:
    """Two figures that belong together; one dash where neither is known."""

    def both(device: Device) -> str:
        first, second = one(device), other(device)
        return UNKNOWN if first == second == UNKNOWN else f"{first}{between}{second}"

    return both


def _gib(size: int | None) -> str:
    return UNKNOWN if size is None else f"{size / GIB:.1f}"


def _memory(name: str) -> Callable[[Device], str]:
    """Memory in GiB."""
    return lambda device: _gib(getattr(device, name) if device.HasField(name) else None)  # type: ignore[arg-type]


def _rate(name: str) -> Callable[[Device], str]:
    """Traffic in megabytes a second."""
    return lambda device: f"{getattr(device, name) / 1e6:.1f}" if device.HasField(name) else UNKNOWN  # type: ignore[arg-type]


def _short(identity: str) -> str:
    """An id as it stands beside many figures: the first part of its UUID, ``GPU-3f2c1a9b``."""
    return "-".join(identity.split("-")[:2])


def _id(device: Device) -> str:
    return _short(device.id)


_USE: Final[tuple[Cell, ...]] = (
    ("id", lambda device: device.id),
    ("kind", lambda device: f"mig {device.mig_profile}".strip() if device.parent_id else device.kind),
    ("name", lambda device: device.name),
    (
        "GiB used/total",
        lambda device: f"{_memory('memory_used_bytes')(device)}/{_memory('memory_total_bytes')(device)}",
    ),
    ("busy", _figure("utilisation", "{:.0%}")),
    ("°C", _figure("temperature_celsius", "{:.0f}")),
    ("W", _figure("power_watts", "{:.0f}")),
    ("not used because", lambda device: device.excluded_reason),
)

_IDENTITY: Final[tuple[Cell, ...]] = (
    ("id", _id),
    ("#", _figure("index")),
    ("PCI", lambda device: device.pci_bus_id or UNKNOWN),
    ("serial", lambda device: device.serial or UNKNOWN),
    ("compute", lambda device: device.compute_capability or UNKNOWN),
    ("driver", lambda device: device.driver_version or UNKNOWN),
    ("CUDA", lambda device: device.cuda_version or UNKNOWN),
    ("NUMA", _figure("numa_node")),
    ("near processors", lambda device: device.cpus or UNKNOWN),
    ("persistent", _flag("persistence")),
)

_RUNNING: Final[tuple[Cell, ...]] = (
    ("id", _id),
    ("GiB free", _memory("memory_free_bytes")),
    ("memory busy", _figure("memory_utilisation", "{:.0%}")),
    ("memory °C", _figure("memory_temperature_celsius", "{:.0f}")),
    ("W of", _figure("power_limit_watts", "{:.0f}")),
    ("kJ", lambda device: f"{device.energy_joules / 1000:.0f}" if device.HasField("energy_joules") else UNKNOWN),
    ("MHz SM/memory", _of(_figure("sm_clock_mhz"), _figure("memory_clock_mhz"))),
    ("P", _figure("performance_state", "P{}")),
    ("held back by", lambda device: ", ".join(device.throttle_reasons)),
    ("PCIe", _of(_figure("pcie_generation", "gen {}"), _figure("pcie_width"), " x")),
    ("MB/s sent/received", _of(_rate("pcie_sent_bytes_per_s"), _rate("pcie_received_bytes_per_s"))),
    ("NVLinks up", _of(_figure("nvlinks"), _figure("nvlinks_total"))),
)

_ERRORS: Final[tuple[Cell, ...]] = (
    ("id", _id),
    ("ECC", _flag("ecc_enabled")),
    ("corrected", _of(_figure("ecc_corrected"), _figure("ecc_corrected_lifetime", "{} ever"))),
    ("uncorrected", _of(_figure("ecc_uncorrected"), _figure("ecc_uncorrected_lifetime", "{} ever"))),
    ("retired pages", _figure("retired_pages")),
    ("pending", _flag("retirement_pending")),
    ("remapped rows", _figure("remapped_rows")),
    ("pending ", _flag("remapping_pending")),
    ("failed", _flag("remapping_failed")),
    ("last Xid", _figure("xid_last")),
)

_HOST: Final[tuple[Cell, ...]] = (
    ("GiB free for engines", _memory("memory_free_bytes")),
    ("GiB charged/limit", _of(_memory("memory_charged_bytes"), _memory("memory_limit_bytes"))),
    ("GiB swap used/total", _of(_memory("swap_used_bytes"), _memory("swap_total_bytes"))),
    ("load", _figure("load_1m", "{:.1f}")),
    ("processors busy", lambda device: " ".join(f"{share:.0%}" for share in device.cpu_utilisation) or UNKNOWN),
    ("NUMA nodes", lambda device: "; ".join(f"{each.number}: {each.cpus}" for each in device.numa_nodes) or UNKNOWN),
)
