"""What is known of one device: frozen values, without I/O. None stands for what is not known, never 0."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mig:
    """What makes a MIG instance of a GPU."""

    parent_id: str
    """`DeviceFacts.id` of the whole GPU."""
    instance_id: int | None = None
    """NVML's number of the GPU instance."""
    compute_instance_id: int | None = None
    """NVML's number of the compute instance in it."""
    profile: str = ""
    """For example ``1g.18gb``; empty where the name does not tell."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """How fast it runs, and what holds it back."""

    sm_mhz: int | None = None
    """Of the streaming multiprocessors, now."""
    sm_max_mhz: int | None = None
    """At most."""
    memory_mhz: int | None = None
    """Of the memory, now."""
    memory_max_mhz: int | None = None
    """At most."""
    performance_state: int | None = None
    """0, the fastest, to 15."""
    events: int | None = None
    """NVML's bits of why clocks are as they are."""
    held_back_by: tuple[str, ...] | None = None
    """The same as words, for example ``power cap``; without mere idling."""


@dataclass(frozen=True, slots=True)
class MemoryErrors:
    """What error correction counted, and what it gave up."""

    ecc: bool | None = None
    """Whether errors are corrected at all."""
    corrected_volatile: int | None = None
    """Since the driver was loaded."""
    uncorrected_volatile: int | None = None
    """Since the driver was loaded."""
    corrected_aggregate: int | None = None
    """Over the device's life."""
    uncorrected_aggregate: int | None = None
    """Over the device's life."""
    retired_single_bit: int | None = None
    """Pages retired for single-bit errors (before Ampere)."""
    retired_double_bit: int | None = None
    """Pages retired for double-bit errors."""
    retirement_pending: bool | None = None
    """A page is retired at the next reset."""
    remapped_corrected: int | None = None
    """Rows remapped for correctable errors (Ampere and later)."""
    remapped_uncorrected: int | None = None
    """Rows remapped for uncorrectable errors."""
    remapping_pending: bool | None = None
    """A row is remapped at the next reset."""
    remapping_failed: bool | None = None
    """No spare row was left."""


@dataclass(frozen=True, slots=True)
class Pcie:
    """Its way to the host."""

    generation: int | None = None
    """Of the link, now; idle devices go down."""
    generation_max: int | None = None
    """Of the link, at most, with this host."""
    width: int | None = None
    """Lanes, now."""
    width_max: int | None = None
    """Lanes, at most, with this host."""
    sent_bytes: int | None = None
    """Counted by the device; it may begin anew."""
    received_bytes: int | None = None
    """Counted by the device; it may begin anew."""
    sent_bytes_per_s: float | None = None
    """From the device, between the last two samples or over 20 ms of the last seconds."""
    received_bytes_per_s: float | None = None
    """To the device, likewise."""
    replays: int | None = None
    """Packets that had to be sent again."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Where it sits."""

    numa_node: int | None = None
    """The nearest memory."""
    cpus: str | None = None
    """The nearest processors, for example ``0-31,64-95``."""
    links: tuple[tuple[str, str], ...] = ()
    """Each other GPU's id, and what lies between the two: ``NVLink``, ``same board``, ``PCIe switch``,
    ``PCIe switches``, ``PCIe host bridge``, ``same NUMA node`` or ``across NUMA nodes``."""
    nvlinks: int | None = None
    """How many NVLinks it has."""
    nvlinks_up: int | None = None
    """How many of them are up."""


@dataclass(frozen=True, slots=True)
class DeviceProcess:
    """One process that uses it."""

    pid: int
    """In the driver's namespace: the host's."""
    memory_used_bytes: int | None = None
    """Memory of the device."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What only the host has."""

    memory_limit_bytes: int | None = None
    """The least memory.max of our cgroup and those above it; None for no limit."""
    memory_limit_used_bytes: int | None = None
    """What counts towards that limit and cannot be taken back."""
    swap_total_bytes: int | None = None
    """Swap there is."""
    swap_used_bytes: int | None = None
    """Swap in use."""
    cpu_utilisation: tuple[float, ...] = ()
    """Each processor's, 0 to 1."""
    load: tuple[float, float, float] | None = None
    """Mean number of runnable tasks over 1, 5 and 15 minutes."""
    numa: tuple[NumaNode, ...] = ()
    """Its parts of memory; empty where the kernel does not tell."""
    temperatures: tuple[tuple[str, float], ...] = ()
    """Sensor and degrees Celsius."""


