"""`ringfence`, the command line of callers, operators and auditors."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; `--version` alone is answered before anything heavy is imported."""
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version  # noqa: PLC0415 - what `--version` needs and nothing else does

        print(f"ringfence {version('ringfence')}")
        return
    from importlib.util import find_spec  # noqa: PLC0415 - likewise

    if find_spec("typer") is None:  # the agent's set: units are laid down by it all the same
        from ringfenced.cli.installing import plain  # noqa: PLC0415 - likewise

        sys.exit(plain.main(sys.argv[1:]))
    from ringfence.quiet import quiet_grpc  # noqa: PLC0415 - likewise
    from ringfence.tls13 import require_tls13  # noqa: PLC0415 - likewise

    require_tls13(os.environ)  # noqa: TID251 - the launcher of this process; gRPC reads it when it is imported
    quiet_grpc(os.environ)  # noqa: TID251 - likewise
    from ringfenced.cli.app import app  # noqa: PLC0415 - typer, rich and grpc cost 200 ms; `--version` needs none

    app(prog_name="ringfence")
