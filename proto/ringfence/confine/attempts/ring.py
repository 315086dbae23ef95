"""io_uring: a ring makes sockets and connects them, and no filter on socket(2) sees it (io_uring(7))."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import socket
import struct
import time
from typing import Final, Self

from ringfence.confine.attempts.kernel import call
from ringfence.confine.attempts.network import answer
from ringfence.confine.attempts.outcome import Given, NotHere

# <linux/io_uring.h>
_PARAMS_BYTES: Final = 120
_SQ_OFFSETS_AT: Final = 40
_CQ_OFFSETS_AT: Final = 80
_OFF_SQ_RING: Final = 0
_OFF_CQ_RING: Final = 0x8000000
_OFF_SQES: Final = 0x10000000
_OP_CONNECT: Final = 16
_OP_SOCKET: Final = 45
_SQE: Final = struct.Struct("<BBHiQQIIQHHiQQ")
_CQE: Final = struct.Struct("<QiI")
_WAIT_STEP_S: Final = 0.005


def make_socket(given: Given) -> str:
    """An internet socket by a ring."""
    with Ring() as ring, socket.socket(fileno=_socket(ring, socket.SOCK_STREAM, given)) as made:
        return f"got an internet socket ({made.family.name}) that no filter of socket(2) saw"


def connect(given: Given) -> str:
    """A TCP connection, opened and connected by a ring."""
    with Ring() as ring, socket.socket(fileno=_socket(ring, socket.SOCK_STREAM, given)) as made:
        target = struct.pack("<H", socket.AF_INET) + struct.pack("!H", given.port) + socket.inet_aton(given.address4)
        address = ctypes.create_string_buffer(target + bytes(8), 16)
        code = ring.do(_OP_CONNECT, fd=made.fileno(), address=ctypes.addressof(address), offset=16, wait_s=given.wait_s)
        if code is None or code == -errno.EINPROGRESS:
            return answer(made, given.address4, given.port, given)
        if code < 0 and code != -errno.ECONNREFUSED:
            raise OSError(-code, os.strerror(-code))
        return f"reached {given.address4}:{given.port} through a ring"


def _socket(ring: Ring, kind: int, given: Given) -> int:
    made = ring.do(_OP_SOCKET, fd=socket.AF_INET, offset=kind, wait_s=given.wait_s)
    if made is None or made == -errno.EINVAL:
        raise NotHere("this kernel's io_uring makes no sockets (before 5.19)")
    if made < 0:
        raise OSError(-made, os.strerror(-made))
    return made


class Ring:
    """One ring of four entries, in which one thing is done at a time."""

    def __init__(self) -> None:
        params = ctypes.create_string_buffer(_PARAMS_BYTES)
        self._stack = contextlib.ExitStack()
        self._fd = call("io_uring_setup", 4, ctypes.addressof(params))
        self._stack.callback(os.close, self._fd)
        entries, replies = struct.unpack_from("<II", params)
        head, tail, mask, _, _, _, array = struct.unpack_from("<7I", params, _SQ_OFFSETS_AT)
        self._sq = {"head": head, "tail": tail, "mask": mask, "array": array}
        head, tail, mask, _, _, cqes = struct.unpack_from("<6I", params, _CQ_OFFSETS_AT)
        self._cq = {"head": head, "tail": tail, "mask": mask, "cqes": cqes}
        self._sq_ring = self._map(array + 4 * entries, _OFF_SQ_RING)
        self._cq_ring = self._map(cqes + _CQE.size * replies, _OFF_CQ_RING)
        self._sqes = self._map(_SQE.size * entries, _OFF_SQES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def do(
        self, operation: int, *, fd: int, address: int = 0, offset: int = 0, length: int = 0, wait_s: float
    ) -> int | None:
        """Have one thing done; what came of it (negative: an errno), or None where nothing did in that time."""
        tail = self._get(self._sq_ring, self._sq["tail"])
        slot = tail & self._get(self._sq_ring, self._sq["mask"])
        entry = _SQE.pack(operation, 0, 0, fd, offset, address, length, 0, 1, 0, 0, 0, 0, 0)
        self._sqes[slot * _SQE.size : (slot + 1) * _SQE.size] = entry
        struct.pack_into("<I", self._sq_ring, self._sq["array"] + 4 * slot, slot)
        struct.pack_into("<I", self._sq_ring, self._sq["tail"], (tail + 1) & 0xFFFFFFFF)
        call("io_uring_enter", self._fd, 1, 0, 0, 0, 0)
        end = time.monotonic() + wait_s
        while (reply := self._reply()) is None and time.monotonic() < end:
            time.sleep(_WAIT_STEP_S)
        return reply

    def _reply(self) -> int | None:
        head = self._get(self._cq_ring, self._cq["head"])
        if head == self._get(self._cq_ring, self._cq["tail"]):
            return None
        slot = head & self._get(self._cq_ring, self._cq["mask"])
        _, result, _ = _CQE.unpack_from(self._cq_ring, self._cq["cqes"] + _CQE.size * slot)
        struct.pack_into("<I", self._cq_ring, self._cq["head"], (head + 1) & 0xFFFFFFFF)
        return int(result)

    def _map(self, size: int, offset: int) -> mmap.mmap:
        both = mmap.PROT_READ | mmap.PROT_WRITE
        return self._stack.enter_context(mmap.mmap(self._fd, size, mmap.MAP_SHARED, both, offset=offset))

    @staticmethod
    def _get(memory: mmap.mmap, at: int) -> int:
        return int(struct.unpack_from("<I", memory, at)[0])