@dataclass(frozen=True, slots=True)
class NumaNode:
    """Memory and the processors that are near to it."""

    number: int
    """The kernel's number of it."""
    cpus: str
    """For example ``0-31,64-95``."""
    memory_total_bytes: int | None = None
    """Memory there is."""
    memory_free_bytes: int | None = None
    """Memory that nobody uses, not even as a cache."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device, as of one sample."""

    id: str
    """A GPU's or MIG instance's UUID, as CUDA_VISIBLE_DEVICES takes it; ``gpu0`` where none is known; or ``cpu``."""
    kind: str
    """``gpu``, a MIG instance included, or ``cpu``."""
    name: str
    """The product's; ``?`` where it is not known."""
    memory_total_bytes: int | None = None
    """All memory."""
    memory_used_bytes: int | None = None
    """Memory in use; without what the driver reserves."""
    memory_free_bytes: int | None = None
    """What can still be taken; for ``cpu`` within its cgroup's limit."""
    memory_reserved_bytes: int | None = None
    """What the driver keeps for itself."""
    utilisation: float | None = None
    """Share of the last moments in which something ran, 0 to 1."""
    memory_utilisation: float | None = None
    """Share in which memory was read or written, 0 to 1."""
    temperature_celsius: float | None = None
    """Of the processor."""
    memory_temperature_celsius: float | None = None
    """Of the memory."""
    power_watts: float | None = None
    """Drawn now."""
    power_limit_watts: float | None = None
    """What it may draw."""
    energy_millijoules: int | None = None
    """Drawn since the driver was loaded."""
    index: int | None = None
    """NVML's number of the GPU, or of a MIG instance's GPU; it may change with a reboot."""
    minor: int | None = None
    """N of /dev/nvidiaN."""
    serial: str = ""
    """The board's serial number; empty where it is not known."""
    pci_bus_id: str = ""
    """For example ``00000000:3B:00.0``."""
    driver_version: str = ""
    """For example ``580.159.03``."""
    cuda_version: str = ""
    """The newest CUDA that the driver serves, for example ``13.0``."""
    compute_capability: str = ""
    """For example ``9.0``."""
    is_persistent: bool | None = None
    """The driver keeps it initialised while nobody uses it."""
    is_mig_parent: bool | None = None
    """MIG is on: its instances are devices of their own."""
    mig: Mig | None = None
    """For a MIG instance; None for all else."""
    clocks: Clocks = Clocks()
    """How fast it runs."""
    errors: MemoryErrors = MemoryErrors()
    """What went wrong in its memory."""
    pcie: Pcie = Pcie()
    """Its way to the host."""
    topology: Topology = Topology()
    """Where it sits."""
    processes: tuple[DeviceProcess, ...] | None = None
    """Who uses it."""
    xid_last: int | None = None
    """The last Xid that the driver told of it since we look; None for none."""
    recovery: str = ""
    """What the driver says must be done with it, for example ``gpu_reset``; empty where it says nothing."""
    failure: str = ""
    """What the driver answered instead of facts, rule 1 of `ringfenced.devices.health`; empty for nothing."""
    is_complete: bool = True
    """No call failed for a reason that may pass, such as a timeout."""
    host: HostFacts | None = None
    """For ``cpu``."""
    excluded_rule: str = ""
    """Why it is not used, for programs: see `ringfenced.devices.health`; empty when it is used."""
    excluded_reason: str = ""
    """The same for people, and what to do."""

    @property
    def is_placeable(self) -> bool:
        """Whether a model may be put there."""
        return not self.excluded_rule
