"""The same through the driver that is really there; skipped where there is none.

On a machine with a GPU and without the rest of Ringfence's packages:
`PYTHONPATH=proto:daemon:tests:bench python -m pytest -c /dev/null --rootdir=. --confcutdir=tests/ringfenced/devices
tests/ringfenced/devices/test_real.py`.
"""

import asyncio
import shutil
import time

import pytest

from fakes.gpus import Machine
from ringfenced.devices.host import HostReader
from ringfenced.devices.inventory import Inventory


@pytest.fixture(scope="module")
def gpus(tmp_path_factory):
    started = Machine(tmp_path_factory.mktemp("real"), None)
    if not started.sample():
        started.close()
        pytest.skip("there is no GPU here")
    yield started
    started.close()


def test_gpus_tell_what_models_are_placed_by(gpus):
    for gpu in gpus.sample():
        if gpu.excluded_rule:
            assert gpu.excluded_reason
            continue
        assert 0 < gpu.memory_free_bytes <= gpu.memory_total_bytes
        parts = gpu.memory_used_bytes + gpu.memory_free_bytes + (gpu.memory_reserved_bytes or 0)
        assert parts == pytest.approx(gpu.memory_total_bytes, rel=0.01)
        assert gpu.id.startswith(("GPU-", "MIG-"))
        assert gpu.driver_version
        assert gpu.cuda_version
        assert gpu.compute_capability


def test_figures_lie_where_they_can(gpus):
    for gpu in gpus.sample():
        for share in (gpu.utilisation, gpu.memory_utilisation):
            assert share is None or 0 <= share <= 1
        assert gpu.temperature_celsius is None or 0 < gpu.temperature_celsius < 120
        assert gpu.power_watts is None or 0 < gpu.power_watts < 2000
        assert gpu.pcie.width is None or gpu.pcie.width <= gpu.pcie.width_max


def test_what_stays_stays_and_energy_grows(gpus):
    first = gpus.sample()
    gpus.linger()
    gpus.advance(1)
    time.sleep(0.3)
    second = gpus.sample()
    assert [gpu.id for gpu in first] == [gpu.id for gpu in second]
    for before, after in zip(first, second, strict=True):
        assert (before.name, before.serial, before.topology.cpus) == (after.name, after.serial, after.topology.cpus)
        if None not in (before.energy_millijoules, after.energy_millijoules):
            assert after.energy_millijoules >= before.energy_millijoules


def test_a_new_start_finds_the_same(gpus):
    before = [(gpu.id, gpu.name, gpu.memory_total_bytes) for gpu in gpus.sample()]
    gpus.reopen()
    assert [(gpu.id, gpu.name, gpu.memory_total_bytes) for gpu in gpus.sample()] == before


def test_a_sample_is_cheap(gpus):
    assert gpus.sample_us(20) < 250_000


@pytest.mark.skipif(not shutil.which("nvidia-smi"), reason="there is no nvidia-smi here")
def test_figures_equal_nvidia_smis(gpus):
    gpu_nvml = pytest.importorskip("gpu_nvml", reason="bench/ is not on the path")
    from gpu_nvml_parts.smi import Smi  # noqa: PLC0415 - likewise
    from ringfenced.devices.nvml import GpuReader  # noqa: PLC0415 - the driver is opened in this process too

    reader = GpuReader(time.monotonic)
    found = gpu_nvml.compared(reader, Smi("nvidia-smi"), rounds=5)
    reader.close()
    assert not [row for gpu in found for row in gpu if not row.agrees]


def test_the_inventory_tells_host_and_gpus(gpus):
    from ringfenced.devices.nvml import GpuReader  # noqa: PLC0415 - the driver is opened in this process too

    devices = Inventory(HostReader, lambda: GpuReader(time.monotonic), time.monotonic)
    told = asyncio.run(devices.fresh())
    assert [facts.id for facts in told] == ["cpu", *(gpu.id for gpu in gpus.sample())]
    assert devices.inventory() == told
    devices.close()
