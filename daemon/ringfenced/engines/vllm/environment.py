"""The environment variables that vLLM reads; it has no other way to be told these things."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

FIXED = {
    # Nothing leaves the machine: no usage reports, no look at the Hugging Face hub, no address but the machine's own.
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_HOST_IP": "127.0.0.1",
    "GLOO_SOCKET_IFNAME": "lo",
    # Errors only, and only until readiness (`quiet.py`).
    "VLLM_LOGGING_LEVEL": "ERROR",
    "TQDM_DISABLE": "1",
    # Its processes run `bootstrap.py` first only if they are spawned.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "TOKENIZERS_PARALLELISM": "false",
}
"""The same for every engine."""

NETWORK = ("VLLM_HOST_IP", "GLOO_SOCKET_IFNAME")
"""What a model on several nodes needs otherwise: the launcher's environment says it, then."""


def apply(environment: MutableMapping[str, str], *, folder: Path, cache: Path, threads: int) -> None:
    """Write what this engine and the processes that it starts are to see.

    Args:
        environment: the process's own; what it says of the network is kept.
        folder: for sockets; nobody else can enter it.
        cache: for compiled kernels, which hold nothing of any request; kept from one start to the next. Its folder
            ``tmp`` must be there.
        threads: compute threads of each worker on processors; 0 for vLLM's own choice, all but one core.
    """
    network = {name: environment[name] for name in NETWORK if name in environment}
    environment.update(FIXED)
    environment.update(network)
    environment.update(
        {
            "TMPDIR": str(cache / "tmp"),  # PyTorch keeps precompiled headers there, whatever it is told
            "VLLM_RPC_BASE_PATH": str(folder),
            "VLLM_CACHE_ROOT": str(cache / "vllm"),
            "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
            "TRITON_CACHE_DIR": str(cache / "triton"),
            "XDG_CACHE_HOME": str(cache),
        }
    )
    if threads:
        environment["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"
        environment["OMP_NUM_THREADS"] = str(threads)
