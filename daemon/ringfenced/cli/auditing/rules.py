"""The rules file of `ringfence audit watch`: what raises an alert, and what an alert sets off.

One table a rule, named by what it checks: `[[rate]]`, `[[seen]]`, `[[first_use]]`, `[[norm]]`, `[[silence]]`; one a
way to tell: `[[webhook]]`, `[[syslog]]`, `[[command]]`; and `[lockdown]`, with which a rule may stop egress.
docs/compliance.md explains each; examples/rules.toml has them all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from ringfence.configfile import Section
from ringfenced.cli.auditing.target import Target, Way, target

STDOUT: Final = "stdout"
"""The action that is always there."""
RULES_MAX: Final = 50
DAY_S: Final = 86_400
_HTTPS: Final = re.compile(r"https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[!-~]*)?")

Per = Literal["caller", "department", "provider", "model", "site"]
"""Whose entries are counted together."""
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Patterns = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=100)]
Kinds = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=20)]


def _beside(path: Path, info: ValidationInfo) -> Path:
    """A path as it counts from the rules file's folder."""
    return info.context / path if isinstance(info.context, Path) else path


def _syslog(text: str) -> str:
    """A target that a syslog server listens at."""
    if not target(text).syslog:
        raise ValueError("write tcp+tls://host:port, tcp://host:port, udp://host:port or unix:/path")
    return text


def _https(text: str) -> str:
    """An address that a webhook may have."""
    if not _HTTPS.fullmatch(text):
        raise ValueError("write https://host/path, without a user name and without a fragment")
    return text


File = Annotated[Path, AfterValidator(_beside)]


class Rule(Section):
    """What every rule has."""

    name: Name
    """Names the rule in alerts; no two rules share one."""
    severity: Literal["low", "medium", "high"] = "medium"
    """Stands in alerts."""
    actions: Annotated[tuple[str, ...], Field(max_length=20)] = (STDOUT,)
    """What an alert sets off: names of webhooks, syslogs and commands below, or stdout."""
    lockdown: bool = False
    """Whether an alert stops all egress, with the certificate of [lockdown]."""
    quiet_seconds: Annotated[int, Field(ge=0, le=30 * DAY_S)] = 600
    """After an alert about one subject, so long none about it again; what was held back is counted in the next."""
    alerts_per_hour_max: Annotated[int, Field(ge=1, le=3600)] = 20
    """At most so many alerts of this rule in an hour, whatever their subjects."""


class Matching(Rule):
    """A rule about entries of a certain kind."""

    kinds: Kinds = ()
    """Kinds of entries, for example refusal, lockdown, key; empty for all."""
    reasons: Patterns = ()
    """Reasons of refusals or outcomes, of which one must be there; a star at the end stands for anything: permit.*"""
    outcomes: Kinds = ()
    """Outcomes: answered, failed, cancelled, unknown; empty for all."""


class Seen(Matching):
    """An alert for each entry that matches."""

    per: Per = "site"
    """Whom an alert is about, for quiet_seconds."""

    @model_validator(mode="after")
    def _narrow(self) -> Seen:
        if not (self.kinds or self.reasons or self.outcomes):
            raise ValueError("say which entries: kinds, reasons or outcomes")
        return self


class Rate(Matching):
    """An alert where more than so many entries match within a time."""

    per: Per = "site"
    """Whose entries are counted together."""
    limit: Annotated[int, Field(ge=1, le=1000)]
    """More than so many raise an alert."""
    window_seconds: Annotated[int, Field(ge=1, le=DAY_S)] = 60
    """Within so long a time, by the entries' own clock."""


class FirstUse(Rule):
    """An alert where someone sends to a provider or model for the first time."""

    of: Literal["provider", "model"] = "provider"
    """First use of what."""
    by: Literal["department", "caller", "site"] = "department"
    """By whom."""
    learn_days: Annotated[int, Field(ge=0, le=366)] = 0
    """For so many days from the first entry on, what is used is learnt and raises no alert."""


class Norm(Rule):
    """An alert where a day's sum is far above the days before: over median + k times the scaled MAD."""

    of: Literal["bytes_out", "cost_microcredits", "requests"] = "bytes_out"
    """What is summed up: bytes and requests that left, or the cost of answers."""
    per: Per = "department"
    """Whose sum."""
    days: Annotated[int, Field(ge=3, le=90)] = 28
    """How many earlier days on which something was sent are the norm."""
    days_min: Annotated[int, Field(ge=3, le=90)] = 7
    """With fewer than so many there is no norm yet, and only `ceiling` counts."""
    k: Annotated[float, Field(ge=1, le=100)] = 6.0
    """How many scaled deviations above the median are too many."""
    floor: Annotated[int, Field(ge=0)] = 1_000_000
    """A sum below this is never too much."""
    ceiling: Annotated[int, Field(ge=1)] | None = None
    """A sum above this always is."""

    @model_validator(mode="after")
    def _possible(self) -> Norm:
        if self.of == "cost_microcredits" and self.per == "caller":
            raise ValueError("outcomes bear no caller: count cost per department, provider, model or site")
        if self.days_min > self.days:
            raise ValueError("days_min is at most days")
        return self


