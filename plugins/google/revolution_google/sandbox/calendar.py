"""Calendar in the sandbox: free/busy, insert and get, for the account of the token."""

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from revolution_google import timing
from revolution_google.sandbox.state import Account, CalendarBook, World
from revolution_google.sandbox.wire import Refused, answering
from revolution_google.slots import Period, merged
from revolution_google.texts import address as plain_address
from revolution_sdk import Json, JsonObject, RejectedError
from revolution_sdk.sandbox import Answer, Call, Sandbox

EVENTS = "/calendar/v3/calendars/{calendarId}/events"
EVENT_ID = re.compile(r"[a-v0-9]{5,1024}\Z")
SEND_UPDATES = ("all", "externalOnly", "none")
MOST_CALENDARS = 50


def add_calendar(box: Sandbox, world: World) -> None:
    """Serve Calendar's operations."""

    @box.operation("POST", "/calendar/v3/freeBusy", "freebusy.query")
    def query_free_busy(call: Call) -> Answer:
        with world.lock:
            return answering(lambda: _free_busy(world.caller(call), call.json()))

    @box.operation("POST", EVENTS, "events.insert")
    def insert_event(call: Call) -> Answer:
        with world.lock:
            return answering(lambda: _insert(world.caller(call), call))

    @box.operation("GET", f"{EVENTS}/{{eventId}}", "events.get")
    def get_event(call: Call) -> Answer:
        with world.lock:
            return answering(lambda: _get(world.caller(call), call))


def _free_busy(account: Account, body: Json) -> JsonObject:
    if not isinstance(body, dict):
        raise Refused(400, "Parse Error", "parseError")
    start, end = _moment(body.get("timeMin"), "timeMin"), _moment(body.get("timeMax"), "timeMax")
    if end <= start:
        raise Refused(400, "The specified time range is empty.", "timeRangeEmpty", location="timeMax")
    names = [str(item.get("id", "")) for item in body.get("items") or [] if isinstance(item, dict)]
    where = _zone(body.get("timeZone", "UTC"))
    asked = Period(start=start, end=end)
    return {
        "kind": "calendar#freeBusy",
        "timeMin": _written(start, ZoneInfo("UTC")),
        "timeMax": _written(end, ZoneInfo("UTC")),
        "calendars": {name: _busy(account, name, asked, where, len(names)) for name in names},
    }


def _busy(account: Account, name: str, asked: Period, where: ZoneInfo, together: int) -> JsonObject:
    calendar = account.calendar(name)
    if together > MOST_CALENDARS:
        return {"errors": [{"domain": "global", "reason": "tooManyCalendarsRequested"}], "busy": []}
    if calendar is None:
        return {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    taken = [one for one in _taken(calendar) if one.start < asked.end and one.end > asked.start]
    return {
        "busy": [
            {"start": _written(one.start, where), "end": _written(one.end, where)} for one in merged(taken)
        ]
    }


def _taken(calendar: CalendarBook) -> Iterable[Period]:
    blocking = [one for one in calendar.events.values() if one.get("transparency") != "transparent"]
    return [*calendar.busy, *[_period(one) for one in blocking]]


def _insert(account: Account, call: Call) -> JsonObject:
    calendar = _calendar(account, call)
    body = call.json()
    if not isinstance(body, dict):
        raise Refused(400, "Parse Error", "parseError")
    told = call.query.get("sendUpdates", "none")
    if told not in SEND_UPDATES:
        raise Refused(400, "Invalid value for sendUpdates", "invalidParameter", location="sendUpdates")
    for field, name in (("start", "start time"), ("end", "end time")):
        if not isinstance(body.get(field), dict):
            raise Refused(400, f"Missing {name}.", "required")
    identity = body.get("id", secrets.token_hex(13))
    if not isinstance(identity, str) or not EVENT_ID.match(identity):
        raise Refused(400, "Invalid resource id value.", "invalid")
    attendees = _attendees(body.get("attendees") or [])
    _period(body)
    if identity in calendar.events:
        raise Refused(409)
    event = _stored(account, {**body, "attendees": attendees}, identity)
    calendar.events[identity] = event
    calendar.send_updates[identity] = told
    return event


def _stored(account: Account, body: JsonObject, identity: str) -> JsonObject:
    now = _written(datetime.now(UTC), ZoneInfo("UTC"))
    owner = {"email": account.address, "self": True}
    return {
        **body,
        "kind": "calendar#event",
        "etag": f'"{secrets.randbits(48)}"',
        "id": identity,
        "status": "confirmed",
        "htmlLink": f"https://www.google.com/calendar/event?eid={identity}",
        "created": now,
        "updated": now,
        "creator": owner,
        "organizer": owner,
        "iCalUID": f"{identity}@google.com",
        "sequence": 0,
        "reminders": {"useDefault": True},
        "eventType": "default",
    }


def _get(account: Account, call: Call) -> JsonObject:
    event = _calendar(account, call).events.get(call.params["eventId"])
    if event is None:
        raise Refused(404, "Not Found")
    return event


def _calendar(account: Account, call: Call) -> CalendarBook:
    calendar = account.calendar(call.params["calendarId"])
    if calendar is None:
        raise Refused(404, "Not Found")
    return calendar


def _attendees(given: Json) -> list[JsonObject]:
    try:
        emails = [plain_address(one["email"], "attendee") for one in given]
    except (RejectedError, KeyError, TypeError) as error:
        raise Refused(400, "Invalid attendee email.", "invalid") from error
    return [{"email": email, "responseStatus": "needsAction"} for email in emails]


def _period(event: JsonObject) -> Period:
    start, end = _end_of(event["start"], "start"), _end_of(event["end"], "end")
    if end <= start:
        raise Refused(400, "The specified time range is empty.", "timeRangeEmpty")
    return Period(start=start, end=end)


def _end_of(when: JsonObject, field: str) -> datetime:
    where = _zone(when.get("timeZone", "UTC"))
    if ("dateTime" in when) == ("date" in when):
        raise Refused(400, f"Invalid {field} time.", "invalid")
    try:
        read = datetime.fromisoformat(when.get("dateTime") or when["date"])
    except (ValueError, TypeError) as error:
        raise Refused(400, f"Invalid {field} time.", "invalid") from error
    if read.tzinfo is None and "dateTime" in when and "timeZone" not in when:
        raise Refused(400, f"Missing time zone definition for {field} time.", "required")
    return read if read.tzinfo is not None else read.replace(tzinfo=where)


def _moment(value: Json, field: str) -> datetime:
    try:
        return timing.moment(value, field)
    except (RejectedError, TypeError) as error:
        raise Refused(400, "Bad Request", "badRequest", location=field) from error


def _zone(name: Json) -> ZoneInfo:
    try:
        return timing.zone(name)
    except (RejectedError, TypeError) as error:
        raise Refused(400, "Invalid time zone definition.", "invalid", location="timeZone") from error


def _written(moment: datetime, where: ZoneInfo) -> str:
    return moment.astimezone(where).isoformat(timespec="seconds").replace("+00:00", "Z")
