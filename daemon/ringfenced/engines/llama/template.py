"""From messages to the text that a model was trained on: the chat template of its file, in a sandbox.

A template is foreign code: it runs in jinja2's immutable sandbox, with the filters that such templates use. What
people wrote is not code: a control token's text inside a message, a tool's description or the arguments of a call stays
text. A message cannot close its own turn and open one of the system's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""For a model whose file has no template: ChatML, as llama.cpp does."""

_MARKS = [chr(0xE000 + offset) for offset in range(0x1900)]  # Unicode's private use area


class TemplateRefused(ValueError):
    """The template does not take these messages, for example an order of roles; without their content."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as templates see it."""

    role: str
    """``system``, ``user``, ``assistant`` or ``tool``."""
    content: str = field(repr=False)
    """Its text."""
    name: str = field(default="", repr=False)
    """Who speaks, where that is said."""
    calls: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Calls that the model made in it, as OpenAI's API has them, but for arguments, which are values and not text."""
    call_id: str = field(default="", repr=False)
    """The call that it answers."""

    def as_openai(self) -> dict[str, Any]:
        """As templates expect it."""
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.name:
            message["name"] = self.name
        if self.calls:
            message["tool_calls"] = list(self.calls)
        if self.call_id:
            message["tool_call_id"] = self.call_id
        return message


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the rendered prompt."""

    text: str = field(repr=False)
    """The text."""
    is_control: bool
    """Whether control tokens in it are meant as such."""


class ChatTemplate:
    """One model's template, compiled once."""

    def __init__(self, source: str, *, bos: str, eos: str, control: Sequence[str]) -> None:
        """Compile it.

        Args:
            source: the template as the model's file has it; empty for `CHATML`.
            bos: text of the token that begins a sequence.
            eos: text of the token that ends one.
            control: texts of all control tokens.

        Raises:
            TemplateRefused: the source is no template.
        """
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # the output is a prompt, not HTML
            extensions=[loopcontrols],
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        try:
            self._template = environment.from_string(source or CHATML)
        except jinja2.TemplateError as error:
            raise TemplateRefused("the model's chat template cannot be read") from error
        self._bos = bos
        self._eos = eos
        longest_first = sorted(filter(None, control), key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def render(
        self, turns: Sequence[Turn], tools: Sequence[Mapping[str, Any]] = (), places: Sequence[str] = ()
    ) -> list[Segment]:
        """Return the prompt up to the place where the answer begins.

        Args:
            turns: the messages.
            tools: what the model may call, as OpenAI's API has them.
            places: texts in messages that become segments of their own, like those of control tokens.

        Raises:
            TemplateRefused: the template does not take these messages.
        """
        messages = [turn.as_openai() for turn in turns]
        strings = [*_strings(messages), *_strings(tools)]
        apart = self._control
        if places:
            controls = [apart.pattern] if apart is not None else []
            apart = re.compile("|".join([*map(re.escape, places), *controls]))
        if apart is None or not any(map(apart.search, strings)):
            return [Segment(self._run(messages, tools), is_control=True)]
        return self._render_marked(messages, tools, strings, apart)

    def _render_marked(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        strings: Sequence[str],
        control: re.Pattern[str],
    ) -> list[Segment]:
        """Render with a mark in place of each control token's text, then put the text back as mere text."""
        contents = "".join(strings)
        mark = next((mark for mark in _MARKS if mark not in contents), None)
        if mark is None:
            raise TemplateRefused("the messages hold every character of the private use area")
        found: list[str] = []

        def replace(match: re.Match[str]) -> str:
            found.append(match.group())
            return f"{mark}{len(found) - 1}{mark}"

        def marked(values: Sequence[Mapping[str, Any]]) -> list[Any]:
            return [_mapped(value, lambda text: control.sub(replace, text)) for value in values]

        segments: list[Segment] = []
        for place, text in enumerate(self._run(marked(messages), marked(tools)).split(mark)):
            if place % 2:
                segments.append(Segment(found[int(text)], is_control=False))
            elif text:
                segments.append(Segment(text, is_control=True))
        return segments

    def _run(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> str:
        try:
            text = self._template.render(
                messages=messages,
                add_generation_prompt=True,
                bos_token=self._bos,
                eos_token=self._eos,
                tools=list(tools) or None,
            )
            text.encode()  # half a character, which JSON can escape, is no text that a tokenizer takes
        except Exception:  # noqa: BLE001  # foreign code may raise anything, content in it
            raise TemplateRefused("the model's chat template does not take these messages") from None
        return text


def _strings(value: Any) -> Iterator[str]:
    """Every string in a value of messages or tools, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _strings(item)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with each string changed, keys included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(str(key)): _mapped(item, change) for key, item in value.items()}
    return [_mapped(item, change) for item in value] if isinstance(value, Sequence) else value


def _to_json(value: Any, **options: Any) -> str:
    """As HuggingFace's templates expect: plain JSON, not escaped for HTML."""
    return json.dumps(value, ensure_ascii=False, **options)


def _raise(_: str) -> NoReturn:
    raise TemplateRefused("the model's chat template does not take these messages")
