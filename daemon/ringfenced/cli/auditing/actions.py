"""Ways to tell of an alert: syslog, a program, an order to stop egress. `webhook` is a module of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ringfence.client import RingfenceCallError
from ringfence.v1.admin_pb2 import LockdownState
from ringfenced.cli.auditing.alert import Alert, syslog
from ringfenced.cli.auditing.dispatch import ActionError
from ringfenced.cli.auditing.facts import Facts
from ringfenced.cli.auditing.rules import Command
from ringfenced.cli.auditing.sinks import Sink, SinkError

_REASON_CHARS_MAX: Final = 500


class SyslogAction:
    """An RFC 5424 message to a syslog server."""

    def __init__(self, sink: Sink, facts: Facts) -> None:
        """Send through `sink`."""
        self._sink = sink
        self._facts = facts

    def run(self, alert: Alert) -> None:
        """Send one; ActionError where it may not have arrived."""
        try:
            self._sink.deliver([syslog(alert, self._facts)])
        except SinkError as error:
            raise ActionError(str(error)) from None


class CommandAction:
    """A program, without a shell and without our environment, the alert as JSON on its standard input."""

    def __init__(self, command: Command) -> None:
        """Run `command`."""
        self._command = command

    def run(self, alert: Alert) -> None:
        """Run it; ActionError where it cannot be started, fails, or takes too long. What it says is thrown away."""
        try:
            process = subprocess.Popen(  # noqa: S603 - the site's own program, by its absolute path
                self._command.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.defpath},
                start_new_session=True,
            )
        except OSError as error:
            raise ActionError(f"cannot run {self._command.argv[0]}: {error.strerror}") from None
        try:
            process.communicate(alert.json() + b"\n", timeout=self._command.seconds_max)
        except subprocess.TimeoutExpired:
            raise ActionError(f"it took longer than {self._command.seconds_max:g} s and was killed") from None
        except OSError as error:
            raise ActionError(f"it broke off: {error.strerror}") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whatever it started and left behind ends too
            process.wait()
        if process.returncode:
            raise ActionError(f"it ended with {process.returncode}")


class LockdownAction:
    """An order to stop egress, through the daemon. It never allows egress again."""

    def __init__(self, stop: Callable[[str], LockdownState], told: Callable[[str], None]) -> None:
        """Order it.

        Args:
            stop: gives the order with a reason; raises RingfenceCallError.
            told: says to people what came of it.
        """
        self._stop = stop
        self._told = told

    def run(self, alert: Alert) -> None:
        """Stop egress; ActionError where the order may not have been taken."""
        try:
            state = self._stop(f"ringfence audit watch: {alert.said}"[:_REASON_CHARS_MAX])
        except RingfenceCallError as error:
            raise ActionError(error.message or error.code.name) from None
        if state.on:
            self._told(f"egress is stopped: {alert.said}")
        else:
            self._told(f"the order to stop egress waits for {state.confirmations_missing} more operators: {alert.said}")
