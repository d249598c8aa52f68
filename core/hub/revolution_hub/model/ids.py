"""Ids: a prefix that says what it names, then 26 characters that sort by time of making."""

import secrets
import time
from collections import deque

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = tuple(range(120, -1, -10))
_RANDOM_BITS = 80
_RANDOM_BYTES = _RANDOM_BITS // 8
_FETCHED = 256

_numbers: "deque[int]" = deque()


def new_id(prefix: str) -> str:
    """Return an id such as `exe_01k9…`: 48 bits of milliseconds, 80 random bits, base 32 without i l o u."""
    number = (time.time_ns() // 1_000_000) << _RANDOM_BITS | _random()
    # Two characters at a time: ids are made by the thousand.
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def new_key(prefix: str = "") -> str:
    """Return an unguessable text of 256 random bits, safe in URLs and headers."""
    return prefix + secrets.token_urlsafe(32)


def _random() -> int:
    # Asking the system for each number would make every thread stand back for the others each time.
    while True:
        try:
            return _numbers.popleft()
        except IndexError:
            drawn = secrets.token_bytes(_RANDOM_BYTES * _FETCHED)
            _numbers.extend(
                int.from_bytes(drawn[at : at + _RANDOM_BYTES], "big")
                for at in range(0, len(drawn), _RANDOM_BYTES)
            )
