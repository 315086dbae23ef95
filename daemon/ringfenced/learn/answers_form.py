"""Whether an answer has the form that its question asks for: a letter, code, JSON, citations; its lists and marks."""

from __future__ import annotations

import ast
import json
import math
import re
import warnings

__all__ = ["NAMES", "asks_for_code", "choice_in", "choices_of", "measured"]

_CHOICES = re.compile(r"(?:^|\n)\s{0,4}\(?([A-J])[).:]\s")
_LETTER = re.compile(
    r"\\boxed\s?\{+\s?(?:\\text\s?\{)?\(?([A-J])\b|(?i:answer|option|choice)\s(?:is|:)?\s?[*(\"']{0,3}([A-J])\b"
)
_ALONE = re.compile(r"^\W{0,4}([A-J])\b(?!')")
_CODE = re.compile(
    r"\b(?:function|program|code|python|script|implement|sql|regex|algorithm|def|class)\b", re.IGNORECASE
)
_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_FENCE = re.compile(r"```(\w{0,12})[^\n]{0,40}\n(.*?)(?:```|\Z)", re.DOTALL)
_TAGGED = re.compile(r"\[PYTHON\](.*?)(?:\[/PYTHON\]|\Z)", re.DOTALL)
_LISTED = re.compile(r"(?:^|\n)\s{0,8}(?:\d{1,2}[.)]|[-*•]|Step \d)\s")
_QUOTED = re.compile(r'["“”]([^"“”\n]{8,200})["“”]')
_CITED = re.compile(r"\[\d{1,3}\]|\(\d{4}\)")
_PARSED_CHARS_MAX = 8_000
_NESTED_MAX = 60
"""Open brackets at once in code that is parsed: Python's own parser gives up at 200 (`MAXSTACK`)."""
_BRACKETS = {")": "(", "]": "[", "}": "{"}

NAMES: tuple[str, ...] = (
    "asks_choice", "choices", "chosen", "chosen_rank", "bare_letter", "letter_first", "letters_mentioned",
    "asks_code", "has_fence", "code_parses", "code_broken", "code_lines", "code_python", "code_other", "code_imports",
    "code_loops", "code_returns", "code_defined", "code_todo", "code_prints", "code_tests", "code_recurses",
    "asks_json", "json_parses", "json_broken",
    "unbalanced", "listed", "bold", "latex", "quoted", "quotes_from_source", "cited", "fence_open",
)  # fmt: skip
"""What each number is, in their order."""


def asks_for_code(question: str) -> bool:
    """Whether a question asks for a program."""
    return _CODE.search(question[:400]) is not None or "```" in question


def choices_of(question: str) -> str:
    """The letters that a question offers, in their order; empty where it offers none."""
    found = "".join(dict.fromkeys(_CHOICES.findall(question)))
    return found if len(found) > 1 and found[0] == "A" else ""


def choice_in(answer: str, choices: str) -> str | None:
    """The letter that an answer chooses, of `choices`; None if it names none."""
    found = [next(filter(None, groups), "") for groups in _LETTER.findall(answer)]
    alone = _ALONE.match(answer)
    letter = found[-1] if found else alone[1] if alone else None
    return letter if letter is not None and letter in choices else None


def measured(question: str, answer: str) -> list[float]:
    """The features named in `NAMES`."""
    choices = choices_of(question)
    letter = choice_in(answer, choices) if choices else None
    return [
        float(bool(choices)),
        float(len(choices)) / 4,
        float(letter is not None),
        choices.index(letter) / 4 if letter else 0.0,
        float(letter is not None and len(answer.strip()) <= 3),  # noqa: PLR2004
        float(letter is not None and answer.lstrip()[:1] == letter),
        math.log1p(len(set(re.findall(r"\b[A-J]\b", answer)))) if choices else 0.0,
        *_coded(question, answer),
        *_as_json(question, answer),
        float(_unbalanced(answer)),
        math.log1p(len(_LISTED.findall(answer))),
        math.log1p(answer.count("**")),
        math.log1p(answer.count("\\") + answer.count("$")),
        *_sourced(question, answer),
        float(answer.count("```") % 2),
    ]


def _coded(question: str, answer: str) -> list[float]:
    asked = asks_for_code(question)
    if not asked and "```" not in answer and "[PYTHON]" not in answer:
        return [0.0] * 15
    language, code = _code_in(answer)
    parses = _parses(code) if code and language in {"", "python", "py", "python3"} else None
    name = re.search(r"\bdef\s+(\w{1,60})", code)
    return [
        float(asked),
        float("```" in answer),
        float(parses is True),
        float(parses is False),
        math.log1p(code.count("\n")),
        float("def " in code or language.startswith("py")),
        float(bool(re.search(r"\bfunction\b|=>|\bvar\b|\bconst\b|#include|\bpublic\b", code))),
        float("import " in code),
        math.log1p(code.count("for ") + code.count("while ")),
        math.log1p(code.count("return")),
        math.log1p(code.count("def ")),
        float("TODO" in code or "pass\n" in code or "..." in code),
        math.log1p(code.count("print(")),
        math.log1p(code.count("assert")),
        float(name is not None and code.count(name[1]) > 1),
    ]


def _code_in(answer: str) -> tuple[str, str]:
    """The language and the text of the first block of code; the whole answer where there is none."""
    fence = _FENCE.search(answer)
    if fence is not None:
        return fence[1].lower(), fence[2]
    tagged = _TAGGED.search(answer)
    return ("python", tagged[1]) if tagged is not None else ("", answer)


def _parses(code: str) -> bool | None:
    """Whether Python can read it; None where it is too long or too deep to be tried."""
    if len(code) > _PARSED_CHARS_MAX or _depth(code) > _NESTED_MAX:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a model's code is its own affair
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r"[(){}\[\]~-]", text):
        depth += 1 if mark in "([{~-" else -1
        deepest = max(deepest, depth)
    return deepest


def _as_json(question: str, answer: str) -> list[float]:
    if not _JSON.search(question):
        return [0.0, 0.0, 0.0]
    fence = _FENCE.search(answer)
    body = (fence[2] if fence else answer).strip()
    if len(body) > _PARSED_CHARS_MAX or _depth(body) > _NESTED_MAX:
        return [1.0, 0.0, 0.0]
    try:
        json.loads(body, parse_int=len, parse_float=len, parse_constant=len)
    except (ValueError, RecursionError):
        return [1.0, 0.0, 1.0]
    return [1.0, 1.0, 0.0]


def _unbalanced(text: str) -> bool:
    open_: list[str] = []
    for mark in re.findall(r"[(){}\[\]]", text):
        if mark in "([{":
            open_.append(mark)
        elif open_ and open_[-1] == _BRACKETS[mark]:
            open_.pop()
        else:
            return True
    return bool(open_)


def _sourced(question: str, answer: str) -> list[float]:
    """Quotations, those that the question's own text holds, and citations."""
    quotes = _QUOTED.findall(answer)[:20] if '"' in answer or "“" in answer else []
    held = sum(quote in question for quote in quotes)
    cited = len(_CITED.findall(answer)) if "[" in answer or "(" in answer else 0
    return [math.log1p(len(quotes)), held / max(1, len(quotes)), math.log1p(cited)]