class Silence(Rule):
    """An alert where nothing is heard for a time."""

    of: Literal["log", "entries"] = "log"
    """log: the daemon gives no checkpoint; entries: nothing is written."""
    minutes: Annotated[int, Field(ge=1, le=10_080)] = 5
    """After so many minutes."""
    between: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    """Only in these hours, UTC, for example 07:00-19:00; always where it is left out."""


class Webhook(Section):
    """Tells of an alert by HTTPS POST, JSON, signed as Standard Webhooks says where there is a secret."""

    name: Name
    """What rules call it."""
    url: Annotated[str, Field(max_length=2000), AfterValidator(_https)]
    """Where to; HTTPS only, no redirect is followed."""
    ca: File | None = None
    """Certificates that the server's chain must end in, PEM; the system's where it is left out."""
    secret_file: File | None = None
    """A file of mode 0600 or 0400 with the shared secret, whsec_ and base64."""
    seconds_max: Annotated[float, Field(gt=0, le=60)] = 10.0
    """How long the server may take."""

    def address(self) -> tuple[str, int, str]:
        """Host, port and path."""
        found = _HTTPS.fullmatch(self.url)
        assert found
        return found[1].strip("[]"), int(found[2] or 443), found[3] or "/"


class Syslog(Section):
    """Tells of an alert by an RFC 5424 message."""

    name: Name
    """What rules call it."""
    to: Annotated[str, AfterValidator(_syslog)]
    """tcp+tls://host:port, tcp://host:port, udp://host:port or unix:/path."""
    ca: File | None = None
    """Certificates that the server's chain must end in, PEM; the system's where it is left out."""
    cert: File | None = None
    """Our certificate, PEM."""
    key: File | None = None
    """Its private key, PEM."""

    def target(self) -> Target:
        """Where to."""
        return target(self.to)

    @model_validator(mode="after")
    def _fitting(self) -> Syslog:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together")
        if self.target().way is not Way.TLS and (self.ca or self.cert):
            raise ValueError("ca, cert and key are for tcp+tls://")
        return self


class Command(Section):
    """Tells of an alert by running a program, without a shell, the alert as JSON on its standard input."""

    name: Name
    """What rules call it."""
    argv: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
    """The program, by its absolute path, and its arguments."""
    seconds_max: Annotated[float, Field(gt=0, le=600)] = 10.0
    """After so long it is killed, with all that it started."""

    @model_validator(mode="after")
    def _absolute(self) -> Command:
        if not self.argv[0].startswith("/"):
            raise ValueError("argv[0] is the program's absolute path")
        return self


class Operator(Section):
    """The certificate of an operator, with which a rule may stop egress; it never allows it again."""

    ca: File
    """Certificates that the daemon is checked against, PEM."""
    cert: File
    """The operator's certificate, PEM."""
    key: File
    """Its private key, PEM."""


class Rules(Section):
    """The whole file."""

    rate: tuple[Rate, ...] = ()
    """Too many within a time."""
    seen: tuple[Seen, ...] = ()
    """Each that matches."""
    first_use: tuple[FirstUse, ...] = ()
    """New uses of a provider or model."""
    norm: tuple[Norm, ...] = ()
    """Days far above the norm."""
    silence: tuple[Silence, ...] = ()
    """Nothing heard."""
    webhook: tuple[Webhook, ...] = ()
    """Ways to tell: HTTPS."""
    syslog: tuple[Syslog, ...] = ()
    """Ways to tell: syslog."""
    command: tuple[Command, ...] = ()
    """Ways to tell: a program."""
    lockdown: Operator | None = None
    """Who stops egress where a rule says so."""

    def all(self) -> Iterator[Rate | Seen | FirstUse | Norm | Silence]:
        """Every rule."""
        yield from self.rate
        yield from self.seen
        yield from self.first_use
        yield from self.norm
        yield from self.silence

    def ways(self) -> Iterator[Webhook | Syslog | Command]:
        """Every way to tell, but standard output."""
        yield from self.webhook
        yield from self.syslog
        yield from self.command

    @model_validator(mode="after")
    def _whole(self) -> Rules:
        names = Counter(rule.name for rule in self.all())
        ways = Counter([STDOUT, *(each.name for each in self.ways())])
        for name, count in (*names.items(), *ways.items()):
            if count > 1:
                raise ValueError(f"{name!r} names two things; give each a name of its own")
        if names.total() > RULES_MAX:
            raise ValueError(f"there are {names.total()} rules; at most {RULES_MAX} can be watched at once")
        if not names:
            raise ValueError("there is no rule; write one, as examples/rules.toml does")
        for rule in self.all():
            for unknown in set(rule.actions) - set(ways):
                raise ValueError(
                    f"rule {rule.name!r}: no action is called {unknown!r}; there are {', '.join(sorted(ways))}"
                )
            if rule.lockdown and not self.lockdown:
                raise ValueError(
                    f"rule {rule.name!r} may stop egress, and [lockdown] does not say with whose certificate"
                )
        return self
