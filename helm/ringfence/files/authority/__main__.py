"""The chart's own authority: makes the Secrets that daemon and agent mount, and renews their certificates in time.

A job of the chart runs it in the daemon's image, where `tls.source` is `chart`: ``python -I authority WANTED.json``.
What is there and still good is left alone, so that it can run as often as it likes, and several times at once: each
Secret is written whole, and only if nobody else has written it meanwhile.

1. **look** (cluster.py, clock.py): the Secrets as they are, and whether the API says the same time.
2. **plan** (plan.py, succession.py): what is missing, ends soon, bears other names or comes from another authority; and
   the authority's own successor.
3. **write** (cluster.py): those, the authority first.

It imports nothing of Ringfence, is never loaded by daemon or agent, and speaks to the cluster's API alone.
"""  # noqa: INP001 - mounted into a job and run by itself

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cluster import Cluster
from plan import plan
from succession import next_made, read
from wanted import AuthorityError, Data, Wanted

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where kubelet puts a pod's token, its namespace and the API's authority ("Accessing the API from a Pod")."""


def main(arguments: Sequence[str], environment: Mapping[str, str], now: datetime, account: Path = ACCOUNT) -> int:
    """Do all of it; returns the exit status: 0 all is as wanted, 1 it is not, and standard error says why."""
    try:
        wanted = Wanted.of(json.loads(Path(arguments[0]).read_text()))
        host, port = environment["KUBERNETES_SERVICE_HOST"], int(environment["KUBERNETES_SERVICE_PORT"])
        cluster = Cluster(host, port, account)
        found = cluster.look(wanted.secrets(), now)
        data = {name: held.data for name, held in found.items()}
        for name, new in plan(wanted, found, now):
            cluster.write(name, new, wanted.labels)
            data[name] = new
            print(f"written: Secret {name}")  # noqa: T201 - the job's log
        print(told(wanted, data[wanted.authority]))  # noqa: T201 - likewise
    except AuthorityError as error:
        print(error, file=sys.stderr)  # noqa: T201 - likewise
        return 1
    return 0


def told(wanted: Wanted, data: Data) -> str:
    """A line for people: when the authority ends, and how far its succession is."""
    held = read(wanted.authority, data)
    line = f"the authority ends on {held.signing.end:%Y-%m-%d}; "
    if held.coming is not None:
        line += f"the next one, trusted since {held.coming.made:%Y-%m-%d}, is about to sign"
    else:
        line += f"the next one is made on {next_made(held.signing, wanted):%Y-%m-%d}"
    if held.gone is not None:
        line += f"; the one before it is trusted until {held.gone.until:%Y-%m-%d}"
    return line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, datetime.now(UTC)))  # noqa: TID251 - the edge
