"""The GPUs, through NVML (the package nvidia-ml-py). An unknown fact is None, never 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pynvml

from ringfenced.model import DeviceFacts

T = TypeVar("T")


def gpus() -> tuple[DeviceFacts, ...]:
    """Every GPU that NVML lists; none where there is no driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        return tuple(_gpu(index) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> DeviceFacts:
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    except pynvml.NVMLError as error:
        return DeviceFacts(id=f"gpu{index}", kind="gpu", name="?", excluded_reason=f"NVML: {error}")
    memory: Any = _known(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle))
    rates: Any = _known(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle))
    power_mw = _known(lambda: pynvml.nvmlDeviceGetPowerUsage(handle))
    return DeviceFacts(
        id=str(_known(lambda: pynvml.nvmlDeviceGetUUID(handle)) or f"gpu{index}"),
        kind="gpu",
        name=str(_known(lambda: pynvml.nvmlDeviceGetName(handle)) or "?"),
        memory_total_bytes=memory.total if memory else None,
        memory_used_bytes=memory.used if memory else None,
        utilisation=rates.gpu / 100 if rates else None,
        temperature_celsius=_known(lambda: pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU)),
        power_watts=None if power_mw is None else power_mw / 1000,
    )


def _known(read: Callable[[], T]) -> T | None:
    """A fact, or None where the device does not tell it."""
    try:
        return read()
    except pynvml.NVMLError:
        return None
