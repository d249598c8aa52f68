"""Moments moved and compared by units of time."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Literal, TypeAlias

from babel import Locale
from babel.dates import format_timedelta

from revolution_hub.template.filters.moments import MICROSECOND, Moment, epoch_microseconds
from revolution_hub.template.near import did_you_mean
from revolution_sdk.types import Json

Unit: TypeAlias = Literal["second", "minute", "hour", "day", "month", "year"]

LENGTHS: Mapping[str, timedelta] = MappingProxyType(
    {
        "second": timedelta(seconds=1),
        "minute": timedelta(minutes=1),
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(weeks=1),
    }
)
MONTHS: Mapping[str, int] = MappingProxyType({"month": 1, "year": 12})
OF_THE_CLOCK = ("second", "minute", "hour")

# From how many on the next longer unit is named; a month is the twelfth part of a Gregorian year.
_YEAR = timedelta(days=365, hours=5, minutes=49, seconds=12)
_RELATIVE: tuple[tuple[Unit, timedelta, int], ...] = (
    ("second", LENGTHS["second"], 60),
    ("minute", LENGTHS["minute"], 60),
    ("hour", LENGTHS["hour"], 24),
    ("day", LENGTHS["day"], 30),
    ("month", _YEAR / 12, 12),
)
# What Babel takes a unit for; a count of whole ones comes out as it went in.
_BABEL_DAYS = {"year": 365, "month": 30}


def unit_of(value: Json, *, with_months: bool) -> str | None:
    """Return the singular of a unit, given as `day` or `days`, or None if there is no such unit."""
    if not isinstance(value, str):
        return None
    unit = value.removesuffix("s")
    return unit if unit in LENGTHS or (with_months and unit in MONTHS) else None


def complain_unit(value: Json, *, with_months: bool) -> str | None:
    """Say what is wrong with a unit written in a template."""
    if unit_of(value, with_months=with_months) is not None:
        return None
    known = [f"{one}s" for one in (*LENGTHS, *(MONTHS if with_months else ()))]
    if unit_of(value, with_months=True) is not None:
        return f"months and years differ in length; the unit is one of {', '.join(known)}"
    near = did_you_mean(value, known) if isinstance(value, str) else ""
    return f"the unit is one of {', '.join(known)}{near}"


def moved(moment: Moment, amount: int, unit: str) -> Moment:
    """Return the moment `amount` units later: seconds to hours elapse, longer units keep the wall clock.

    Months and years end on the last day of a month that has no such day. A wall clock time that the clocks
    skip moves ahead as they do; of one that comes twice it is the first. Raises OverflowError outside of
    the years 1 to 9999.
    """
    at, is_date = moment
    zone = at.tzinfo
    if amount == 0:
        return moment
    if unit in OF_THE_CLOCK:
        return Moment((at.astimezone(UTC) + amount * LENGTHS[unit]).astimezone(zone))
    wall = at.replace(tzinfo=None)
    if unit in MONTHS:
        wall = _months_later(wall, amount * MONTHS[unit])
    else:
        wall += amount * LENGTHS[unit]
    return Moment(wall.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone), is_date)


def _months_later(wall: datetime, months: int) -> datetime:
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError("the calendar has the years 1 to 9999")
    day = min(wall.day, monthrange(year, month + 1)[1])
    return wall.replace(year=year, month=month + 1, day=day)


def difference(later: Moment, earlier: Moment, unit: str) -> int | float:
    """Return how many units lie between two moments, whole if that is exact; a day has 24 hours."""
    apart = epoch_microseconds(later.at) - epoch_microseconds(earlier.at)
    exact = Fraction(apart, LENGTHS[unit] // MICROSECOND)
    return int(exact) if exact.denominator == 1 else float(exact)


def relative_text(moment: Moment, now: datetime, locale: Locale) -> str:
    """Say how far a moment is from now, rounded to the largest unit; a plain date counts whole days."""
    now = now.astimezone(UTC)
    if moment.is_date:
        now = now.replace(hour=0, minute=0, second=0, microsecond=0)
    # Two zones are told apart here without a way through UTC, which the first and last hours do not have.
    elapsed = moment.at - now
    unit, count = _rounded(abs(elapsed), "day" if moment.is_date else "second")
    length = timedelta(days=_BABEL_DAYS[unit]) if unit in _BABEL_DAYS else LENGTHS[unit]
    signed = -count if elapsed < timedelta() else count
    # Without a threshold that can be met, Babel uses the unit given here and no other.
    return format_timedelta(
        signed * length, granularity=unit, threshold=float("inf"), add_direction=True, locale=locale
    )


def _rounded(elapsed: timedelta, least_unit: Unit) -> tuple[Unit, int]:
    names = [name for name, _, _ in _RELATIVE]
    for unit, length, most in _RELATIVE[names.index(least_unit) :]:
        count = (elapsed + length / 2) // length
        if count < most:
            return unit, count
    return "year", (elapsed + _YEAR / 2) // _YEAR
