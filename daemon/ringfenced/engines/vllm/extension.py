"""What each of vLLM's workers can be asked by name (`worker_extension_cls`): a base of the worker's class."""

from __future__ import annotations

from typing import Any


class Extension:
    """Methods of ours in every worker. Their names must be nobody else's."""

    def ringfence_memory(self) -> dict[str, Any]:
        """Return what the model takes on this worker's device.

        Returns:
            ``device``: a GPU's UUID, or ``cpu``; ``weights_bytes`` and ``cache_bytes``: None where vLLM does not tell.
        """
        runner: Any = getattr(self, "model_runner", None)
        weights = getattr(runner, "model_memory_usage", None)
        if weights is None and hasattr(runner, "get_model"):
            weights = sum(tensor.nbytes for tensor in runner.get_model().parameters())
        caches = getattr(runner, "kv_caches", None)
        return {
            "device": _device_of(getattr(self, "device", None)),
            "weights_bytes": None if weights is None else int(weights),
            "cache_bytes": None if caches is None else sum(_bytes_of(cache) for cache in caches),
        }


def _device_of(device: Any) -> str:
    if getattr(device, "type", "cpu") != "cuda":
        return "cpu"
    import torch  # noqa: PLC0415  # only vLLM's interpreter has it

    uuid = str(torch.cuda.get_device_properties(device).uuid)
    return uuid if uuid.startswith("GPU-") else f"GPU-{uuid}"


def _bytes_of(cache: Any) -> int:
    """Size of one layer's part: a tensor, or several."""
    return sum(map(_bytes_of, cache)) if isinstance(cache, list | tuple) else int(getattr(cache, "nbytes", 0))
