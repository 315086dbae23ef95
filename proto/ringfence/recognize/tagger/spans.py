"""From probabilities of tokens to spans: where an entity begins and ends, and what is none after all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ringfence.recognize.fold import UPPER
from ringfence.recognize.gazetteer import CITY, COMMON, COUNTRY, EPONYM, GIVEN, MEDICAL, REGION, SURNAME
from ringfence.recognize.span import Span
from ringfence.recognize.tagger.network import Floats
from ringfence.recognize.tagger.public import STATES, is_public
from ringfence.recognize.tagger.tokens import DIGIT, LETTER, MARK, Ints, Tokens
from ringfence.recognize.vocabulary import MONTHS

THRESHOLDS: Mapping[str, float] = MappingProxyType(
    {
        "PERSON": 0.15,
        "PLACE": 0.15,
        "ADDRESS": 0.15,
        "ORGANISATION": 0.4,
        "DATE": 0.4,
        "AGE": 0.3,
        "SEX": 0.3,
        "KINSHIP": 0.3,
        "PROFESSION": 0.3,
        "NATIONALITY": 0.3,
        "COUNTRY": 0.3,
        "ID": 0.4,
        "CONTACT": 0.5,
        "TITLE": 0.3,
    }
)
"""From which probability on a token belongs to an entity: low, because a name that leaves cannot be called back, and a
word too many only becomes a surrogate (chosen on texts that the network did not learn from; see models/tagger)."""

_DOUBT = 0.3
"""Share of its type's threshold that a token beside a sure one needs."""
_LOWER_CASE_MIN = 0.9
"""What a name without a capital needs in a text that has some, and so does a single word that mostly names nobody."""
_ACRONYM_BYTES_MAX, _ACRONYM_MIN = 6, 0.9
"""A few capitals are a test, a disease or a drug more often than a firm."""
_NEVER = 2.0
_BODY_BYTES_MAX = 48
"""How far a public body's name may reach beyond what was found of it."""
_CAPITALS_SHARE_MAX = 0.8
_OF_SEVERAL_WORDS = frozenset({"PLACE", "ORGANISATION", "ADDRESS"})
"""Their names have words in lower case: of, and, de, the."""
_OF_SEVERAL_LINES = frozenset({"ADDRESS"})
_NAMES = frozenset({"PERSON", "PLACE", "ORGANISATION"})
_NOBODY = np.uint32(COMMON | MEDICAL | EPONYM)
_SOMEBODY = np.uint32(GIVEN | SURNAME | CITY | REGION | COUNTRY)
_ENTITY_TYPES = {"AGE": "AGE_UNDER_90", "TITLE": "SEX"}
"""Types of the network that findings call otherwise. A title tells no more than a sex."""
_TITLES = frozenset(
    b"dr dra mr mrs ms mx miss prof professor doctor sir "
    b"sr sra srta don dona herr frau fr hr mme mlle madame monsieur".split()
)
_EDGES = frozenset(
    b"a an the of and or on in at for from to with by is was are were be has had his her their our your my this that "
    b"who whose which when where seen ref re as until since before after via "
    b"el la los las de del en y con por para un una al se que le les du des et chez dans pour par "
    b"der die das den dem und von vom zum zur im am bei mit fur".split()
)
"""Words that no entity ends with; none begins with one in lower case, but for particles of names."""
_PARTICLES = frozenset(b"de del la las los el van von der den da di du le al bin ibn st".split())
_ABBREVIATIONS = frozenset(b"inc ltd co corp llc gmbh sa st ave rd blvd dr ln ct pl sq apt no str u al ul".split())
_GAP_MAX = 4
"""Bytes between two tokens of one entity."""
_YEAR_BYTES = 4


def spans(tokens: Tokens, chances: Floats, bits: npt.NDArray[np.uint32], types: tuple[str, ...]) -> Iterator[Span]:
    """The entities in `tokens`, by type and then by place; those of different types may overlap.

    Args:
        tokens: of the folded text.
        chances: n x types, as `network.probabilities` gives them.
        bits: n, the gazetteer's flags (see `features.Features`).
        types: names of the columns.
    """
    cased = _is_cased(tokens)
    limits = np.array([THRESHOLDS[name] for name in types], dtype=np.float32)
    sure = (chances >= limits).any(axis=0)
    if not sure.any():
        return
    near, same_line = _near(tokens)
    words = _whole_words(tokens)
    # A word in lower case takes no part by doubt alone: what stands between two names is mostly no name.
    strict = cased & (tokens.kinds == LETTER) & (tokens.data[tokens.starts] >= ord("a"))
    for column in np.flatnonzero(sure):
        joins = near if types[column] in _OF_SEVERAL_LINES else same_line
        # Hysteresis (Canny 1986): an entity begins where the network is sure, and reaches as far as it doubts.
        doubtful = strict & (types[column] not in _OF_SEVERAL_WORDS)
        inside = chances[:, column] >= np.where(doubtful, limits[column], limits[column] * _DOUBT)
        before = np.concatenate(([False], inside[:-1])) & joins
        firsts = np.flatnonzero(inside & ~before)
        joined = np.concatenate((inside[1:] & joins[1:], [False]))
        lasts = np.flatnonzero(inside & ~joined)
        reached = -1
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            score = float(chances[first : last + 1, column].max())
            if score < limits[column] or words[1][last] <= reached:  # another part of a word that was told
                continue
            found = _entity(tokens, words, types[column], (first, last), score)
            if found is not None and cased and score < _needed(tokens, types[column], first, last, bits):
                continue
            reached = int(words[1][last])
            if found is None:
                continue
            if found.entity_type in _NAMES:
                found = _public(found, tokens, bits[first : last + 1], tokens.kinds[first : last + 1])
            if found is not None:
                yield found


