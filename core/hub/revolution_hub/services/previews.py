"""Previews: when a schedule would be due, without keeping anything. Needs no database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from revolution_hub.access.rbac import require
from revolution_hub.bus.clocks import change_within, offset_at
from revolution_hub.bus.describe import describe
from revolution_hub.bus.instants import Timing, zone_of
from revolution_hub.bus.preview import MOST_PREVIEWED, Shown, preview
from revolution_hub.errors import InputError
from revolution_hub.hub import Hub
from revolution_hub.model.parse_schedule import read_schedule
from revolution_hub.model.principal import Principal
from revolution_hub.model.reading import Reader
from revolution_hub.model.time import parse_moment, rfc3339
from revolution_hub.template.filters.zones import zone_problem
from revolution_sdk.types import JsonObject

MOST_CHANGES: Final = 20
_LAST_YEAR: Final = 9000
_SECOND: Final = timedelta(seconds=1)


def preview_schedule(hub: Hub, principal: Principal, asked: JsonObject) -> JsonObject:
    """Return when a schedule would be due; see `preview_json`."""
    require(principal, "workflow:read")
    return preview_json(asked, hub.now())


def preview_json(asked: JsonObject, now: datetime) -> JsonObject:
    """Return the instants of a schedule from a moment on, in UTC and as its clocks show them.

    `asked` holds what stands under `schedule`, and `from` and `count`. Raises InputError with everything
    that is wrong. Between the first and the last instant `clock_changes` tells when clocks are changed.
    """
    timing, begin, count = _read(asked, now)
    schedule, zone = timing.schedule, zone_of(timing.schedule)
    found = preview(timing, begin, count)
    until = found[-1].instant if found else begin
    return {
        "cron": schedule.cron,
        "every_s": schedule.every_s,
        "at": list(schedule.at) or None,
        "timezone": schedule.timezone if schedule.every_s is None else None,
        "description": describe(schedule),
        "from": rfc3339(begin),
        "items": [_item(one) for one in found],
        "clock_changes": [
            {
                "at": rfc3339(at),
                "before": _offset(offset_at(zone, at - _SECOND)),
                "after": _offset(offset_at(zone, at)),
            }
            for at in _changes(timing, begin, until)
        ],
    }


def _read(asked: JsonObject, now: datetime) -> tuple[Timing, datetime, int]:
    reader = Reader()
    given = {name: value for name, value in asked.items() if name not in ("from", "count")}
    schedule = read_schedule(reader, given, "")
    begin, count = now, reader.whole(asked.get("count"), "count", 1, MOST_PREVIEWED, 10)
    if asked.get("from") is not None:
        try:
            begin = parse_moment(asked["from"])
        except ValueError as error:
            reader.problem("from", str(error), "bad_moment")
    unknown = zone_problem(schedule.timezone) if schedule is not None and schedule.timezone else None
    if unknown is not None:
        reader.problem("timezone", unknown, "unknown_timezone")
    if begin.year >= _LAST_YEAR:
        reader.problem("from", f"a moment before the year {_LAST_YEAR} is needed", "bad_moment")
    if reader.problems or schedule is None:
        raise InputError("the schedule is not valid", reader.problems)
    return Timing(schedule=schedule, anchor=begin), begin, count


def _item(one: Shown) -> JsonObject:
    return {
        "utc": rfc3339(one.instant),
        "local": one.local.isoformat(),
        "change": str(one.change) if one.change else None,
    }


def _changes(timing: Timing, begin: datetime, until: datetime) -> Iterator[datetime]:
    zone, at = zone_of(timing.schedule), begin
    for _ in range(MOST_CHANGES):
        change = change_within(zone, at, until)
        if change is None:
            return
        yield change
        at = change


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
