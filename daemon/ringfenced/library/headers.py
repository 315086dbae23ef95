"""Whether a file is what its name says: keeps foreign and cut files out. Bounded; blocking.

The headers themselves are read by `ringfenced.weights`, which believes nothing of them. Here it is said, beyond that,
what a foreign file is instead.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ringfenced.library.errors import Refused
from ringfenced.library.names import is_weights, whole
from ringfenced.weights import BadModelFile
from ringfenced.weights.files import read_gguf_file, read_gguf_header_of
from ringfenced.weights.safetensors import header_bytes, read_safetensors_header

_FOREIGN: Final = {
    b"<!DO": "a web page: the server answered something else than the file",
    b"<htm": "a web page: the server answered something else than the file",
    b"vers": "a Git LFS pointer: fetch the file itself, with git lfs pull",
    b"PK\x03\x04": "a ZIP archive, as PyTorch writes its pickles",
    b"\x80\x02}q": "a Python pickle",
    b"lmgg": "a GGML file of before 2023: convert it to GGUF",
    b"tjgg": "a GGML file of before 2023: convert it to GGUF",
    b"FUGG": "a big-endian GGUF file: take the little-endian one",
}
_LENGTH_BYTES: Final = 8


def demand_header(path: Path, name: str, size_bytes: int) -> None:
    """Pass if the file is what its name says; a file that holds no weights passes.

    Args:
        path: the file, not a link.
        name: its path in the model, for messages.
        size_bytes: its length.

    Raises:
        Refused: it is another kind of file, malformed or cut.
        OSError: it cannot be read.
    """
    if not is_weights(name):
        return
    with path.open("rb") as file:
        head = file.read(_LENGTH_BYTES)
        if foreign := _FOREIGN.get(head[:4]):
            raise Refused(f"{name} is {foreign}")
        try:
            if name.lower().endswith(".gguf"):
                read_gguf_header_of(path)
            else:
                read_safetensors_header(head + file.read(header_bytes(head) - _LENGTH_BYTES), size_bytes)
        except BadModelFile as error:
            said = error.message if error.message.startswith(("'", '"')) else f"{name}: {error.message}"
            raise Refused(said) from None


def demand_whole(folder: Path, names: Iterable[str]) -> None:
    """Pass if the parts of each split GGUF model belong together, and each says what an engine needs to know.

    Args:
        folder: where the files are; each has passed `demand_header`.
        names: their paths in it.

    Raises:
        Refused: they do not, or a model lacks what any model has.
    """
    firsts: dict[str, str] = {}
    for name in sorted(names):
        if name.lower().endswith(".gguf"):
            firsts.setdefault(whole(name), name)
    for name in firsts.values():
        try:
            read_gguf_file(folder / name)
        except BadModelFile as error:
            raise Refused(error.message) from None


def plain_size(path: Path, name: str) -> int:
    """The length of a plain file.

    Raises:
        Refused: it is missing, a link, or no file at all.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        raise Refused(f"{name} is missing", "fetch the model again") from None
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"{name} is a link or no plain file", "put the file itself there: cp -L")
    return status.st_size
