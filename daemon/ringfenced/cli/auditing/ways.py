"""The ways to tell of an alert that a rules file names, made from its tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import grpc

from ringfence.client.channel import channel
from ringfence.client.error import call_error
from ringfence.configfile import ConfigError
from ringfence.tls import Identity
from ringfence.v1.admin_pb2 import LockdownState, SetLockdownRequest
from ringfence.v1.admin_pb2_grpc import LockdownStub
from ringfenced.cli import settings
from ringfenced.cli.auditing.actions import CommandAction, LockdownAction, SyslogAction
from ringfenced.cli.auditing.dispatch import Action
from ringfenced.cli.auditing.facts import Facts
from ringfenced.cli.auditing.netsinks import StreamSink, Trust, UdpSink
from ringfenced.cli.auditing.rules import Operator, Rules, Syslog
from ringfenced.cli.auditing.sinks import UnixSink
from ringfenced.cli.auditing.target import Way
from ringfenced.cli.auditing.webhook import WebhookAction
from ringfenced.cli.exits import ExitCode, Failure

STOP: Final = "[lockdown]"
"""The way of an order to stop egress; rules ask for it by `lockdown = true`, not by name."""
_CALL_S: Final = 10.0


def ways(rules: Rules, facts: Facts, connection: settings.Connection, told: Callable[[str], None]) -> dict[str, Action]:
    """Every way to tell, by its name.

    Raises:
        Failure: a file that one needs cannot be used.
    """
    found: dict[str, Action] = {each.name: CommandAction(each) for each in rules.command}
    try:
        found |= {each.name: WebhookAction(each, lambda: time.time_ns() // 1_000_000_000) for each in rules.webhook}
        found |= {each.name: _syslog(each, facts) for each in rules.syslog}
    except ConfigError as error:
        raise Failure(str(error), code=ExitCode.USAGE) from None
    if rules.lockdown:
        found[STOP] = LockdownAction(_stopper(connection, rules.lockdown), told)
    return found


def _syslog(table: Syslog, facts: Facts) -> SyslogAction:
    """The way of a syslog table; ConfigError where a file of it cannot be used."""
    place = table.target()
    match place.way:
        case Way.UNIX:
            return SyslogAction(UnixSink(place.path), facts)
        case Way.UDP:
            return SyslogAction(UdpSink(place), facts)
    try:
        context = Trust(table.ca, table.cert, table.key).context() if place.way is Way.TLS else None
    except OSError as error:
        raise ConfigError(f"syslog {table.name!r}: ca, cert or key cannot be used: {error.strerror or error}") from None
    return SyslogAction(StreamSink(place, context), facts)


def _stopper(connection: settings.Connection, operator: Operator) -> Callable[[str], LockdownState]:
    """Orders to stop egress, with the operator's certificate; RingfenceCallError where one was not taken."""
    identity = Identity(operator.cert, operator.key, operator.ca)

    def stop(reason: str) -> LockdownState:
        try:
            with channel(connection.target, identity, connection.server_name) as open_channel:
                request = SetLockdownRequest(on=True, reason=reason)
                return LockdownStub(open_channel).SetLockdown(request, timeout=_CALL_S).state
        except grpc.RpcError as error:
            raise call_error(error) from None

    return stop
