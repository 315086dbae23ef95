"""A dry run in a throw-away process: ``python -m ringfenced.engines.llama.probe`` answers what a model would take.

It reads a question (`weights.dryrun.ask`) on its standard input and answers a line for each setting. llama.cpp reads
the file's header and lays everything out as for a real load, but allocates nothing (``no_alloc``), so that the figures
are those of the real load. A file that makes it crash ends this process and nothing else.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from pathlib import Path
from typing import Any

from ringfenced.engines.confine import confine
from ringfenced.weights.bad import BadModelFile
from ringfenced.weights.dryrun import DeviceUse, LoadSettings, answer, asked
from ringfenced.weights.files import verify_model_file

QUESTION_BYTES_MAX = 1 << 20
"""Longest question that is read."""
CPU_S_MAX = 120
"""Processor time that it may take; a model of 70 B needs some 2 s, each further setting some 0.1 s."""
MEMORY_BYTES_MAX = 16 << 30
"""Memory that it may reserve where no GPU is used (their drivers reserve far more than they take): vocabularies,
outputs and recurrent states are really allocated."""


def main() -> None:
    """Answer, and leave."""
    confine(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    path, settings = asked(sys.stdin.buffer.read(QUESTION_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    if not any(one.gpu_layers for one in settings):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    try:
        verify_model_file(Path(path))
    except BadModelFile as error:
        sys.exit(error.message)
    import llama_cpp.llama_cpp as lib  # noqa: PLC0415  # after the process is confined and the file checked

    from ringfenced.engines.llama.parameters import model_parameters  # noqa: PLC0415  # likewise

    silence = lib.llama_log_callback(_ignore)
    lib.llama_log_set(silence, ctypes.c_void_p(0))
    lib.llama_backend_init()
    loaded: tuple[object, Any] | None = None
    for one in settings:
        key = (one.gpu_layers, one.tensor_split)
        if loaded is None or loaded[0] != key:
            model = lib.llama_model_load_from_file(path.encode(), model_parameters(one, is_dry=True))
            if not model:
                sys.exit("llama.cpp cannot load the model file")
            loaded = (key, model)
        print(answer(_try(loaded[1], one)), flush=True)  # noqa: T201  # this is the answer


def _try(model: Any, settings: LoadSettings) -> tuple[DeviceUse, ...] | None:
    """Lay a context out and return what it and its model would take; None where llama.cpp refuses."""
    import llama_cpp.llama_cpp as lib  # noqa: PLC0415

    from ringfenced.engines.llama.breakdown import device_uses, memory_breakdown, results_bytes  # noqa: PLC0415
    from ringfenced.engines.llama.parameters import context_parameters  # noqa: PLC0415

    heads = lib.llama_model_n_head(model)
    context = lib.llama_init_from_model(model, context_parameters(settings, heads=heads, threads=1))
    if not context:
        return None
    buffers = memory_breakdown(context)
    lib.llama_free(context)
    if buffers is None:
        sys.exit("this build of llama.cpp does not say what it takes")
    return device_uses(buffers, lib.llama_model_size(model), results_bytes(model, settings))


def _ignore(level: int, text: bytes, _: Any) -> None:
    """Print nothing: what llama.cpp says of a file may be the file's own words."""


if __name__ == "__main__":
    main()
