"""Schedule: when a trigger fires, and what becomes of instants that were missed or meet an earlier one."""

from dataclasses import dataclass
from enum import StrEnum

DAY_S = 86_400.0
ON_TIME_S = 60.0
"""An instant that is fired no later than this was not missed."""
MOST_AT_ONCE = 100
"""So many missed instants are made up for at most."""


class Missed(StrEnum):
    """What follows when instants passed while no clock ran."""

    ONCE = "once"
    SKIP = "skip"
    ALL = "all"


class Overlap(StrEnum):
    """What follows when an instant comes while an execution of the same schedule has not ended."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel_previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a schedule trigger fires: by `cron`, every `every_s` seconds, or `at` these moments.

    `timezone` is whose clocks a cron expression and a moment without a zone are read on. Instants older than
    `catch_up_s` are never made up for, and of the others at most `most`. Each is put off by up to `jitter_s`
    seconds, always by the same time.
    """

    cron: str | None = None
    timezone: str = "UTC"
    every_s: float | None = None
    at: tuple[str, ...] = ()
    missed: Missed = Missed.ONCE
    catch_up_s: float = DAY_S
    most: int = MOST_AT_ONCE
    overlap: Overlap = Overlap.ALLOW
    jitter_s: float = 0.0
    description: str = ""

    def due_like(self, other: "Schedule") -> bool:
        """Whether both are due at the same instants, whatever else they say."""
        return self._instants() == other._instants()

    def _instants(self) -> tuple[object, ...]:
        if self.every_s is not None:
            return (self.every_s,)
        cron = None if self.cron is None else " ".join(self.cron.upper().split())
        return (cron, self.timezone, frozenset(self.at))


def those_let_in(overlap: Overlap, count: int, *, under_way: bool, in_line: bool) -> range:
    """Return which of `count` instants that come together may start an execution, by their places.

    `under_way` says whether an execution of the schedule has not ended, `in_line` whether one waits for that.
    """
    match overlap:
        case Overlap.ALLOW:
            return range(count)
        case Overlap.SKIP:
            return range(0 if under_way else min(count, 1))
        case Overlap.QUEUE:
            room = 0 if in_line else 1 if under_way else 2
            return range(min(count, room))
        case Overlap.CANCEL_PREVIOUS:
            return range(max(count - 1, 0), count)
