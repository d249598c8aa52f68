"""The JSON Schema of what stands under `schedule`."""

from revolution_hub.model import cron
from revolution_hub.model.schedule import MOST_AT_ONCE, ON_TIME_S
from revolution_hub.model.schema_parts import described, duration, either, object_of, one_of, text, whole
from revolution_hub.model.words import (
    LONGEST_JITTER_S,
    LONGEST_TEXT,
    MISSED,
    MOST_MOMENTS,
    OVERLAP,
    SHORTEST_EVERY_S,
)
from revolution_sdk.types import JsonObject

_LOCAL = r"^(19[7-9][0-9]|[2-8][0-9]{3})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{6})?)?"
_MOMENT = rf"{_LOCAL}(Z|[+-][0-9]{{2}}:[0-9]{{2}})$"
_ANY = rf"{_LOCAL}(Z|[+-][0-9]{{2}}:[0-9]{{2}})?$"


def schedule_schema() -> JsonObject:
    """Return the schema."""
    expression = text(
        "Five fields: minute, hour, day of the month, month, day of the week; six with the second in front; "
        "or a word such as @daily.",
        longest=cron.LONGEST,
        examples=["0 8 * * *", "*/15 9-17 * * MON-FRI", "@daily", "*/10 * * * * *"],
    )
    timezone = text("The time zone of the clock that is looked at.", examples=["Europe/Berlin"])
    timezone["default"] = "UTC"
    local = text("Whose clocks show the moments without a zone.", examples=["Europe/Berlin"])
    every = described(
        duration(SHORTEST_EVERY_S), "Again and again after so long, at least a minute.", examples=["15m"]
    )
    policies = _policies()
    kinds = either(
        object_of({"cron": expression, "timezone": timezone, **policies}, required=("cron",)),
        object_of({"every": every, **policies}, required=("every",)),
        object_of({"at": _moments(_MOMENT), **policies}, required=("at",)),
        object_of({"at": _moments(_ANY), "timezone": local, **policies}, required=("at", "timezone")),
    )
    return described(kinds, "Started by the clock.")


def _moments(pattern: str) -> JsonObject:
    moment: JsonObject = {"type": "string", "pattern": pattern}
    many: JsonObject = {"type": "array", "items": moment, "minItems": 1, "maxItems": MOST_MOMENTS}
    return described(either(moment, many), "Once, at this moment or at each of them.")


def _policies() -> dict[str, JsonObject]:
    window = duration(ON_TIME_S)
    jitter = duration(0, LONGEST_JITTER_S)
    return {
        "missed": one_of("What follows when instants passed while no clock ran.", MISSED),
        "catch_up": described(window, "What is older than this is never made up for.", default="24h"),
        "most": whole(
            "So many missed instants are made up for, with `missed: all`.",
            1,
            MOST_AT_ONCE,
            default=MOST_AT_ONCE,
        ),
        "overlap": one_of("What follows when an earlier execution of the schedule has not ended.", OVERLAP),
        "jitter": described(jitter, "Each instant is put off by up to so long, and by the same each time."),
        "description": {
            "type": "string",
            "maxLength": LONGEST_TEXT,
            "description": "What it is for, for people.",
        },
    }
