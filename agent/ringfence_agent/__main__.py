"""``ringfence-agent --config FILE [--check-config]``.

Exit codes: 0 it ran, or the file is fine; 77 it is not shut in (docs/confinement.md); 78 the file or something that it
names cannot be used; 3 the log cannot be opened or written.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
import uvloop

from ringfence.configfile import ConfigError
from ringfence.confine.begin import EXIT_NOT_CONFINED, NotConfined
from ringfence.process import keep_memory, notify
from ringfence.quiet import quiet_grpc
from ringfence.tls13 import require_tls13
from ringfence.watchdog import Pulse, asking_s
from ringfence_agent.segments import LogError
from ringfence_agent.stderr import lenient

if TYPE_CHECKING:
    from ringfence_agent.build import Parts
    from ringfence_agent.config import Config

EXIT_CONFIG: Final = 78
"""EX_CONFIG of sysexits.h, as the daemon's: restarting does not help."""
EXIT_LOG: Final = 3
"""The log cannot be opened or written."""


def main() -> int:
    """Run the agent until SIGTERM or SIGINT."""
    arguments = _arguments()
    require_tls13(os.environ)  # noqa: TID251 - the launcher of this process
    quiet_grpc(os.environ)  # noqa: TID251 - likewise
    # Landlock holds for one thread and what it starts: OpenBLAS, which config imports, must not start any before it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251 - likewise
    keep_memory()
    # Without a handler, the standard library writes what libraries warn of to stderr; it may hold content.
    logging.getLogger().addHandler(logging.NullHandler())
    # Only now: gRPC looks for its TLS suites while it is imported.
    from ringfence_agent import build, config, confining  # noqa: PLC0415
    from ringfence_agent.providers.make import forget  # noqa: PLC0415

    forget(os.environ)  # noqa: TID251 - the launcher of this process; before any SDK is loaded

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(lenient(sys.stderr)),
    )
    log = structlog.get_logger()
    try:
        settings, digest = config.load(arguments.config)
        handed_over = os.environ.get("CREDENTIALS_DIRECTORY")  # noqa: TID251 - systemd.exec(5), the launcher
        credentials = Path(handed_over) if handed_over else None
        if not arguments.check_config:
            told = os.environ.get("NOTIFY_SOCKET", "")  # noqa: TID251 - sd_notify(3), the launcher
            report = confining.shut_in(settings, arguments.config, credentials, told)
            (log.warning if report.problem else log.info)("confined", **report.fields())
        parts = build.prepare(settings, credentials)
        if arguments.check_config:
            print(f"{arguments.config}: fine")  # noqa: T201 - the answer
            return 0
        uvloop.run(_serve(settings, digest, parts))
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the one who started it
        return EXIT_CONFIG
    except NotConfined as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the one who started it
        return EXIT_NOT_CONFINED
    except LogError as error:
        log.error("log_failed", why=str(error))  # noqa: TRY400 - its text says all; a trace would not help
        return EXIT_LOG
    return 0


async def _serve(settings: Config, digest: str, parts: Parts) -> None:
    """Listen until a signal comes."""
    from ringfence_agent import build  # noqa: PLC0415 - after require_tls13

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log = structlog.get_logger()

    def tell(problem: str) -> None:
        if problem:
            log.error("unwell", problem=problem)
        notify(os.environ, f"STATUS=not well: {problem}" if problem else "WATCHDOG=1")  # noqa: TID251

    pulse = Pulse(asking_s(os.environ, os.getpid()), tell)  # noqa: TID251
    async with build.running(settings, digest, parts, log, pulse):
        notify(os.environ, "READY=1")  # noqa: TID251 - the launcher of this process
        await stop.wait()
        notify(os.environ, "STOPPING=1")  # noqa: TID251


def _arguments() -> argparse.Namespace:
    """What stands on the command line; no secret ever does."""
    parser = argparse.ArgumentParser(prog="ringfence-agent", description="The only way out of the site.")
    parser.add_argument("--config", type=Path, required=True, help="TOML file; see agent/example.toml")
    parser.add_argument("--check-config", action="store_true", help="read the file and all that it names, then end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
