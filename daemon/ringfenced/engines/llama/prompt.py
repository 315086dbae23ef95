"""From a command's messages and tools to the tokens that the model was trained to see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.calls import Style
from ringfenced.engines.llama.template import ChatTemplate, TemplateRefused, Turn
from ringfenced.engines.llama.tools import ToolFacts, instruction, knows_tools, style_of

_ROLES = {
    types_pb2.ROLE_SYSTEM: "system",
    types_pb2.ROLE_USER: "user",
    types_pb2.ROLE_ASSISTANT: "assistant",
    types_pb2.ROLE_TOOL: "tool",
}

_MISTRAL_ID_LENGTH = 9


class Unreadable(ValueError):
    """A part of the prompt that this engine cannot read."""


class Vocabulary(Protocol):
    """What prompts are read with: a `LlamaModel`, or another engine's model that looks like one."""

    @property
    def bos(self) -> int:
        """The token that begins a sequence; -1 for none."""

    def meta(self, key: str) -> str | None:
        """Return a value of the model's file; only ``tokenizer.ggml.eos_token_id`` is asked for."""

    def chat_template(self) -> str:
        """Return the model's chat template; empty for none."""

    def token_text(self, token: int) -> str:
        """Return a token's text; empty for -1."""

    def control_texts(self) -> list[str]:
        """Return the texts of all control tokens."""

    def tokenize(self, text: str, *, is_control: bool) -> list[int]:
        """Return the tokens of a text, in which control tokens' texts stand for such tokens or for themselves."""

    def with_bos(self, tokens: list[int]) -> list[int]:
        """Return tokens with the one that begins a sequence, where the model wants it."""


class PromptReader:
    """Reads prompts for one model."""

    def __init__(self, model: Vocabulary) -> None:
        """Compile the model's chat template.

        Raises:
            TemplateRefused: it is no template.
        """
        self._model = model
        eos = model.meta("tokenizer.ggml.eos_token_id")
        source = model.chat_template()
        self._template = ChatTemplate(
            source,
            bos=model.token_text(model.bos),
            eos=model.token_text(int(eos) if eos else -1),
            control=model.control_texts(),
        )
        self._knows_tools = knows_tools(source)
        self.style: Style = style_of(source)
        """How the model writes tool calls."""

    def tokens(self, messages: Iterable[types_pb2.Message], tools: Sequence[ToolFacts]) -> list[int]:
        """Return a prompt's tokens; never none.

        Raises:
            Unreadable: it holds what the model cannot read.
            TemplateRefused: the template does not take these messages.
            BadSchema: the schema of a tool is no JSON.
        """
        try:
            segments = self._segments(list(messages), tools)
        except RecursionError:
            raise TemplateRefused("messages or tools that are nested too deeply") from None
        tokens: list[int] = []
        for segment in segments:
            tokens += self._model.tokenize(segment.text, is_control=segment.is_control)
        tokens = self._model.with_bos(tokens)
        if not tokens:
            raise TemplateRefused("an empty prompt")
        return tokens

    def _segments(self, messages: Sequence[types_pb2.Message], tools: Sequence[ToolFacts]) -> list[Any]:
        names = {call.id: call.name for message in messages for call in message.tool_calls}
        turns = [self._turn(message, names) for message in messages]
        if self._knows_tools:
            return self._template.render(turns, [tool.as_openai() for tool in tools])
        turns = [_in_words(turn) for turn in turns]
        if tools:
            turns = _instructed(turns, instruction(tools))
        return self._template.render(turns)

    def _turn(self, message: types_pb2.Message, names: dict[str, str]) -> Turn:
        if message.role not in _ROLES:
            raise Unreadable("a role")
        calls = tuple(
            {
                "id": self._id(call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": _value(call.arguments_json)},
            }
            for call in message.tool_calls
        )
        name = message.name or names.get(message.tool_call_id, "")
        content = "\n".join(map(_text, message.parts))
        return Turn(_ROLES[message.role], content, name, calls, self._id(message.tool_call_id))

    def _id(self, name: str) -> str:
        """A call's name as the template takes it: Mistral's demand nine letters and digits."""
        is_fine = self.style not in {Style.MISTRAL, Style.MISTRAL_LIST} or not name
        if is_fine or (len(name) == _MISTRAL_ID_LENGTH and name.isalnum() and name.isascii()):
            return name
        return hashlib.sha256(name.encode()).hexdigest()[:_MISTRAL_ID_LENGTH]


def _in_words(turn: Turn) -> Turn:
    """The same turn for a template that knows nothing of tools."""
    if turn.calls:
        calls = (json.dumps(call["function"], ensure_ascii=False) for call in turn.calls)
        told = "\n".join(f"<tool_call>\n{call}\n</tool_call>" for call in calls)
        return replace(turn, content=f"{turn.content}\n{told}".strip(), calls=())
    if turn.role == "tool":
        return Turn("user", f"<tool_response>\n{turn.content}\n</tool_response>")
    return turn


def _instructed(turns: Sequence[Turn], told: str) -> list[Turn]:
    """The turns with something told by the system first, in the system's own turn where there is one."""
    if turns and turns[0].role == "system":
        return [replace(turns[0], content=f"{turns[0].content}\n\n{told}"), *turns[1:]]
    return [Turn("system", told), *turns]


def _value(text: str) -> object:
    try:
        return json.loads(text or "{}")
    except ValueError:
        raise Unreadable("arguments that are no JSON") from None


def _text(part: types_pb2.Part) -> str:
    match part.WhichOneof("content"):
        case "text":
            return part.text
        case "json":
            return part.json
        case "file":
            try:
                text = part.file.data.decode()
            except UnicodeDecodeError:
                raise Unreadable("a file that is no text") from None
            return f"{part.file.name}:\n{text}" if part.file.name else text
    raise Unreadable("a picture")
