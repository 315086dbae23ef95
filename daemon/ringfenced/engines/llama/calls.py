"""Tool calls in a model's answer: from its text, however it is cut, to text and the pieces of calls. Pure.

    Hermes, Qwen     <tool_call>{"name": …, "arguments": {…}}</tool_call>, again for each call
    Llama 3          {"name": …, "parameters": {…}}, first thing in the answer or behind <|python_tag|>; ; between calls
    Mistral, early   [TOOL_CALLS][{"name": …, "arguments": {…}}, …]
    Mistral, later   [TOOL_CALLS]name[ARGS]{…}, again for each call

Where a grammar binds the calls (`ringfenced.engines.llama.tools`) arguments are passed on as they come. Where none
does, a call is passed on once it is whole and is one; what only looks like a call stays text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Generator
from enum import Enum
from typing import Literal, NamedTuple

HEADER_CHARS_MAX = 1024
"""Most characters between a mark and a call's arguments, where a name stands there."""


class Style(Enum):
    """How a model writes its calls."""

    HERMES = "hermes"
    LLAMA = "llama"
    MISTRAL_LIST = "mistral-list"
    MISTRAL = "mistral"

    @property
    def mark(self) -> str:
        """What opens calls."""
        match self:
            case Style.HERMES:
                return "<tool_call>"
            case Style.LLAMA:
                return "<|python_tag|>"
            case _:
                return "[TOOL_CALLS]"

    @property
    def marks(self) -> tuple[str, ...]:
        """Everything around calls for which a vocabulary may have tokens."""
        return (self.mark, "</tool_call>", "[ARGS]", "[CALL_ID]")

    @property
    def arguments_key(self) -> str:
        """What the arguments are called."""
        return "parameters" if self is Style.LLAMA else "arguments"


class Begin(NamedTuple):
    """A call begins."""

    name: str


class Arguments(NamedTuple):
    """A piece of its arguments."""

    text: str


Piece = str | Begin | Arguments
"""What a caller gets; a string is text."""

_Waits = Generator[None, None, None]
"""Runs until it needs more of the answer."""

_HEADER = re.compile(
    r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)', re.DOTALL
)
_NAME = re.compile(r"\s*([^\s\[{]+)\s*(?:\[CALL_ID\][^\[{]*)?(?:\[ARGS\])?\s*(?=\{)")


