"""Opens a connection as the agent would, and closes it: ``python -I as_agent.py GROUP UID GID PORT ADDRESS ...``.

It runs as a process of its own that enters the agent's control group, where the filter of addresses hangs, and becomes
the agent's user, for whom a firewall may have rules. No byte is sent in the connection. It prints why none stood, or
nothing. It imports nothing of ours, so that it can be started by itself.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

SECONDS_MAX = 3.0


def main() -> None:
    """Enter the group, become the user, connect."""
    group, uid, gid, port, *addresses = sys.argv[1:]
    (Path(group) / "cgroup.procs").write_text(str(os.getpid()))
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
    said = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            # Not create_connection: it imports more, and this user may not be able to read it any longer.
            with socket.socket(family) as connection:
                connection.settimeout(SECONDS_MAX)
                connection.connect((address, int(port)))
        except OSError as error:
            said.append(f"{address}: {error.strerror or error}")
        else:
            return
    print("; ".join(said))


if __name__ == "__main__":
    main()
