"""Starts real agents fast: a process that has imported everything, and forks one agent for each line it reads.

    python zygote.py CONFIG          what is loaded for CONFIG's recognisers is shared by all
    > {"config": "...", "stderr": "...", "hooks": ["..."]}
    < {"pid": 123}                   the child waits, so that a tracer can attach, until
    > {"go": 123}
    < {"ended": 123, "code": -9}

The child runs `ringfence_agent.__main__.main`, the same that the command runs; what differs is that the compiled
recogniser is there already, and that `hooks` (``hooks.py``) may have changed one thing on purpose.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # noqa: TID251 - threads do not survive a fork


def main() -> None:
    """Serve until stdin ends."""
    from ringfence.tls13 import require_tls13  # noqa: PLC0415 - before gRPC is imported

    require_tls13(os.environ)  # noqa: TID251 - the launcher of these processes
    config = Path(sys.argv[1])
    _share_recogniser(config)
    gc.collect()
    gc.freeze()
    reads, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(reads, selectors.EVENT_READ)
        say({"ready": True})
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    obey(json.loads(line), waiting)
                else:
                    os.read(reads, 4096)
                    reap(waiting)


def obey(order: Mapping[str, Any], waiting: dict[int, int]) -> None:
    """Fork an agent, or let one go on."""
    if "go" in order:
        os.write(waiting[order["go"]], b"g")
        return
    held, let = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(let)
        os._exit(run_child(order, held))
    os.close(held)
    waiting[pid] = let
    say({"pid": pid})


def run_child(order: Mapping[str, Any], held: int) -> int:
    """The agent, from its own `main` on."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    gc.unfreeze()
    stderr = os.open(order["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.dup2(stderr, 2)
    if os.read(held, 1) != b"g":
        return 99
    os.chdir(Path(order["config"]).parent)
    sys.argv = ["ringfence-agent", "--config", order["config"]]
    import hooks  # noqa: PLC0415 - beside this file

    for name in order["hooks"]:
        hooks.apply(name)
    from ringfence_agent.__main__ import main as agent  # noqa: PLC0415 - after the hooks

    try:
        return agent()
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - as the interpreter would, and then the end
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stderr.flush()


def reap(waiting: dict[int, int]) -> None:
    """Tell of every child that has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if (let := waiting.pop(pid, None)) is not None:
            os.close(let)
        say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def say(message: Mapping[str, Any]) -> None:
    """One line on stdout."""
    os.write(1, json.dumps(message).encode() + b"\n")


def _share_recogniser(config: Path) -> None:
    """Load once what every start would load anew, and let `build` find it."""
    import anyio._backends._asyncio  # noqa: F401, PLC0415 - imported for the children
    import openai.resources.chat.completions  # noqa: F401, PLC0415 - likewise

    from ringfence_agent import __main__ as agent_main  # noqa: F401, PLC0415 - likewise
    from ringfence_agent import prepare  # noqa: PLC0415 - after require_tls13
    from ringfence_agent.config import load  # noqa: PLC0415 - likewise

    settings, _ = load(config)
    site = settings.classification
    loaded = prepare.load_site(settings.cache_directory, site.policy(), site.custom(), site.others())
    prepare.load_site = lambda *_: loaded


if __name__ == "__main__":
    main()
