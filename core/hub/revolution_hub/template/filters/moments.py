"""Reading and writing dates and moments: ISO 8601 text, epoch numbers, and the date objects of providers.

A date-time without a zone is read as UTC. A text of digits is no date, so that a phone number never
becomes one.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from revolution_hub.template.filters.zones import zone_named
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LEAST_MILLISECONDS = 10**11
"""Epoch numbers from here on are milliseconds, as HubSpot and JavaScript give; in seconds, the year 5138."""

LONGEST_TEXT = 64

NEEDED = "needs a date: ISO 8601 text such as 2026-11-23T14:30:00Z, an epoch number or a date object"
DIGITS = "needs a date; a text of digits is none, an epoch is a number"
NO_SUCH_DAY = "needs a date that exists, in the years 1 to 9999"
NO_SUCH_ZONE = "needs a date object whose timeZone is known, such as Europe/Berlin"

_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(?:([Zz])|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)


class Moment(NamedTuple):
    """A moment on the clocks of some zone. `is_date`: a plain date was given; `at` is its start in UTC."""

    at: datetime
    is_date: bool = False


def moment_of(name: str, value: Json, run: Run, place: Place) -> Moment:
    """Return the date or moment that the value of filter `name` means; charges for reading it."""
    run.work(LONGEST_TEXT, place)
    found = read_moment(value)
    if isinstance(found, str):
        raise place.error(f"{name} {found}")
    return found


def read_moment(value: Json) -> Moment | str:
    """Return the moment a value means, or what is needed instead. Never quotes the value."""
    if isinstance(value, str):
        return _from_text(value, UTC)
    if isinstance(value, dict):
        return _from_object(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{NEEDED}, not {kind_of(value)}"
    try:
        in_milliseconds = abs(value) >= LEAST_MILLISECONDS
        elapsed = timedelta(milliseconds=value) if in_milliseconds else timedelta(seconds=value)
        return Moment(EPOCH + elapsed)
    except (OverflowError, ValueError):  # beyond the calendar, infinite, or not a number
        return NO_SUCH_DAY


def _from_object(value: dict[str, Json]) -> Moment | str:
    """Read what Google Calendar and Microsoft Graph send: `dateTime` with `timeZone`, or `date`."""
    text, day, name = value.get("dateTime"), value.get("date"), value.get("timeZone")
    if isinstance(day, str) and text is None:
        found = _from_text(day, UTC)
        return found if isinstance(found, str) or found.is_date else NEEDED
    if not isinstance(text, str):
        return f"{NEEDED} with dateTime or date"
    zone = UTC if name is None else zone_named(name) if isinstance(name, str) else None
    if zone is None:
        return NO_SUCH_ZONE
    found = _from_text(text, zone)
    if isinstance(found, str) or found.is_date or name is None:
        return found
    try:
        # Through UTC, so that a time the clocks skip becomes the one they show.
        return Moment(found.at.astimezone(UTC).astimezone(zone))
    except OverflowError:
        return NO_SUCH_DAY


def _from_text(text: str, zone: tzinfo) -> Moment | str:
    """Read a date or a date-time; `zone` is for one that names none itself."""
    found = _ISO.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if found is None:
        is_digits = len(text) <= LONGEST_TEXT and text.strip().lstrip("+-").isdigit()
        return DIGITS if is_digits else f"{NEEDED}, not another text"
    year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes = found.groups()
    try:
        if hour is None:
            return Moment(datetime(int(year), int(month), int(day), tzinfo=UTC), is_date=True)
        if utc:
            zone = UTC
        elif sign:
            zone = _offset(sign, int(hours), int(minutes or 0))
        micros = int((fraction or "").ljust(6, "0")[:6])
        clock = (int(hour), int(minute), int(second or 0), micros)
        return Moment(datetime(int(year), int(month), int(day), *clock, tzinfo=zone))
    except ValueError:  # February 30, 25:00, an offset of 99 hours
        return NO_SUCH_DAY


def _offset(sign: str, hours: int, minutes: int) -> tzinfo:
    if minutes >= 60:
        raise ValueError("an offset has less than 60 minutes")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if sign == "-" else offset) if offset else UTC


def offset_of(at: datetime) -> timedelta:
    """Return how far the clocks that `at` was read on are ahead of UTC."""
    return at.utcoffset() or timedelta()


def to_the_minute(at: datetime) -> datetime:
    """Return the same moment with an offset of whole minutes, as ISO 8601 writes it.

    Before there was standard time, zones have offsets such as +00:53:28.
    """
    offset = offset_of(at)
    if not offset.seconds % 60:
        return at
    return at.astimezone(timezone(timedelta(minutes=round(offset.total_seconds() / 60))))


def epoch_microseconds(at: datetime) -> int:
    """Return the microseconds from 1970 in UTC to the moment.

    Two moments are compared by these: Python subtracts the wall clocks of two that share one zone.
    """
    return (at - EPOCH) // MICROSECOND


def iso_text(at: datetime) -> str:
    """Write a moment as ISO 8601, with as many decimals as it has and Z for an offset of zero."""
    at = to_the_minute(at)
    digits = "auto" if at.microsecond % 1000 else "milliseconds" if at.microsecond else "seconds"
    text = at.isoformat(timespec=digits)
    return text if offset_of(at) else text.removesuffix("+00:00") + "Z"


def iso_date(day: date) -> str:
    """Write a plain date as ISO 8601."""
    return f"{day.year:04}-{day.month:02}-{day.day:02}"
