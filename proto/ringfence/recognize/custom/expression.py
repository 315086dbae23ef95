"""A site's expression: RE2's syntax, bounded, folded like the text that it reads."""

from __future__ import annotations

import re
from typing import Any, Final

import hyperscan
import re2

from ringfence.recognize.fold import fold_char

WIDTH_MAX: Final = 256
"""Longest match that is looked at, in bytes of folded text."""
EXPRESSION_CHARS_MAX: Final = 500
"""Longest expression."""
PROGRAM_MAX: Final = 4_000
"""Largest program that RE2 may make of one: what counts repetitions out, as ``\\w{1,200}``, grows with them."""

_QUANTIFIER: Final = re.compile(r"[*+]|\{\d+,\}")
_NOT_FOLDED: Final = re.compile(r"\\[QCpP]")
_PROBE: Final = (
    b"The patient was seen in clinic today and reports feeling better since the last visit. Blood pressure 120/80, "
    b"heart rate 72, temperature 98.6 F. Continue metoprolol 25 mg twice a day, lisinopril 10 mg daily; recheck "
    b"potassium (4.1 mmol/L) in 2 weeks. ICD-10 I10, CPT 99213. Payment of USD 1,250.00 was made in 2019 for order "
    b"no. 3; see section 4.2 of the agreement. El paciente refiere dolor leve. Le patient va bien. Der Patient ist "
    b"beschwerdefrei und wurde heute entlassen.\n"
)
"""Ordinary text that identifies nobody."""
PROBE_HITS_MAX: Final = 2
"""A pattern that finds more than this in `_PROBE` finds what everybody writes."""


def fold_expression(expression: str) -> bytes:
    """`expression` as it reads folded text: ``é`` as ``e``, a letter without Latin form as the byte for these."""
    return "".join(char if char.isascii() else fold_char(char) for char in expression).encode("latin-1", "replace")


def compile_expression(folded: bytes, *, any_case: bool) -> Any:
    """Compile for RE2, bytes in and out.

    Raises:
        re2.error: it is no expression.
    """
    options = re2.Options()
    options.case_sensitive = not any_case
    options.log_errors = False
    options.longest_match = True
    return re2.compile(folded, options)  # type: ignore[no-untyped-call]  # google-re2 has no types


def hyperscan_flags(*, any_case: bool) -> int:
    """The flags of a site's expression."""
    return hyperscan.HS_FLAG_SOM_LEFTMOST | (hyperscan.HS_FLAG_CASELESS if any_case else 0)


def wrong(expression: str, *, any_case: bool) -> str:
    """What is wrong with `expression`, and what to write instead; empty where nothing is."""
    rules = (
        (not expression, r"is missing; write for example '\bEMP-\d{6}\b'"),
        (
            len(expression) > EXPRESSION_CHARS_MAX,
            f"longer than {EXPRESSION_CHARS_MAX} characters; write several patterns",
        ),
        (
            _NOT_FOLDED.search(expression) is not None,
            r"\Q, \C, \p and \P cannot be used: text is folded to ASCII letters before; write [A-Za-z] for a letter",
        ),
        (
            _QUANTIFIER.search(_bare(expression)) is not None,
            "has no upper limit; write {1,40} instead of +, {0,40} instead of *",
        ),
    )
    advice = next((advice for is_broken, advice in rules if is_broken), "")
    return advice or _refused_by_re2(expression, any_case=any_case)


def _refused_by_re2(expression: str, *, any_case: bool) -> str:
    folded = fold_expression(expression)
    try:
        compiled = compile_expression(folded, any_case=any_case)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else ""
        return f"is no RE2 expression{': ' if reason else ''}{reason.partition(':')[0]}; see RE2's list of its syntax"
    hits = sum(1 for _ in compiled.finditer(_PROBE))
    rules = (
        (
            compiled.programsize > PROGRAM_MAX,
            f"is too large ({compiled.programsize:,} steps, at most {PROGRAM_MAX:,}); write smaller limits",
        ),
        (compiled.search(b"") is not None, "matches an empty text; write what must stand there"),
        (hits > PROBE_HITS_MAX, f"finds {hits} places in half a page of ordinary text; write what tells yours from it"),
    )
    return next((advice for is_broken, advice in rules if is_broken), "")


def _bare(expression: str) -> str:
    """`expression` without escapes and classes, so that what is left of ``*``, ``+`` and braces are quantifiers."""
    without_escapes = re.sub(r"\\.", "x", expression, flags=re.DOTALL)
    return re.sub(r"\[\^?\]?[^\]]*\]", "x", re.sub(r"\[:\^?[a-z]+:\]", "x", without_escapes))


def refused_by_hyperscan(folded: bytes, *, any_case: bool) -> str:
    """What is wrong with a folded expression in hyperscan's eyes; empty where nothing is.

    Takes 4 ms, so it is asked only of expressions that did not compile together.
    """
    try:
        hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).compile(
            expressions=[folded], ids=[0], elements=1, flags=[hyperscan_flags(any_case=any_case)]
        )
    except hyperscan.error:
        return "cannot be searched for at speed (hyperscan refuses it); write it plainer, or as several patterns"
    return ""
