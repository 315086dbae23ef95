"""What a decision was made from as lines of JSON, and back: the same decision comes of what is read.

A record is one line and refers to parts by digest: the offers, what learning expected of each, what the policy said of
each, and who judges where that costs something. A part that changed is written as a line of its own before the first
record that needs it, and again once `PARTS_MAX` others of its kind were, so that reader and writer keep a bounded
number of them.

What a request says is not in `Inputs`. The caller's identity stands as a keyed pseudonym: department, tenant and roles
stay, so that policies by those can be replayed, and policies that name one caller cannot. Providers and regions that
the site does not offer become `OTHER`, for a caller may name those freely. A task's name is a caller's word as well:
one that could be a number of a person's, or in which a recogniser finds something (`learn.segment`), stands as a keyed
pseudonym.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from ringfence.labels import Category, Label, Level
from ringfenced.inputs import Ability, Asked, Circumstances, Inputs, Judging, Rating, Ruling, Rulings, configured
from ringfenced.learn.segment import may_keep_name
from ringfenced.model import CallerRole, Offer, Permission, Priority, Target, TargetKind

VERSION: Final = 1
"""Of the lines; a reader refuses any other."""

PARTS_MAX: Final = 64
"""How many parts of a kind a reader has to remember."""

OTHER: Final = "other"
"""Stands for providers and regions that the site does not offer."""

_DIGEST_CHARS: Final = 16
"""64 bits: among 64 parts that are compared, two alike by chance are as good as impossible."""

_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


class RecordError(ValueError):
    """A line is no record, or needs a part that is not there."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision as it was written down."""

    request_id: str
    """Of the request."""
    time_unix_ms: int
    """When it was written down."""
    inputs: Inputs
    """What it was made from; the caller as a pseudonym."""


class RecordEncoder:
    """Turns decisions into lines; one for each file, so that every file can be read alone. Not for several threads."""

    def __init__(self, pseudonym: Callable[[str], str]) -> None:
        """Begin a file.

        Args:
            pseudonym: identity to keyed pseudonym.
        """
        self._pseudonym = pseudonym
        self._written: dict[str, dict[str, None]] = {"offers": {}, "rating": {}, "rulings": {}, "judges": {}}
        self._last: dict[str, tuple[tuple[object, ...], str]] = {}

    def lines(self, recorded: Recorded) -> list[str]:
        """The lines of one decision, each with its end: the parts that are new, then the record."""
        inputs, lines = recorded.inputs, list[str]()
        offers, rating, rulings = inputs.offers, inputs.rating, inputs.rulings
        record = {
            "v": VERSION,
            "id": recorded.request_id,
            "at": recorded.time_unix_ms,
            "asked": _asked_to(self._nameless(inputs)),
            "offers": self._part("offers", (offers,), lambda: [_offer_to(offer) for offer in offers], lines),
            "rating": self._part("rating", (rating, offers), lambda: _rating_to(rating, offers), lines),
            "rulings": self._part("rulings", (rulings, offers), lambda: _rulings_to(rulings, offers), lines),
            "circumstances": _circumstances_to(inputs.circumstances, offers),
        }
        if judges := inputs.judges:
            record["judges"] = self._part("judges", (judges,), lambda: [astuple(one) for one in judges], lines)
        lines.append(_ENCODE(record) + "\n")
        return lines

    def _part(self, kind: str, made_of: tuple[object, ...], value: Callable[[], object], lines: list[str]) -> str:
        """The digest of a part, which is written where the file does not have it."""
        last = self._last.get(kind)
        if last is not None and all(one is other for one, other in zip(last[0], made_of, strict=True)):
            digest, text = last[1], None
        else:
            text = _ENCODE(value())
            digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]
            self._last[kind] = made_of, digest
        written = self._written[kind]
        if digest not in written:
            _keep(written, digest, None)
            lines.append(f'{{"v":{VERSION},"part":"{digest}","{kind}":{text or _ENCODE(value())}}}\n')
        return digest

    def _nameless(self, inputs: Inputs) -> Asked:
        """What is asked, without what a caller may name freely."""
        asked = inputs.asked
        permission = replace(
            asked.permission,
            providers=_known(asked.permission.providers, (offer.target.provider for offer in inputs.offers)),
            regions=_known(asked.permission.regions, (offer.target.region for offer in inputs.offers)),
        )
        # So `policy diff` finds the tasks again that a policy names.
        task = asked.task if not asked.task or may_keep_name(asked) else self._pseudonym(f"task {asked.task}")
        return replace(asked, caller=self._pseudonym(asked.caller), task=task, permission=permission)


