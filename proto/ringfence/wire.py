"""Between protobuf messages and the contract's values: strict parsing, and labels."""

from __future__ import annotations

from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from ringfence.labels import Category, Label, Level
from ringfence.v1 import types_pb2 as pb

MessageT = TypeVar("MessageT", bound=Message)

_CATEGORY_OF: Final = {category: pb.Category.Value(f"CATEGORY_{category.name}") for category in Category}
_CATEGORY_FROM: Final = {number: category for category, number in _CATEGORY_OF.items()}


class WireError(ValueError):
    """Bytes that are no such message, or a message that holds what it must not; the text names no content."""


def parse(message_type: type[MessageT], data: bytes) -> MessageT:
    """The message in `data`, which must hold nothing else.

    Protobuf keeps fields that it does not know, at any depth, and lets a field come twice; both would be room for
    what nobody scans. So the bytes must be exactly as long as the known fields take.

    Raises:
        WireError: they are not.
    """
    message = message_type()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise WireError(f"these bytes are no {message_type.DESCRIPTOR.name}") from None
    demand_known(message, len(data))
    return message


def demand_known(message: Message, size_bytes: int | None = None) -> None:
    """Refuse a message with unknown fields at any depth.

    Args:
        message: loses its unknown fields.
        size_bytes: how long it was on the wire; None takes the message's own reckoning.

    Raises:
        WireError: it has some, or was longer on the wire than its known fields take.
    """
    before = message.ByteSize() if size_bytes is None else size_bytes
    message.DiscardUnknownFields()
    if message.ByteSize() != before:
        raise WireError(f"{message.DESCRIPTOR.name} holds unknown or repeated fields, which nobody can check")


def label_to(label: Label) -> pb.Label:
    """The message of a label; categories in the order of their numbers."""
    return pb.Label(
        level=pb.Level.ValueType(int(label.level)),
        categories=sorted(_CATEGORY_OF[category] for category in label.categories),
    )


def label_from(message: pb.Label) -> Label:
    """The label of a message.

    Raises:
        WireError: no level, an unknown level or category, or a category twice.
    """
    try:
        categories = frozenset(_CATEGORY_FROM[number] for number in message.categories)
        level = Level(message.level)
    except (KeyError, ValueError):
        raise WireError("a label names a level from PUBLIC to RESTRICTED and known categories") from None
    if len(categories) != len(message.categories):
        raise WireError("a label names each category once")
    return Label(level, categories)