def _near(tokens: Tokens) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether each token stands near the one before it, with at most one line's end between; and with none."""
    near = np.zeros(len(tokens), dtype=np.bool_)
    same_line = near.copy()
    lines = np.cumsum(tokens.data == ord("\n"), dtype=np.int32)
    breaks = lines[tokens.starts[1:]] - lines[tokens.starts[:-1]]
    close = tokens.starts[1:] - tokens.ends[:-1] <= _GAP_MAX
    near[1:] = close & (breaks <= 1)
    same_line[1:] = close & (breaks == 0)
    return near, same_line


def _is_cased(tokens: Tokens) -> bool:
    """Whether the text uses capitals as books do; in a chat without any, a name has none either."""
    letters = tokens.data[tokens.starts[tokens.kinds == LETTER]]
    uppers = int(((letters < ord("a")) | (letters == ord(UPPER))).sum())
    return 0 < uppers < len(letters) * _CAPITALS_SHARE_MAX


def _needed(tokens: Tokens, name: str, first: int, last: int, bits: npt.NDArray[np.uint32]) -> float:
    """What a name, place, firm or street needs in a text with capitals; more than 1 for what is none of them."""
    if name not in _NAMES and name != "ADDRESS":
        return 0
    starts = tokens.data[tokens.starts[first : last + 1]]
    letters = tokens.kinds[first : last + 1] == LETTER
    capital = letters & ((starts < ord("a")) | (starts == ord(UPPER)))
    if not capital.any():
        return _LOWER_CASE_MIN if (bits[first : last + 1][letters] & _SOMEBODY).any() else _NEVER
    flags = bits[first : last + 1][capital]
    is_plain = len(flags) == 1 and (flags[0] & _NOBODY or not flags[0] & _SOMEBODY)
    return _LOWER_CASE_MIN if is_plain else 0


def _public(found: Span, tokens: Tokens, bits: npt.NDArray[np.uint32], kinds: npt.NDArray[np.uint8]) -> Span | None:
    """`found`, unless it names nobody: countries and states are told apart, public bodies are nothing.

    45 CFR 164.514(b)(2)(i)(B) begins below the state.
    """
    words = bits[kinds == LETTER]
    name = bytes(tokens.data[found.start : found.end])
    is_country = len(words) and (((words | (words >> np.uint32(16))) & np.uint32(COUNTRY)) > 0).all()
    if is_country or name.lower() in STATES:
        return found._replace(entity_type="COUNTRY")
    if found.entity_type == "PERSON":
        return found
    is_acronym = (
        found.entity_type == "ORGANISATION"
        and len(name) <= _ACRONYM_BYTES_MAX
        and name.isupper()
        and found.score < _ACRONYM_MIN
    )
    around = bytes(tokens.data[max(0, found.start - _BODY_BYTES_MAX) : found.end + _BODY_BYTES_MAX]).lower()
    return None if is_acronym or is_public(name.lower(), around) else found


def _entity(tokens: Tokens, words: tuple[Ints, Ints], name: str, between: tuple[int, int], score: float) -> Span | None:
    """The entity between two tokens, both included, without what only stands beside it; None where nothing is left."""
    first, last = between
    while first <= last and _is_edge(tokens, name, first, at_end=False):
        first += 1
    while first <= last and _is_edge(tokens, name, last, at_end=True) and not _keeps(tokens, name, last):
        last -= 1
    if first > last:
        return None
    if name == "PERSON":
        first = _with_title(tokens, first)
        if first == last and _word(tokens, first) in _TITLES:
            return None
    start, stop = int(tokens.starts[words[0][first]]), int(tokens.ends[words[1][last]])
    text = bytes(tokens.data[start:stop])
    if name == "DATE" and text.isdigit():
        if len(text) != _YEAR_BYTES:
            return None
        name = "YEAR"
    if not _is_plausible(name, text) or (name == "ID" and _is_code(tokens, first, text)):
        return None
    return Span(start, stop, _entity_type(name, text), round(score, 2), f"tagger:{name.lower()}")


def _entity_type(name: str, text: bytes) -> str:
    if name == "CONTACT":
        return "EMAIL" if b"@" in text else "URL" if b"www" in text or b"/" in text or text[:1].isalpha() else "PHONE"
    return _ENTITY_TYPES.get(name, name)


def _word(tokens: Tokens, index: int) -> bytes:
    return bytes(tokens.data[tokens.starts[index] : tokens.ends[index]]).lower()