def records_of(lines: Iterable[str]) -> Iterator[Recorded]:
    """The decisions in a file's lines, in their order.

    A last line without its end is left out: a crash may have cut the file there.

    Raises:
        RecordError: with the line's number.
    """
    parts: dict[str, dict[str, Any]] = {"offers": {}, "rating": {}, "rulings": {}, "judges": {}}
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            return
        try:
            document = json.loads(line)
            if document["v"] != VERSION:
                raise RecordError(f"line {number}: written by another version")
            if "part" not in document:
                yield _record_from(document, parts)
                continue
            (kind,) = document.keys() & parts.keys()
            value = document[kind]
            _keep(parts[kind], document["part"], tuple(map(_offer_from, value)) if kind == "offers" else value)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            if isinstance(error, RecordError):
                raise
            raise RecordError(f"line {number}: no record of a decision, or its parts are missing") from error


def files_of(path: Path) -> list[Path]:
    """The files of a record, the oldest of each worker first: those of a folder, or the one that is given."""
    return sorted(path.glob("*.jsonl")) if path.is_dir() else [path]


def read_records(path: Path) -> Iterator[Inputs]:
    """What the decisions in a file, or in every file of a folder, were made from.

    For replaying on the command line: with `files_of` the only function of this package that looks at a disk.

    Args:
        path: a file of records, or the folder that the daemon keeps them in.

    Raises:
        RecordError: a line is no record.
        OSError: it cannot be read.
    """
    for one in files_of(path):
        with one.open(encoding="utf-8") as lines:
            for recorded in records_of(lines):
                yield recorded.inputs


def _keep(kept: dict[str, Any], digest: str, value: object) -> None:
    """Remember a part as the newest, and forget the oldest of too many."""
    kept.pop(digest, None)
    kept[digest] = value
    if len(kept) > PARTS_MAX:
        del kept[next(iter(kept))]


def _known(named: frozenset[str], offered: Iterable[str]) -> frozenset[str]:
    if not named:
        return named
    known = named & frozenset(offered)
    return known if known == named else known | {OTHER}


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _target_to(target: Target) -> list[str]:
    return [target.kind, target.model, target.provider, target.node, target.region]


def _target_from(value: list[str]) -> Target:
    kind, model, provider, node, region = value
    return Target(TargetKind(kind), model, provider, node, region)


def _label_to(label: Label) -> list[Any]:
    return [int(label.level), sorted(label.categories)]


def _label_from(value: list[Any]) -> Label:
    return Label(Level(value[0]), frozenset(map(Category, value[1])))


_OFFER_DEFAULTS: Final = {one.name: one.default for one in fields(Offer)}
_PERMISSION_DEFAULTS: Final = {one.name: one.default for one in fields(Permission)}
_ASKED_DEFAULTS: Final = {one.name: one.default for one in fields(Asked)}


def _offer_to(offer: Offer) -> dict[str, Any]:
    said = _differing(offer, _OFFER_DEFAULTS)
    return said | {
        "target": _target_to(offer.target),
        "clearance": None if offer.clearance is None else _label_to(offer.clearance),
    }


def _offer_from(value: Mapping[str, Any]) -> Offer:
    clearance = value["clearance"]
    return Offer(
        **{
            **value,
            "target": _target_from(value["target"]),
            "clearance": None if clearance is None else _label_from(clearance),
            "evaluators": tuple(value.get("evaluators", ())),
        }
    )


def _rating_to(rating: Rating, offers: tuple[Offer, ...]) -> dict[str, Any]:
    more = {"explore": float(rating.explore), "good_answer": float(rating.good_answer_microcredits)}
    quality = [float(one) for one in rating.quality]
    if not any(rating.learned) and not any(rating.uncertainty) and quality == [one.quality for one in offers]:
        return more
    uncertainty, learned = [float(one) for one in rating.uncertainty], [int(one) for one in rating.learned]
    return {**more, "quality": quality, "uncertainty": uncertainty, "learned": learned}


def _rating_from(value: Mapping[str, Any], offers: tuple[Offer, ...]) -> Rating:
    more = {"explore": value["explore"], "good_answer_microcredits": value["good_answer"]}
    if "quality" not in value:
        return replace(configured(offers), **more)
    learned = tuple(map(bool, value["learned"]))
    return Rating(tuple(value["quality"]), tuple(value["uncertainty"]), learned, **more)


