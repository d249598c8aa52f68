"""Ids: a prefix that says what it names, then 26 characters that sort by time of making.

Within a millisecond they sort by its thousandths, so that what one process makes keeps its order.
"""

import secrets
import time
from collections import deque
from datetime import datetime
from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = (40, 30, 20, 10, 0)
_FINE_BITS = 10
_RANDOM_LENGTH = 14
_MILLISECOND_NS = 1_000_000
_FETCHED = 256

_CHARACTER_OF = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
"""A character for each byte, each for as many bytes."""

_random: "deque[str]" = deque()


def new_id(prefix: str) -> str:
    """Return an id such as `exe_01k9…`, in base 32 without i l o u.

    It is made of 48 bits of milliseconds, 10 of their fraction, and 70 random ones.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), _MILLISECOND_NS)
    fine = _PAIRS[(rest_ns << _FINE_BITS) // _MILLISECOND_NS]
    try:
        return f"{prefix}_{_begin(milliseconds)}{fine}{_random.popleft()}"
    except IndexError:
        _draw()
        return new_id(prefix)


def first_id(prefix: str, moment: datetime) -> str:
    """Return the id that sorts before every id of this kind made at that moment or later."""
    return f"{prefix}_{_begin(int(moment.timestamp() * 1000))}{_PAIRS[0]}{_ALPHABET[0] * _RANDOM_LENGTH}"


def new_key(prefix: str = "") -> str:
    """Return an unguessable text of 256 random bits, safe in URLs and headers."""
    return prefix + secrets.token_urlsafe(32)


# Ids are made by the thousand, and many in one millisecond.
@lru_cache(maxsize=64)
def _begin(milliseconds: int) -> str:
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in _SHIFTS])


def _draw() -> None:
    # Asking the system for each id would make every thread stand back for the others each time.
    text = secrets.token_bytes(_RANDOM_LENGTH * _FETCHED).translate(_CHARACTER_OF).decode("ascii")
    _random.extend(text[at : at + _RANDOM_LENGTH] for at in range(0, len(text), _RANDOM_LENGTH))
