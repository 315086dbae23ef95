"""Headers of tar files, as far as bundles need them: plain files and nothing else. Pure.

The form is ustar (POSIX.1-1988, pax(1) "ustar Interchange Format") with GNU's binary form of lengths of 8 GiB and more,
which GNU tar, bsdtar and Python read alike. A header that says anything else (a link, a device, a folder, a longer name
in a record of its own) is refused, so nothing of a bundle can lead elsewhere or grow without bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfenced.library.errors import Refused

BLOCK_BYTES: Final = 512
"""All of a tar file comes in blocks of this length."""
END: Final = bytes(2 * BLOCK_BYTES)
"""What a tar file ends with."""
_NAME_BYTES: Final = 100
_PREFIX_BYTES: Final = 155
_OCTAL_MAX: Final = 8**11 - 1
_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)
_TYPE: Final = 156
_MAGIC = slice(257, 265)
_PREFIX = slice(345, 500)
_BINARY: Final = 0x80


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a tar file."""

    name: str
    """Its path in the archive."""
    size_bytes: int
    """Its length, without the padding behind it."""

    @property
    def padding_bytes(self) -> int:
        """What follows its content, up to the next block."""
        return -self.size_bytes % BLOCK_BYTES


def encode(member: Member) -> bytes:
    """The header of a file: mode 0644, no owner, no time, so that the same model gives the same bundle.

    Raises:
        Refused: its name is too long, or not ASCII.
    """
    prefix, name = _split(member.name)
    block = bytearray(BLOCK_BYTES)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[_SIZE] = _size_to(member.size_bytes)
    block[136:148] = b"00000000000\0"
    block[_TYPE] = ord("0")
    block[_MAGIC] = b"ustar\x0000"
    block[345 : 345 + len(prefix)] = prefix
    block[_CHECKSUM] = b"%06o\0 " % _sum(block)
    return bytes(block)


def decode(block: bytes) -> Member | None:
    """The file that a header announces; None at the archive's end.

    Raises:
        Refused: it is no header, or one of anything but a plain file.
    """
    assert len(block) == BLOCK_BYTES
    if block == END[:BLOCK_BYTES]:
        return None
    if _octal(block[_CHECKSUM]) != _sum(block):
        raise Refused("the bundle is no tar file, or damaged", "copy it again, and compare sha256sum on both sides")
    kind = block[_TYPE : _TYPE + 1]
    if kind not in {b"0", b"\0"}:
        what = {b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"5": "a folder", b"6": "a pipe"}
        raise Refused(
            f"the bundle holds {what.get(kind, 'something that is no plain file')}",
            "take a bundle as ringfence models export writes it",
        )
    name = block[:_NAME_BYTES].split(b"\0", 1)[0]
    if block[_MAGIC].startswith(b"ustar") and (prefix := block[_PREFIX].split(b"\0", 1)[0]):
        name = prefix + b"/" + name
    try:
        return Member(name.decode("ascii"), _size_from(block[_SIZE]))
    except UnicodeDecodeError:
        raise Refused("the bundle holds a name that is not ASCII") from None


def _split(name: str) -> tuple[bytes, bytes]:
    """A long name in the two fields that it may stand in."""
    try:
        encoded = name.encode("ascii")
    except UnicodeEncodeError:
        raise Refused(f"{name!a} cannot stand in a bundle: it is not ASCII") from None
    if 0 < len(encoded) <= _NAME_BYTES:
        return b"", encoded
    for at, byte in enumerate(encoded):
        if byte == ord("/") and 0 < at <= _PREFIX_BYTES and 0 < len(encoded) - at - 1 <= _NAME_BYTES:
            return encoded[:at], encoded[at + 1 :]
    raise Refused(f"{name} cannot stand in a bundle: its name is too long", "give the model a shorter name")


def _sum(block: bytes | bytearray) -> int:
    """The checksum: all bytes added up, with blanks where it stands itself."""
    return sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")


def _size_to(size_bytes: int) -> bytes:
    return b"%011o\0" % size_bytes if size_bytes <= _OCTAL_MAX else bytes([_BINARY]) + size_bytes.to_bytes(11, "big")


def _size_from(field: bytes) -> int:
    return int.from_bytes(field[1:], "big") if field[0] == _BINARY else _octal(field)


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits or not all(ord("0") <= byte <= ord("7") for byte in digits):
        raise Refused("the bundle is no tar file, or damaged", "copy it again, and compare sha256sum on both sides")
    return int(digits, 8)
