"""The sandbox behaves like Google Calendar where a connector or a hub would notice."""

import httpx2
import pytest

from revolution_sdk import JsonObject

EVENTS = "/calendar/v3/calendars/primary/events"
TIMES = {
    "start": {"dateTime": "2026-11-23T10:00:00+01:00"},
    "end": {"dateTime": "2026-11-23T10:30:00+01:00"},
}


def reason(answer: httpx2.Response) -> tuple[int, str]:
    """Status and reason of an error answer."""
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


class TestEvents:
    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"start": None}, "required"),
            ({"end": None}, "required"),
            ({"start": {}}, "invalid"),
            ({"start": {"dateTime": "soon"}}, "invalid"),
            ({"start": {"dateTime": 7}}, "invalid"),
            ({"start": {"dateTime": "2026-11-23T10:00:00"}}, "required"),
            ({"start": {"dateTime": "2026-11-23T10:00:00", "timeZone": "Mars/Olympus"}}, "invalid"),
            ({"start": {"dateTime": "2026-11-23T11:00:00+01:00"}}, "timeRangeEmpty"),
            ({"start": {"date": "2026-11-23", "dateTime": "2026-11-23T11:00:00Z"}}, "invalid"),
            ({"id": "abcd"}, "invalid"),
            ({"id": "ABCDE"}, "invalid"),
            ({"id": "wxyz0"}, "invalid"),
            ({"id": "a" * 1025}, "invalid"),
            ({"attendees": [{"email": "nobody"}]}, "invalid"),
            ({"attendees": [{}]}, "invalid"),
            ({"attendees": 7}, "invalid"),
        ],
    )
    def test_a_wrong_event_is_refused(
        self, api: httpx2.Client, controls: httpx2.Client, wrong: JsonObject, why: str
    ) -> None:
        assert reason(api.post(EVENTS, json={**TIMES, **wrong})) == (400, why)
        assert controls.get("meetings").json() == []

    def test_an_own_id_is_taken_once(self, api: httpx2.Client) -> None:
        event = {**TIMES, "id": "abcde"}
        assert api.post(EVENTS, json=event).json()["id"] == "abcde"
        assert reason(api.post(EVENTS, json=event)) == (409, "duplicate")

    def test_without_an_own_id_it_gives_one_and_keeps_it(self, api: httpx2.Client) -> None:
        made = api.post(EVENTS, json=TIMES).json()
        assert api.get(f"{EVENTS}/{made['id']}").json() == made

    def test_a_whole_day_and_a_zone_without_offset_are_fine(self, api: httpx2.Client) -> None:
        days = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}
        zone = {"timeZone": "Europe/Berlin"}
        times = {
            "start": {"dateTime": "2026-11-23T10:00:00", **zone},
            "end": {"dateTime": "2026-11-23T11:00:00", **zone},
        }
        assert api.post(EVENTS, json=days).status_code == 200
        assert api.post(EVENTS, json=times).status_code == 200

    def test_unknown_events_and_calendars_are_404(self, api: httpx2.Client) -> None:
        assert reason(api.get(f"{EVENTS}/abcde")) == (404, "notFound")
        assert reason(api.post(EVENTS.replace("primary", "x@example.com"), json=TIMES)) == (404, "notFound")

    def test_an_unknown_way_to_tell_people_is_refused(self, api: httpx2.Client) -> None:
        answer = api.post(EVENTS, params={"sendUpdates": "everyone"}, json=TIMES)
        assert reason(answer) == (400, "invalidParameter")

    def test_events_make_the_calendar_busy_unless_they_are_transparent(self, api: httpx2.Client) -> None:
        api.post(EVENTS, json=TIMES)
        later = {
            "start": {"date": "2026-11-23"},
            "end": {"date": "2026-11-24"},
            "transparency": "transparent",
        }
        api.post(EVENTS, json=later)
        asked = {
            "timeMin": "2026-11-23T00:00:00Z",
            "timeMax": "2026-11-24T00:00:00Z",
            "timeZone": "Europe/Berlin",
            "items": [{"id": "primary"}, {"id": "sandbox-google@sandbox.example"}],
        }
        found = api.post("/calendar/v3/freeBusy", json=asked).json()["calendars"]
        busy = [{"start": TIMES["start"]["dateTime"], "end": TIMES["end"]["dateTime"]}]
        assert found == {"primary": {"busy": busy}, "sandbox-google@sandbox.example": {"busy": busy}}

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"timeMin": "2026-11-23T00:00:00"}, "badRequest"),
            ({"timeMax": None}, "badRequest"),
            ({"timeMax": "2026-11-22T00:00:00Z"}, "timeRangeEmpty"),
            ({"timeZone": "Mars/Olympus"}, "invalid"),
        ],
    )
    def test_a_wrong_question_is_refused(self, api: httpx2.Client, wrong: JsonObject, why: str) -> None:
        asked = {"timeMin": "2026-11-23T00:00:00Z", "timeMax": "2026-11-24T00:00:00Z", "items": []}
        assert reason(api.post("/calendar/v3/freeBusy", json={**asked, **wrong})) == (400, why)

    def test_more_than_fifty_calendars_are_an_error_of_each(self, api: httpx2.Client) -> None:
        items = [{"id": f"c{number}@example.com"} for number in range(51)]
        asked = {"timeMin": "2026-11-23T00:00:00Z", "timeMax": "2026-11-24T00:00:00Z", "items": items}
        found = api.post("/calendar/v3/freeBusy", json=asked).json()["calendars"]
        assert {one["errors"][0]["reason"] for one in found.values()} == {"tooManyCalendarsRequested"}
        assert len(found) == 51
