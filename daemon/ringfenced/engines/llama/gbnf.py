"""Callers' grammars, checked before llama.cpp sees them: its parser recurses, and its matcher can grow without bound.

What passes is no longer than `GRAMMAR_CHARS_MAX`, nests at most `DEPTH_MAX` deep, names only rules that it has, is not
left-recursive, repeats in bounds, and stays under `STATES_MAX` ways of reading a text on the worst text that a short
search finds. That last check is a search, not a proof. Pure.

Syntax: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md; references to tokens are not taken, since
a control token is not the caller's to write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NoReturn

GRAMMAR_CHARS_MAX = 256 * 1024
"""Longest grammar."""

DEPTH_MAX = 64
"""Deepest nesting of parentheses."""

REPETITIONS_MAX = 2000
"""Most times that something is repeated where that is bounded; llama.cpp takes no more."""

ELEMENTS_MAX = 100_000
"""Most elements once every repetition is written out, as llama.cpp does."""

RULES_MAX = 20_000
"""Most rules, those that repetitions become included: llama.cpp looks for left recursion with a call a rule."""

RANGES_MAX = 128
"""Most ranges of one set of characters: looking for one costs as many comparisons, here and in llama.cpp."""

STATES_MAX = 512
"""Most ways in which one text may be read: llama.cpp keeps every one of them."""

_PROBE_STEPS = 24
_PROBE_CHARACTERS = 12
_PROBE_WORK_MAX = 60_000
_PROBE_SETS = 64
_PROBE_EDGES = 48

Ranges = tuple[tuple[int, int], ...]


class BadGrammar(ValueError):
    """A grammar that llama.cpp cannot take or should not be given; without its text."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of a set."""

    ranges: Ranges
    """First and last code point of each range."""
    negated: bool = False
    """Every character but these."""

    def has(self, character: int) -> bool:
        """Whether it is in the set."""
        return any(low <= character <= high for low, high in self.ranges) is not self.negated


Element = Characters | int
"""A set of characters, or a rule's number."""

Alternative = tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar with every repetition written out as rules."""

    rules: tuple[tuple[Alternative, ...], ...]
    """Alternatives by the rule's number."""
    root: int
    """Number of the rule that a whole answer follows."""


def check_grammar(source: str) -> None:
    """Pass if llama.cpp can be given this grammar.

    Raises:
        BadGrammar: it cannot be read, or is over one of the bounds above.
    """
    grammar = read_grammar(source)
    _check_left_recursion(grammar)
    _Probe(grammar).run()


def read_grammar(source: str) -> Grammar:
    """Read GBNF.

    Raises:
        BadGrammar: it is no GBNF, too large, or names a rule that it does not have.
    """
    if len(source) > GRAMMAR_CHARS_MAX:
        raise BadGrammar(f"more than {GRAMMAR_CHARS_MAX} characters")
    reader = _Reader(source)
    reader.read()
    return reader.grammar()


_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_REPETITION = re.compile(r"\{[ \t]*(\d{1,9})[ \t]*(,?)[ \t]*(\d{0,9})[ \t]*\}")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([trn\\\"\[\]]))")
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}
_ANY: Ranges = ()


