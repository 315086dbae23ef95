"""`ringfence policy show`: the policy in force of a running daemon."""

from __future__ import annotations

import hashlib
import json

from ringfence.v1.admin_pb2 import GetPolicyResponse
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output


def show(policy: GetPolicyResponse, output: Output) -> None:
    """Show it, if its digest is its own.

    Raises:
        Failure: the daemon tells a digest that is not its source's.
    """
    if hashlib.sha256(policy.source.encode()).hexdigest() != policy.digest:
        raise Failure("the daemon's digest is not that of its source; do not trust it", code=ExitCode.FAILED)
    if output.as_json:
        output.json({"digest": policy.digest, "source": policy.source})
        return
    said = json.loads(policy.source)["policy"]
    output.line(f"in force: {policy.digest}")
    for source in [*said["cedar"], *said.get("people", {"cedar": []})["cedar"]]:
        output.line()
        output.line(f"── {source['name']}", style="bold")
        output.line(source["text"].rstrip())
    if said["ceilings"]:
        output.line()
        columns = ("department", "caller", "task", "microcredits", "rungs")
        keys = ("department", "caller", "task", "cost_microcredits_max", "ladder_length_max")
        rows = [tuple(str(one[key]) if one[key] is not None else "-" for key in keys) for one in said["ceilings"]]
        output.table("ceilings", columns, rows, right=frozenset({"microcredits", "rungs"}))