def _is_edge(tokens: Tokens, name: str, index: int, *, at_end: bool) -> bool:
    """Whether the token at an entity's edge is no part of it."""
    kind = tokens.kinds[index]
    if kind == DIGIT or (kind == LETTER and name == "CONTACT"):
        return False
    word = bytes(tokens.data[tokens.starts[index] : tokens.ends[index]])
    if kind == MARK:
        if not at_end:
            return word not in (b"#", b"+", b"(", b"@", b"/", b"\xc0", b"\xe0")
        # The full stop of an initial or an abbreviation stays; one that ends a sentence goes.
        return not (word == b"." and _abbreviates(tokens, index)) and word != b")"
    low = word.lower()
    return low in _EDGES and word.islower() and (at_end or low not in _PARTICLES or low in (b"el", b"la"))


def _keeps(tokens: Tokens, name: str, last: int) -> bool:
    """Whether the mark at the entity's end belongs to it: an address's abbreviation, a firm's, a link's slash."""
    mark = bytes(tokens.data[tokens.starts[last] : tokens.ends[last]])
    if mark == b"/":
        return name == "CONTACT"
    return (
        mark == b"."
        and last > 0
        and _word(tokens, last - 1) in _ABBREVIATIONS
        and name in ("ADDRESS", "ORGANISATION", "PLACE")
    )


def _abbreviates(tokens: Tokens, index: int) -> bool:
    if not index or tokens.ends[index - 1] != tokens.starts[index] or tokens.kinds[index - 1] != LETTER:
        return False
    return int(tokens.ends[index - 1] - tokens.starts[index - 1]) == 1


def _with_title(tokens: Tokens, first: int) -> int:
    """`first`, or the title before it."""
    at = first - 1
    if at > 0 and bytes(tokens.data[tokens.starts[at] : tokens.ends[at]]) == b".":
        at -= 1
    return at if at >= 0 and _word(tokens, at) in _TITLES else first


def _whole_words(tokens: Tokens) -> tuple[Ints, Ints]:
    """For each token the first and the last one of its word: letters and digits that hang together are one.

    Worked out once for the whole text: a word may be as long as it, with a finding in every token.
    """
    count = len(tokens)
    begins = np.ones(count, dtype=np.bool_)
    marks = tokens.kinds == MARK
    begins[1:] = (tokens.starts[1:] != tokens.ends[:-1]) | marks[1:] | marks[:-1]
    edges = np.flatnonzero(begins)
    lengths = np.diff(np.append(edges, count))
    return np.repeat(edges, lengths).astype(np.int32), np.repeat(edges + lengths - 1, lengths).astype(np.int32)


def _is_code(tokens: Tokens, first: int, text: bytes) -> bool:
    """Whether `text` is a code of a public system, which stands in it or before it: LOINC 2345-7, DRG 291."""
    words = _WORDS.findall(text.lower())
    return (first > 0 and _word(tokens, first - 1) in _CODE_SYSTEMS) or not _CODE_SYSTEMS.isdisjoint(words)


def _is_plausible(name: str, text: bytes) -> bool:
    """Whether `text` can be a `name` at all: a name has letters, an identifier more digits than a measurement."""
    digits = sum(byte in b"0123456789" for byte in text)
    if name in _NAMES:
        return any(byte in _LETTERS for byte in text)
    if name == "ID":
        return digits >= _ID_DIGITS_MIN
    if name == "DATE":
        return digits >= _DATE_DIGITS_MIN or not _TIME_WORDS.isdisjoint(_WORDS.findall(text.lower()))
    if name == "CONTACT":
        return digits >= _PHONE_DIGITS_MIN or (any(mark in text for mark in (b"@", b"/", b".")) and not text.isdigit())
    return name != "ADDRESS" or digits != len(text) or digits >= _ID_DIGITS_MIN


_CODE_SYSTEMS = frozenset(
    b"loinc icd cpt drg hcpcs snomed ndc rxnorm atc mesh omim modifier pmid doi isbn issn nct gene chapter table "
    b"figure grade stage type form version section article usc cfr iso din rfc cve".split()
)
"""Before a number that everybody may know."""
_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\xc0\xe0")
_ID_DIGITS_MIN = 4
"""Fewer digits are a dose, a level or a score."""
_PHONE_DIGITS_MIN = 6
_DATE_DIGITS_MIN = 5
"""Fewer are a score or a year with something before it, unless a month or a day of the week stands there."""
_WORDS = re.compile(rb"[a-z\xe0]+")
_TIME_WORDS = frozenset(word.encode() for word in MONTHS) | frozenset(
    b"monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    b"lunes martes miercoles jueves viernes sabado domingo lundi mardi mercredi jeudi vendredi samedi dimanche "
    b"montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    b"christmas easter thanksgiving halloween ramadan navidad noel paques weihnachten ostern pfingsten silvester "
    b"spring summer autumn winter primavera verano otono invierno printemps ete automne hiver fruhling sommer herbst "
    b"yesterday today tomorrow ayer hoy manana hier demain gestern heute morgen "
    b"week weekend month semana mes semaine mois woche monat".split()
)