@dataclass(slots=True)
class _Reader:
    """Reads a grammar once, by recursive descent."""

    source: str
    at: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    rules: list[tuple[Alternative, ...] | None] = field(default_factory=list)
    elements: int = 0

    def read(self) -> None:
        """Read every rule."""
        self.skip(_SPACE_AND_LINES)
        while self.at < len(self.source):
            number = self.named(self.word())
            self.skip(_SPACE)
            self.expect("::=")
            self.skip(_SPACE_AND_LINES)
            self.rules[number] = self.alternatives(0)
            if self.at < len(self.source) and self.source[self.at] not in "\r\n":
                self.fail("something after a rule")
            self.skip(_SPACE_AND_LINES)

    def grammar(self) -> Grammar:
        """What was read."""
        if "root" not in self.numbers:
            self.fail("no rule of the name root")
        rules = tuple(rule for rule in self.rules if rule is not None)
        if len(rules) < len(self.rules):
            self.fail("a rule that is named but not there")
        return Grammar(rules, self.numbers["root"])

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────

    def alternatives(self, depth: int) -> tuple[Alternative, ...]:
        """Read what stands between two bars, and all of it."""
        if depth > DEPTH_MAX:
            self.fail(f"nested deeper than {DEPTH_MAX}")
        found = [self.sequence(depth)]
        while self.peek() == "|":
            self.at += 1
            self.skip(_SPACE_AND_LINES)
            found.append(self.sequence(depth))
        return tuple(found)

    def sequence(self, depth: int) -> Alternative:
        """Read elements up to a bar, a closing parenthesis or the rule's end."""
        elements: list[Element] = []
        space = _SPACE_AND_LINES if depth else _SPACE
        while True:
            read = self.element(depth)
            if read is None:
                return tuple(elements)
            self.skip(space)
            elements += self.repeated(read, space)

    def element(self, depth: int) -> Alternative | None:
        """Read one element, a literal being several; None where none begins."""
        match self.peek():
            case '"':
                return self.literal()
            case "[":
                return (self.characters(),)
            case ".":
                self.at += 1
                return (Characters(_ANY, negated=True),)
            case "(":
                self.at += 1
                self.skip(_SPACE_AND_LINES)
                inner = self.alternatives(depth + 1)
                self.expect(")")
                return (self.rule(inner),)
            case character if _NAME.match(character):
                return (self.named(self.word()),)
        return None

    def repeated(self, elements: Alternative, space: re.Pattern[str]) -> Alternative:
        """Read what may stand behind an element, and write the repetition out."""
        character = self.peek()
        if character in {"*", "+", "?"}:
            self.at += 1
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
        elif character == "{":
            least, most = self.bounds()
        else:
            return elements
        self.skip(space)
        if self.peek() in {"*", "+", "?", "{"}:
            self.fail("a repetition of a repetition; put parentheses")
        once = elements[-1:]  # as llama.cpp has it: behind a literal it repeats the whole
        once = elements if len(elements) > 1 else once
        return self.written_out(once, least, most)

    def written_out(self, once: Alternative, least: int, most: int | None) -> Alternative:
        """Return ``least`` times the same and then rules for what may follow, at most ``most`` in all."""
        self.count(len(once) * (most or least + 1))
        head = once * least
        if most is None:
            number = self.new()
            self.rules[number] = ((*once, number), ())
            return (*head, number)
        tail: Alternative = ()
        for _ in range(most - least):
            tail = (self.rule(((*once, *tail), ())),)
        return (*head, *tail)

    def bounds(self) -> tuple[int, int | None]:
        """Read ``{least}``, ``{least,}`` or ``{least,most}``."""
        match = _REPETITION.match(self.source, self.at)
        if match is None:
            self.fail("a repetition that cannot be read")
        self.at = match.end()
        least = int(match[1])
        most = int(match[3]) if match[3] else None if match[2] else least
        if max(least, most or 0) > REPETITIONS_MAX or (most is not None and most < least):
            self.fail(f"a repetition of more than {REPETITIONS_MAX}, or one that ends before it begins")
        return least, most

    def literal(self) -> Alternative:
        """Read a text in quotation marks."""
        self.at += 1
        characters: list[Element] = []
        while self.peek() != '"':
            character = self.character()
            characters.append(Characters(((character, character),)))
        self.at += 1
        self.count(len(characters))
        return tuple(characters)

    def characters(self) -> Characters:
        """Read a set in brackets."""
        self.at += 1
        negated = self.peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        while self.peek() != "]":
            low = high = self.character()
            if self.peek() == "-" and self.source[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high = self.character()
            ranges.append((low, high))
            if len(ranges) > RANGES_MAX:
                self.fail(f"a set of more than {RANGES_MAX} ranges")
        self.at += 1
        self.count(len(ranges) + 1)
        return Characters(tuple(ranges), negated)

    def character(self) -> int:
        """Read one character, escaped perhaps."""
        if self.peek() == "\\":
            match = _ESCAPE.match(self.source, self.at)
            if match is None:
                self.fail("an escape that is none")
            self.at = match.end()
            if match[4]:
                return ord(_ESCAPED.get(match[4], match[4]))
            return int(match[1] or match[2] or match[3], 16)
        if self.at >= len(self.source):
            self.fail("a text or a set without an end")
        self.at += 1
        return ord(self.source[self.at - 1])

    # ── bookkeeping ──────────────────────────────────────────────────────────────────────────────────────────────

    def named(self, name: str) -> int:
        """Return a name's number; it may be read later."""
        if name not in self.numbers:
            self.numbers[name] = self.new()
        return self.numbers[name]

    def rule(self, alternatives: tuple[Alternative, ...]) -> int:
        """Return the number of a new rule without a name."""
        number = self.new()
        self.rules[number] = alternatives
        return number

    def new(self) -> int:
        """Return a new rule's number."""
        self.rules.append(None)
        if len(self.rules) > RULES_MAX:
            self.fail(f"more than {RULES_MAX} rules, repetitions written out")
        self.count(1)
        return len(self.rules) - 1

    def count(self, elements: int) -> None:
        """Count elements against the bound."""
        self.elements += elements
        if self.elements > ELEMENTS_MAX:
            self.fail(f"more than {ELEMENTS_MAX} elements, repetitions written out")

    def word(self) -> str:
        """Read a name."""
        match = _NAME.match(self.source, self.at)
        if match is None:
            self.fail("a rule without a name")
        self.at = match.end()
        return match[0]

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.source[self.at : self.at + 1]

    def expect(self, text: str) -> None:
        """Read exactly this."""
        if not self.source.startswith(text, self.at):
            self.fail(f"no {text} where one must stand")
        self.at += len(text)

    def skip(self, space: re.Pattern[str]) -> None:
        """Pass over space and comments."""
        match = space.match(self.source, self.at)
        assert match is not None
        self.at = match.end()

    def fail(self, why: str) -> NoReturn:
        """Refuse the grammar."""
        raise BadGrammar(why)


# ── left recursion ───────────────────────────────────────────────────────────────────────────────────────────────────


def _check_left_recursion(grammar: Grammar) -> None:
    """Pass if no rule can begin with itself; without calls, however many rules there are."""
    empty = _empty_rules(grammar)
    begins = [{element for alternative in rule for element in _leading(alternative, empty)} for rule in grammar.rules]
    waiting = [len(rules) for rules in begins]
    users: list[list[int]] = [[] for _ in begins]
    for number, rules in enumerate(begins):
        for used in rules:
            users[used].append(number)
    ready = [number for number, count in enumerate(waiting) if not count]
    done = 0
    while ready:
        done += 1
        for user in users[ready.pop()]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    if done < len(begins):
        raise BadGrammar("a rule that begins with itself")


def _leading(alternative: Alternative, empty: Sequence[bool]) -> list[int]:
    """The rules that an alternative may begin with."""
    found: list[int] = []
    for element in alternative:
        if isinstance(element, Characters):
            break
        found.append(element)
        if not empty[element]:
            break
    return found


def _empty_rules(grammar: Grammar) -> list[bool]:
    """Which rules may stand for nothing at all."""
    empty = [False] * len(grammar.rules)
    needs: list[tuple[int, list[int]]] = []
    users: Mapping[int, list[int]] = {number: [] for number in range(len(grammar.rules))}
    ready: list[int] = []
    for number, rule in enumerate(grammar.rules):
        for alternative in rule:
            rules = [element for element in alternative if isinstance(element, int)]
            if len(rules) < len(alternative):
                continue
            for used in set(rules):
                users[used].append(len(needs))
            needs.append((number, [len(set(rules))]))
            if not rules:
                ready.append(number)
    while ready:
        number = ready.pop()
        if empty[number]:
            continue
        empty[number] = True
        for index in users[number]:
            user, missing = needs[index]
            missing[0] -= 1
            if not missing[0]:
                ready.append(user)
    return empty


# ── how many ways there are to read a text ───────────────────────────────────────────────────────────────────────────

_Stack = tuple[Alternative, int, "_Stack | None"]
"""The alternative that is being read, the place in it, and what follows it."""


class _Probe:
    """Looks for a text that can be read in many ways at once, choosing each character as the worst at its place."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._work = 0
        self._stacks: dict[tuple[int, int, int], _Stack] = {}
        """Each stack once, by its alternative's, its place's and its follower's identity."""

    def run(self) -> None:
        """Search; raise `BadGrammar` where there are too many ways, or where to count them takes too long."""
        states: dict[int, _Stack] = {}
        for alternative in self._grammar.rules[self._grammar.root]:
            self._open(alternative, 0, None, states)
        for _ in range(_PROBE_STEPS):
            if not states:
                return
            states = max((self._after(states, character) for character in _characters(states)), key=len)

    def _after(self, states: Mapping[int, _Stack], character: int) -> dict[int, _Stack]:
        found: dict[int, _Stack] = {}
        for alternative, place, following in states.values():
            element = alternative[place]
            assert isinstance(element, Characters)
            if element.has(character):
                self._open(alternative, place + 1, following, found)
        return found

    def _open(self, alternative: Alternative, place: int, following: _Stack | None, found: dict[int, _Stack]) -> None:
        """Add every way to go on from a place, each with a set of characters next."""
        todo = [(alternative, place, following)]
        seen: set[int] = set()
        while todo:
            self._work += 1
            if self._work > _PROBE_WORK_MAX:
                raise BadGrammar("too many ways to read one text: counting them takes too long")
            alternative, place, following = todo.pop()
            while place == len(alternative) and following is not None:
                alternative, place, following = following
            if place == len(alternative):
                continue
            stack = self._stack(alternative, place, following)
            if id(stack) in seen:
                continue
            seen.add(id(stack))
            element = alternative[place]
            if isinstance(element, Characters):
                found[id(stack)] = stack
                if len(found) > STATES_MAX:
                    raise BadGrammar(f"more than {STATES_MAX} ways to read one text")
                continue
            after = self._stack(alternative, place + 1, following) if place + 1 < len(alternative) else following
            todo += [(chosen, 0, after) for chosen in self._grammar.rules[element]]

    def _stack(self, alternative: Alternative, place: int, following: _Stack | None) -> _Stack:
        return self._stacks.setdefault((id(alternative), place, id(following)), (alternative, place, following))


def _characters(states: Mapping[int, _Stack]) -> list[int]:
    """Some characters that tell the sets apart which may come next, the commonest first."""
    sets = [
        element for alternative, place, _ in states.values() if isinstance(element := alternative[place], Characters)
    ]
    sets = sets[:_PROBE_SETS]
    of_sets = (edge for one in sets if not one.negated for pair in one.ranges for edge in pair)
    edges = dict.fromkeys((ord("a"), ord(" "), ord("0"), ord('"'), *islice(of_sets, _PROBE_EDGES)))
    counted = sorted(edges, key=lambda character: -sum(one.has(character) for one in sets))
    return counted[:_PROBE_CHARACTERS]


_WORDS = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|#[^\r\n]*|\{[^}]*\}|(?P<word>[A-Za-z0-9-]+)')


def prefixed(source: str, prefix: str) -> str:
    """Return the grammar with a prefix before the name of each rule, so that it can stand beside another."""
    return _WORDS.sub(lambda match: f"{prefix}{match[0]}" if match["word"] else match[0], source)
