"""Cron expressions: whether one can be read, and whether it ever comes true. Pure."""

import re
from typing import Final

LONGEST: Final = 200

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_NUMBER = re.compile(r"[0-9]{1,2}\Z")
_FIELDS: Final[tuple[tuple[str, int, int, dict[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: at for at, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: at for at, name in enumerate(_DAYS)}),
)


def cron_problem(text: str) -> str | None:
    """Return what is wrong with a cron expression of five fields, None if nothing is.

    A field is `*`, a number or a range `1-5`, each with a step as `*/15` if wanted, or several of them with
    commas between; months and days of the week may be named, as JAN or MON.
    """
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return "a cron expression has five fields: minute, hour, day of the month, month, day of the week"
    read: list[set[int]] = []
    for part, (what, low, high, names) in zip(fields, _FIELDS, strict=True):
        found = _values(part.upper(), low, high, names)
        if not found:
            return f"{part[:40]!r} is no {what} from {low} to {high}"
        read.append(found)
    days, months = read[2], read[3]
    # With a day of the week beside it, only that would count, and nobody means that.
    if min(days) > max(_LONGEST_MONTHS[month - 1] for month in months):
        return "there is never such a day in these months"
    return None


def _values(part: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    """Return the numbers a field stands for, none if it cannot be read."""
    found: set[int] = set()
    for one in part.split(","):
        values = _range(one, low, high, names)
        if not values:
            return set()
        found |= values
    return found


def _range(text: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    span, slash, step = text.partition("/")
    first, dash, last = span.partition("-")
    start = low if span == "*" else _number(first, names)
    end = high if span == "*" else _number(last, names) if dash else start
    # A step without a range, as 5/15, means from there on.
    if slash and not dash and span != "*":
        end = high
    by = _number(step, {}) if slash else 1
    if start is None or end is None or not by or not low <= start <= end <= high:
        return set()
    return set(range(start, end + 1, by))


def _number(text: str, names: dict[str, int]) -> int | None:
    if text in names:
        return names[text]
    return int(text) if _NUMBER.match(text) else None
