"""A dictionary's file: its terms as words of folded bytes, each judged before it may be looked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ringfence.recognize.custom.errors import CustomError, Problem, read_text, refuse
from ringfence.recognize.custom.settings import Case, Dictionary
from ringfence.recognize.custom.squeeze import words
from ringfence.recognize.fold import Folder
from ringfence.recognize.vocabulary import COMMON_WORDS, NOT_NAMES

TERMS_MAX = 1_000_000
"""Most terms in one list."""
WORDS_MAX = 8
"""Most words in one term."""
TERM_BYTES_MAX = 120
"""Longest term, folded, without what stands between its words."""
TERM_BYTES_MIN = 2
"""Shortest term: Ng, Wu."""
PART_BYTES_MIN = 4
"""Shortest term that may be found inside a word: three letters stand in too many."""
NUMBER_BYTES_MIN = 5
"""Shortest term that is found in any grouping of its digits; four digits are a year."""
NUMBER_DIGITS_MIN = 4
"""Fewer digits make no number: grouping does not matter to them."""

Term = tuple[bytes, ...]
"""A term's words, folded, capitals kept."""


def read_terms(dictionary: Dictionary) -> Iterator[Term]:
    """The terms of `dictionary`'s file, in order; twice what stands there twice.

    Raises:
        CustomError: the file cannot be read, has no such column, or holds a term that cannot be looked for. Terms are
            named by their line, never repeated.
    """
    path = dictionary.path
    folder = Folder()
    problems: list[Problem] = []
    terms: list[Term] = []
    for line, text in _lines(dictionary, read_text(path)):
        term = tuple(words(folder.fold(text).data))
        if what := _wrong(term, dictionary):
            problems.append(Problem(path, line, what))
        terms.append(term)
        if len(terms) > TERMS_MAX:
            problems.append(Problem(path, line, f"more than {TERMS_MAX:,} terms; split what is not needed off"))
            break
    if not terms:
        problems.append(Problem(path, 0, "holds no term; write one a line, or remove the dictionary"))
    refuse(problems)
    return iter(terms)


def fold_term(text: str) -> Term:
    """The words of one term."""
    return tuple(words(Folder().fold(text).data))


def _lines(dictionary: Dictionary, text: str) -> Iterator[tuple[int, str]]:
    """Line number and text of each term."""
    if dictionary.path.suffix.lower() == ".csv" or dictionary.column:
        yield from _column(dictionary.path, text, dictionary.column)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _column(path: Path, text: str, column: str) -> Iterator[tuple[int, str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if column not in header:
            named = f"has no column {column!r}" if column else "needs a column"
            raise CustomError([Problem(path, 1, f"{named}; set column to a name of the first line")])
        index = header.index(column)
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row[index] if index < len(row) else ""
    except csv.Error:
        raise CustomError([Problem(path, reader.line_num, "is no CSV: look for a quotation mark too many")]) from None


def _wrong(term: Term, dictionary: Dictionary) -> str:
    """What is wrong with a term, and what to do; empty where nothing is."""
    joined = b"".join(term)
    readable = len(joined) - joined.count(b"\xe0")
    digits_only = joined.isdigit()
    rules = (
        (not joined, "no letter or digit here; remove the line, or begin a comment with #"),
        (
            readable * 2 < len(joined) or not readable,
            "letters of a script without Latin forms cannot be told apart; write the term in Latin letters",
        ),
        (
            len(term) > WORDS_MAX or len(joined) > TERM_BYTES_MAX,
            f"longer than {WORDS_MAX} words or {TERM_BYTES_MAX} letters; write the part that identifies",
        ),
        (
            len(joined) < TERM_BYTES_MIN or (digits_only and len(joined) < NUMBER_DIGITS_MIN),
            "one letter, or a number of fewer than four digits, stands everywhere; write more of it, or remove it",
        ),
        (
            not dictionary.whole_word and len(joined) < PART_BYTES_MIN,
            f"shorter than {PART_BYTES_MIN} letters; set whole_word = true, or remove it",
        ),
        (
            len(term) == 1 and dictionary.case is Case.IGNORE and joined.lower() in COMMON_WORDS | NOT_NAMES,
            'an everyday word; set case = "capital", or write more of the term',
        ),
    )
    return next((advice for is_broken, advice in rules if is_broken), "")


def person_variants(term: Term) -> set[Term]:
    """Other ways to write a person's name, given name first: turned round, initials, without middle names.

    Surnames alone are none of them: once a name was found, `mentions` finds its words alone.
    """
    if not 2 <= len(term) <= 4:  # noqa: PLR2004 - one word has no variant; five are no person's name
        return set()
    given, family = term[0], term[-1]
    initial = given[:1]
    found: set[Term] = {(given, family), (family, given), (initial, family), (family, initial)}
    if len(term) > 2:  # noqa: PLR2004 - a middle name
        middle = term[1:-1]
        found |= {(family, given, *middle), (given, *(name[:1] for name in middle), family)}
    return found - {term}


def squashed(term: Term) -> bytes:
    """A number without what groups it, as ``DE 44-5001`` without its blank and hyphen; empty for what is no number."""
    joined = b"".join(term)
    digits = sum(byte in b"0123456789" for byte in joined)
    return joined if digits >= NUMBER_DIGITS_MIN and len(joined) >= NUMBER_BYTES_MIN else b""


def written(term: Term, *, variants: bool) -> set[Term]:
    """All the words that stand for `term`: itself, persons' variants, a number without grouping."""
    ways = {term}
    if variants:
        ways |= person_variants(term)
    if number := squashed(term):
        ways.add((number,))
    return ways
