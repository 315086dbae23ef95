"""From a command's messages and tools to the tokens that the model was trained to see."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.calls import Style
from ringfenced.engines.llama.sights import PICTURES_MAX, PLACEHOLDER, BadPicture, PictureReader, Sight
from ringfenced.engines.llama.template import ChatTemplate, Segment, TemplateRefused, Turn
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


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """A prompt as the model sees it."""

    tokens: list[int] = field(repr=False)
    """Its tokens; `PLACEHOLDER` for those that pictures make."""
    sights: tuple[tuple[int, Sight], ...] = ()
    """Pictures, each with the place of its first token."""


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

    def __init__(self, model: Vocabulary, projector: PictureReader | None = None) -> None:
        """Compile the model's chat template.

        Args:
            model: the model.
            projector: makes pictures readable; None where nothing does.

        Raises:
            TemplateRefused: it is no template.
        """
        self._model = model
        self._projector = projector
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
        """Return the tokens alone; raises as `read`."""
        return self.read(messages, tools).tokens

    def read(self, messages: Iterable[types_pb2.Message], tools: Sequence[ToolFacts]) -> ReadPrompt:
        """Return a prompt's tokens; never none, and none of a picture's last.

        Raises:
            Unreadable: it holds what the model cannot read.
            BadPicture: a picture cannot be read or is over a bound.
            TemplateRefused: the template does not take these messages.
            BadSchema: the schema of a tool is no JSON.
        """
        pictures = _Pictures(self._projector)
        try:
            segments = self._segments(list(messages), tools, pictures)
        except RecursionError:
            raise TemplateRefused("messages or tools that are nested too deeply") from None
        tokens: list[int] = []
        sights: list[tuple[int, Sight]] = []
        for segment in segments:
            for item in pictures.found.get(segment.text, ()) if not segment.is_control else ():
                if isinstance(item, int):
                    tokens.append(item)
                else:
                    sights.append((len(tokens), item))
                    tokens += [PLACEHOLDER] * item.tokens
            if segment.is_control or segment.text not in pictures.found:
                tokens += self._model.tokenize(segment.text, is_control=segment.is_control)
        with_bos = self._model.with_bos(tokens)
        if not tokens or tokens[-1] == PLACEHOLDER:
            raise TemplateRefused("a prompt that is empty or ends with a picture")
        shift = len(with_bos) - len(tokens)
        return ReadPrompt(with_bos, tuple((at + shift, sight) for at, sight in sights))

    def _segments(
        self, messages: Sequence[types_pb2.Message], tools: Sequence[ToolFacts], pictures: _Pictures
    ) -> list[Segment]:
        names = {call.id: call.name for message in messages for call in message.tool_calls}
        turns = [self._turn(message, names, pictures) for message in messages]
        if self._knows_tools:
            return self._template.render(turns, [tool.as_openai() for tool in tools], list(pictures.found))
        turns = [_in_words(turn) for turn in turns]
        if tools:
            turns = _instructed(turns, instruction(tools))
        return self._template.render(turns, places=list(pictures.found))

    def _turn(self, message: types_pb2.Message, names: dict[str, str], pictures: _Pictures) -> Turn:
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
        content = "\n".join(_text(part, pictures) for part in message.parts)
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


class _Pictures:
    """The pictures of one prompt, by the text that holds each one's place; nobody can guess such a text."""

    def __init__(self, projector: PictureReader | None) -> None:
        self._projector = projector
        self.found: dict[str, list[int | Sight]] = {}

    def place(self, data: bytes) -> str:
        """Read a picture; return the text that holds its place."""
        if self._projector is None:
            raise Unreadable("a picture")
        if len(self.found) >= PICTURES_MAX:
            raise BadPicture(f"more than {PICTURES_MAX} pictures")
        place = f"<picture {secrets.token_hex(16)}>"
        self.found[place] = self._projector.read(data)
        return place


def _text(part: types_pb2.Part, pictures: _Pictures) -> str:
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
    return pictures.place(part.image.data)
