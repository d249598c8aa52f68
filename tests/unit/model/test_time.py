"""Moments are aware and in UTC, on the wire they end in Z."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from revolution_hub.model.time import rfc3339, to_utc, utc_now

BERLIN = timezone(timedelta(hours=2))


def test_now_is_aware_and_in_utc() -> None:
    assert utc_now().tzinfo is UTC


def test_another_zone_becomes_utc_without_moving_the_moment() -> None:
    moment = datetime(2026, 7, 1, 0, 30, tzinfo=BERLIN)
    assert to_utc(moment) == moment
    assert to_utc(moment).isoformat() == "2026-06-30T22:30:00+00:00"


@pytest.mark.parametrize("function", [to_utc, rfc3339])
def test_a_moment_without_a_zone_is_refused(function: object) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match="time zone"):
        function(datetime(2026, 7, 1))  # noqa: DTZ001 - the point of the test


def test_on_the_wire_there_are_always_six_digits_and_a_z() -> None:
    assert rfc3339(datetime(2026, 11, 22, 10, tzinfo=UTC)) == "2026-11-22T10:00:00.000000Z"
    assert rfc3339(datetime(2026, 11, 22, 10, 0, 0, 5, BERLIN)) == "2026-11-22T08:00:00.000005Z"


def test_written_moments_sort_like_the_moments() -> None:
    first = datetime(2026, 11, 22, 9, 59, 59, 999_999, UTC)
    written = [rfc3339(first + timedelta(microseconds=step)) for step in range(3)]
    assert written == sorted(written)
