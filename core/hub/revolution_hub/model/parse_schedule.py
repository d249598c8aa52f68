"""What stands under `schedule`: when it is due, and what becomes of instants that were missed or meet."""

from datetime import datetime

from revolution_hub.model import cron
from revolution_hub.model.reading import Reader, join
from revolution_hub.model.schedule import DAY_S, MOST_AT_ONCE, ON_TIME_S, Missed, Overlap, Schedule
from revolution_hub.model.words import (
    LONGEST_JITTER_S,
    LONGEST_TEXT,
    MISSED,
    MOST_MOMENTS,
    OVERLAP,
    POLICIES,
    SHORTEST_EVERY_S,
    WHEN,
)
from revolution_sdk.types import Json, JsonObject

_LONGEST_MOMENT = 64
_LONGEST_ZONE = 200
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def read_schedule(reader: Reader, value: Json, path: str) -> Schedule | None:
    """Return the schedule, None if it does not say when it is due."""
    which, settings = reader.choice(value, WHEN, path, beside=("timezone", *POLICIES))
    if which is None:
        return None
    timezone = "UTC"
    if "timezone" in settings and which == "every":
        reader.problem(join(path, "timezone"), "'timezone' belongs to a schedule with 'cron' or 'at'")
    elif which != "every":
        timezone = reader.text(
            settings.get("timezone", timezone), join(path, "timezone"), longest=_LONGEST_ZONE
        )
    given = settings[which]
    return Schedule(
        cron=_cron(reader, given, join(path, which)) if which == "cron" else None,
        timezone=timezone,
        every_s=_every(reader, given, join(path, which)) if which == "every" else None,
        at=_moments(reader, given, join(path, which), "timezone" in settings) if which == "at" else (),
        **_policies(reader, settings, path),
    )


def _policies(reader: Reader, settings: JsonObject, path: str) -> JsonObject:
    def place(word: str) -> str:
        return join(path, word)

    missed = reader.one_of(settings.get("missed", MISSED[0]), place("missed"), MISSED)
    overlap = reader.one_of(settings.get("overlap", OVERLAP[0]), place("overlap"), OVERLAP)
    most = reader.whole(settings.get("most"), place("most"), 1, MOST_AT_ONCE, MOST_AT_ONCE)
    jitter_s = reader.duration(settings.get("jitter"), place("jitter"), 0.0, high=LONGEST_JITTER_S)
    told = settings.get("description")
    return {
        "missed": Missed(missed),
        "catch_up_s": reader.duration(settings.get("catch_up"), place("catch_up"), DAY_S, low=ON_TIME_S),
        "most": most,
        "overlap": Overlap(overlap),
        "jitter_s": jitter_s,
        "description": reader.text(told, place("description"), longest=LONGEST_TEXT, needed=False),
    }


def _every(reader: Reader, value: Json, path: str) -> float:
    # A null is no duration here, as it would be where a default stands in.
    given = "" if value is None else value
    return reader.duration(given, path, SHORTEST_EVERY_S, low=SHORTEST_EVERY_S)


def _cron(reader: Reader, value: Json, path: str) -> str:
    text = reader.text(value, path, longest=cron.LONGEST)
    wrong = cron.cron_problem(text) if text and len(text) <= cron.LONGEST else None
    if wrong is not None:
        reader.problem(path, wrong, "bad_cron")
    return text


def _moments(reader: Reader, value: Json, path: str, local: bool) -> tuple[str, ...]:
    if not isinstance(value, list):
        return _moment(reader, value, path, local)
    if not value or len(value) > MOST_MOMENTS:
        reader.problem(path, f"from 1 to {MOST_MOMENTS} moments are needed here")
        return ()
    found = [_moment(reader, one, f"{path}[{index}]", local) for index, one in enumerate(value)]
    return tuple(moment for one in found for moment in one)


def _moment(reader: Reader, value: Json, path: str, local: bool) -> tuple[str, ...]:
    """Return a moment as it was written: with its zone, or as the clocks of the `timezone` show it."""
    text = reader.text(value, path, longest=_LONGEST_MOMENT)
    if not text or len(text) > _LONGEST_MOMENT:
        return ()
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        reader.problem(
            path, "write a moment such as 2027-01-31T08:00:00Z, or without a zone beside 'timezone'"
        )
        return ()
    if read.tzinfo is None and not local:
        reader.problem(path, "say with its zone, or with 'timezone', which clocks show this time")
        return ()
    return (text,)
