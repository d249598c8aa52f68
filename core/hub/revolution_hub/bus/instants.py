"""instants: when a schedule is due. Pure.

A cron expression is read as Debian's cron reads it on the clocks of its zone. An interval is elapsed time,
counted from its anchor, so that it neither drifts nor notices that clocks are put forward or back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronsim import CronSim

from revolution_hub.model.time import parse_moment, rfc3339, to_utc
from revolution_hub.model.workflow import Schedule
from revolution_hub.template.filters.zones import zone_named
from revolution_sdk.types import JsonObject

MOST_COUNTED = 1000
"""So many missed instants are counted, and no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A schedule, and the moment its intervals are counted from."""

    schedule: Schedule
    anchor: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The latest instant that has come, how many before it were missed, and the first one to come."""

    at: datetime
    missed: int
    next_at: datetime


def timing_json(timing: Timing) -> JsonObject:
    """Return a timing as it is kept among a schedule's settings."""
    schedule = timing.schedule
    if schedule.every_s is None:
        return {"cron": schedule.cron, "timezone": schedule.timezone, "anchor": rfc3339(timing.anchor)}
    return {"every_s": schedule.every_s, "anchor": rfc3339(timing.anchor)}


def timing_of(settings: JsonObject) -> Timing:
    """Return the timing that `timing_json` kept among these settings."""
    schedule = Schedule(
        cron=settings.get("cron"),
        timezone=settings.get("timezone", "UTC"),
        every_s=settings.get("every_s"),
    )
    return Timing(schedule=schedule, anchor=parse_moment(settings["anchor"]))


def instants(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the instants after a moment, in UTC, without end. Raises LookupError for an unknown zone."""
    every_s = timing.schedule.every_s
    return (
        _by_cron(timing.schedule, after) if every_s is None else _by_interval(timing.anchor, every_s, after)
    )


def next_after(timing: Timing, after: datetime) -> datetime:
    """Return the first instant after a moment."""
    return next(instants(timing, after))


def catch_up(timing: Timing, first: datetime, now: datetime) -> Due:
    """Return what is due, where `first` is the earliest instant that was not fired and has come."""
    at, missed = first, 0
    for instant in instants(timing, first):
        if instant > now:
            return Due(at=at, missed=missed, next_at=instant)
        at, missed = instant, missed + 1
        if missed == MOST_COUNTED:
            break
    at, following = _latest(timing, at, now)
    return Due(at=at, missed=missed, next_at=following)


def _latest(timing: Timing, at: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the last instant up to now and the first one behind it, by halving the time in between."""
    high = now
    while (following := next_after(timing, at)) <= now:
        middle = at + (high - at) / 2
        later = next_after(timing, middle)
        at, high = (later, high) if later <= now else (following, middle)
    return at, following


def _by_interval(anchor: datetime, every_s: float, after: datetime) -> Iterator[datetime]:
    every = timedelta(seconds=every_s)
    number = max((after - anchor) // every + 1, 1)
    while True:
        yield anchor + number * every
        number += 1


def _by_cron(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    zone = zone_named(schedule.timezone)
    if zone is None:
        raise LookupError(f"there is no time zone {schedule.timezone[:80]!r}")
    for local in CronSim(str(schedule.cron), after.astimezone(zone)):
        instant = to_utc(local)
        # In an hour that comes twice, a fixed time means the first of the two, which may be over.
        if instant > after:
            yield instant
