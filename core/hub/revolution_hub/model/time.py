"""Moments are aware UTC datetimes everywhere; on the wire they are RFC 3339 with a Z."""

from datetime import UTC, datetime

_WITHOUT_ZONE = len("2026-11-22T10:00:00.000000")


def utc_now() -> datetime:
    """Return the present moment. Decisions do not call this; they are given `now`."""
    return datetime.now(UTC)


def to_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC; raises ValueError for a datetime without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """Write a moment as `2026-11-22T10:00:00.000000Z`."""
    if moment.tzinfo is not UTC:
        moment = to_utc(moment)
    return f"{moment.isoformat(timespec='microseconds')[:_WITHOUT_ZONE]}Z"
