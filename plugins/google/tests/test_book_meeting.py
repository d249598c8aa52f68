"""Booking the first free slot: once per step, whatever happens on the way. Now is Monday 07:30 UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from revolution_google.connector import book_meeting
from revolution_google.keys import event_id
from revolution_sdk import (
    ActionContext,
    CredentialError,
    Effect,
    JsonObject,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.sandbox import Fault, RunningSandbox

Run = Callable[..., JsonObject]
Meetings = Callable[[], list[JsonObject]]
Contexts = Callable[..., ActionContext]

ANNA = {"attendee": "anna@example.com"}
ONE_SLOT = {**ANNA, "working_hours": {"start": "09:00", "end": "09:30"}, "working_days": ["mon"]}


def seed(controls: httpx2.Client, start: str, end: str) -> None:
    busy = [{"start": f"2026-11-{start}:00Z", "end": f"2026-11-{end}:00Z"}]
    assert controls.post("busy", json={"busy": busy}).status_code == 204


class TestBooking:
    def test_the_first_free_slot_is_booked_and_the_attendee_invited(
        self, run: Run, ctx: ActionContext, controls: httpx2.Client, meetings: Meetings
    ) -> None:
        # Given a morning that is taken
        seed(controls, "23T08:00", "23T10:10")
        # When a meeting is booked
        booked = run(book_meeting, ctx, ANNA)
        # Then it stands in the calendar, and Google tells the attendee
        [meeting] = meetings()
        assert (meeting["start"], meeting["end"]) == (
            "2026-11-23T10:30:00+00:00",
            "2026-11-23T11:00:00+00:00",
        )
        assert meeting["attendees"] == ["anna@example.com"]
        assert meeting["summary"] == "Meeting with anna@example.com"
        assert meeting["send_updates"] == "all"
        assert booked == {
            "id": event_id("exe_1.send"),
            "start": "2026-11-23T10:30:00+00:00",
            "end": "2026-11-23T11:00:00+00:00",
            "html_link": f"https://www.google.com/calendar/event?eid={event_id('exe_1.send')}",
            "attendee": "anna@example.com",
            "status": "confirmed",
        }

    def test_everything_optional_is_kept(self, run: Run, ctx: ActionContext, meetings: Meetings) -> None:
        value = {
            **ANNA,
            "minutes": 45,
            "within_days": 7,
            "summary": "Kennenlernen: Müller & Söhne",
            "description": "Wir freuen uns.\nBis dann!",
            "calendar": "primary",
            "time_zone": "Europe/Berlin",
            "working_hours": {"start": "14:05", "end": "16:00"},
            "working_days": ["wed", "thu"],
            "buffer_minutes": 10,
            "notice_minutes": 120,
            "grid_minutes": 15,
        }
        booked = run(book_meeting, ctx, value)
        [meeting] = meetings()
        assert booked["start"] == "2026-11-25T14:15:00+01:00"
        assert booked["end"] == "2026-11-25T15:00:00+01:00"
        assert meeting["summary"] == value["summary"]
        assert meeting["description"] == value["description"]

    def test_two_steps_book_two_slots_after_each_other(self, context: Contexts, meetings: Meetings) -> None:
        first = book_meeting(context("exe_1.book"), ANNA)
        second = book_meeting(context("exe_2.book"), ANNA)
        assert first["start"] == "2026-11-23T09:00:00+00:00"
        assert second["start"] == "2026-11-23T09:30:00+00:00"
        assert len(meetings()) == 2

    def test_another_calendar_is_looked_at_and_booked_in(
        self, ctx: ActionContext, controls: httpx2.Client, meetings: Meetings
    ) -> None:
        team = "team@group.calendar.google.com"
        busy = [{"start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}]
        controls.post("busy", json={"busy": busy, "calendar": team})
        assert book_meeting(ctx, {**ANNA, "calendar": team})["start"] == "2026-11-23T10:00:00+00:00"
        assert [meeting["calendar"] for meeting in meetings()] == [team]

    def test_the_day_after_the_clock_is_put_back_has_the_other_offset(self, context: Contexts) -> None:
        friday_evening = datetime(2026, 10, 23, 18, tzinfo=UTC)
        booked = book_meeting(context(now=friday_evening), {**ANNA, "time_zone": "Europe/Berlin"})
        assert booked["start"] == "2026-10-26T09:00:00+01:00"


class TestNoSlot:
    def test_a_full_calendar_is_a_refusal_with_its_own_code(
        self, ctx: ActionContext, controls: httpx2.Client, meetings: Meetings
    ) -> None:
        seed(controls, "23T00:00", "29T00:00")
        with pytest.raises(RejectedError) as raised:
            book_meeting(ctx, ANNA)
        assert raised.value.code == "no_free_slot"
        assert raised.value.details == {"minutes": 30, "within_days": 5}
        assert meetings() == []

    def test_without_working_time_google_is_not_asked_for_busy_times(
        self, ctx: ActionContext, running: RunningSandbox
    ) -> None:
        with pytest.raises(RejectedError, match="no free slot"):
            book_meeting(ctx, {**ANNA, "working_days": ["sun"]})
        assert running.sandbox.calls("freebusy.query") == []


class TestRepeating:
    def test_the_same_step_books_one_meeting(self, context: Contexts, meetings: Meetings) -> None:
        assert book_meeting.effect is Effect.REPEATABLE
        first = book_meeting(context("exe_1.book"), ANNA)
        again = book_meeting(context("exe_1.book"), ANNA)
        assert again == first
        assert len(meetings()) == 1

    def test_a_repeat_is_answered_409_and_the_stored_meeting_fetched(
        self, context: Contexts, running: RunningSandbox
    ) -> None:
        book_meeting(context(), ANNA)
        book_meeting(context(), ANNA)
        assert [call.status for call in running.sandbox.calls("events.insert")] == [200, 409]
        assert [call.status for call in running.sandbox.calls("events.get")] == [200]

    def test_a_repeat_returns_the_meeting_although_it_took_the_last_slot_itself(
        self, context: Contexts, meetings: Meetings
    ) -> None:
        first = book_meeting(context(), ONE_SLOT)
        assert book_meeting(context(), ONE_SLOT) == first
        with pytest.raises(RejectedError, match="no free slot"):
            book_meeting(context("exe_2.book"), ONE_SLOT)
        assert len(meetings()) == 1

    def test_a_repeat_days_later_still_returns_the_meeting(
        self, context: Contexts, meetings: Meetings
    ) -> None:
        first = book_meeting(context(), ANNA)
        later = datetime(2026, 12, 1, 12, tzinfo=UTC)
        assert book_meeting(context(now=later), ANNA) == first
        assert len(meetings()) == 1

    def test_a_withheld_answer_is_cured_by_a_repeat(
        self, context: Contexts, running: RunningSandbox, meetings: Meetings
    ) -> None:
        # Given a meeting that Google booked without saying so
        running.sandbox.faults.add(Fault(operation="events.insert", kind="withhold"))
        with pytest.raises(UnknownOutcomeError):
            book_meeting(context(), ANNA)
        # When the hub repeats the step
        booked = book_meeting(context(), ANNA)
        # Then it gets that meeting and there is no other
        [meeting] = meetings()
        assert (booked["id"], booked["start"]) == (meeting["id"], meeting["start"])

    def test_a_meeting_somebody_changed_is_returned_as_it_is_now(self, context: Contexts) -> None:
        event = {
            "id": event_id("exe_1.send"),
            "status": "cancelled",
            "start": {"date": "2026-11-24"},
            "end": {"date": "2026-11-25"},
        }

        def respond(request: httpx2.Request) -> httpx2.Response:
            if request.url.path.endswith("/freeBusy"):
                return httpx2.Response(200, json={"calendars": {"primary": {"busy": []}}})
            if request.method == "POST":
                return httpx2.Response(409, json={"error": {"code": 409, "message": "exists"}})
            return httpx2.Response(200, json=event)

        booked = book_meeting(context(transport=httpx2.MockTransport(respond)), ANNA)
        assert (booked["start"], booked["end"], booked["status"]) == ("2026-11-24", "2026-11-25", "cancelled")
        assert booked["html_link"] is None

    def test_a_409_about_something_else_stays_a_refusal(self, context: Contexts) -> None:
        def respond(request: httpx2.Request) -> httpx2.Response:
            if request.url.path.endswith("/freeBusy"):
                return httpx2.Response(200, json={"calendars": {"primary": {}}})
            status = 409 if request.method == "POST" else 404
            return httpx2.Response(status, json={"error": {"code": status, "message": "no"}})

        with pytest.raises(RejectedError) as raised:
            book_meeting(context(transport=httpx2.MockTransport(respond)), ANNA)
        assert raised.value.code == "already_exists"


class TestRefusals:
    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"attendee": "anna@example.com, b@example.com"}, "invalid_address"),
            ({"attendee": "anna"}, "invalid_address"),
            ({"time_zone": "Mars/Olympus"}, "unknown_time_zone"),
            ({"working_hours": {"start": "17:00", "end": "09:00"}}, "invalid_working_hours"),
            ({"working_hours": {"start": "09:00", "end": "09:00"}}, "invalid_working_hours"),
        ],
    )
    def test_wrong_input_is_refused_before_anything_is_asked(
        self, ctx: ActionContext, running: RunningSandbox, wrong: dict[str, Any], code: str
    ) -> None:
        with pytest.raises(RejectedError) as raised:
            book_meeting(ctx, {**ANNA, **wrong})
        assert raised.value.code == code
        assert [call.operation for call in running.sandbox.calls()] == ["token"]

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"summary": "a\nb"}, "invalid_header"),
            ({"description": "a\0b"}, "invalid_text"),
            ({"calendar": "nobody@example.com"}, "calendar_unavailable"),
        ],
    )
    def test_what_is_refused_books_nothing(
        self, ctx: ActionContext, meetings: Meetings, wrong: dict[str, Any], code: str
    ) -> None:
        with pytest.raises(RejectedError) as raised:
            book_meeting(ctx, {**ANNA, **wrong})
        assert raised.value.code == code
        assert meetings() == []

    @pytest.mark.parametrize("scope", ["calendar.freebusy", "calendar.events"])
    def test_a_missing_scope_needs_a_person(
        self, ctx: ActionContext, controls: httpx2.Client, meetings: Meetings, scope: str
    ) -> None:
        controls.post("scopes", json={"missing": [scope]})
        with pytest.raises(CredentialError):
            book_meeting(ctx, ANNA)
        assert meetings() == []

    @pytest.mark.parametrize("operation", ["freebusy.query", "events.insert"])
    def test_a_limit_is_worth_another_try(
        self, ctx: ActionContext, running: RunningSandbox, operation: str
    ) -> None:
        running.sandbox.faults.add(Fault(operation=operation, kind="status", status=403))
        with pytest.raises(RetryableError):
            book_meeting(ctx, ANNA)
