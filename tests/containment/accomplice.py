"""Somebody inside the machine who is not confined and helps: ``python accomplice.py FOLDER NAME``.

Behind FOLDER/handing.sock it hands an internet socket, connected to a stranger, to whoever comes (SCM_RIGHTS);
FOLDER/open.sock and the abstract name NAME only listen. Everybody may connect to all three.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
from pathlib import Path

STRANGER4, DISCARD_PORT = "198.51.100.7", 9
"""`network`'s; this runs alone."""


def main(folder: Path, name: str) -> None:
    """Help until somebody ends it."""
    doors = selectors.DefaultSelector()
    for address in (str(folder / "handing.sock"), str(folder / "open.sock"), f"\0{name}"):
        door = socket.socket(socket.AF_UNIX)
        door.bind(address)
        door.listen()
        if not address.startswith("\0"):
            Path(address).chmod(0o666)
        doors.register(door, selectors.EVENT_READ, address.endswith("handing.sock"))
    print("ready", flush=True)  # noqa: T201 - for the test that waits
    while True:
        for ready, _ in doors.select():
            caller, _ = ready.fileobj.accept()
            with caller:
                if ready.data:
                    _hand_over(caller)


def _hand_over(caller: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handed:
        handed.connect((STRANGER4, DISCARD_PORT))
        with contextlib.suppress(OSError):  # whoever came is gone again
            socket.send_fds(caller, [b"x"], [handed.fileno()])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
