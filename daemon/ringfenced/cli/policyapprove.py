"""`ringfence policy approve`: an approver's signature under a policy file, made on the approver's own machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ringfence.configfile import ConfigError
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.lifting import private_key
from ringfenced.cli.policyrows import failure
from ringfenced.policy import PEOPLE, PolicyError, Source, parse
from ringfenced.policy.approval import Approval, digest_of, sign
from ringfenced.policy.rules import REQUESTS
from ringfenced.policyfile import approvals_of, text_of


def approve(path: Path, name: str, key: Path, *, people: bool) -> tuple[Path, Approval]:
    """Add a signature to the file of approvals; what was signed and where it stands.

    Args:
        path: the policy file.
        name: the approver's name in the daemon's configuration.
        key: file of their private key.
        people: it is a policy for people.

    Raises:
        Failure: the policy cannot be read or is none, the key cannot be used, or the line cannot be added.
    """
    if not name or any(char.isspace() for char in name):
        raise Failure("--name: the name in [[policy.approvers]], without blanks", code=ExitCode.USAGE)
    schema = PEOPLE if people else REQUESTS
    try:
        policy = path.read_bytes()
        parse([Source(str(path), text_of(path, policy))], schema)  # nobody signs what could never take effect
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", code=ExitCode.USAGE) from None
    except (ConfigError, PolicyError) as error:
        raise failure(error) from None
    approval = Approval(digest_of(policy), name, time.time_ns() // 1_000_000, schema)
    line = sign(approval, private_key(key)) + "\n"
    target = approvals_of(path)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "a") as file:
            file.write(line)
    except OSError as error:
        raise Failure(f"cannot write {target}: {error.strerror}", code=ExitCode.USAGE) from None
    return target, approval
