"""Unix sockets of others: what listens behind one may have the network that this process has not."""

from __future__ import annotations

import array
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ringfence.confine.attempts.outcome import Given, NotHere

WELL_KNOWN: Final = {
    "docker": ("/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/crio/crio.sock"),
    "dbus": ("/run/dbus/system_bus_socket",),
    "systemd": ("/run/systemd/private", "/run/systemd/io.systemd.Manager"),
    "resolver": ("/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket", "/run/avahi-daemon/socket"),
    "machines": ("/run/libvirt/libvirt-sock", "/run/lxd.socket", "/run/incus/unix.socket", "/run/snapd.socket"),
    "udev": ("/run/udev/control",),
}
"""What listens for everybody, or for too many, on common distributions; each kind is an attempt of its own."""

_KINDS: Final = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR})


def abstract(given: Given) -> str:
    """An abstract unix socket, which no file's permissions guard."""
    if not given.abstract:
        raise NotHere("no abstract name was given")
    return _reach("\0" + given.abstract)


def foreign(given: Given) -> str:
    """The unix sockets that were given."""
    if not given.unix:
        raise NotHere("no unix socket was given")
    return _reach_any(given.unix)


def beside(given: Given) -> str:
    """A unix socket made where others have theirs, whose place it could then take."""
    refused: OSError | None = None
    for folder in given.beside:
        path = f"{folder}/.{os.getpid():x}"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
                door.bind(path)
            Path(path).unlink()
        except OSError as error:
            refused = error
        else:
            return f"made a unix socket in {folder}, and removed it"
    if refused is None:
        raise NotHere("no folder of others' sockets was given")
    raise refused


def well_known(kind: str) -> Callable[[Given], str]:
    """An attempt on the sockets of one kind of `WELL_KNOWN`."""

    def attempt(given: Given) -> str:
        return _reach_any(WELL_KNOWN[kind])

    return attempt


def session_bus(given: Given) -> str:
    """A person's own bus, keys or display, which the environment names or which lie where they usually do."""
    paths = [given.environment.get("SSH_AUTH_SOCK", ""), "/tmp/.X11-unix/X0", f"/run/user/{os.getuid()}/bus"]  # noqa: S108 - X11's
    return _reach_any(tuple(path for path in paths if path))


def receive_socket(given: Given) -> str:
    """A connected socket, handed over by somebody outside (SCM_RIGHTS, unix(7)), and bytes through it."""
    if not given.helper:
        raise NotHere("no helper was given")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(given.wait_s)
        asking.connect(given.helper)
        handed = _received(asking)
        with socket.socket(fileno=handed) as got:
            got.send(b"ringfence escape attempt\n")
            return f"was handed a socket of family {int(got.family)} and sent bytes through it"


def _received(asking: socket.socket) -> int:
    fds = array.array("i")
    _, ancillary, flags, _ = asking.recvmsg(1, socket.CMSG_LEN(fds.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: fds.itemsize])
            return int(fds[0])
    if flags & socket.MSG_CTRUNC:
        raise OSError(errno.EACCES, "the kernel kept what was handed over")
    raise NotHere("the helper handed nothing over")


def _reach_any(paths: tuple[str, ...]) -> str:
    refused: OSError | None = None
    for path in paths:
        try:
            return _reach(path)
        except OSError as error:
            if error.errno not in _ABSENT:
                refused = error
    if refused is None:
        raise NotHere("none is here: " + ", ".join(paths))
    raise refused


def _reach(address: str) -> str:
    """Connect with whichever kind of socket listens there."""
    for kind in _KINDS:
        with socket.socket(socket.AF_UNIX, kind) as connecting:
            connecting.settimeout(1)
            try:
                connecting.connect(address)
            except OSError as error:
                if error.errno == errno.EPROTOTYPE:
                    continue
                raise
            return f"connected to {address.replace(chr(0), '@')}"
    raise OSError(errno.EPROTOTYPE, "no kind of socket fits")
