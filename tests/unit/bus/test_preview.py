"""Previews: the next instants on their own clocks, what a change of clocks does to them, and their words."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from revolution_hub.bus.describe import describe
from revolution_hub.errors import InputError
from revolution_hub.model.cron import cron_problem
from revolution_hub.model.schedule import Schedule
from revolution_hub.services.previews import preview_json

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)


def shown(**asked: Any) -> list[str]:
    """Local times, each with what a change of clocks does to it."""
    found = preview_json({"count": 4, **asked}, NOW)["items"]
    return [f"{one['local'][:16]} {one['change'] or ''}".strip() for one in found]


def test_the_next_instants_are_shown_on_the_clocks_of_the_zone_and_in_utc() -> None:
    found = preview_json({"cron": "0 8 * * *", "timezone": "Europe/Berlin", "count": 2}, NOW)
    assert found["items"] == [
        {"utc": "2026-03-29T06:00:00.000000Z", "local": "2026-03-29T08:00:00+02:00", "change": None},
        {"utc": "2026-03-30T06:00:00.000000Z", "local": "2026-03-30T08:00:00+02:00", "change": None},
    ]
    assert found["clock_changes"] == [
        {"at": "2026-03-29T01:00:00.000000Z", "before": "+01:00", "after": "+02:00"}
    ]
    assert found["description"] == {"en": "At 08:00", "de": "Um 08:00"}


CASES: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "count": 2},
        ["2026-03-29T03:00 moved", "2026-03-30T02:30"],
    ),
    (
        {"cron": "*/30 2 * * *", "timezone": "Europe/Berlin", "from": "2026-10-25T00:00:00Z"},
        [
            *("2026-10-25T02:00 first_of_two", "2026-10-25T02:30 first_of_two"),
            *("2026-10-25T02:00 second_of_two", "2026-10-25T02:30 second_of_two"),
        ],
    ),
    (
        {"cron": "45 1 * * *", "timezone": "Australia/Lord_Howe", "from": "2026-04-04T12:00:00Z", "count": 2},
        ["2026-04-05T01:45 first_of_two", "2026-04-06T01:45"],
    ),
    ({"cron": "0 0 * * *", "timezone": "Asia/Beirut", "count": 1}, ["2026-03-29T01:00 moved"]),
    ({"every": "12h", "count": 2}, ["2026-03-29T00:00", "2026-03-29T12:00"]),
    (
        {"at": ["2026-03-29T02:30", "2026-04-01T08:00", "2025-01-01T00:00"], "timezone": "Europe/Berlin"},
        ["2026-03-29T03:00 moved", "2026-04-01T08:00"],
    ),
    ({"cron": "*/20 * * * * *", "count": 3}, ["2026-03-28T12:00"] * 3),
    ({"cron": "0 0 29 2 *", "count": 2}, ["2028-02-29T00:00", "2032-02-29T00:00"]),
]


@pytest.mark.parametrize(("asked", "expected"), CASES)
def test_what_clocks_that_change_do_to_an_instant_is_marked(
    asked: dict[str, Any], expected: list[str]
) -> None:
    assert shown(**asked) == expected


BAD: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, [("", "exactly one of: cron, every, at")]),
    ({"cron": "* * *"}, [("cron", "five fields")]),
    ({"cron": "0 0 30 2 *"}, [("cron", "never such a day")]),
    ({"cron": "61 * * * *"}, [("cron", "'61' is no minute from 0 to 59")]),
    ({"cron": "* * * * *", "timezone": "Europe/Berln"}, [("timezone", "did you mean Europe/Berlin")]),
    ({"every": "1s"}, [("every", "from 60 to")]),
    ({"at": ["tea"]}, [("at[0]", "such as 2027")]),
    ({"cron": "* * * * *", "from": "noon"}, [("from", "2026-11-22T10:00:00Z")]),
    ({"cron": "* * * * *", "from": "9999-01-01T00:00:00Z"}, [("from", "before the year 9000")]),
    (
        {"cron": "x", "timezone": "y", "from": "z"},
        [("cron", "fields"), ("from", "zone"), ("timezone", "no time")],
    ),
]


@pytest.mark.parametrize(("asked", "expected"), BAD)
def test_everything_that_is_wrong_is_told_with_its_place(
    asked: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    with pytest.raises(InputError) as caught:
        preview_json(asked, NOW)
    told = [(one.path, one.message) for one in caught.value.problems]
    assert [path for path, _ in told] == [path for path, _ in expected]
    for (_, message), (_, says) in zip(told, expected, strict=True):
        assert says in message


WORDS = [
    ("0 8 * * MON-FRI", "At 08:00, Monday through Friday", "Um 08:00, Montag bis Freitag"),
    ("0 9 * * 5L", "At 09:00, on the last Friday of the month", "Um 09:00, am letzten Freitag des Monats"),
    ("0 0 29 2 *", "At 00:00, on day 29 of the month, only in February", "nur im Februar"),
    ("@hourly", "Every hour", "Jede Stunde"),
    ("*/10 * * * * *", "Every 10 seconds", "Alle 10 Sekunden"),
]


@pytest.mark.parametrize(("text", "english", "german"), WORDS)
def test_an_expression_is_told_in_english_and_in_german(text: str, english: str, german: str) -> None:
    told = describe(Schedule(cron=text))
    assert told["en"] == english
    assert german in told["de"]


def test_what_there_are_no_words_for_is_told_as_it_is_written() -> None:
    told = describe(Schedule(cron="0 0 * * 0,*/1"))
    assert told["en"] == "As the cron expression 0 0 * * 0,*/1 says"


def test_intervals_and_moments_are_told_too() -> None:
    assert describe(Schedule(every_s=93_690.5)) == {"en": "Every 1d2h1m30.5s", "de": "Alle 1d2h1m30.5s"}
    assert describe(Schedule(at=("2027-01-31T08:00Z",)))["en"] == "Once, at 2027-01-31T08:00Z"
    twice = Schedule(at=("2027-01-31T08:00Z", "2027-01-30T08:00Z"))
    assert describe(twice)["de"] == "2-mal, zuerst um 2027-01-30T08:00Z"


NUMBER = st.integers(0, 59).map(str)
ITEM = st.one_of(
    st.just("*"),
    NUMBER,
    st.tuples(NUMBER, NUMBER).map("-".join),
    st.tuples(st.just("*") | NUMBER, NUMBER).map("/".join),
    st.sampled_from(["MON", "JAN-MAR", "L", "LW", "5L", "MON#2", "0-6/2"]),
)
PART = st.lists(ITEM, min_size=1, max_size=2).map(",".join)


@given(parts=st.lists(PART, min_size=5, max_size=6))
def test_whatever_can_be_saved_can_be_told_and_previewed(parts: list[str]) -> None:
    text = " ".join(parts)
    assume(cron_problem(text) is None)
    told = describe(Schedule(cron=text))
    assert all(len(words) > 5 for words in told.values())
    assert not {"Monday", "March", "January"} & set(told["de"].replace(",", "").split())
    found = preview_json({"cron": text, "timezone": "Australia/Lord_Howe", "count": 2}, NOW)["items"]
    assert len(found) == 2
    assert found[0]["utc"] < found[1]["utc"]
