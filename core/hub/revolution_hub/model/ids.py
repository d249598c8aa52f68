"""Ids: a prefix that says what it names, then 26 characters that sort by time of making.

Within a millisecond they sort by its thousandths, so that what one process makes keeps its order.
"""

import secrets
import time
from collections import deque
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = tuple(range(120, -1, -10))
_BEHIND_BITS = 80
_FINE_BITS = 10
_RANDOM_BITS = _BEHIND_BITS - _FINE_BITS
_RANDOM_BYTES = -(-_RANDOM_BITS // 8)
_MILLISECOND_NS = 1_000_000
_FETCHED = 256

_numbers: "deque[int]" = deque()


def new_id(prefix: str) -> str:
    """Return an id such as `exe_01k9…`, in base 32 without i l o u.

    It is made of 48 bits of milliseconds, 10 of their fraction, and 70 random ones.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), _MILLISECOND_NS)
    fine = (rest_ns << _FINE_BITS) // _MILLISECOND_NS
    number = (milliseconds << _FINE_BITS | fine) << _RANDOM_BITS | _random()
    # Two characters at a time: ids are made by the thousand.
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def first_id(prefix: str, moment: datetime) -> str:
    """Return the id that sorts before every id of this kind made at that moment or later."""
    number = int(moment.timestamp() * 1000) << _BEHIND_BITS
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
                int.from_bytes(drawn[at : at + _RANDOM_BYTES], "big") >> (8 * _RANDOM_BYTES - _RANDOM_BITS)
                for at in range(0, len(drawn), _RANDOM_BYTES)
            )
