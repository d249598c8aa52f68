"""When schedules are due: cron as Debian reads it on a zone's clocks, and intervals that do not drift."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from revolution_hub.bus.instants import Timing, instants, latest, next_after, timing_json, timing_of
from revolution_hub.model.cron import cron_problem
from revolution_hub.model.schedule import Missed, Overlap, Schedule
from revolution_hub.template.filters.zones import zone_named

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=730)).map(lambda since: ANCHOR + since)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Beirut", "Asia/Kathmandu")


def cron(text: str, zone: str = "Europe/Berlin") -> Timing:
    return Timing(schedule=Schedule(cron=text, timezone=zone), anchor=ANCHOR)


def every(seconds: float, anchor: datetime = ANCHOR) -> Timing:
    return Timing(schedule=Schedule(every_s=seconds), anchor=anchor)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def on_day(timing: Timing, day: str) -> list[str]:
    """The clock times, in UTC, at which a schedule is due on a day of Berlin."""
    zone = zone_named("Europe/Berlin")
    begin = moment(day).replace(tzinfo=zone)
    end = (begin + timedelta(days=1)).astimezone(UTC)
    found = []
    for one in instants(timing, begin.astimezone(UTC) - timedelta(seconds=1)):
        if one >= end:
            return found
        found.append(f"{one:%H:%M}")
    raise AssertionError("instants have no end")


BERLIN = [
    ("30 2 * * *", "2026-03-28", ["01:30"]),
    ("30 2 * * *", "2026-03-29", ["01:00"]),
    ("30 2 * * *", "2026-03-30", ["00:30"]),
    ("0,30 2 * * *", "2026-03-29", ["01:00"]),
    ("*/30 2 * * *", "2026-03-29", []),
    ("30 2 * * *", "2026-10-24", ["00:30"]),
    ("30 2 * * *", "2026-10-25", ["00:30"]),
    ("30 2 * * *", "2026-10-26", ["01:30"]),
    ("*/30 2 * * *", "2026-10-25", ["00:00", "00:30", "01:00", "01:30"]),
    ("0 8 * * MON-FRI", "2026-03-29", []),
    ("0 8 * * MON-FRI", "2026-03-30", ["06:00"]),
]


@pytest.mark.parametrize(("text", "day", "due"), BERLIN)
def test_clocks_that_change_are_met_as_by_the_cron_of_debian(text: str, day: str, due: list[str]) -> None:
    assert on_day(cron(text), day) == due


@pytest.mark.parametrize(("day", "count"), [("2026-03-29", 46), ("2026-10-24", 48), ("2026-10-25", 50)])
def test_what_runs_each_half_hour_follows_elapsed_time(day: str, count: int) -> None:
    assert len(on_day(cron("*/30 * * * *"), day)) == count


def test_a_fixed_time_is_not_met_again_within_the_hour_that_comes_twice() -> None:
    # 01:10 UTC is 02:10 in Berlin for the second time; the first 02:30 was at 00:30 UTC.
    assert next_after(cron("30 2 * * *"), moment("2026-10-25T01:10:00Z")) == moment("2026-10-26T01:30:00Z")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("text", "hours", "minutes"), [("15 */3 * * *", 3, 15), ("45 * * * *", 1, 45)])
def test_wildcards_are_due_whenever_a_clock_of_the_zone_says_so(
    text: str, hours: int, minutes: int, zone: str
) -> None:
    # Walks through a year by the minute, which is slow and cannot be wrong.
    found, clock, at = zone_named(zone), cron(text, zone), moment("2026-01-01T00:00:00Z")
    assert found is not None
    for due in instants(clock, at - timedelta(seconds=1)):
        while not (at.astimezone(found).minute == minutes and at.astimezone(found).hour % hours == 0):
            at += timedelta(minutes=15)
        assert due == at
        at += timedelta(minutes=15)
        if at.year > 2026:
            return


def test_an_interval_is_counted_from_its_anchor_whatever_the_clocks_do() -> None:
    timing = every(5400.0, moment("2026-03-28T23:00:07.25Z"))
    assert list(islice(instants(timing, timing.anchor), 3)) == [
        moment("2026-03-29T00:30:07.25Z"),
        moment("2026-03-29T02:00:07.25Z"),
        moment("2026-03-29T03:30:07.25Z"),
    ]
    # Nothing is due before the first interval has passed, even for a clock that was put back.
    assert next_after(timing, timing.anchor - timedelta(days=1)) == moment("2026-03-29T00:30:07.25Z")


@given(seconds=st.floats(60, 1e7), after=MOMENTS)
def test_an_interval_never_drifts(seconds: float, after: datetime) -> None:
    timing = every(seconds)
    due = next_after(timing, after)
    assert due > after
    assert (due - ANCHOR) % timedelta(seconds=seconds) == timedelta(0)
    assert due - after <= timedelta(seconds=seconds)


FIELD = st.sampled_from(["*", "*/7", "0", "30", "1-5", "2,20", "5/9", "0-23/4", "29", "MON", "JAN-MAR"])


@given(fields=st.lists(FIELD, min_size=5, max_size=5), zone=st.sampled_from(ZONES), after=MOMENTS)
def test_whatever_can_be_saved_is_due_again_and_again_and_where_one_begins_does_not_matter(
    fields: list[str], zone: str, after: datetime
) -> None:
    text = " ".join(fields)
    assume(cron_problem(text) is None)
    walked = list(islice(instants(cron(text, zone), after), 6))
    assert walked == sorted(set(walked))
    assert walked[0] > after
    at, jumped = after, []
    for _ in walked:
        at = next_after(cron(text, zone), at)
        jumped.append(at)
    assert jumped == walked


TIMINGS = [every(60.0), cron("* * * * *"), cron("*/5 8-9 * * *"), cron("0 8 * * MON")]


@given(
    timing=st.sampled_from(TIMINGS),
    late=st.timedeltas(timedelta(0), timedelta(days=40)),
    most=st.integers(1, 20),
)
def test_the_latest_instants_are_found_however_many_there_were(
    timing: Timing, late: timedelta, most: int
) -> None:
    first = next_after(timing, ANCHOR)
    assert first is not None
    now = first + late
    all_of_them = list(takewhile(lambda one: one <= now, instants(timing, ANCHOR)))
    assert latest(timing, first, now, most) == (all_of_them[-most:], next_after(timing, now))


def test_the_latest_instants_of_a_year_of_seconds_are_found_quickly() -> None:
    timing = cron("* * * * * *")
    now = ANCHOR + timedelta(days=366)
    found, following = latest(timing, ANCHOR, now, 3)
    assert found == [now - timedelta(seconds=2), now - timedelta(seconds=1), now]
    assert following == now + timedelta(seconds=1)


FULL = Schedule(
    at=("2026-03-29T02:30", "2026-12-24T18:00:00+01:00"),
    timezone="Europe/Berlin",
    missed=Missed.ALL,
    catch_up_s=3600.0,
    most=5,
    overlap=Overlap.QUEUE,
    jitter_s=90.0,
    description="twice",
)
KEPT = [every(90.5), cron("0 8 * * *"), cron("0 8 * * *", "UTC"), Timing(schedule=FULL, anchor=ANCHOR)]


@pytest.mark.parametrize("timing", KEPT)
def test_a_timing_is_kept_as_it_is(timing: Timing) -> None:
    assert timing_of({**timing_json(timing), "concurrency": {"key": ""}}) == timing


def test_a_timing_that_was_kept_before_there_were_policies_is_read() -> None:
    kept = {"cron": "0 8 * * *", "timezone": "Europe/Berlin", "anchor": "2026-01-01T00:00:00.000000Z"}
    assert timing_of(kept) == cron("0 8 * * *")


def at(*moments: str, zone: str = "UTC") -> Timing:
    return Timing(schedule=Schedule(at=moments, timezone=zone), anchor=ANCHOR)


def test_moments_are_due_once_each_in_their_order_and_then_no_more() -> None:
    timing = at("2026-03-01T10:00:00Z", "2026-02-01T11:00:00+01:00", "2026-02-01T10:00:00Z")
    found = list(instants(timing, ANCHOR))
    assert found == [moment("2026-02-01T10:00:00Z"), moment("2026-03-01T10:00:00Z")]
    assert next_after(timing, found[-1]) is None


def test_moments_without_a_zone_are_read_on_the_clocks_of_the_time_zone() -> None:
    # 02:30 is skipped in March, and comes twice in October.
    timing = at("2026-03-29T02:30", "2026-10-25T02:30", "2026-07-01T08:00", zone="Europe/Berlin")
    assert [f"{one:%m-%d %H:%M}" for one in instants(timing, ANCHOR)] == [
        "03-29 01:00",
        "07-01 06:00",
        "10-25 00:30",
    ]


def test_a_zone_that_is_gone_is_told() -> None:
    with pytest.raises(LookupError, match="no time zone 'Middle/Earth'"):
        next_after(cron("0 8 * * *", "Middle/Earth"), ANCHOR)
