"""How far a transfer is: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from ringfenced.cli.output import Output
from ringfenced.cli.terminal import safe


@contextmanager
def bar(output: Output, what: str, size_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr while the block runs.

    Args:
        output: where the command speaks; a program or a file gets no bar.
        what: a word before it.
        size_bytes: of the whole; None where nobody knows.

    Yields:
        Is to be told of further bytes.
    """
    if output.as_json or not output.stderr.isatty():
        yield lambda count: None  # noqa: ARG005 - nobody looks
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=output.stderr), transient=True) as progress:
        task = progress.add_task(safe(what), total=size_bytes)
        yield lambda count: progress.advance(task, count)
