"""Everything of a site's own, loaded once: stages, allow list and a digest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ringfence.recognize.custom.allow import AllowList, load_allow
from ringfence.recognize.custom.cache import remove_others
from ringfence.recognize.custom.dictionaries import load_dictionaries
from ringfence.recognize.custom.errors import Problem, refuse
from ringfence.recognize.custom.hashed import load_hashed
from ringfence.recognize.custom.literals import OWNERS_MAX
from ringfence.recognize.custom.patterns import load_patterns
from ringfence.recognize.custom.settings import CustomSettings
from ringfence.recognize.custom.terms import read_terms
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.span import Span

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Custom:
    """A site's own recognisers, ready."""

    stages: tuple[Callable[[bytes], Iterable[Span]], ...] = ()
    """Read folded bytes; for ``Stages.folded``."""
    allow: AllowList | None = None
    """Drops what is allowed; None where the site has no list."""
    digest: str = ""
    """SHA-256, hex, of all patterns, lists and settings; empty without any. For the policy's digest and log entries. A
    plain list is in it by its hash alone, so the digest tells nobody's name."""


def load_custom(settings: CustomSettings, cache_dir: Path | None) -> Custom:
    """Load and check everything that `settings` name.

    Args:
        settings: files, types and options.
        cache_dir: where compiled lists are kept, 0600; None compiles them each time. They hold the terms of plain
            lists, not those of hashed ones.

    Raises:
        CustomError: with file, line and what to write instead, for each problem. No term of a list is repeated.
    """
    refuse(_wrong(settings))
    stages: list[Callable[[bytes], Iterable[Span]]] = []
    names: list[str] = []
    said: list[bytes] = []
    if settings.pattern_files:
        patterns, files, content = load_patterns(settings.pattern_files, cache_dir)
        stages.append(patterns)
        names += files
        said += content
    plain = [one for one in settings.dictionaries if not one.hashed]
    hashed = [one for one in settings.dictionaries if one.hashed]
    if plain:
        dictionaries, files, content = load_dictionaries(plain, cache_dir)
        stages.append(dictionaries)
        names += files
        said += content
    if hashed:
        exact, content = load_hashed(hashed, settings.key_file)
        stages.append(exact)
        said += content
    said += [
        repr((one.name, one.entity_type, one.case.value, one.whole_word, one.person_variants, one.hashed)).encode()
        for one in settings.dictionaries
    ]
    allow: AllowList | None = None
    if settings.allow_files:
        allow, files, content = load_allow(settings.allow_files, cache_dir)
        names += files
        said += (b"allow", *content)
    if cache_dir is not None:
        remove_others(cache_dir, names)
    return Custom(tuple(stages), allow, _digest(said))


def check_custom(settings: CustomSettings) -> None:
    """Read and check everything that `settings` name, as `load_custom` does, without compiling plain lists.

    Patterns are compiled, for their examples are part of the check. Nothing is written.

    Raises:
        CustomError: as `load_custom`.
    """
    refuse(_wrong(settings))
    load_patterns(settings.pattern_files, None)
    for one in settings.dictionaries:
        if not one.hashed:
            read_terms(one)
    if hashed := [one for one in settings.dictionaries if one.hashed]:
        load_hashed(hashed, settings.key_file)
    load_allow(settings.allow_files, None)


def _wrong(settings: CustomSettings) -> list[Problem]:
    """What is wrong with the settings themselves."""
    problems = []
    seen: set[str] = set()
    for one in settings.dictionaries:
        if _NAME.fullmatch(one.name) is None:
            problems.append(Problem(one.path, 0, "needs a name of 1 to 64 letters, digits, - or _"))
        if one.name in seen:
            problems.append(Problem(one.path, 0, f"{one.name}: stands twice; give each dictionary a name of its own"))
        if one.entity_type not in ENTITIES:
            problems.append(Problem(one.path, 0, f"type: write one of {', '.join(ENTITIES)}"))
        seen.add(one.name)
    if len(settings.dictionaries) > OWNERS_MAX:
        problems.append(Problem(settings.dictionaries[0].path, 0, f"more than {OWNERS_MAX} dictionaries; join some"))
    return problems


def _digest(said: Iterable[bytes]) -> str:
    parts = [sha256(part).digest() for part in said]
    return sha256(b"".join(parts)).hexdigest() if parts else ""
