"""What a process may still do once it is shut in. A value; `filtering` and `landlock` make the kernel hold to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Walls:
    """All that is left to a process; what stands nowhere here is taken from it.

    What is left to a process is the most that any process that it starts can have: walls are inherited, and each
    process can only add to them.
    """

    families: frozenset[int] = frozenset()
    """Families of sockets that it may make (AF_* of socket(2)), beside AF_UNIX, which everything has."""
    has_datagrams: bool = False
    """Whether sockets of those families may be UDP ones, as a resolver needs; TCP they may be in any case."""
    connects: frozenset[int] | None = frozenset()
    """TCP ports that it may connect to; None for all. Of what it reaches there, the port is all that is judged."""
    listens: frozenset[int] = frozenset()
    """TCP ports that it may listen on; 0 stands for one that the kernel chooses."""
    reads: tuple[str, ...] = ()
    """Files, and folders with all that is in them, that it may read."""
    writes: tuple[str, ...] = ()
    """Folders in which it may also write, make, rename and remove; and files that it may write to."""
    sockets: tuple[str, ...] = ()
    """Folders in which it may make unix sockets, and remove what is there, and nothing else."""
    runs: tuple[str, ...] = ()
    """Programs, and folders of programs, that it may start, and read."""
    devices: tuple[str, ...] = ()
    """Devices, and folders of devices, that it may read, write and control."""
    starts_programs: bool = False
    """Whether it may start programs at all."""
    writes_code: bool = False
    """Whether it may execute memory that it has written: for what compiles while it runs."""
    makes_callbacks: bool = False
    """Whether it may make files in memory (memfd_create(2)), without which ctypes gives no Python function to a C
    library where memory is not both written and executed (libffi, src/closures.c)."""
    leaves_network: bool = False
    """Whether it may move to a network of its own that leads nowhere, as engines do that need sockets of the internet's
    families among their own processes."""
    is_scoped: bool = True
    """Whether signals and abstract unix sockets reach only itself and what it starts."""
    reaches_abstract: bool = False
    """Whether abstract unix sockets of others stay open to it, for a service manager that listens on one."""
    capabilities: frozenset[int] = frozenset()
    """Capabilities that it keeps, if it has them (CAP_* of <linux/capability.h>)."""
    comment: str = field(default="", compare=False)
    """What this is for, for people."""

    def without_network(self) -> Walls:
        """The same with no family of sockets but AF_UNIX."""
        return replace(self, families=frozenset(), has_datagrams=False, connects=frozenset(), listens=frozenset())


def joined(*paths: Iterable[str]) -> tuple[str, ...]:
    """Lists of paths as one, each path once, in order."""
    return tuple(dict.fromkeys(path for some in paths for path in some if path))
