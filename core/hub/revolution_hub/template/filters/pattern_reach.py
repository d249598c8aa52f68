"""How far a search for a pattern may read beyond the match it reports.

RE2 searches in linear time, but each match is a search of its own. A pattern such as `a[^b]*b|a` reads to
the end of the text for every single `a`, so that finding all of them takes quadratic time.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<flags> \(\?[imsU-]+\) )
  | (?P<open> \( (?: \?P?<\w+> | \?[imsU-]*: | (?!\?) ) )
  | (?P<close> \) )
  | (?P<bar> \| )
  | (?P<repeat> [*+?] | \{ \d+ (?: ,\d* )? \} )
  | (?P<one> \\ (?: [pP]\{[^}]*\} | [pP][^{] | x\{[^}]*\} | x[0-9A-Fa-f]{2} | [^pPxQEC] )
           | \[ \^? \]? (?: \\. | \[:\^?\w+:\] | [^\]\\] )* \]
           | [^\\\[(] )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class _Group:
    """What stands between parentheses, or one bare character; `chars` counts what repeats endlessly once."""

    chars: int = 0
    has_bar: bool = False
    is_endless: bool = False
    is_bare: bool = False


def reach_of(pattern: str) -> int | None:
    """Return how many characters a search reads in vain beyond a match at most, None if it cannot be told.

    There is a bound if whatever repeats without an end is a single character and stands where every match
    passes, outside of choices and of groups that repeat: a path that is still open behind a match then
    meets the path of the next match, and would have been the longer match itself. What is left is the
    length of everything else. `pattern` is one that RE2 has accepted.
    """
    groups, last, at = [_Group()], _Group(), 0
    is_repeated = False
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            return None
        at, kind, sign = token.end(), token.lastgroup, token.group()
        if kind == "open":
            groups.append(_Group())
        elif kind == "bar":
            groups[-1].has_bar = True
        elif kind == "one":
            last = _Group(chars=1, is_bare=True)
            groups[-1].chars += 1
        elif kind == "close":
            last = groups.pop()
            if not groups or (last.has_bar and last.is_endless):
                return None
            groups[-1].chars += last.chars
            groups[-1].is_endless |= last.is_endless
        elif kind == "repeat" and not is_repeated and not _repeat(groups[-1], last, sign):
            return None
        # A second sign of repetition only makes the first one lazy.
        is_repeated = kind == "repeat"
    return None if groups[0].has_bar and groups[0].is_endless else groups[0].chars


def _repeat(around: _Group, repeated: _Group, sign: str) -> bool:
    """Count what repeats; tell False if that is a group and anything has no end."""
    least, comma, most = sign.strip("{}").partition(",")
    is_endless = sign in "*+" or (comma == "," and not most)
    times = int(most or least) if sign.startswith("{") else 1
    around.chars += repeated.chars * max(times - 1, 0)
    around.is_endless |= is_endless
    return repeated.is_bare or not (is_endless or repeated.is_endless)
