"""Cron expressions: whether one can be read, and whether it ever comes true. Pure."""

import re
from dataclasses import dataclass, field
from typing import Final

LONGEST: Final = 200

ALIASES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NUMBER = re.compile(r"[0-9]{1,2}\Z")


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field may hold. `special` are words of its own and the least number each may stand for."""

    what: str
    low: int
    high: int
    names: dict[str, int] = field(default_factory=dict)
    special: dict[str, int] = field(default_factory=dict)


_WEEK = {name: at for at, name in enumerate(_DAYS)}
_LAST_OF_WEEK = {f"{day}L": day for day in range(8)}
_NTH = {
    f"{day}#{nth}": at
    for day, at in [*_WEEK.items(), *((str(n), n) for n in range(8))]
    for nth in range(1, 6)
}
_SECOND: Final = _Field("second", 0, 59)
_FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31, special={"L": 28, "LW": 26}),
    _Field("month", 1, 12, {name: at for at, name in enumerate(_MONTHS, 1)}),
    _Field("day of the week", 0, 7, _WEEK, _LAST_OF_WEEK | _NTH),
)


def cron_fields(text: str) -> str:
    """Return a cron expression as its fields, in capitals: what `@daily` and the like stand for."""
    return ALIASES.get(text.strip().lower(), " ".join(text.upper().split()))


def has_seconds(text: str) -> bool:
    """Tell whether an expression that has no problem names seconds."""
    return len(cron_fields(text).split()) > len(_FIELDS)


def at_fixed_times(text: str) -> bool:
    """Tell whether Debian's cron would take this for a job at fixed times, which no change of clocks skips.

    Every expression of five fields is, unless its minute or its hour begins with `*`.
    """
    fields = cron_fields(text).split()
    return len(fields) == len(_FIELDS) and not any(one.startswith("*") for one in fields[:2])


def cron_problem(text: str) -> str | None:
    """Return what is wrong with a cron expression, None if nothing is.

    It has five fields, or six with the second in front, or is a word such as `@daily`. A field is `*`, a
    number or a range `1-5`, each with a step as `*/15` if wanted, or several of them with commas between.
    Months and days of the week may be named, as JAN or MON. Days are also L, the last of the month, LW, its
    last weekday, 5L, its last Friday, and MON#2, its second Monday.
    """
    if text.strip().startswith("@") and text.strip().lower() not in ALIASES:
        return f"{text.strip()[:20]!r} is none of {', '.join(ALIASES)}"
    fields = cron_fields(text).split()
    if len(fields) not in (len(_FIELDS), len(_FIELDS) + 1):
        return "it has five fields: minute, hour, day, month, day of the week; or six with the second first"
    known = _FIELDS if len(fields) == len(_FIELDS) else (_SECOND, *_FIELDS)
    read: list[set[int]] = []
    for part, one in zip(fields, known, strict=True):
        found = _values(part, one)
        if not found:
            return f"{part[:40]!r} is no {one.what} from {one.low} to {one.high}"
        read.append(found)
    days, months = read[-3], read[-2]
    # With a day of the week beside it, only that would count, and nobody means that.
    if min(days) > max(_LONGEST_MONTHS[month - 1] for month in months):
        return "there is never such a day in these months"
    return None


def _values(part: str, known: _Field) -> set[int]:
    """Return the numbers a field stands for, none if it cannot be read."""
    found: set[int] = set()
    for one in part.split(","):
        values = {known.special[one]} if one in known.special else _range(one, known)
        if not values:
            return set()
        found |= values
    return found


def _range(text: str, known: _Field) -> set[int]:
    span, slash, step = text.partition("/")
    first, dash, last = span.partition("-")
    start = known.low if span == "*" else _number(first, known.names)
    end = known.high if span == "*" else _number(last, known.names) if dash else start
    # A step without a range, as 5/15, means from there on.
    if slash and not dash and span != "*":
        end = known.high
    by = _number(step, {}) if slash else 1
    if start is None or end is None or not by or not known.low <= start <= end <= known.high:
        return set()
    return set(range(start, end + 1, by))


def _number(text: str, names: dict[str, int]) -> int | None:
    if text in names:
        return names[text]
    return int(text) if _NUMBER.match(text) else None
