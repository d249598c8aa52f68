"""Names close to a mistyped one."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

MOST_CANDIDATES = 200
LONGEST_NAME = 64

# Other keys may be data (addresses, tokens) and an error never quotes data.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean email?` for the nearest known name, or an empty text.

    Looks at the first 200 names and only at plain ones of at most 64 characters, which bounds the time.
    """
    if len(name) > LONGEST_NAME:
        return ""
    plain = [one for one in islice(known, MOST_CANDIDATES) if len(one) <= LONGEST_NAME and _NAME.match(one)]
    nearest = get_close_matches(name, plain, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
