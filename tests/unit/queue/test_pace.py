"""How much a worker claims ahead follows how fast executions end."""

from revolution_hub.queue.pace import MOST_AHEAD, Pace


def paced(per_s: int, seconds: float = 1.0) -> Pace:
    pace = Pace(0.0)
    for tick in range(int(seconds * 10)):
        for _ in range(per_s // 10):
            pace.ended()
        pace.ahead((tick + 1) / 10)
    return pace


def test_a_worker_that_has_done_nothing_yet_claims_nothing_ahead() -> None:
    assert Pace(0.0).ahead(0.0) == 0
    assert Pace(0.0).ahead(9.0) == 0


def test_slow_executions_are_not_claimed_ahead_and_quick_ones_are() -> None:
    assert paced(10).ahead(1.01) <= 2
    assert 15 <= paced(100).ahead(1.01) <= 25


def test_however_quick_they_are_there_is_an_end_to_it() -> None:
    assert paced(100_000).ahead(1.01) == MOST_AHEAD


def test_a_pace_that_slackens_is_forgotten_soon() -> None:
    pace = paced(200)
    assert pace.ahead(1.01) > 30
    assert pace.ahead(2.0) < 20
    assert pace.ahead(3.0) == 0
