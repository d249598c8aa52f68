"""`google.book_meeting`: the first free slot in working hours, booked once however often it is asked for."""

from datetime import time

from revolution_google import client, texts, timing
from revolution_google.auth import CALENDAR_EVENTS, CALENDAR_FREEBUSY
from revolution_google.declaration import google
from revolution_google.keys import event_id
from revolution_google.slots import Period, Rules, first_free, window
from revolution_sdk import ActionContext, Effect, JsonObject, RejectedError
from revolution_sdk.schema import array, integer, nullable, object_, string

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_MONTH = 30 * 24 * 60
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

INPUT = object_(
    optional=(
        "minutes",
        "within_days",
        "summary",
        "description",
        "calendar",
        "time_zone",
        "working_hours",
        "working_days",
        "buffer_minutes",
        "notice_minutes",
        "grid_minutes",
    ),
    attendee=string(
        format="email",
        min_length=3,
        max_length=texts.LONGEST_ADDRESS,
        describe="Who is invited: one plain address",
    ),
    minutes=integer(minimum=5, maximum=480, default=30, describe="Length in minutes, 5 to 480"),
    within_days=integer(
        minimum=1, maximum=60, default=5, describe="How many calendar days after today to look at, 1 to 60"
    ),
    summary=string(
        min_length=1, max_length=500, describe="Title of the meeting; names the attendee if left out"
    ),
    description=string(max_length=8000, describe="Text in the invitation"),
    calendar=string(
        min_length=1,
        max_length=320,
        default="primary",
        describe="Id of the calendar to look at and to book in; the account's own if left out",
    ),
    time_zone=string(
        min_length=1,
        max_length=64,
        default="UTC",
        describe="IANA time zone of working hours and days; UTC if left out, so name yours",
    ),
    working_hours=object_(
        start=string(pattern=CLOCK, describe="Opening, like 09:00"),
        end=string(pattern=CLOCK, describe="Closing on the same day, like 17:00"),
        describe="When meetings may take place; 09:00 to 17:00 if left out",
    ),
    working_days=array(
        string(enum=WEEKDAYS),
        min_items=1,
        max_items=7,
        describe="On which days meetings may take place; Monday to Friday if left out",
    ),
    buffer_minutes=integer(
        minimum=0, maximum=240, default=0, describe="Minutes kept free before and after the meeting"
    ),
    notice_minutes=integer(
        minimum=0,
        maximum=MINUTES_A_MONTH,
        default=60,
        describe="Minutes from now before which no meeting starts",
    ),
    grid_minutes={
        **integer(default=30, describe="Meetings start at multiples of 15 or 30 minutes past the hour"),
        "enum": [15, 30],
    },
)

OUTPUT = object_(
    id=string(describe="Id of the event"),
    start=string(describe="Start, RFC 3339 with an offset"),
    end=string(describe="End, RFC 3339 with an offset"),
    html_link=nullable(string(describe="Where people open the event")),
    attendee=string(describe="Who is invited"),
    status=string(describe="confirmed, tentative, or cancelled if someone has cancelled it meanwhile"),
)


@google.action(
    title="Book a meeting",
    input=INPUT,
    output=OUTPUT,
    effect=Effect.REPEATABLE,
    scopes=(CALENDAR_FREEBUSY, CALENDAR_EVENTS),
)
def book_meeting(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Book the first free slot in working hours and send the attendee Google's invitation.

    Looks at the connected account's calendar only, not at the attendee's. Fails with `no_free_slot` when
    there is none. A repeat of the same step returns the meeting it booked; two steps book two meetings.
    """
    attendee = texts.address(value["attendee"], "attendee")
    calendar = value.get("calendar", "primary")
    own_id = event_id(ctx.idempotency_key)
    try:
        slot = _free_slot(ctx, calendar, _rules(value))
        booked = client.insert_event(ctx.http, calendar, _event(value, own_id, slot))
    except RejectedError as refusal:
        # An earlier attempt may have booked, and its own meeting may have taken the last free slot.
        if refusal.code not in ("already_exists", "no_free_slot"):
            raise
        found = client.find_event(ctx.http, calendar, own_id)
        if found is None:
            raise
        booked = found
    return _result(booked, attendee)


def _rules(value: JsonObject) -> Rules:
    hours = value.get("working_hours", {"start": "09:00", "end": "17:00"})
    opens, closes = time.fromisoformat(hours["start"]), time.fromisoformat(hours["end"])
    if opens >= closes:
        raise RejectedError(
            "working hours must end after they start, on the same day",
            code="invalid_working_hours",
            details={"field": "working_hours"},
        )
    return Rules(
        minutes=value.get("minutes", 30),
        within_days=value.get("within_days", 5),
        time_zone=timing.zone(value.get("time_zone", "UTC")),
        opens=opens,
        closes=closes,
        days=frozenset(WEEKDAYS.index(day) for day in value.get("working_days", WEEKDAYS[:5])),
        buffer_minutes=value.get("buffer_minutes", 0),
        notice_minutes=value.get("notice_minutes", 60),
        grid_minutes=value.get("grid_minutes", 30),
    )


def _free_slot(ctx: ActionContext, calendar: str, rules: Rules) -> Period:
    now = ctx.now()
    asked = window(rules, now)
    if asked is not None:
        answers = client.query_free_busy(ctx.http, asked.start, asked.end, [calendar])
        slot = first_free(rules, timing.busy_periods(answers[calendar]), now)
        if slot is not None:
            return slot
    raise RejectedError(
        f"no free slot of {rules.minutes} minutes within {rules.within_days} days",
        code="no_free_slot",
        details={"minutes": rules.minutes, "within_days": rules.within_days},
    )


def _event(value: JsonObject, own_id: str, slot: Period) -> JsonObject:
    name = value.get("time_zone", "UTC")
    times = timing.written(slot, timing.zone(name))
    event: JsonObject = {
        "id": own_id,
        "summary": texts.header(value.get("summary", f"Meeting with {value['attendee']}"), "summary"),
        "start": {"dateTime": times["start"], "timeZone": name},
        "end": {"dateTime": times["end"], "timeZone": name},
        "attendees": [{"email": value["attendee"]}],
    }
    if value.get("description"):
        event["description"] = texts.body(value["description"], "description")
    return event


def _result(event: JsonObject, attendee: str) -> JsonObject:
    return {
        "id": event["id"],
        "start": _moment(event["start"]),
        "end": _moment(event["end"]),
        "html_link": event.get("htmlLink"),
        "attendee": attendee,
        "status": event.get("status", "confirmed"),
    }


def _moment(when: JsonObject) -> str:
    """Return the time of an event's start or end; a date if someone has made it last whole days."""
    return str(when.get("dateTime") or when["date"])
