"""The first free slot, table by table. Monday is 2026-11-23; Berlin puts the clock back on 2026-10-25."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_google.slots import Period, Rules, first_free, merged, window

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
EVERY_DAY = frozenset(range(7))
NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)  # Monday


def at(text: str) -> datetime:
    """`23 09:00` in November 2026, UTC."""
    return datetime.strptime(f"2026-11-{text} +0000", "%Y-%m-%d %H:%M %z")


def busy(*pairs: tuple[str, str]) -> list[Period]:
    return [Period(start=at(start), end=at(end)) for start, end in pairs]


def start_of(slot: Period | None, zone: ZoneInfo | None = None) -> str | None:
    return None if slot is None else slot.start.astimezone(zone or UTC).strftime("%d %H:%M")


CASES = {
    "nothing is busy": ([], "23 09:00"),
    "the first hour is busy": ([("23 09:00", "23 10:00")], "23 10:00"),
    "busy touches the slot at both ends": ([("23 08:00", "23 09:00"), ("23 09:30", "23 17:00")], "23 09:00"),
    "busy ends between two marks": ([("23 09:00", "23 09:40")], "23 10:00"),
    "busy begins inside the slot": ([("23 09:29", "23 09:45")], "23 10:00"),
    "one minute of busy in the middle": ([("23 09:10", "23 09:11")], "23 09:30"),
    "a gap that is too short": ([("23 09:00", "23 09:45"), ("23 10:15", "23 11:00")], "23 11:00"),
    "overlapping and unsorted": (
        [("23 10:00", "23 12:00"), ("23 09:00", "23 10:30"), ("23 09:15", "23 09:20")],
        "23 12:00",
    ),
    "one inside the other": ([("23 09:00", "23 12:00"), ("23 09:30", "23 10:00")], "23 12:00"),
    "busy across midnight": ([("23 09:00", "24 10:00")], "24 10:00"),
    "a whole day": ([("23 00:00", "24 00:00")], "24 09:00"),
    "whole days over the weekend": ([("23 00:00", "28 00:00")], None),
    "only the last slot of the day is left": ([("23 09:00", "23 16:30")], "23 16:30"),
    "too little is left of the day": ([("23 09:00", "23 16:31")], "24 09:00"),
    "an empty period is no obstacle": ([("23 09:10", "23 09:10")], "23 09:00"),
    "busy before and after working hours": ([("23 00:00", "23 09:00"), ("23 17:00", "24 09:00")], "23 09:00"),
    "busy long ago": ([("01 00:00", "22 00:00")], "23 09:00"),
}


@pytest.mark.parametrize(("taken", "expected"), CASES.values(), ids=CASES.keys())
def test_busy_times_are_avoided(taken: list[tuple[str, str]], expected: str | None) -> None:
    assert start_of(first_free(Rules(within_days=4), busy(*taken), NOW)) == expected


RULES = {
    "a whole working day fits exactly": (Rules(minutes=480), "23 07:30", "23 09:00"),
    "a whole working day that has begun": (Rules(minutes=480), "23 08:01", "24 09:00"),
    "longer than the working day": (Rules(minutes=510), "23 07:30", None),
    "now is inside working hours": (Rules(), "23 09:50", "23 11:00"),
    "notice is counted to the second": (Rules(notice_minutes=30), "23 09:00", "23 09:30"),
    "no notice at all": (Rules(notice_minutes=0), "23 09:00", "23 09:00"),
    "notice over a day": (Rules(notice_minutes=24 * 60), "23 09:10", "24 09:30"),
    "notice beyond the last day": (Rules(notice_minutes=7 * 24 * 60, within_days=5), "23 09:00", None),
    "too late for today": (Rules(), "23 16:00", "24 09:00"),
    "Friday evening": (Rules(), "27 18:00", "30 09:00"),
    "Friday evening, tomorrow only": (Rules(within_days=1), "27 18:00", None),
    "Saturday is a working day": (Rules(days=frozenset({5})), "23 07:30", "28 09:00"),
    "no such day within reach": (Rules(days=frozenset({6}), within_days=5), "23 07:30", None),
    "half hours": (Rules(grid_minutes=30), "23 09:35", "23 11:00"),
    "quarter hours": (Rules(grid_minutes=15), "23 09:35", "23 10:45"),
    "hours that open off the grid": (Rules(opens=time(9, 10)), "23 07:30", "23 09:30"),
    "quarter hours that open off the grid": (
        Rules(opens=time(9, 10), grid_minutes=15),
        "23 07:30",
        "23 09:15",
    ),
    "hours are empty": (Rules(opens=time(9), closes=time(9)), "23 07:30", None),
    "hours run backwards": (Rules(opens=time(17), closes=time(9)), "23 07:30", None),
}


@pytest.mark.parametrize(("rules", "now", "expected"), RULES.values(), ids=RULES.keys())
def test_rules_are_kept(rules: Rules, now: str, expected: str | None) -> None:
    assert start_of(first_free(rules, [], at(now))) == expected


BUFFERS = {
    "before the slot": ([("23 08:30", "23 09:00")], "23 09:30"),
    "after the slot": ([("23 09:40", "23 10:00")], "23 10:30"),
    "just enough on both sides": ([("23 08:30", "23 08:45"), ("23 09:45", "23 17:00")], "23 09:00"),
    "between two others": ([("23 09:00", "23 09:30"), ("23 10:15", "23 10:30")], "23 11:00"),
    "outside working hours counts too": ([("23 08:00", "23 08:50")], "23 09:30"),
    "an empty period has no buffer": ([("23 09:10", "23 09:10")], "23 09:00"),
}


@pytest.mark.parametrize(("taken", "expected"), BUFFERS.values(), ids=BUFFERS.keys())
def test_the_buffer_stays_free(taken: list[tuple[str, str]], expected: str) -> None:
    assert start_of(first_free(Rules(buffer_minutes=15), busy(*taken), NOW)) == expected


def berlin(
    opens: time = time(9), closes: time = time(17), *, minutes: int = 30, within_days: int = 0
) -> Rules:
    """Rules for Berlin, on every day and without notice."""
    return Rules(
        time_zone=BERLIN,
        days=EVERY_DAY,
        notice_minutes=0,
        opens=opens,
        closes=closes,
        minutes=minutes,
        within_days=within_days,
    )


class TestTimeZones:
    def test_working_hours_are_those_of_the_time_zone(self) -> None:
        slot = first_free(Rules(time_zone=BERLIN), [], NOW - timedelta(hours=3))
        assert slot == Period(start=at("23 08:00"), end=at("23 08:30"))

    def test_today_is_the_day_of_the_time_zone(self) -> None:
        auckland = Rules(time_zone=ZoneInfo("Pacific/Auckland"), within_days=1)
        # Sunday 21:00 UTC is Monday 10:00 in Auckland.
        slot = first_free(auckland, [], at("22 21:00"))
        assert start_of(slot, ZoneInfo("Pacific/Auckland")) == "23 11:00"

    def test_the_grid_is_that_of_the_local_clock(self) -> None:
        # Nepal is 5:45 ahead, so a UTC grid would give 09:15 or 09:45.
        rules = Rules(time_zone=KATHMANDU, opens=time(9, 5), notice_minutes=0)
        assert start_of(first_free(rules, [], at("23 00:00")), KATHMANDU) == "23 09:30"

    def test_busy_times_with_other_offsets_are_the_same_moments(self) -> None:
        taken = Period(
            start=datetime.fromisoformat("2026-11-23T09:00:00+01:00"),
            end=datetime.fromisoformat("2026-11-23T05:00:00-05:00"),
        )
        assert start_of(first_free(Rules(), [taken], NOW)) == "23 10:00"


class TestTheDayTheClockIsPutBack:
    """2026-10-25 in Berlin: 03:00 summer time becomes 02:00, the hour from two to three comes twice."""

    NOW = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 00:30 on that Sunday

    def test_working_hours_begin_at_the_local_hour(self) -> None:
        slot = first_free(berlin(), [], self.NOW)
        assert slot is not None
        assert slot.start == datetime(2026, 10, 25, 8, tzinfo=UTC)

    def test_the_day_before_has_the_other_offset(self) -> None:
        slot = first_free(berlin(), [], self.NOW - timedelta(days=1))
        assert slot is not None
        assert slot.start == datetime(2026, 10, 24, 7, tzinfo=UTC)

    def test_the_doubled_hour_has_room_for_twice_as_much(self) -> None:
        rules = berlin(time(1), time(4), minutes=240)
        slot = first_free(rules, [], self.NOW)
        assert slot == Period(
            start=datetime(2026, 10, 24, 23, tzinfo=UTC), end=datetime(2026, 10, 25, 3, tzinfo=UTC)
        )

    def test_hours_that_open_in_the_doubled_hour_take_the_narrower_reading(self) -> None:
        rules = berlin(time(2, 30), time(3, 30))
        slot = first_free(rules, [], self.NOW)
        assert slot is not None
        assert slot.start == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    def test_hours_that_close_in_the_doubled_hour_do_so_at_the_first_of_both(self) -> None:
        # 01:00 to the first 02:30 are 90 minutes, to the second 150.
        assert first_free(berlin(time(1), time(2, 30), minutes=90), [], self.NOW) is not None
        assert first_free(berlin(time(1), time(2, 30), minutes=120), [], self.NOW) is None

    def test_busy_in_the_first_of_the_two_hours_leaves_the_second_free(self) -> None:
        rules = berlin(time(1), time(4))
        taken = Period(start=self.NOW, end=datetime(2026, 10, 25, 1, tzinfo=UTC))
        slot = first_free(rules, [taken], self.NOW)
        assert slot is not None
        assert slot.start.astimezone(BERLIN).isoformat() == "2026-10-25T02:00:00+01:00"


class TestTheDayTheClockIsPutForward:
    """2026-03-29 in Berlin: 02:00 becomes 03:00, the hour between does not exist."""

    NOW = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # 00:30 on that Sunday

    def test_working_hours_begin_at_the_local_hour(self) -> None:
        slot = first_free(berlin(), [], self.NOW)
        assert slot is not None
        assert slot.start == datetime(2026, 3, 29, 7, tzinfo=UTC)

    @pytest.mark.parametrize(("minutes", "fits"), [(120, True), (150, False)])
    def test_three_hours_on_the_clock_are_two(self, minutes: int, fits: bool) -> None:
        rules = berlin(time(1), time(4), minutes=minutes)
        assert (first_free(rules, [], self.NOW) is not None) is fits

    def test_hours_that_close_in_the_missing_hour_close_before_it(self) -> None:
        assert first_free(berlin(time(1), time(2, 30), minutes=30), [], self.NOW) is not None
        assert first_free(berlin(time(1), time(2, 30), minutes=60), [], self.NOW) is None

    @pytest.mark.parametrize(("opens", "closes"), [((2, 15), (2, 45)), ((2, 30), (3, 15))])
    def test_hours_that_hardly_exist_have_no_slot(
        self, opens: tuple[int, int], closes: tuple[int, int]
    ) -> None:
        rules = berlin(time(*opens), time(*closes))
        assert first_free(rules, [], self.NOW) is None


class TestWindow:
    def test_it_reaches_from_now_to_the_end_of_the_last_working_day_with_buffers(self) -> None:
        asked = window(Rules(buffer_minutes=10), at("23 09:20"))
        assert asked == Period(start=at("23 09:10"), end=at("27 17:10"))

    def test_it_leaves_out_the_hours_before_the_first_opening(self) -> None:
        thursday = at("30 17:00") + timedelta(days=3)
        assert window(Rules(), at("28 12:00")) == Period(start=at("30 09:00"), end=thursday)

    def test_without_a_working_day_there_is_nothing_to_ask(self) -> None:
        assert window(Rules(within_days=1), at("28 12:00")) is None

    def test_after_closing_time_of_the_only_day_there_is_nothing_to_ask(self) -> None:
        assert window(Rules(within_days=0), at("23 17:00")) is None


class TestPeriods:
    def test_times_without_an_offset_are_refused(self) -> None:
        with pytest.raises(ValueError, match="offset"):
            Period(start=datetime(2026, 11, 23), end=at("24 09:00"))  # noqa: DTZ001 - that is the point

    def test_times_are_kept_in_utc_because_the_wall_clock_may_run_backwards(self) -> None:
        start = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=0)
        end = datetime(2026, 10, 25, 2, 15, tzinfo=BERLIN, fold=1)
        period = Period(start=start, end=end)
        assert period.end - period.start == timedelta(minutes=45)
        assert (period.start.tzinfo, period.end.tzinfo) == (UTC, UTC)

    def test_backwards_is_refused(self) -> None:
        with pytest.raises(ValueError, match="before it starts"):
            Period(start=at("23 10:00"), end=at("23 09:00"))

    def test_merging_sorts_joins_and_drops_empty_ones(self) -> None:
        taken = busy(
            ("23 12:00", "23 13:00"),
            ("23 09:00", "23 10:00"),
            ("23 10:00", "23 11:00"),
            ("23 14:00", "23 14:00"),
        )
        assert merged(taken) == busy(("23 09:00", "23 11:00"), ("23 12:00", "23 13:00"))


minutes = st.integers(0, 7 * 24 * 60)


@given(
    taken=st.lists(st.tuples(minutes, st.integers(0, 600)), max_size=12),
    length=st.sampled_from([5, 30, 45, 240]),
    buffer=st.sampled_from([0, 10]),
    grid=st.sampled_from([15, 30]),
    zone=st.sampled_from([ZoneInfo("UTC"), BERLIN, KATHMANDU, ZoneInfo("Australia/Lord_Howe")]),
    first=st.sampled_from([NOW, datetime(2026, 10, 23, 7, tzinfo=UTC), datetime(2026, 3, 27, 7, tzinfo=UTC)]),
)
def test_a_slot_is_always_lawful_and_the_first(
    taken: list[tuple[int, int]], length: int, buffer: int, grid: int, zone: ZoneInfo, first: datetime
) -> None:
    rules = Rules(minutes=length, buffer_minutes=buffer, grid_minutes=grid, time_zone=zone, days=EVERY_DAY)
    periods = [
        Period(start=first + timedelta(minutes=start), end=first + timedelta(minutes=start + lasts))
        for start, lasts in taken
    ]
    # The slow way: every five minutes of the next days, in order.
    steps = (first + timedelta(minutes=5 * step) for step in range(7 * 24 * 12))
    expected = next((one for one in steps if _lawful(one, rules, periods, first)), None)
    found = first_free(rules, periods, first)
    assert (found and found.start) == expected


def _lawful(start: datetime, rules: Rules, taken: list[Period], now: datetime) -> bool:
    end = start + timedelta(minutes=rules.minutes)
    wall, wall_end = start.astimezone(rules.time_zone), end.astimezone(rules.time_zone)
    room = timedelta(minutes=rules.buffer_minutes)
    return (
        start >= now + timedelta(minutes=rules.notice_minutes)
        and wall.minute % rules.grid_minutes == 0
        and wall.date() == wall_end.date()
        and wall.date() <= now.astimezone(rules.time_zone).date() + timedelta(days=rules.within_days)
        and wall.time() >= rules.opens
        and wall_end.time() <= rules.closes
        and all(one.end + room <= start or one.start - room >= end for one in taken if one.start < one.end)
    )
