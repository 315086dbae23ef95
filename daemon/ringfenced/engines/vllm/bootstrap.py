"""The program of a vLLM engine, run by its path: by the launcher, and again by each process that vLLM starts.

vLLM's interpreter has an environment of its own. Of the daemon's it must see two packages and nothing else: were the
daemon's folder of packages on its path, vLLM would load the daemon's versions of what both use. So a finder finds them
that knows these two names only.

vLLM starts its processes by `multiprocessing`'s spawn method, which runs the parent's program once more under the name
``__mp_main__`` before anything else. That is where each of them is tied to the one that started it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]
"""The folder that holds the package `ringfenced`; in a checkout the contract's lies beside it."""


HOMES = {"ringfenced": (ROOT,), "ringfence": (ROOT, ROOT.parent / "proto")}
"""Where each of the two may lie."""


class Finder:
    """Finds the daemon's two packages, whatever is on the path."""

    @classmethod
    def find_spec(
        cls,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG003  # the protocol's
        target: ModuleType | None = None,  # noqa: ARG003  # likewise
    ) -> ModuleSpec | None:
        """Return where a package lies; None for all others."""
        for home in HOMES.get(name, ()):
            file = home / name / "__init__.py"
            if file.is_file():
                return importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)])
        return None


def _provide() -> None:
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)


if __name__ == "__mp_main__":
    _provide()
    from ringfenced.engines.vllm import tether

    tether.tie()
elif __name__ == "__main__":
    _provide()
    from ringfenced.engines.vllm import process

    process.main()
