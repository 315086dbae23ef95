"""What this node tells of itself to operators."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Callable
from pathlib import Path

from ringfenced.devices.host import host
from ringfenced.model import DeviceFacts, HealthCheck, ModelFacts
from ringfenced.site.directory import Exits, SiteDirectory

DISK_FREE_BYTES_MIN = 64 * 1024 * 1024
"""Less free space than this in the state folder is told as unwell: the ledger's next checkpoint might not fit."""


class SiteNode:
    """Implements `api.admin.Node`."""

    def __init__(
        self,
        *,
        name: str,
        started_unix_s: int,
        directory: SiteDirectory,
        exits: Exits,
        ledger_failure: Callable[[], str],
        policy_source: str,
        state: Path,
        has_agent: bool,
    ) -> None:
        """Wire; `state` is the folder whose disk is watched."""
        self.name = name
        self.version = importlib.metadata.version("ringfence")
        self.started_unix_s = started_unix_s
        self._directory = directory
        self._exits = exits
        self._ledger_failure = ledger_failure
        self._policy_source = policy_source
        self._state = state
        self._has_agent = has_agent

    def models(self) -> tuple[ModelFacts, ...]:
        """Every model, local and of providers."""
        return self._directory.models()

    def devices(self) -> tuple[DeviceFacts, ...]:
        """The host and its accelerators."""
        # Imported when first asked for: it takes 2 MB, and most nodes are asked for requests.
        from ringfenced.devices.nvml import gpus  # noqa: PLC0415

        return (host(), *gpus())

    def policy(self) -> tuple[str, str]:
        """Source and digest of the policy in force."""
        return self._policy_source, self._directory.policy_digest

    async def checks(self) -> tuple[HealthCheck, ...]:
        """Engines, agent, ledger, disk."""
        checks = [
            HealthCheck(
                f"model {facts.name}",
                facts.state == "ready",
                "" if facts.state == "ready" else facts.failure or f"it is {facts.state}",
            )
            for facts in self._directory.models()
            if facts.kind == "local"
        ]
        if self._has_agent:
            reason = self._exits.closed_reason
            told = f"{reason}; start it, or look at its log" if reason else self._exits.connection
            checks.append(HealthCheck("agent", not reason, told))
        failure = self._ledger_failure()
        checks.append(HealthCheck("ledger", not failure, failure))
        free = shutil.disk_usage(self._state).free
        enough = free >= DISK_FREE_BYTES_MIN
        checks.append(
            HealthCheck("disk", enough, "" if enough else f"{free} bytes left under the state folder; free some")
        )
        return tuple(checks)
