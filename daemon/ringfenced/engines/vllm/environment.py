"""The environment variables that vLLM reads; it has no other way to be told these things."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

FIXED = {
    # Nothing is reported, and nothing looked for on the Hugging Face hub.
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Compiled grammars are not kept for others: their text is a request's (xgrammar still keeps some kilobytes).
    "VLLM_XGRAMMAR_CACHE_MB": "0",
    # Errors only, and only until readiness (`quiet.py`).
    "VLLM_LOGGING_LEVEL": "ERROR",
    "TQDM_DISABLE": "1",
    # Its processes run `bootstrap.py` first only if they are spawned.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "TOKENIZERS_PARALLELISM": "false",
}
"""The same for every engine."""

LOOPBACK = {"VLLM_HOST_IP": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
"""The only network of a model on one node; one on several takes the address that vLLM finds."""


def apply(
    environment: MutableMapping[str, str], *, folder: Path, cache: Path, threads: int, needs_network: bool
) -> None:
    """Write what this engine and the processes that it starts are to see.

    Args:
        environment: the process's own.
        folder: for sockets; nobody else can enter it.
        cache: for compiled kernels, which hold nothing of any request; kept from one start to the next. Its folder
            ``tmp`` must be there.
        threads: compute threads of each worker on processors; 0 for vLLM's own choice, all but one core.
        needs_network: whether its processes are on several nodes.
    """
    environment.update(FIXED)
    if not needs_network:
        environment.update(LOOPBACK)
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
