"""Durations as people write them: a number of seconds, or a text like `90s`, `15m`, `2h`, `1d12h`, `1w`."""

import re

from revolution_sdk.types import Json

LONGEST_S = 366 * 86_400.0
"""No duration is longer than 366 days."""

PATTERN = "^([0-9]{1,9}w)?([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}([.][0-9]{1,3})?s)?$"
"""The texts, as JSON Schema writes a pattern: weeks, days, hours, minutes and seconds, each at most once.

The empty text follows the pattern as well, and is none."""

_PARTS = re.compile(
    r"(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9}(?:\.\d{1,3})?)s)?"
)
_SECONDS = (604_800, 86_400, 3_600, 60, 1)


def duration_s(value: Json) -> float:
    """Return a duration in seconds; raises ValueError with a readable sentence for anything else.

    White space around a text does not count. No duration is negative or longer than 366 days.
    """
    if isinstance(value, str):
        seconds = _of_text(value.strip())
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a duration is a number of seconds or a text such as 90s, 15m or 1d12h")
    else:
        seconds = value
    # Written this way round, what is not a number is refused as well.
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError("a duration is at least 0 and at most 366 days")
    return float(seconds)


def _of_text(text: str) -> float:
    found = _PARTS.fullmatch(text) if text else None
    if found is None or not text.isascii():
        raise ValueError("write a duration as a number of seconds or like 90s, 15m, 2h, 1d12h or 1w")
    return sum(float(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part)
