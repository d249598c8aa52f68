"""F25: clocks that change: against a cron that is watched minute by minute, in zones of every odd kind."""

from datetime import datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from rig.cron_oracle import DAY, changes, job, runs, utc, watch

from revolution_hub.bus.clocks import change_within
from revolution_hub.bus.instants import Timing, instants
from revolution_hub.model.schedule import Schedule
from revolution_hub.template.filters.zones import zone_named

BEGIN, END = utc(2025), utc(2030)

ZONES = {
    "Europe/Berlin": 10,
    "America/New_York": 10,
    "America/Los_Angeles": 10,
    "America/Santiago": 10,
    "America/St_Johns": 10,
    "Asia/Beirut": 10,
    "Australia/Lord_Howe": 10,
    "Australia/Sydney": 10,
    "Africa/Cairo": 10,
    "Asia/Tehran": 0,
    "Pacific/Chatham": 10,
    "Pacific/Apia": 0,
    "UTC": 0,
}
"""The zones, and how often their clocks are changed in these five years."""

DENSE = ["* * * * *", "*/7 * * * *", "35 * * * *", "0 * * * *", "*/15 */3 * * *", "*/5 2-3 * * *"]
STEPS = ["0 */3 * * *", "0 */2 * * *", "30 */4 * * SUN", "*/30 2 * * *", "*/10 0 * * *", "*/20 3 1-7 * SUN"]
FIXED = ["0 0 * * *", "30 0 * * *", "30 1 * * *", "15 2 * * *", "0,30 2 * * *", "45 2 * * *", "0 3 * * *"]
FIXED += ["0 2-4 * * *", "30 2 * * SUN", "5/20 0-3 * * *", "0 12 29 2 *", "0 0 1 */3 *", "50 3 8-14 * SUN"]
"""Expressions with a star in front of the minute or the hour, and those at fixed times."""


def zone_of(name: str) -> ZoneInfo:
    zone = zone_named(name)
    assert zone is not None
    return zone


def due(line: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    timing = Timing(schedule=Schedule(cron=line, timezone=zone), anchor=begin)
    return list(takewhile(lambda one: one < end, instants(timing, begin - timedelta(seconds=1))))


@pytest.mark.parametrize(("zone", "count"), ZONES.items())
def test_around_every_change_of_clocks_what_is_due_is_what_a_watched_cron_runs(zone: str, count: int) -> None:
    found = changes(ZoneInfo(zone), BEGIN, END)
    assert len(found) == count
    # Where nothing changes, a few days stand for all.
    for day in found or [utc(2026, 3, 29)]:
        begin, end = day - DAY, day + 2 * DAY
        watched = watch(ZoneInfo(zone), begin, end)
        for line in (*DENSE, *STEPS, *FIXED):
            expected = list(runs(job(line), watched))
            assert due(line, zone, begin, end) == expected, (line, day)


@pytest.mark.parametrize("zone", ZONES)
def test_a_walk_of_five_years_finds_every_change_and_begins_anew_behind_it(zone: str) -> None:
    # Walked through at once, instead of begun anew before each change.
    for line in ("0 */3 * * *", "30 2 * * *"):
        walked = set(due(line, zone, BEGIN, END))
        for day in changes(ZoneInfo(zone), BEGIN, END):
            expected = set(runs(job(line), watch(ZoneInfo(zone), day, day + DAY)))
            assert {one for one in walked if day <= one < day + DAY} == expected, (line, day)
        assert len(walked) == pytest.approx(5 * 365.25 * (8 if "*/3" in line else 1), abs=20)


@pytest.mark.parametrize(("zone", "count"), ZONES.items())
def test_changes_of_clocks_are_found_to_the_second(zone: str, count: int) -> None:
    found, at = [], BEGIN
    while (change := change_within(zone_of(zone), at, END)) is not None:
        before = change - timedelta(seconds=1)
        assert change.astimezone(ZoneInfo(zone)).utcoffset() != before.astimezone(ZoneInfo(zone)).utcoffset()
        found.append(change)
        at = change
    assert len(found) == count


def test_the_watched_cron_is_no_echo_of_the_hub() -> None:
    # What it says of Berlin, counted on fingers.
    berlin = ZoneInfo("Europe/Berlin")
    spring = watch(berlin, utc(2026, 3, 29), utc(2026, 3, 30))
    autumn = watch(berlin, utc(2026, 10, 25), utc(2026, 10, 26))
    assert [f"{one:%H:%M}" for one in runs(job("30 2 * * *"), spring)] == ["01:00"]
    assert [f"{one:%H:%M}" for one in runs(job("30 2 * * *"), autumn)] == ["00:30"]
    twice = ["00:00", "00:30", "01:00", "01:30"]
    assert [f"{one:%H:%M}" for one in runs(job("*/30 2 * * *"), autumn)] == twice
