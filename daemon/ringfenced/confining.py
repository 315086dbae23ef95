"""What is left to the daemon's processes once they are shut in, as the configuration needs it. Looks at paths only.

What an engine needs its daemon must have as well, for walls are inherited: a node whose models run on GPUs, or in vLLM,
has wider ones (`ringfence.confine`'s design.md says by how much).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from ringfence.confine import places
from ringfence.confine.begin import Report, begin
from ringfence.confine.enclose import narrow
from ringfence.confine.settings import named
from ringfence.confine.walls import Walls, joined
from ringfence.recognize.plugins import Kind
from ringfenced.config import Config

CAP_NET_BIND_SERVICE: Final = 10
"""<linux/capability.h>: kept where the daemon listens on a port below 1024."""
_PRIVILEGED: Final = 1024
_INTERNET: Final = frozenset({socket.AF_INET, socket.AF_INET6})
_CGROUPS: Final = Path("/sys/fs/cgroup")


def shut_in(config: Config, path: Path, notify_socket: str) -> Report:
    """Shut this process in as its configuration has it, and try to get out.

    Args:
        config: the daemon's.
        path: its file.
        notify_socket: where the service manager listens (sd_notify(3)); empty for nowhere.

    Raises:
        NotConfined: it must not serve.
        OSError: the kernel refused what every kernel has.
    """
    settings = config.confine
    return begin(
        walls(config, path, notify_socket),
        apply=settings.apply,
        required=settings.required,
        self_test=settings.self_test,
        writable=(str(config.state),),
        unreachable=settings.unreachable,
        locks_memory=True,
    )


def seal(config: Config) -> bool:
    """Once all ports are open: no socket of the internet's families from now on, where none is needed any more.

    It does not hold kernels whose Landlock judges no TCP ports yet (before version 4) to the same: a socket that is
    there, a listening one or one that a caller's connection came in by, can be taken apart and connected elsewhere
    (connect(2), AF_UNSPEC), and no filter reads where to. There the unit or the network policy is the wall.

    Returns:
        whether it was done.
    """
    if not config.confine.apply or _connects(config) or _hosts_vllm(config):
        return False
    return narrow(Walls(starts_programs=True, writes_code=True, leaves_network=True, makes_callbacks=True))


def walls(config: Config, path: Path, notify_socket: str = "") -> Walls:
    """What is left to the daemon, and with it to all that it starts."""
    listens = frozenset(_listens(config))
    connects = _connects(config)
    more = config.confine
    found = Walls(
        families=_INTERNET if listens or connects else frozenset(),
        connects=connects,
        listens=listens,
        reads=joined(
            *(places.SYSTEM, places.python(), named(config), places.resolved(path.parent, *more.read)),
            *(("/proc", "/sys"), places.RESOLVING if connects else places.LIBRARIES, places.GPU_RUNTIME),
            _command_files(config),
        ),
        writes=joined(
            places.resolved(config.state, config.runtime_folder, *_unix_folder(config), *more.write),
            _cgroup_folder(),
            _proc(config),
        ),
        runs=joined(
            *(places.SYSTEM, places.interpreters(*_interpreters(config)), _commands(config)),
            places.resolved(*more.run),
        ),
        devices=joined(places.HARMLESS_DEVICES, places.gpus()),
        starts_programs=True,
        writes_code=_compiles(config),
        makes_callbacks=bool(config.models),
        reaches_abstract=notify_socket.startswith("@"),
        capabilities=frozenset({CAP_NET_BIND_SERVICE} if any(0 < port < _PRIVILEGED for port in listens) else ()),
    )
    return _for_vllm(found) if _hosts_vllm(config) else found


def _for_vllm(found: Walls) -> Walls:
    """Processes of vLLM speak TCP among themselves, in a network of their own, and share memory."""
    return replace(
        found,
        families=_INTERNET | {socket.AF_NETLINK},
        connects=None,
        leaves_network=True,
        writes=joined(found.writes, (places.SHARED_MEMORY,)),
        is_scoped=False,
    )


def _proc(config: Config) -> tuple[str, ...]:
    """An engine writes its own oom_score_adj, and vLLM's who it is in its own network; in a folder nobody knows yet.

    Where the daemon is root's, all of the machine's settings under /proc/sys would be open with it: such engines do
    without.
    """
    return ("/proc",) if os.geteuid() != 0 or _hosts_vllm(config) else ()


def _listens(config: Config) -> Iterator[int]:
    """The TCP ports that are listened on; a worker's metrics stand on a port of its own."""
    listen = config.listen
    yield from (int(address.rpartition(":")[2]) for address in (listen.tcp, listen.health) if address)
    if config.telemetry.metrics_listen:
        first = int(config.telemetry.metrics_listen.rpartition(":")[2])
        yield from range(first, first + config.workers)


def _connects(config: Config) -> frozenset[int]:
    """The TCP ports on the site that are connected to."""
    targets = [evaluator.target for evaluator in config.evaluators if evaluator.kind == "grpc"]
    targets += [config.agent.target] if config.agent is not None else []
    ports = (target.rpartition(":")[2] for target in targets if not target.startswith("unix:"))
    return config.confine.connect | {int(port) for port in ports if port.isdecimal()}


def _hosts_vllm(config: Config) -> bool:
    return any(model.engine == "vllm" for model in config.models)


def _compiles(config: Config) -> bool:
    """Whether anything here compiles code while it runs: GPUs' drivers, vLLM, and torch in a plug-in."""
    models = any(model.engine != "llama.cpp" or model.gpu_layers for model in config.models)
    return models or any(plugin.kind is Kind.GLINER for plugin in config.classification.plugins)


def _interpreters(config: Config) -> list[Path]:
    return [model.vllm.python for model in config.models if model.vllm.python is not None]


def _commands(config: Config) -> tuple[str, ...]:
    """Programs of the site's own engines."""
    return places.resolved(*(Path(model.command[0]) for model in config.models if model.command))


def _command_files(config: Config) -> tuple[str, ...]:
    """What their command lines name and what is there: scripts, and files of weights."""
    named_here = (Path(word) for model in config.models for word in model.command[1:] if word.startswith("/"))
    return places.resolved(*(path for path in named_here if path.exists()))


def _unix_folder(config: Config) -> tuple[Path, ...]:
    return (config.listen.unix.parent,) if config.listen.unix is not None else ()


def _cgroup_folder() -> tuple[str, ...]:
    """The group above our own, in which engines get theirs (`engines.cgroup`), where this user may write there."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    own = next((line[3:] for line in lines if line.startswith("0::")), "/").strip("/")
    return (str((_CGROUPS / own).parent),) if own else ()
