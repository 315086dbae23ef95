"""A day's sum against the days before. Pure.

The norm is robust: the median of the earlier days, and their median absolute deviation (MAD), so that one wild day
moves neither. MAD times 1.4826 estimates the standard deviation of normal data (Rousseeuw and Croux, "Alternatives to
the Median Absolute Deviation", JASA 88, 1993). Days on which a subject sent nothing do not count: a department that
rests at weekends is not measured by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from ringfenced.cli.auditing.checks import Hit, Quiet, newest, subject
from ringfenced.cli.auditing.record import Record
from ringfenced.cli.auditing.rules import Norm
from ringfenced.cli.auditing.times import day

SCALE: Final = 1.4826
"""1 over the 0.75 quantile of the standard normal distribution."""


@dataclass(slots=True)
class Days:
    """One subject's sums."""

    today: str = ""
    """The day that is running."""
    sum: int = 0
    """Its sum."""
    told: bool = False
    """Whether it was found too large already."""
    earlier: list[int] = field(default_factory=list)
    """The sums of the days before, oldest first."""

    def turn(self, today: str, days: int) -> None:
        """Begin another day."""
        if self.today:
            self.earlier = [*self.earlier, self.sum][-days:]
        self.today, self.sum, self.told = today, 0, False


def bound(earlier: Sequence[int], k: float) -> float:
    """What a day's sum may reach: the median, and k scaled deviations."""
    middle = median(earlier)
    return middle + k * SCALE * median(abs(each - middle) for each in earlier)


class NormCheck(Quiet):
    """Days far above the norm; each is told once."""

    def __init__(self, rule: Norm) -> None:
        """Sum up for `rule`."""
        self._rule = rule
        self._subjects: dict[str, Days] = {}

    def see(self, record: Record) -> Hit | None:
        """Sum it up."""
        amount = self._amount(record)
        if not amount:
            return None
        about = subject(record, self._rule.per)
        days = newest(self._subjects, about.get(self._rule.per, ""), Days())
        today = day(record.time_unix_ms)
        if today != days.today:
            days.turn(today, self._rule.days)
        days.sum += amount
        limit = self._limit(days.earlier)
        if days.told or limit is None or days.sum <= limit:
            return None
        days.told = True
        return Hit(f"{self._rule.of} of {today} are {days.sum:,}, over {int(limit):,}", about)

    def _amount(self, record: Record) -> int:
        """What an entry adds."""
        match self._rule.of, record.kind:
            case "bytes_out", "intent":
                return max(0, record.number("bytes_out") or 0)
            case "requests", "intent":
                return 1
            case "cost_microcredits", "outcome":
                return max(0, record.number("cost_microcredits") or 0)
        return 0

    def _limit(self, earlier: Sequence[int]) -> float | None:
        """What today's sum may reach; None where nothing is known yet."""
        limits = []
        if len(earlier) >= self._rule.days_min:
            limits.append(max(float(self._rule.floor), bound(earlier, self._rule.k)))
        if self._rule.ceiling is not None:
            limits.append(float(self._rule.ceiling))
        return min(limits) if limits else None

    def dump(self) -> Any:
        """Every subject's sums."""
        return {key: [each.today, each.sum, each.told, each.earlier] for key, each in self._subjects.items()}

    def load(self, state: Any) -> None:
        """Likewise."""
        self._subjects = {
            str(key): Days(str(today), int(amount), bool(told), [int(each) for each in earlier])
            for key, (today, amount, told, earlier) in state.items()
        }
