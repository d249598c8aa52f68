"""Texts that come from a workflow and go into headers, addresses and bodies. Pure: accept or refuse.

Everything refused here raises RejectedError before anything is sent.
"""

import re
import unicodedata

from revolution_sdk import RejectedError

LONGEST_ADDRESS = 320
LONGEST_LOCAL_PART = 64

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bq]\?", re.IGNORECASE)
_LINE_SEPARATORS = frozenset("\u2028\u2029")


def address(text: str, field: str) -> str:
    """Return a plain mail address `name@host`, at most 320 characters, or raise `invalid_address`.

    Only one address, without display name or comma: anything more could add recipients. A host with
    other letters than ASCII must be given in its `xn--` form.
    """
    local = text.partition("@")[0]
    if len(text) > LONGEST_ADDRESS or len(local) > LONGEST_LOCAL_PART or not _ADDRESS.fullmatch(text):
        raise RejectedError(
            f"{field} is not a plain mail address", code="invalid_address", details={"field": field}
        )
    return text


def header(text: str, field: str) -> str:
    """Return a text fit for one header line, outer blanks removed, or raise `invalid_header`.

    Refuses control characters and every line separator, which could begin a header of their own, and RFC
    2047 encoded words, which mail libraries decode and which can hide the same.
    """
    unfit = [one for one in text if unicodedata.category(one) in ("Cc", "Cs") or one in _LINE_SEPARATORS]
    if unfit or _ENCODED_WORD.search(text):
        raise RejectedError(
            f"{field} holds characters that may not stand in a mail header",
            code="invalid_header",
            details={"field": field},
        )
    return text.strip()


def body(text: str, field: str) -> str:
    """Return a text of several lines, or raise `invalid_text` if it holds NUL or half a surrogate pair."""
    if "\0" in text or any(unicodedata.category(one) == "Cs" for one in text):
        raise RejectedError(
            f"{field} holds a character that may not stand in a text",
            code="invalid_text",
            details={"field": field},
        )
    return text
