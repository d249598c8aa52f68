"""missed: which of the instants that have come start an execution, and what becomes of the others. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from revolution_hub.bus.instants import Timing, instants_from, latest, next_after
from revolution_hub.model.fire import Reason
from revolution_hub.model.schedule import ON_TIME_S, Missed

MOST_COUNTED: Final = 1000
"""So many missed instants are counted, and no more."""

_STEP_S: Final = 0.001
_NEAR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Instants that follow one another and start nothing: the first, the last, how many, and why."""

    first: datetime
    last: datetime
    count: int
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What has come: instants that are fired, the oldest first, and those before them that are not.

    `stands_for` is how many missed instants each of the fired ones stands for. `next_at` is the first instant
    that is still to come, None if there is none.
    """

    fired: tuple[datetime, ...]
    passed: Stretch | None
    stands_for: int
    next_at: datetime | None


def wakes_at(timing: Timing, key: str, instant: datetime) -> datetime:
    """Return when an instant is fired: put off by its jitter, which is always the same, but for no other one.

    `key` tells schedules apart. No instant is put off beyond the next one.
    """
    jitter_s = timing.schedule.jitter_s
    if not jitter_s:
        return instant
    following = next_after(timing, instant)
    room_s = jitter_s if following is None else min(jitter_s, (following - instant).total_seconds())
    digest = hashlib.sha256(f"{key} {instant.timestamp():.6f}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return instant + timedelta(seconds=share * room_s // _STEP_S * _STEP_S)


def what_is_due(
    timing: Timing, key: str, first: datetime, now: datetime, last: datetime | None = None
) -> Due:
    """Return what is due; `first` is the earliest instant no clock has come to, `last` the one fired last."""
    schedule, first = timing.schedule, _by_rules_of_today(timing, first, last)
    most = schedule.most if schedule.missed is Missed.ALL else 1
    come, next_at = latest(timing, first, now, most + 2)
    if come and wakes_at(timing, key, come[-1]) > now:
        # It is put off a little; all before it are over, for none is put off beyond the next one.
        next_at = come.pop()
    if not come:
        return Due(fired=(), passed=None, stands_for=0, next_at=next_at)
    oldest = now - _window(timing)
    fired = tuple(one for one in come[-most:] if one >= oldest)
    behind = come[: len(come) - len(fired)]
    if not behind:
        return Due(fired=fired, passed=None, stands_for=0, next_at=next_at)
    alone = schedule.missed is Missed.ONCE and bool(fired)
    reason = Reason.MISSED if alone else _reason(timing, behind[-1], now)
    passed = stretch(timing, first, behind[-1], reason)
    return Due(fired=fired, passed=passed, stands_for=passed.count if alone else 0, next_at=next_at)


def _by_rules_of_today(timing: Timing, first: datetime, last: datetime | None) -> datetime:
    """Return where to begin: the rules of a zone may have changed since the instant was worked out."""
    found = next(instants_from(timing, first), None)
    if found == first:
        return first
    since = max(last or timing.anchor, first - _NEAR)
    return next_after(timing, since) or first


def stretch(timing: Timing, first: datetime, last: datetime, reason: Reason) -> Stretch:
    """Return the instants from one to another as what starts nothing. No more than `MOST_COUNTED` count."""
    upto = islice(instants_from(timing, first), MOST_COUNTED)
    return Stretch(first=first, last=last, count=sum(one <= last for one in upto), reason=reason)


def _window(timing: Timing) -> timedelta:
    late_s = timing.schedule.catch_up_s
    if timing.schedule.missed is Missed.SKIP:
        late_s = min(late_s, ON_TIME_S)
    # What an instant was put off by is no lateness.
    return timedelta(seconds=late_s + timing.schedule.jitter_s)


def _reason(timing: Timing, last: datetime, now: datetime) -> Reason:
    if last < now - timedelta(seconds=timing.schedule.catch_up_s + timing.schedule.jitter_s):
        return Reason.TOO_LATE
    return Reason.OVER_CAP if timing.schedule.missed is Missed.ALL else Reason.MISSED
