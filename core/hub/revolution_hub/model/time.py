"""Moments are aware UTC datetimes everywhere; on the wire they are RFC 3339 with a Z."""

from datetime import UTC, datetime

import orjson

_LONGEST = 64
_WITHOUT_ZONE = len("2026-11-22T10:00:00.000000")


def utc_now() -> datetime:
    """Return the present moment. Decisions do not call this; they are given `now`."""
    return datetime.now(UTC)


def to_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC; raises ValueError for a datetime without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC)


def parse_moment(text: object) -> datetime:
    """Return the moment a text such as `2026-11-22T10:00:00Z` names; raises ValueError otherwise."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise ValueError("a moment such as 2026-11-22T10:00:00Z is needed")
    try:
        return to_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise ValueError("a moment with its zone, such as 2026-11-22T10:00:00Z, is needed") from error


def rfc3339(moment: datetime) -> str:
    """Write a moment as `2026-11-22T10:00:00.000000Z`."""
    return f"{utc_text(moment)}Z"


def utc_text(moment: datetime) -> str:
    """Write a moment in UTC as `2026-11-22T10:00:00.000000`; raises ValueError for one without a zone."""
    if moment.tzinfo is not UTC:
        moment = to_utc(moment)
    if moment.microsecond:
        # A dozen are written for each delivery, and `isoformat` takes five times as long.
        return orjson.dumps(moment)[1 : _WITHOUT_ZONE + 1].decode()
    return moment.isoformat(timespec="microseconds")[:_WITHOUT_ZONE]
