"""clocks: what the clocks of a time zone show, and when they are changed. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_STRIDE = timedelta(days=1)
"""No zone changes its clocks and changes them back within a day."""
_STILL = timedelta(0)


def offset_at(zone: ZoneInfo, moment: datetime) -> timedelta:
    """Return by how much the clocks of a zone are ahead of UTC at a moment."""
    return moment.astimezone(zone).utcoffset() or _STILL


def change_within(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Return the first moment after one and up to another at which clocks are changed, None without any."""
    low, offset = after.replace(microsecond=0), offset_at(zone, after)
    while low < until:
        high = min(low + _STRIDE, until)
        if offset_at(zone, high) != offset:
            return _first_other(zone, low, high, offset)
        low = high
    return None


def _first_other(zone: ZoneInfo, low: datetime, high: datetime, offset: timedelta) -> datetime:
    """Return the second at which the offset is another one, by halving the time in between."""
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        low, high = (middle, high) if offset_at(zone, middle) == offset else (low, middle)
    return high


def is_shown(local: datetime, zone: ZoneInfo) -> bool:
    """Tell whether the clocks of a zone ever show this time, which has no zone of its own."""
    there = local.replace(tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local


def first_real(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment clocks show a time, the first of two; of a time they skip, that right behind it."""
    while not is_shown(local, zone):
        local += _MINUTE
    return local.replace(tzinfo=zone, fold=0)


def is_shown_twice(moment: datetime, zone: ZoneInfo) -> bool:
    """Tell whether the clocks of a zone show what they show at a moment a second time, or did before."""
    local = moment.astimezone(zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
