"""The first free slot in working hours. Pure: the time, the rules and what is busy are arguments.

All arithmetic is done in UTC; the time zone only says when a working day opens and closes and where the grid
lies, so days with 23 or 25 hours need no special case.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MONDAY_TO_FRIDAY = frozenset(range(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `start` up to and without `end`, both kept in UTC. May be empty, never backwards."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("a period needs times with an offset")
        # Two times in the same zone compare by their wall clock, which is wrong in the doubled hour.
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end < self.start:
            raise ValueError("a period cannot end before it starts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a meeting may take place.

    `within_days` counts calendar days after today in `time_zone`; `days` are weekdays with Monday as 0.
    `buffer_minutes` stay free before and after it, also outside working hours; `notice_minutes` must lie
    between now and its start. It starts on a multiple of `grid_minutes`, which must divide an hour.
    """

    minutes: int = 30
    within_days: int = 5
    time_zone: tzinfo = UTC
    opens: time = time(9)
    closes: time = time(17)
    days: frozenset[int] = MONDAY_TO_FRIDAY
    buffer_minutes: int = 0
    notice_minutes: int = 60
    grid_minutes: int = 30


def first_free(rules: Rules, busy: Iterable[Period], now: datetime) -> Period | None:
    """Return the earliest slot that the rules allow and nothing busy touches, or None."""
    earliest = now.astimezone(UTC) + timedelta(minutes=rules.notice_minutes)
    buffer = timedelta(minutes=rules.buffer_minutes)
    blocked = merged(Period(start=one.start - buffer, end=one.end + buffer) for one in _not_empty(busy))
    for hours in _working_hours(rules, now):
        found = _first_within(hours, blocked, earliest, rules)
        if found is not None:
            return found
    return None


def window(rules: Rules, now: datetime) -> Period | None:
    """Return the period whose free/busy times `first_free` must know, or None if no slot can lie in it."""
    opening = [hours for hours in _working_hours(rules, now) if hours.end > now]
    if not opening:
        return None
    buffer = timedelta(minutes=rules.buffer_minutes)
    start = max(opening[0].start, now.astimezone(UTC).replace(microsecond=0))
    return Period(start=start - buffer, end=opening[-1].end + buffer)


def merged(periods: Iterable[Period]) -> list[Period]:
    """Return the same time as sorted periods that neither overlap nor touch; empty ones are left out."""
    result: list[Period] = []
    for one in sorted(_not_empty(periods), key=lambda period: period.start):
        if result and one.start <= result[-1].end:
            result[-1] = Period(start=result[-1].start, end=max(result[-1].end, one.end))
        else:
            result.append(one)
    return result


def _working_hours(rules: Rules, now: datetime) -> Iterator[Period]:
    today = now.astimezone(rules.time_zone).date()
    for offset in range(rules.within_days + 1):
        day = today + timedelta(days=offset)
        if day.weekday() not in rules.days:
            continue
        opens = max(_moments(day, rules.opens, rules.time_zone))
        closes = min(_moments(day, rules.closes, rules.time_zone))
        if opens < closes:
            yield Period(start=opens, end=closes)


def _moments(day: date, wall: time, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return both readings of a wall clock time; they differ where the clock is put forward or back.

    Working hours take the narrower reading, so a slot is inside them however the clock is read.
    """
    plain = datetime.combine(day, wall.replace(fold=0), tzinfo=zone)
    return plain.astimezone(UTC), plain.replace(fold=1).astimezone(UTC)


def _first_within(hours: Period, blocked: list[Period], earliest: datetime, rules: Rules) -> Period | None:
    length = timedelta(minutes=rules.minutes)
    start = _on_grid(max(hours.start, earliest), rules)
    while start + length <= hours.end:
        clash = next((one for one in blocked if one.start < start + length and one.end > start), None)
        if clash is None:
            return Period(start=start, end=start + length)
        start = _on_grid(clash.end, rules)
    return None


def _on_grid(moment: datetime, rules: Rules) -> datetime:
    wall = moment.astimezone(rules.time_zone)
    past = timedelta(
        minutes=wall.minute % rules.grid_minutes, seconds=wall.second, microseconds=wall.microsecond
    )
    return moment + timedelta(minutes=rules.grid_minutes) - past if past else moment


def _not_empty(periods: Iterable[Period]) -> Iterator[Period]:
    return (one for one in periods if one.start < one.end)
