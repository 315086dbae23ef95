"""`ringfence policy check`: what a policy says in short, what is wrong with it, and what is probably not meant."""

from __future__ import annotations

from pathlib import Path

from ringfence.configfile import ConfigError
from ringfenced import policyfile
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output
from ringfenced.cli.policyrows import failure
from ringfenced.config import read
from ringfenced.policy import PEOPLE, PolicyError, Rule, Source, parse
from ringfenced.policy.rules import REQUESTS
from ringfenced.policy.summary import doubts, lines


def check(path: Path | None, config_path: Path | None, output: Output, *, people: bool = False) -> None:
    """Parse and validate, and say what each policy says and what about it is doubtful.

    Args:
        path: a file of Cedar; None for the configuration's own.
        config_path: the daemon's file, to which names are held; None for none.
        people: the file says what people may do.
        output: where to speak.

    Raises:
        Failure: it does not parse or validate; each problem with file, line and column.
    """
    try:
        if config_path is None:
            rules, digest = _rules(path, people=people), ""
            sorts, found = [rules], tuple(doubts(rules, None))
        else:
            config = read(config_path)
            book = policyfile.load_unapproved(config, None if people else path, path if people else None)
            digest, found = book.digest, policyfile.doubts_of(config, book)
            sorts = [book.rules] if book.people is None else [book.rules, book.people.rules]
    except ConfigError as error:
        raise failure(error) from None
    doubted = [(str(place), what) for place, what in found]
    told = [line for rules in sorts for line in lines(rules)]
    if output.as_json:
        output.json(
            {
                "digest": digest,
                "policies": [
                    {
                        "name": one.name,
                        "effect": one.effect,
                        "who": one.who,
                        "what": one.what,
                        "where": one.where,
                        "sees": list(one.sees),
                        "place": str(one.place),
                    }
                    for one in told
                ],
                "doubts": [{"place": place, "what": what} for place, what in doubted],
            }
        )
        return
    rows = [(one.effect, one.name, one.who, one.what, one.where, ", ".join(one.sees), str(one.place)) for one in told]
    output.table("", ("", "policy", "who", "what", "where", "if it looks so", "place"), rows)
    for place, what in doubted:
        output.line(f"{place}: {what}", style="yellow")
    output.line(f"{len(told)} policies, {len(doubted)} doubts" + (f"; digest {digest}" if digest else ""))


def _rules(path: Path | None, *, people: bool) -> tuple[Rule, ...]:
    if path is None:
        raise Failure("name a file of Cedar, or --config FILE, or both", code=ExitCode.USAGE)
    try:
        text = policyfile.text_of(path, path.read_bytes())
        return parse([Source(str(path), text)], PEOPLE if people else REQUESTS)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", code=ExitCode.USAGE) from None
    except (ConfigError, PolicyError) as error:
        raise failure(error) from None
