"""`ringfence policy diff`: recorded decisions under another policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ringfence.configfile import ConfigError
from ringfenced import policyfile
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output
from ringfenced.cli.policyrows import failure
from ringfenced.config import Config, read
from ringfenced.decide.record import RecordError, read_records
from ringfenced.identify import PSEUDONYM_KEY_BYTES, pseudonym
from ringfenced.inputs import Inputs
from ringfenced.policy import Rulebook
from ringfenced.policy.compare import Change, Outcome, compare

_COLUMNS: Final = ("outcome", "who", "label", "before", "after", "closed", "opened", "by")


def diff(new: Path, config_path: Path | None, decisions: Path, output: Output) -> None:
    """Replay decisions and say which would change, and how.

    Args:
        new: a file of Cedar, or a daemon's file that ends in ``.toml``.
        config_path: the daemon's file; needed where `new` is Cedar.
        decisions: a file of records, or the folder of them.
        output: where to speak.

    Raises:
        Failure: a file cannot be used.
    """
    config, book = _policy(new, config_path)
    counts: Counter[tuple[str, ...]] = Counter()
    total = 0
    try:
        for inputs in _named(config, book, read_records(decisions)):
            total += 1
            change = compare(inputs, book)
            if change.outcome is not Outcome.SAME:
                counts[_row(change)] += 1
    except OSError as error:
        raise Failure(f"{decisions}: {error.strerror}", code=ExitCode.USAGE) from None
    except RecordError as error:
        raise Failure(f"{decisions}: {error}", code=ExitCode.USAGE) from None
    changed = sum(counts.values())
    if output.as_json:
        changes = [dict(zip(_COLUMNS, row, strict=True), count=count) for row, count in counts.most_common()]
        output.json({"digest": book.digest, "decisions": total, "same": total - changed, "changes": changes})
        return
    if counts:
        rows = [(str(count), *row) for row, count in counts.most_common()]
        output.table("", ("decisions", *_COLUMNS), rows, right=frozenset({"decisions"}))
    output.line(f"{total - changed} of {total} decisions stay as they were; {changed} would change")


def _policy(new: Path, config_path: Path | None) -> tuple[Config, Rulebook]:
    try:
        if new.suffix == ".toml":
            config = read(new)
            return config, policyfile.load_unapproved(config, None)
        if config_path is None:
            raise Failure("a file of Cedar needs --config FILE beside it, the daemon's", code=ExitCode.USAGE)
        config = read(config_path)
        return config, policyfile.load_unapproved(config, new)
    except ConfigError as error:
        raise failure(error) from None


def _named(config: Config, book: Rulebook, records: Iterator[Inputs]) -> Iterator[Inputs]:
    """Decisions with the names that policies may ask for, where the node's key for pseudonyms can be read."""
    as_pseudonym = _pseudonym(config)
    if as_pseudonym is None:
        yield from records
        return
    callers = {as_pseudonym(one.identity): one.identity for one in config.callers}
    rows, ceilings = config.policy.rules, config.policy.ceilings
    tasks = {task for row in rows for task in row.tasks} | {one.task for one in ceilings if one.task}
    tasks |= {text for rule in book.rules for text in _texts(rule.conditions)}
    by_pseudonym = {as_pseudonym(f"task {task}"): task for task in tasks}
    for inputs in records:
        asked = inputs.asked
        caller, task = callers.get(asked.caller, asked.caller), by_pseudonym.get(asked.task, asked.task)
        yield replace(inputs, asked=replace(asked, caller=caller, task=task))


def _texts(node: Any) -> Iterator[str]:
    """Every string that a condition compares with: one may be a task's name."""
    match node:
        case {"Value": str(text)}:
            yield text
        case dict():
            for inner in node.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in node:
                yield from _texts(inner)


def _pseudonym(config: Config) -> Callable[[str], str] | None:
    try:
        key = (config.state / "pseudonym.key").read_bytes()
    except OSError:
        return None
    return (lambda identity: pseudonym(key, identity)) if len(key) == PSEUDONYM_KEY_BYTES else None


def _row(change: Change) -> tuple[str, ...]:
    asked = change.asked
    return (
        str(change.outcome),
        f"{asked.department} {asked.caller.rpartition('/')[2]}",
        str(asked.label),
        change.before or "-",
        change.after or "-",
        ", ".join(change.closed),
        ", ".join(change.opened),
        ", ".join(change.policies),
    )
