"""Request rates: what a bucket lets through, whoever asks and however they are timed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.access.quotas import LARGEST_TABLE, RateLimiter

GAPS_S = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200)


def let_through(per_minute: int, gaps_s: list[float]) -> list[float]:
    """Ask after each gap and return the seconds at which the answer was yes."""
    limiter = RateLimiter(per_minute)
    now_s, allowed_s = 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        if limiter.take("key_1", now_s).allowed:
            allowed_s.append(now_s)
    return allowed_s


@given(st.integers(1, 50), GAPS_S)
def test_never_more_than_a_burst_and_its_refill_in_any_stretch_of_time(
    per_minute: int, gaps_s: list[float]
) -> None:
    allowed_s = let_through(per_minute, gaps_s)
    for first in range(len(allowed_s)):
        for last in range(first, len(allowed_s)):
            refill = (allowed_s[last] - allowed_s[first]) * per_minute / 60
            assert last - first + 1 <= per_minute + refill + 1e-6


@given(st.integers(1, 50), st.lists(st.just(0.0), min_size=1, max_size=150))
def test_never_more_than_the_limit_at_once(per_minute: int, gaps_s: list[float]) -> None:
    assert len(let_through(per_minute, gaps_s)) == min(per_minute, len(gaps_s))


@given(st.integers(1, 50), st.integers(1, 10))
def test_who_keeps_asking_gets_the_limit_each_minute_after_the_first(per_minute: int, minutes: int) -> None:
    ticks = 60 * minutes * 4
    allowed_s = let_through(per_minute, [0.0] * per_minute + [0.25] * ticks)
    assert len(allowed_s) <= per_minute * (minutes + 1)
    assert len(allowed_s) >= per_minute * (minutes + 1) - 1


@given(st.integers(1, 50), st.floats(0, 1e9))
def test_who_never_exceeds_the_rate_is_never_refused(per_minute: int, start_s: float) -> None:
    limiter = RateLimiter(per_minute)
    gap_s = 60 / per_minute * 1.001
    assert all(limiter.take("key_1", start_s + n * gap_s).allowed for n in range(100))


def test_an_hour_of_silence_saves_up_no_more_than_one_burst() -> None:
    assert len(let_through(5, [0.0, 3600.0, *[0.0] * 100])) == 1 + 5


def test_the_answer_counts_down_and_says_when_to_come_back() -> None:
    limiter = RateLimiter(60)
    taken = [limiter.take("key_1", 100.0) for _ in range(61)]
    assert [one.remaining for one in taken[:3]] == [59, 58, 57]
    assert (taken[59].remaining, taken[59].allowed) == (0, True)
    assert (taken[60].allowed, taken[60].limit, taken[60].reset_s) == (False, 60, pytest.approx(1.0))
    assert taken[0].reset_s == pytest.approx(1.0)
    assert taken[59].reset_s == pytest.approx(60.0)


def test_a_refusal_costs_nothing_and_the_promised_wait_is_true() -> None:
    limiter = RateLimiter(6)
    for _ in range(6):
        limiter.take("key_1", 0.0)
    refused = [limiter.take("key_1", 0.0) for _ in range(50)][-1]
    assert not limiter.take("key_1", refused.reset_s - 0.01).allowed
    assert limiter.take("key_1", refused.reset_s + 0.01).allowed


def test_one_principal_never_uses_up_anothers() -> None:
    limiter = RateLimiter(1)
    assert limiter.take("key_1", 0.0).allowed
    assert not limiter.take("key_1", 0.0).allowed
    assert limiter.take("key_2", 0.0).allowed


def test_the_table_forgets_whom_it_has_not_seen_for_longest_and_nobody_else() -> None:
    limiter = RateLimiter(1)
    limiter.take("old", 0.0)
    limiter.take("busy", 0.0)
    for number in range(LARGEST_TABLE - 2):
        limiter.take(f"key_{number}", 0.0)
    assert not limiter.take("busy", 0.0).allowed
    limiter.take("one_more", 0.0)
    assert not limiter.take("busy", 0.0).allowed
    assert limiter.take("old", 0.0).allowed


def test_many_threads_together_get_no_more_than_one() -> None:
    limiter = RateLimiter(500)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: limiter.take("key_1", 5.0).allowed, range(2_000)))
    assert sum(taken) == 500
