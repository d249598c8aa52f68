"""F24 and F27 on a database: clocks that jump or were away: what starts, and what is told of the rest."""

from datetime import timedelta
from typing import Any

import pytest
from rig.schedules import after, due_times, fires, kept, minutely, started

from revolution_hub.bus.schedule import fire_due

TWO_HOURS = 7200 + 30


def fire_records(bench: Any) -> list[tuple[str, str | None, int]]:
    """What is told of the instants: how each ended, why, and how many there were."""
    return [(str(one.status), one.reason and str(one.reason), one.count) for one in fires(bench)]


POLICIES = [
    ({"missed": "once"}, [7200], [("skipped", "missed", 119), ("fired", None, 1)]),
    ({"missed": "skip"}, [7200], [("skipped", "missed", 119), ("fired", None, 1)]),
    ({"missed": "all", "most": 2}, [7140, 7200], [("skipped", "over_cap", 118), *[("fired", None, 1)] * 2]),
    (
        {"missed": "all"},
        [60 * n for n in range(21, 121)],
        [("skipped", "over_cap", 20), *[("fired", None, 1)] * 100],
    ),
    ({"every": "31m", "missed": "skip"}, [], [("skipped", "missed", 3)]),
    ({"every": "31m", "catch_up": "20m"}, [], [("skipped", "too_late", 3)]),
    ({"every": "31m", "catch_up": "30m"}, [5580], [("skipped", "missed", 2), ("fired", None, 1)]),
]


@pytest.mark.parametrize(("says", "seconds", "told"), POLICIES)
def test_f27_two_hours_without_a_clock_are_made_up_for_as_the_schedule_says(
    says: dict[str, Any], seconds: list[int], told: list[Any], bench: Any, clock: Any
) -> None:
    begin = clock.now
    minutely(bench, on=[{"schedule": {"every": 60, **says}}])
    clock.advance(TWO_HOURS)
    assert (fire_due(bench.hub), fire_due(bench.hub)) == (len(seconds), 0)
    assert due_times(bench) == [after(one, of=begin) for one in seconds]
    assert fire_records(bench) == told
    # Each record of an instant that was fired names its execution, and the schedule says when that was.
    named = [one.execution_id for one in fires(bench) if one.execution_id]
    assert named == [one.id for one in started(bench)]
    (schedule,) = kept(bench)
    assert schedule.next_at > clock.now
    assert schedule.last_at == (begin + timedelta(seconds=seconds[-1]) if seconds else None)
    assert schedule.last_fired_at == (clock.now if seconds else None)


def test_what_was_skipped_is_told_from_when_to_when(bench: Any, clock: Any) -> None:
    begin = clock.now
    minutely(bench)
    clock.advance(TWO_HOURS)
    fire_due(bench.hub)
    passed, fired = fires(bench)
    assert (passed.instant, passed.until) == (begin + timedelta(minutes=1), begin + timedelta(minutes=119))
    assert (fired.instant, fired.until, fired.fired_at) == (begin + timedelta(minutes=120),) * 2 + (
        clock.now,
    )
    assert started(bench)[0].trigger["data"]["missed"] == passed.count


def test_moments_are_fired_once_each_and_then_the_schedule_is_over(bench: Any, clock: Any) -> None:
    begin = clock.now
    moments = [after(60, of=begin), after(-60, of=begin), after(120, of=begin)]
    minutely(bench, on=[{"schedule": {"at": moments}}])
    for seconds, count in ((61, 1), (0, 0), (60, 1), (86_400, 0)):
        clock.advance(seconds)
        assert fire_due(bench.hub) == count
    assert due_times(bench) == [moments[0], moments[2]]
    assert kept(bench)[0].wake_at is None
    # A clock that is put back finds it over as well.
    clock.advance(-86_400)
    assert fire_due(bench.hub) == 0


def test_an_instant_is_put_off_by_its_jitter_and_no_clock_comes_before(bench: Any, clock: Any) -> None:
    begin = clock.now
    minutely(bench, on=[{"schedule": {"every": "1h", "jitter": "10m"}}])
    (schedule,) = kept(bench)
    assert schedule.next_at == begin + timedelta(hours=1)
    assert schedule.wake_at is not None
    wait_s = (schedule.wake_at - schedule.next_at).total_seconds()
    assert 0 < wait_s < 600
    clock.advance(3600 + wait_s - 0.002)
    assert fire_due(bench.hub) == 0
    clock.advance(0.004)
    assert fire_due(bench.hub) == 1
    assert due_times(bench) == [after(3600, of=begin)]


JUMPS = [3600.0, -3600.0, 86_400.0, -86_400.0, 0.5, -0.5]


@pytest.mark.parametrize("missed", ["once", "skip", "all"])
@pytest.mark.parametrize("jump", JUMPS)
def test_f24_a_clock_that_jumps_there_and_back_repeats_nothing_and_starts_no_burst(
    jump: float, missed: str, bench: Any, clock: Any
) -> None:
    most = 5
    minutely(bench, on=[{"schedule": {"every": 60, "missed": missed, "most": most}}])

    def run(minutes: int) -> list[int]:
        return [fire_due(bench.hub) for _ in range(minutes) if clock.advance(60.25)]

    counts = run(3)
    clock.advance(jump)
    counts.append(fire_due(bench.hub))
    counts += run(3)
    clock.advance(-jump)
    counts.append(fire_due(bench.hub))
    counts += run(3)
    # Each instant once, in order, and never more at once than the schedule allows.
    due = due_times(bench)
    assert due == sorted(set(due))
    assert max(counts) <= (most if missed == "all" else 1)
    assert sum(counts) == len(due)
    # What was neither fired nor told of lies ahead: nothing is lost either.
    covered = sum(one.count for one in fires(bench))
    (schedule,) = kept(bench)
    first = min(one.instant for one in fires(bench))
    assert min(covered, 1000) == min((schedule.next_at - first) // timedelta(seconds=60), 1000)
