"""Times on the wire: RFC 3339 with an offset, in and out. Pure."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from revolution_google.slots import Period
from revolution_sdk import JsonObject, RejectedError


def moment(text: str, field: str) -> datetime:
    """Read an RFC 3339 time, or raise `invalid_time` if it is none or has no offset."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.utcoffset() is None or not 1970 <= read.year <= 9000:
        raise RejectedError(
            f"{field} is not a time with an offset, like 2026-11-23T09:00:00+01:00",
            code="invalid_time",
            details={"field": field},
        )
    return read


def zone(name: str) -> ZoneInfo:
    """Return the time zone with this IANA name, or raise `unknown_time_zone`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise RejectedError(
            f"{name!r} is not a known time zone", code="unknown_time_zone", details={"time_zone": name}
        ) from error


def busy_periods(answers: Iterable[JsonObject]) -> list[Period]:
    """Read Google's busy times `{start, end}`."""
    return [
        Period(start=moment(one["start"], "busy.start"), end=moment(one["end"], "busy.end"))
        for one in answers
    ]


def written(period: Period, where: ZoneInfo) -> JsonObject:
    """Write a period as RFC 3339 `{start, end}` with the offset it has there."""
    return {
        "start": period.start.astimezone(where).isoformat(),
        "end": period.end.astimezone(where).isoformat(),
    }
