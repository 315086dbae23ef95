"""What this node tells of itself to operators."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ringfenced.device import DeviceFacts
from ringfenced.devices.health import NOT_UNWELL
from ringfenced.model import HealthCheck, ModelFacts
from ringfenced.site.directory import Exits, SiteDirectory

DISK_FREE_BYTES_MIN = 64 * 1024 * 1024
"""Less free space than this in the state folder is told as unwell: the ledger's next checkpoint might not fit."""


_HELD = HealthCheck("confinement", ok=True)


class Policies(Protocol):
    """The policy in force."""

    def check(self) -> HealthCheck:
        """Whether it is the one that the files hold."""
        ...


class SiteNode:
    """Implements `api.admin.Node`."""

    def __init__(
        self,
        *,
        name: str,
        started_unix_s: int,
        directory: SiteDirectory,
        measured: Callable[[tuple[ModelFacts, ...]], tuple[ModelFacts, ...]],
        devices: Callable[[], Awaitable[tuple[DeviceFacts, ...]]],
        exits: Exits,
        ledger_failure: Callable[[], str],
        policies: Policies,
        state: Path,
        has_agent: bool,
        confined: HealthCheck = _HELD,
        learned: Callable[[], Mapping[str, float]] = dict,
        trouble: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """Wire.

        `measured` adds what was measured to models, `devices` tells of each as it was lately, `state` is the folder
        whose disk is watched, `confined` says how this process is shut in, `learned` tells each
        model's learned quality, and `trouble` why nothing is learned at present, where this node learns.
        """
        self._learned = learned
        self._trouble = trouble
        self.name = name
        self.version = importlib.metadata.version("ringfence")
        self.started_unix_s = started_unix_s
        self._directory = directory
        self._measured = measured
        self._devices = devices
        self._exits = exits
        self._ledger_failure = ledger_failure
        self._policies = policies
        self._state = state
        self._has_agent = has_agent
        self._confined = confined

    def models(self) -> tuple[ModelFacts, ...]:
        """Every model, local and of providers."""
        learned = self._learned()
        return tuple(
            replace(facts, quality=learned[facts.name]) if facts.name in learned else facts
            for facts in self._measured(self._directory.models())
        )

    async def checks(self) -> tuple[HealthCheck, ...]:
        """Engines, policy, agent, walls, ledger, disk, and each device that is not well."""
        checks = [*self._directory.checks(), self._policies.check()]
        if self._has_agent:
            reason = self._exits.closed_reason
            told = f"{reason}; start it, or look at its log" if reason else self._exits.connection
            checks.append(HealthCheck("agent", not reason, told))
        # Told to people, and no reason to send requests elsewhere: where one must not serve without walls, it does not.
        checks.append(self._confined)
        failure = self._ledger_failure()
        checks.append(HealthCheck("ledger", not failure, failure))
        free = shutil.disk_usage(self._state).free
        enough = free >= DISK_FREE_BYTES_MIN
        checks.append(
            HealthCheck("disk", enough, "" if enough else f"{free} bytes left under the state folder; free some")
        )
        checks += [
            HealthCheck(f"device {facts.id}", ok=False, message=f"{facts.name}: {facts.excluded_reason}")
            for facts in await self._devices()
            if facts.excluded_rule and facts.excluded_rule not in NOT_UNWELL
        ]
        if self._trouble is not None:
            told = await self._trouble()
            checks.append(HealthCheck("learning", not told, told))
        return tuple(checks)