class CallParser:
    """One answer's text, read for calls."""

    def __init__(self, style: Style, tools: Collection[str], bind: Callable[[str], bool]) -> None:
        """Begin an answer.

        Args:
            style: how the model writes calls.
            tools: names that a call may have; one of any other is text.
            bind: called where calls open, with the text from there on; returns whether that and what follows is bound
                to a grammar, so that it need not be checked.
        """
        self._style = style
        self._tools = frozenset(tools)
        self._bind = bind
        self._text = ""
        """What was not passed on yet."""
        self._raw = ""
        """What stood before it and is text after all where no call follows."""
        self._pieces: list[Piece] = []
        self._phase: Literal["text", "block", "call", "tail"] = "text"
        self._is_fresh = True
        """Whether nothing but space has come since the beginning, or since a call."""
        self._is_bound = False
        self._reading = self._read()
        self.called = False
        """Whether there was a call."""

    @property
    def held(self) -> int:
        """Characters that are held back."""
        return len(self._raw) + len(self._text)

    def push(self, text: str) -> list[Piece]:
        """Take more of the answer; return what can be passed on."""
        self._text += text
        next(self._reading)
        pieces, self._pieces = self._pieces, []
        return pieces

    def finish(self) -> list[Piece]:
        """Return what was held back, but for space between calls and for a call that broke off after its beginning."""
        rest = self._raw + self._text
        is_space = self.called and self._is_fresh and not rest.strip(self._space)
        return [] if self._phase in {"call", "tail"} or is_space or not rest else [rest]

    # ── the answer ───────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> _Waits:
        while True:
            self._phase = "text"
            yield from self._read_text()
            self._phase = "block"
            yield from self._read_block()

    @property
    def _space(self) -> str:
        return "; \t\r\n" if self._style is Style.LLAMA and self.called else " \t\r\n"

    def _read_text(self) -> _Waits:
        """Pass text on up to where calls open, but for space before that."""
        mark = self._style.mark
        while True:
            text = self._text
            opens, width = text.find(mark), len(mark)
            rest = text.lstrip(self._space)
            if self._style is Style.LLAMA and self._is_fresh and rest.startswith("{"):
                opens, width = len(text) - len(rest), 0
            end = opens if opens >= 0 else len(text) - _overlap(text, mark)
            shown = text[:end].rstrip()
            if self._is_fresh and not shown.strip(self._space):
                shown = ""
            if shown:
                self._is_fresh = False
                self._pieces.append(shown)
            if opens >= 0:
                self._raw, self._text = text[len(shown) : opens + width], text[opens + width :]
                self._is_bound = self._is_bound or self._bind(text[opens:])
                return
            self._text = text[len(shown) :]
            yield

    def _read_block(self) -> _Waits:
        match self._style:
            case Style.HERMES:
                if (yield from self._read_object()):
                    yield from self._skip("</tool_call>")
            case Style.LLAMA:
                yield from self._read_object()
            case Style.MISTRAL_LIST:
                yield from self._read_list()
            case Style.MISTRAL:
                yield from self._read_named()

    # ── one call ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _read_object(self) -> Generator[None, None, bool]:
        """Read ``{"name": …, "arguments": {…}}``; return whether it is a call."""
        scanner = _Scanner()
        while True:
            start = self._text.lstrip()
            if start and not start.startswith("{"):
                return self._no_call(0)
            header = _HEADER.match(self._text) if self._is_bound else None
            name = _loaded(header[1]) if header is not None else None
            if header is not None and isinstance(name, str) and name in self._tools:
                yield from self._pass_on(name, header.end())
                yield from self._close()
                return True
            end = scanner.scan(self._text)
            if end >= 0:
                call = _whole(self._text[:end])
                if call is None or call[0] not in self._tools:
                    return self._no_call(end)
                self._begin(call[0])
                self._pieces.append(Arguments(call[1]))
                self._text = self._text[end:]
                return True
            yield

    def _read_list(self) -> _Waits:
        """Read ``[{…}, …]``."""
        opening = "["
        while True:
            while not (rest := self._text.lstrip()):
                yield
            if rest.startswith("]") and opening == ",":
                self._text = rest[1:]
                return
            if not rest.startswith(opening):
                self._no_call(0)
                return
            self._raw += self._text[: len(self._text) - len(rest) + 1]
            self._text = rest[1:]
            if not (yield from self._read_object()):
                return
            self._phase, self._raw, opening = "tail", "", ","

    def _read_named(self) -> _Waits:
        """Read ``name[ARGS]{…}``."""
        while "{" not in self._text[:HEADER_CHARS_MAX]:
            if len(self._text) >= HEADER_CHARS_MAX:
                self._no_call(0)
                return
            yield
        header = _NAME.match(self._text)
        if header is None or header[1] not in self._tools:
            self._no_call(0)
        elif self._is_bound:
            yield from self._pass_on(header[1], header.end())
        else:
            scanner = _Scanner(header.end())
            while (end := scanner.scan(self._text)) < 0:
                yield
            arguments = _arguments(self._text[header.end() : end])
            if arguments is None:
                self._no_call(end)
                return
            self._begin(header[1])
            self._pieces.append(Arguments(arguments))
            self._text = self._text[end:]

    # ── parts of a call ──────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, name: str) -> None:
        self._raw = ""
        self.called = self._is_fresh = True
        self._pieces.append(Begin(name))

    def _pass_on(self, name: str, start: int) -> _Waits:
        """Pass a call's arguments on as they come, to their end."""
        self._phase = "call"
        self._begin(name)
        self._text = self._text[start:]
        scanner = _Scanner()
        while (end := scanner.scan(self._text)) < 0:
            if self._text:
                self._pieces.append(Arguments(self._text))
            self._text, scanner.place = "", 0
            yield
        self._pieces.append(Arguments(self._text[:end]))
        self._text = self._text[end:]

    def _close(self) -> _Waits:
        """Pass over the rest of a call's object."""
        scanner = _Scanner(depth=1)
        while (end := scanner.scan(self._text)) < 0:
            yield
        self._text = self._text[end:]

    def _skip(self, text: str) -> _Waits:
        """Pass over space and a text, where it comes."""
        self._phase = "tail"
        while (rest := self._text.lstrip()) != text and text.startswith(rest):
            yield
        self._text = rest.removeprefix(text)

    def _no_call(self, end: int) -> bool:
        """Pass on as text what was taken for a call, up to a place."""
        if raw := self._raw + self._text[:end]:
            self._pieces.append(raw)
        self._raw, self._text, self._is_fresh = "", self._text[end:], False
        return False


class _Scanner:
    """Finds the end of a JSON object in a text that grows."""

    __slots__ = ("_depth", "_in_string", "_is_escaped", "place")

    def __init__(self, place: int = 0, *, depth: int = 0) -> None:
        self.place = place
        """Up to where the text was read."""
        self._depth = depth
        self._in_string = False
        self._is_escaped = False

    def scan(self, text: str) -> int:
        """Return the place behind the object's end; -1 where it has none yet."""
        for place in range(self.place, len(text)):
            character = text[place]
            if self._is_escaped:
                self._is_escaped = False
            elif self._in_string:
                self._is_escaped = character == "\\"
                self._in_string = character != '"'
            elif character == '"':
                self._in_string = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth <= 0:
                    return place + 1
        self.place = len(text)
        return -1


def _whole(text: str) -> tuple[str, str] | None:
    """Name and arguments of a call's object; None where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(name := value.get("name"), str):
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):  # as OpenAI's API writes them
        arguments = _loaded(arguments)
    return (name, json.dumps(arguments, ensure_ascii=False)) if isinstance(arguments, dict) else None


def _arguments(text: str) -> str | None:
    """The text, if it is a JSON object."""
    return text if isinstance(_loaded(text), dict) else None


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` begin `mark`, the whole of it not counted."""
    return next(
        (length for length in range(min(len(mark) - 1, len(text)), 0, -1) if mark.startswith(text[-length:])), 0
    )
