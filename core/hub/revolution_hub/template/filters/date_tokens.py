"""Date patterns with the tokens of Moment.js and Day.js, compiled once into the parts that write them.

No pattern reaches a formatter of Python or Babel: a token is looked up in one table or it is an error.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from babel import Locale

from revolution_hub.template.filters.moments import epoch_microseconds, offset_of

Writer: TypeAlias = Callable[[datetime, Locale], str]
Part: TypeAlias = str | Writer

LONGEST_PATTERN = 200
LONGEST_WORD_SHOWN = 40
MOST_CACHED = 512

_ENGLISH_ENDINGS = {"one": "st", "two": "nd", "few": "rd"}


def _ordinal(at: datetime, locale: Locale) -> str:
    """Write the day as the long dates of a language do: 1st, 2nd in English, 1. in German, 1er in French."""
    day = at.day
    if locale.language == "en":
        return f"{day}{_ENGLISH_ENDINGS.get(locale.ordinal_form(day), 'th')}"
    if locale.language == "fr":
        return "1er" if day == 1 else f"{day}"
    return f"{day}." if "d." in locale.date_formats["long"].pattern else f"{day}"


def _half(at: datetime, locale: Locale) -> str:
    """Write AM or PM."""
    return str(locale.day_periods["format"]["abbreviated"]["am" if at.hour < 12 else "pm"])


def _month_name(width: str) -> Writer:
    return lambda at, locale: str(locale.months["format"][width][at.month])


def _day_name(width: str) -> Writer:
    return lambda at, locale: str(locale.days["format"][width][at.weekday()])


def offset_text(at: datetime, colon: str = ":") -> str:
    """Write the offset from UTC: +01:00."""
    minutes = round(offset_of(at).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{colon}{rest:02}"


def _zone(at: datetime, _locale: Locale) -> str:
    """Write the abbreviation of the zone, such as CET, or where it has none, UTC+01:00."""
    name = at.tzname() or ""
    return name if name.isalpha() else f"UTC{offset_text(at)}"


def _hour_of_12(at: datetime) -> int:
    return at.hour % 12 or 12


TOKENS: Mapping[str, Writer] = MappingProxyType(
    {
        "YYYY": lambda at, _: f"{at.year:04}",
        "YY": lambda at, _: f"{at.year % 100:02}",
        "Q": lambda at, _: f"{(at.month + 2) // 3}",
        "MMMM": _month_name("wide"),
        "MMM": _month_name("abbreviated"),
        "MM": lambda at, _: f"{at.month:02}",
        "M": lambda at, _: f"{at.month}",
        "GGGG": lambda at, _: f"{at.isocalendar().year:04}",
        "WW": lambda at, _: f"{at.isocalendar().week:02}",
        "W": lambda at, _: f"{at.isocalendar().week}",
        "DD": lambda at, _: f"{at.day:02}",
        "D": lambda at, _: f"{at.day}",
        "Do": _ordinal,
        "dddd": _day_name("wide"),
        "ddd": _day_name("abbreviated"),
        "dd": _day_name("short"),
        "d": lambda at, _: f"{at.isoweekday() % 7}",
        "HH": lambda at, _: f"{at.hour:02}",
        "H": lambda at, _: f"{at.hour}",
        "hh": lambda at, _: f"{_hour_of_12(at):02}",
        "h": lambda at, _: f"{_hour_of_12(at)}",
        "mm": lambda at, _: f"{at.minute:02}",
        "m": lambda at, _: f"{at.minute}",
        "ss": lambda at, _: f"{at.second:02}",
        "s": lambda at, _: f"{at.second}",
        "SSS": lambda at, _: f"{at.microsecond // 1000:03}",
        "A": _half,
        "a": lambda at, locale: _half(at, locale).lower(),
        "Z": lambda at, _: offset_text(at),
        "ZZ": lambda at, _: offset_text(at, colon=""),
        "z": _zone,
        "X": lambda at, _: f"{epoch_microseconds(at) // 1_000_000}",
        "x": lambda at, _: f"{epoch_microseconds(at) // 1000}",
        # Between date and time in ISO 8601, and nothing else in any dialect of patterns.
        "T": lambda at, _: "T",
    }
)

# Text in brackets, an ordinal day, a run of one letter, or everything else up to the next of these.
_PIECE = re.compile(r"\[([^\]]*)\]|(Do|([A-Za-z])\3*)|([^A-Za-z\[]+|\[)")
_WORD = re.compile(r"[^\W\d_]+")


def compiled(pattern: str) -> tuple[Part, ...] | str:
    """Return the parts of a pattern, literal texts and writers, or what is wrong with it.

    What is wrong quotes the pattern, so it is only for a pattern that is written in a template.
    """
    if len(pattern) > LONGEST_PATTERN:
        return f"a date pattern has at most {LONGEST_PATTERN} characters"
    return _compiled(pattern)


@lru_cache(maxsize=MOST_CACHED)
def _compiled(pattern: str) -> tuple[Part, ...] | str:
    parts: list[Part] = []
    for piece in _PIECE.finditer(pattern):
        bracketed, token, _, other = piece.groups()
        if other == "[":
            return "a [ in a date pattern needs its ] behind it"
        if token is None:
            parts.append(other if bracketed is None else bracketed)
        elif token in TOKENS:
            parts.append(TOKENS[token])
        else:
            return _unknown(pattern, piece.start(), token)
    return tuple(parts)


def _unknown(pattern: str, offset: int, token: str) -> str:
    """Name the word around a token that there is not."""
    if token in ("yyyy", "yy"):
        return f"{token} is no token of a date pattern; the year is {token.upper()}"
    word = next(one.group() for one in _WORD.finditer(pattern) if one.end() > offset)
    shown = word if len(word) <= LONGEST_WORD_SHOWN else word[:LONGEST_WORD_SHOWN] + "…"
    return f"{shown} is no token of a date pattern; literal text stands in brackets: [{shown}]"
