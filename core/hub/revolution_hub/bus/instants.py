"""instants: when a schedule is due. Pure.

A cron expression is read as Debian's cron reads it on the clocks of its zone. An interval is elapsed time,
counted from its anchor, so that it neither drifts nor notices that clocks are put forward or back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from revolution_hub.bus.clocks import change_within, first_real, offset_at
from revolution_hub.model.cron import at_fixed_times, cron_fields
from revolution_hub.model.schedule import DAY_S, MOST_AT_ONCE, Missed, Overlap, Schedule
from revolution_hub.model.time import parse_moment, rfc3339, to_utc
from revolution_hub.template.filters.zones import zone_named
from revolution_sdk.types import JsonObject

_TICK = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A schedule, and the moment its intervals are counted from."""

    schedule: Schedule
    anchor: datetime


def timing_json(timing: Timing) -> JsonObject:
    """Return a timing as it is kept among a schedule's settings."""
    one = timing.schedule
    due: JsonObject = {"anchor": rfc3339(timing.anchor)}
    if one.every_s is not None:
        due["every_s"] = one.every_s
    else:
        due |= {"cron": one.cron} if one.cron is not None else {"at": list(one.at)}
        due["timezone"] = one.timezone
    return due | {
        "missed": str(one.missed),
        "catch_up_s": one.catch_up_s,
        "most": one.most,
        "overlap": str(one.overlap),
        "jitter_s": one.jitter_s,
        "description": one.description,
    }


def timing_of(settings: JsonObject) -> Timing:
    """Return the timing that `timing_json` kept among these settings."""
    schedule = Schedule(
        cron=settings.get("cron"),
        timezone=settings.get("timezone", "UTC"),
        every_s=settings.get("every_s"),
        at=tuple(settings.get("at", ())),
        missed=Missed(settings.get("missed", Missed.ONCE)),
        catch_up_s=settings.get("catch_up_s", DAY_S),
        most=settings.get("most", MOST_AT_ONCE),
        overlap=Overlap(settings.get("overlap", Overlap.ALLOW)),
        jitter_s=settings.get("jitter_s", 0.0),
        description=settings.get("description", ""),
    )
    return Timing(schedule=schedule, anchor=parse_moment(settings["anchor"]))


def instants(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the instants after a moment, in UTC; only those of `at` have an end.

    Raises LookupError for an unknown zone.
    """
    schedule = timing.schedule
    if schedule.every_s is not None:
        return _by_interval(timing.anchor, schedule.every_s, after)
    zone = zone_of(schedule)
    if schedule.cron is None:
        return (one for one in _by_list(schedule.at, zone) if one > after)
    expression = cron_fields(schedule.cron)
    by_cron = _at_fixed_times if at_fixed_times(expression) else _by_the_wall
    return by_cron(expression, zone, after)


def instants_from(timing: Timing, first: datetime) -> Iterator[datetime]:
    """Yield the instants from a moment on, itself included."""
    return instants(timing, first - _TICK)


def next_after(timing: Timing, after: datetime) -> datetime | None:
    """Return the first instant after a moment, None if none is left."""
    return next(instants(timing, after), None)


def latest(
    timing: Timing, first: datetime, now: datetime, most: int
) -> tuple[list[datetime], datetime | None]:
    """Return the last instants up to now, at most so many, none before `first`; and the one behind them."""
    low, high = first - _TICK, now
    due, following, whole = _until(timing, low, now, 2 * most)
    while not whole:
        # There are more than anybody wants to count, so the time in between is halved.
        middle = low + (high - low) / 2
        some = _until(timing, middle, now, 2 * most)
        if some[2] and len(some[0]) < most:
            high = middle
        else:
            low, (due, following, whole) = middle, some
    return due[-most:], following


def _until(
    timing: Timing, after: datetime, now: datetime, most: int
) -> tuple[list[datetime], datetime | None, bool]:
    """Return the instants up to now, the one behind them, and whether these are all of them."""
    due: list[datetime] = []
    for one in instants(timing, after):
        if one > now:
            return due, one, True
        if len(due) == most:
            return due, None, False
        due.append(one)
    return due, None, True


def zone_of(schedule: Schedule) -> ZoneInfo:
    """Return the zone of a schedule; raises LookupError if there is none of this name."""
    zone = zone_named(schedule.timezone)
    if zone is None:
        raise LookupError(f"there is no time zone {schedule.timezone[:80]!r}")
    return zone


def _by_interval(anchor: datetime, every_s: float, after: datetime) -> Iterator[datetime]:
    every = timedelta(seconds=every_s)
    number = max((after - anchor) // every + 1, 1)
    while True:
        yield anchor + number * every
        number += 1


def _by_list(moments: tuple[str, ...], zone: ZoneInfo) -> list[datetime]:
    read = [datetime.fromisoformat(one) for one in moments]
    return sorted({to_utc(first_real(one, zone) if one.tzinfo is None else one) for one in read})


def _at_fixed_times(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield what is due at fixed times: what a change of clocks skips comes right behind it, and once."""
    for local in CronSim(expression, after.astimezone(zone)):
        instant = to_utc(local)
        # In an hour that comes twice, a fixed time means the first of the two, which may be over.
        if instant > after:
            yield instant


def _by_the_wall(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield whenever the clocks of the zone show a time that is meant, be it not at all or twice.

    Between two changes clocks run evenly, and are left to cronsim as clocks that never change. Its own walk
    across a change is by whole hours, and loses instants where clocks change by half of one, or not on the
    hour.
    """
    begin = watched = after
    offset = offset_at(zone, after)
    while True:
        change = None
        for local in CronSim(expression, (begin + offset).replace(tzinfo=None)):
            instant = local.replace(tzinfo=UTC) - offset
            change = change_within(zone, watched, instant)
            if change is not None:
                break
            yield instant
            watched = instant
        if change is None:
            # Nothing is due within fifty years.
            return
        begin, watched, offset = change - _SECOND, change, offset_at(zone, change)
