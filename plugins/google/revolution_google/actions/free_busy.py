"""`google.get_free_busy`: when calendars are busy."""

from revolution_google import client, timing
from revolution_google.auth import CALENDAR_FREEBUSY
from revolution_google.declaration import google
from revolution_google.slots import Period, merged
from revolution_sdk import ActionContext, Effect, JsonObject, RejectedError
from revolution_sdk.schema import array, object_, string

MOST_CALENDARS = 50

CALENDAR_ID = string(
    min_length=1,
    max_length=320,
    describe="Calendar id, usually a mail address; `primary` is the account's own",
)

INPUT = object_(
    optional=("calendars", "time_zone"),
    time_min=string(format="date-time", max_length=40, describe="From when, RFC 3339 with an offset"),
    time_max=string(format="date-time", max_length=40, describe="Until when, RFC 3339 with an offset"),
    calendars=array(
        CALENDAR_ID,
        min_items=1,
        max_items=MOST_CALENDARS,
        describe="Which calendars to ask, at most 50; `primary` if left out",
    ),
    time_zone=string(
        min_length=1,
        max_length=64,
        default="UTC",
        describe="IANA time zone the answer is written in; UTC if left out",
    ),
)

OUTPUT = object_(
    time_min=string(describe="From when"),
    time_max=string(describe="Until when"),
    busy=array(
        object_(start=string(describe="Start, included"), end=string(describe="End, not included")),
        describe="When at least one of the calendars is busy: sorted, without overlaps",
    ),
)


@google.action(
    title="Get free/busy times",
    input=INPUT,
    output=OUTPUT,
    effect=Effect.READ,
    scopes=(CALENDAR_FREEBUSY,),
)
def get_free_busy(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Tell when one or more Google calendars are busy, without saying why.

    Use it to look at availability; to book the first free slot use `book_meeting`, which looks itself.
    """
    where = timing.zone(value.get("time_zone", "UTC"))
    asked = _asked(value)
    calendars = value.get("calendars", ["primary"])
    answers = client.query_free_busy(ctx.http, asked.start, asked.end, calendars)
    busy = merged(timing.busy_periods(one for answer in answers.values() for one in answer))
    whole = timing.written(asked, where)
    return {
        "time_min": whole["start"],
        "time_max": whole["end"],
        "busy": [timing.written(one, where) for one in busy],
    }


def _asked(value: JsonObject) -> Period:
    start = timing.moment(value["time_min"], "time_min")
    end = timing.moment(value["time_max"], "time_max")
    if end <= start:
        raise RejectedError(
            "time_max must lie after time_min", code="invalid_time", details={"field": "time_max"}
        )
    return Period(start=start, end=end)
