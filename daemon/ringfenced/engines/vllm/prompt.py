"""From messages to tokens, by the model's own chat template and tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.template import ChatTemplate, Segment, TemplateRefused, Turn

_ROLES = {
    types_pb2.ROLE_SYSTEM: "system",
    types_pb2.ROLE_USER: "user",
    types_pb2.ROLE_ASSISTANT: "assistant",
    types_pb2.ROLE_TOOL: "tool",
}


class Unreadable(ValueError):
    """A part of the prompt that this engine cannot read."""


class Prompter:
    """One model's way to read messages. May be called from several threads."""

    def __init__(self, template: ChatTemplate, encode: Callable[[str], list[int]]) -> None:
        """Take a model's template and tokenizer.

        Args:
            template: the model's, compiled.
            encode: returns a text's tokens and adds none of its own; control tokens' texts become such tokens.
        """
        self._template = template
        self._encode = encode

    def tokens(self, messages: Iterable[types_pb2.Message], tools: Iterable[types_pb2.Tool]) -> list[int]:
        """Return the prompt's tokens; never none.

        Raises:
            Unreadable: a message holds what the model cannot read.
            TemplateRefused: the template does not take these messages.
        """
        if any(True for _ in tools):
            raise Unreadable("tools")
        tokens: list[int] = []
        for segment in self._template.render([_turn(message) for message in messages]):
            tokens += self._tokens(segment)
        if not tokens:
            raise TemplateRefused("an empty prompt")
        return tokens

    def _tokens(self, segment: Segment) -> list[int]:
        if segment.is_control:
            return self._encode(segment.text)
        # character by character no text of a control token is seen whole
        return [token for character in segment.text for token in self._encode(character)]


def characters_of(messages: Iterable[types_pb2.Message]) -> int:
    """Return about how much there is to read, in characters."""
    return sum(len(part.text) + len(part.json) + len(part.file.data) for message in messages for part in message.parts)


def _turn(message: types_pb2.Message) -> Turn:
    if message.tool_calls or message.role not in _ROLES:
        raise Unreadable("a tool call")
    return Turn(_ROLES[message.role], "\n".join(map(_text, message.parts)), message.name)


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
