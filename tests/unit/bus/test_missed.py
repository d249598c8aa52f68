"""F27, in thought: which instants are fired when none was for a while, and what is told of the others."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.bus.instants import Timing, instants, next_after
from revolution_hub.bus.missed import MOST_COUNTED, wakes_at, what_is_due
from revolution_hub.model.fire import Reason
from revolution_hub.model.schedule import Missed, Overlap, Schedule, those_let_in

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
HOUR_S = 3600.0


def timing(missed: str = "once", *, every_s: float = 60.0, **more: float) -> Timing:
    return Timing(schedule=Schedule(every_s=every_s, missed=Missed(missed), **more), anchor=ANCHOR)


def after(seconds: float) -> datetime:
    return ANCHOR + timedelta(seconds=seconds)


def fired(one: Timing, seconds: float) -> list[float]:
    """Which instants are fired, as seconds, if none was from the beginning on."""
    due = what_is_due(one, "sch_1", after(one.schedule.every_s or 0), after(seconds))
    return [(instant - ANCHOR).total_seconds() for instant in due.fired]


DOWN = 2 * HOUR_S + 30
CASES = [
    # None ran for two hours, and one instant came each minute.
    (timing("once"), DOWN, [7200.0], (119, Reason.MISSED)),
    (timing("skip"), DOWN, [7200.0], (119, Reason.MISSED)),
    (timing("skip", every_s=HOUR_S), DOWN + 600, [], (2, Reason.MISSED)),
    (timing("all", most=3), DOWN, [7080.0, 7140.0, 7200.0], (117, Reason.OVER_CAP)),
    (timing("all"), DOWN, [60.0 * n for n in range(21, 121)], (20, Reason.OVER_CAP)),
    (timing("all", every_s=HOUR_S), DOWN, [3600.0, 7200.0], None),
    # What is older than the window is never made up for.
    (timing("once", every_s=HOUR_S, catch_up_s=600.0), 2 * HOUR_S + 601, [], (2, Reason.TOO_LATE)),
    (timing("once", every_s=HOUR_S, catch_up_s=600.0), 2 * HOUR_S + 600, [7200.0], (1, Reason.MISSED)),
    (timing("all", every_s=HOUR_S, catch_up_s=HOUR_S), 3 * HOUR_S + 60, [10_800.0], (2, Reason.TOO_LATE)),
    (timing("skip", catch_up_s=600.0), DOWN, [7200.0], (119, Reason.MISSED)),
    # On time.
    (timing("once"), 60.0, [60.0], None),
    (timing("skip"), 60.25, [60.0], None),
    (timing("all"), 119.0, [60.0], None),
    (timing("once"), 59.9, [], None),
]


@pytest.mark.parametrize(("one", "seconds", "expected", "passed"), CASES)
def test_each_policy_makes_up_for_what_it_says(
    one: Timing, seconds: float, expected: list[float], passed: tuple[int, Reason] | None
) -> None:
    assert fired(one, seconds) == expected
    due = what_is_due(one, "sch_1", after(one.schedule.every_s or 0), after(seconds))
    assert (due.passed and (due.passed.count, due.passed.reason)) == passed
    assert due.next_at == next_after(one, after(seconds))
    counts = one.schedule.missed is Missed.ONCE and passed is not None and bool(expected)
    assert due.stands_for == (passed[0] if counts and passed else 0)


def test_of_more_missed_instants_than_anybody_counts_the_latest_is_fired_all_the_same() -> None:
    one = timing()
    due = what_is_due(one, "sch_1", after(60), after(60.0 * 525_600))
    assert due.fired == (after(60.0 * 525_600),)
    assert due.passed is not None
    assert (due.passed.first, due.passed.last) == (after(60), after(60.0 * 525_599))
    assert due.passed.count == due.stands_for == MOST_COUNTED


def test_of_moments_that_have_all_passed_none_is_left_to_come() -> None:
    moments = Schedule(at=("2026-01-01T01:00Z", "2026-01-01T02:00Z"), missed=Missed.ALL)
    due = what_is_due(Timing(schedule=moments, anchor=ANCHOR), "sch_1", after(3600), after(9000))
    assert (due.fired, due.passed, due.next_at) == ((after(3600), after(7200)), None, None)


def test_what_older_rules_of_a_zone_made_an_instant_and_those_of_today_do_not_is_looked_at_anew() -> None:
    daily = Timing(schedule=Schedule(cron="0 8 * * *", timezone="Europe/Berlin"), anchor=ANCHOR)
    kept = datetime(2026, 1, 2, 6, tzinfo=UTC)
    fired = datetime(2026, 1, 1, 7, tzinfo=UTC)
    due = what_is_due(daily, "sch_1", kept, kept + timedelta(seconds=1), fired)
    assert (due.fired, due.passed, due.next_at) == ((), None, kept + timedelta(hours=1))
    # Kept too late, it is fired late, and once.
    kept += timedelta(hours=2)
    meant = kept - timedelta(hours=1)
    due = what_is_due(daily, "sch_1", kept, kept + timedelta(seconds=1), meant - timedelta(days=1))
    assert (due.fired, due.passed, due.next_at) == ((meant,), None, meant + timedelta(days=1))
    due = what_is_due(daily, "sch_1", kept, kept + timedelta(seconds=1), meant)
    assert (due.fired, due.passed, due.next_at) == ((), None, meant + timedelta(days=1))


POLICIES = st.builds(
    timing,
    st.sampled_from(["once", "skip", "all"]),
    every_s=st.sampled_from([60.0, 90.5, 3600.0]),
    most=st.integers(1, 100),
    catch_up_s=st.floats(60, 200_000),
    jitter_s=st.sampled_from([0.0, 5.0, 90.0]),
)


@given(one=POLICIES, late=st.floats(0, 200_000))
def test_every_instant_that_has_come_is_either_fired_or_told(one: Timing, late: float) -> None:
    first = next_after(one, ANCHOR)
    assert first is not None
    now = first + timedelta(seconds=late)
    due = what_is_due(one, "sch_1", first, now)
    come = [
        at
        for at in takewhile(lambda at: at <= now, instants(one, ANCHOR))
        if wakes_at(one, "sch_1", at) <= now
    ]
    told = due.passed.count if due.passed else 0
    # They are the latest ones, in order, and no more than the policy says.
    assert list(due.fired) == come[len(come) - len(due.fired) :]
    assert len(due.fired) <= (one.schedule.most if one.schedule.missed is Missed.ALL else 1)
    assert told == min(len(come) - len(due.fired), MOST_COUNTED)
    if due.passed:
        assert (due.passed.first, due.passed.last) == (come[0], come[len(come) - len(due.fired) - 1])
    assert due.next_at == (next_after(one, come[-1]) if come else first)
    oldest = now - timedelta(seconds=one.schedule.catch_up_s + one.schedule.jitter_s)
    assert all(at >= oldest for at in due.fired)


@given(key=st.text(min_size=1, max_size=40), number=st.integers(1, 10_000), jitter=st.floats(0.1, 86_400))
def test_jitter_is_the_same_for_every_clock_and_never_reaches_the_next_instant(
    key: str, number: int, jitter: float
) -> None:
    one, again = timing(jitter_s=jitter), timing(jitter_s=jitter, missed="all")
    instant = after(60.0 * number)
    wakes = wakes_at(one, key, instant)
    assert wakes == wakes_at(again, key, instant)
    assert timedelta(0) <= wakes - instant < timedelta(seconds=min(jitter, 60.0))


def test_jitter_spreads_what_is_due_at_the_same_instant() -> None:
    one = timing(every_s=HOUR_S, jitter_s=600.0)
    waits = sorted(
        (wakes_at(one, f"sch_{n}", after(HOUR_S)) - after(HOUR_S)).total_seconds() for n in range(400)
    )
    assert len(set(waits)) > 390
    assert waits[0] < 20
    assert 580 < waits[-1] < 600
    assert 250 < waits[200] < 350


LET_IN = [
    (Overlap.ALLOW, 3, True, True, [0, 1, 2]),
    (Overlap.SKIP, 3, False, False, [0]),
    (Overlap.SKIP, 3, True, False, []),
    (Overlap.QUEUE, 3, False, False, [0, 1]),
    (Overlap.QUEUE, 3, True, False, [0]),
    (Overlap.QUEUE, 3, True, True, []),
    (Overlap.QUEUE, 1, False, False, [0]),
    (Overlap.CANCEL_PREVIOUS, 3, True, True, [2]),
    (Overlap.CANCEL_PREVIOUS, 0, True, False, []),
]


@pytest.mark.parametrize(("overlap", "count", "under_way", "in_line", "places"), LET_IN)
def test_of_instants_that_come_together_those_are_let_in_that_there_is_room_for(
    overlap: Overlap, count: int, under_way: bool, in_line: bool, places: list[int]
) -> None:
    assert list(those_let_in(overlap, count, under_way=under_way, in_line=in_line)) == places
