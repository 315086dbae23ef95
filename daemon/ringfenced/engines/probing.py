"""Ask a throw-away process what a model would take, without loading it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ringfenced.engines.child import Child
from ringfenced.engines.launch import EngineKind, EngineSpec, environment
from ringfenced.weights.dryrun import ANSWER_BYTES_MAX, DeviceUse, DryRunFailed, LoadSettings, answered, ask

TIMEOUT_S = 60.0
"""How long a dry run may take; a model of 70 B needs some 2 s."""
_COMMAND = (sys.executable, "-P", "-m", "ringfenced.engines.llama.probe")
_WORDS_MAX = 500


async def dry_run(
    path: Path,
    settings: Sequence[LoadSettings],
    *,
    variables: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> tuple[tuple[DeviceUse, ...] | None, ...]:
    """Ask llama.cpp what a model would take; one process answers all settings.

    Cancelling it ends the process.

    Args:
        path: the GGUF file.
        settings: what to try.
        variables: of the environment, beyond the scrubbed ones, for example ``CUDA_VISIBLE_DEVICES``.
        timeout_s: how long it may take, in seconds.

    Returns:
        What each setting takes; None for one that llama.cpp refuses.

    Raises:
        DryRunFailed: there is no answer; the message says why.
    """
    spec = EngineSpec("", EngineKind.LLAMA_CPP, (), environment=dict(variables or {}))
    try:
        process = Child((*_COMMAND, str(os.getpid())), variables=environment(spec))
    except OSError as error:
        raise DryRunFailed(f"the dry run cannot be started: {error.strerror}") from error
    try:
        output, words = await process.ask(ask(str(path), settings), timeout_s)
    except TimeoutError:
        raise DryRunFailed(f"the dry run did not answer within {timeout_s:g} s") from None
    if process.returncode:
        said = words.decode(errors="replace").strip()[-_WORDS_MAX:]
        raise DryRunFailed(said or f"the dry run ended with status {process.returncode}")
    return answered(output[: ANSWER_BYTES_MAX + 1], len(settings))
