"""Asking when calendars are busy."""

from collections.abc import Callable

import httpx2
import pytest

from revolution_google.connector import get_free_busy
from revolution_sdk import ActionContext, JsonObject, RejectedError, UnknownOutcomeError
from revolution_sdk.sandbox import Fault, RunningSandbox

Run = Callable[..., JsonObject]

DAY = {"time_min": "2026-11-23T00:00:00Z", "time_max": "2026-11-24T00:00:00+00:00"}
TEAM = "team@group.calendar.google.com"


def seed(controls: httpx2.Client, *pairs: tuple[str, str], calendar: str = "primary") -> None:
    busy = [{"start": f"2026-11-23T{start}:00Z", "end": f"2026-11-23T{end}:00Z"} for start, end in pairs]
    assert controls.post("busy", json={"busy": busy, "calendar": calendar}).status_code == 204


def test_a_free_day_is_an_empty_list(run: Run, ctx: ActionContext) -> None:
    assert run(get_free_busy, ctx, DAY) == {
        "time_min": "2026-11-23T00:00:00+00:00",
        "time_max": "2026-11-24T00:00:00+00:00",
        "busy": [],
    }


def test_busy_times_of_all_calendars_come_sorted_and_joined(
    run: Run, ctx: ActionContext, controls: httpx2.Client
) -> None:
    seed(controls, ("12:00", "13:00"), ("09:00", "10:00"))
    seed(controls, ("09:30", "11:00"), calendar=TEAM)
    found = run(get_free_busy, ctx, {**DAY, "calendars": ["primary", TEAM]})
    assert found["busy"] == [
        {"start": "2026-11-23T09:00:00+00:00", "end": "2026-11-23T11:00:00+00:00"},
        {"start": "2026-11-23T12:00:00+00:00", "end": "2026-11-23T13:00:00+00:00"},
    ]


def test_only_the_calendars_asked_for_count(run: Run, ctx: ActionContext, controls: httpx2.Client) -> None:
    seed(controls, ("09:30", "11:00"), calendar=TEAM)
    assert run(get_free_busy, ctx, DAY)["busy"] == []


def test_the_answer_is_written_in_the_time_zone_asked_for(
    run: Run, ctx: ActionContext, controls: httpx2.Client
) -> None:
    seed(controls, ("09:00", "10:00"))
    found = run(get_free_busy, ctx, {**DAY, "time_zone": "Europe/Berlin"})
    assert found["time_min"] == "2026-11-23T01:00:00+01:00"
    assert found["busy"] == [{"start": "2026-11-23T10:00:00+01:00", "end": "2026-11-23T11:00:00+01:00"}]


def test_a_calendar_google_cannot_read_is_a_refusal_not_a_free_day(ctx: ActionContext) -> None:
    with pytest.raises(RejectedError) as raised:
        get_free_busy(ctx, {**DAY, "calendars": ["primary", "nobody@example.com"]})
    assert raised.value.code == "calendar_unavailable"
    assert raised.value.details == {"calendar": "nobody@example.com", "reasons": ["notFound"]}


def test_a_calendar_missing_from_the_answer_is_a_refusal_too(context: Callable[..., ActionContext]) -> None:
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, json={"calendars": {"x": {"busy": []}}})
    )
    with pytest.raises(RejectedError, match="'primary'"):
        get_free_busy(context(transport=transport), DAY)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("time_min", "2026-11-23T00:00:00", "invalid_time"),
        ("time_min", "2026-11-23", "invalid_time"),
        ("time_min", "tomorrow", "invalid_time"),
        ("time_min", "0001-01-01T00:00:00+14:00", "invalid_time"),
        ("time_max", "9999-12-31T23:59:59-14:00", "invalid_time"),
        ("time_max", "2026-11-23T00:00:00Z", "invalid_time"),
        ("time_max", "2026-11-23T00:30:00+01:00", "invalid_time"),
        ("time_zone", "Mars/Olympus", "unknown_time_zone"),
        ("time_zone", "../../etc/passwd", "unknown_time_zone"),
        ("time_zone", "Europe", "unknown_time_zone"),
        ("time_zone", "/etc/localtime", "unknown_time_zone"),
        ("time_zone", "a\0b", "unknown_time_zone"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_asked(
    ctx: ActionContext, running: RunningSandbox, field: str, value: str, code: str
) -> None:
    with pytest.raises(RejectedError) as raised:
        get_free_busy(ctx, {**DAY, field: value})
    assert raised.value.code == code
    assert running.sandbox.calls("freebusy.query") == []


def test_an_outage_leaves_as_the_hub_sorts_it(ctx: ActionContext, running: RunningSandbox) -> None:
    running.sandbox.faults.add(Fault(operation="freebusy.query", kind="status", status=500))
    with pytest.raises(UnknownOutcomeError):
        get_free_busy(ctx, DAY)