def _rulings_to(rulings: Rulings, offers: tuple[Offer, ...]) -> dict[str, Any]:
    """Each distinct ruling once, and which of them each offer has; -1 for none."""
    distinct: dict[Ruling, int] = {}
    each = [
        -1 if (ruling := rulings.by_target.get(offer.target)) is None else distinct.setdefault(ruling, len(distinct))
        for offer in offers
    ]
    return {
        "digest": rulings.digest,
        "cost_max": rulings.cost_microcredits_max,
        "ladder_max": rulings.ladder_length_max,
        "distinct": [[ruling.allowed, ruling.policies, ruling.broken] for ruling in distinct],
        "each": each if len(distinct) != 1 or -1 in each else 0,
    }


def _rulings_from(value: Mapping[str, Any], offers: tuple[Offer, ...]) -> Rulings:
    distinct = [Ruling(allowed, tuple(policies), broken) for allowed, policies, broken in value["distinct"]]
    each = value["each"] if value["each"] != 0 else [0] * len(offers)
    by_target = {offer.target: distinct[at] for offer, at in zip(offers, each, strict=True) if at >= 0}
    return Rulings(by_target, value["digest"], value["cost_max"], value["ladder_max"])


# ── the record itself ────────────────────────────────────────────────────────────────────────────────────────────────


def _differing(value: object, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not as by default."""
    return {name: got for name, default in defaults.items() if (got := getattr(value, name)) != default}


def _asked_to(asked: Asked) -> dict[str, Any]:
    permission = _differing(asked.permission, _PERMISSION_DEFAULTS)
    for name in ("providers", "regions"):
        if name in permission:
            permission[name] = sorted(permission[name])
    return _differing(asked, _ASKED_DEFAULTS) | {
        "roles": sorted(asked.roles),
        "permission": permission,
        "needs": sorted(asked.needs),
        "label": _label_to(asked.label),
        "label_deidentified": _label_to(asked.label_deidentified),
        "findings": sorted(asked.findings),
    }


def _asked_from(value: Mapping[str, Any]) -> Asked:
    value, permission = dict(value), dict(value["permission"])
    earlier = [value.pop("source")] if "source" in value else []  # a record of before a request had several
    for name in ("providers", "regions"):
        if name in permission:
            permission[name] = frozenset(permission[name])
    return Asked(
        **{
            **value,
            "roles": frozenset(map(CallerRole, value["roles"])),
            "permission": Permission(**permission),
            "needs": frozenset(map(Ability, value["needs"])),
            "priority": Priority(value["priority"]),
            "label": _label_from(value["label"]),
            "label_deidentified": _label_from(value["label_deidentified"]),
            "findings": frozenset(value["findings"]),
            "sources": tuple(value.get("sources", earlier)),
            "evaluators": tuple(value.get("evaluators", ())),
        }
    )


def _circumstances_to(circumstances: Circumstances, offers: tuple[Offer, ...]) -> dict[str, Any]:
    closed = circumstances.closed
    return {
        "wallet": circumstances.wallet_microcredits,
        "time_left_ms": circumstances.time_left_ms,
        "closed": {str(at): closed[one.target] for at, one in enumerate(offers) if one.target in closed}
        if closed
        else {},
        "last": None if circumstances.last is None else _target_to(circumstances.last),
        "cached_chars": circumstances.cached_chars,
        "draw": circumstances.draw,
    }


def _circumstances_from(value: Mapping[str, Any], offers: tuple[Offer, ...]) -> Circumstances:
    return Circumstances(
        wallet_microcredits=value["wallet"],
        time_left_ms=value["time_left_ms"],
        closed={offers[int(at)].target: reason for at, reason in value["closed"].items()},
        last=None if value["last"] is None else _target_from(value["last"]),
        cached_chars=value["cached_chars"],
        draw=value["draw"],
    )


def _record_from(document: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> Recorded:
    offers: tuple[Offer, ...] = parts["offers"][document["offers"]]
    inputs = Inputs(
        asked=_asked_from(document["asked"]),
        offers=offers,
        rating=_rating_from(parts["rating"][document["rating"]], offers),
        rulings=_rulings_from(parts["rulings"][document["rulings"]], offers),
        circumstances=_circumstances_from(document["circumstances"], offers),
        judges=tuple(Judging(*one) for one in parts["judges"][document["judges"]]) if "judges" in document else (),
    )
    return Recorded(document["id"], document["at"], inputs)
