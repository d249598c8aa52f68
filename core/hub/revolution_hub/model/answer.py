"""answer: what a `respond` step may say to who called a webhook. Pure.

The headers are an allow-list: nothing that sets a cookie, steers a browser, or tells a proxy what to do.
A `Location` names its host where the workflow is written, so that no data can lead anybody elsewhere; it is
never relative, as it would lead to this hub.
"""

import re
from typing import Final

from revolution_sdk.types import Json, JsonObject

HEADERS: Final = (
    "Content-Type",
    "Content-Language",
    "Content-Disposition",
    "Cache-Control",
    "ETag",
    "Expires",
    "Last-Modified",
    "Location",
    "Retry-After",
    "X-Hook-Secret",
)
LONGEST_VALUE: Final = 2000

HOST: Final = r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
LOCATION: Final = rf"{HOST}(?:[/?#]|\Z)"

_NAMES: Final = {name.lower(): name for name in HEADERS}
_LOCATION = re.compile(LOCATION)
_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff]*")
_IN_ADDRESS = re.compile(r"[\x21-\x5b\x5d-\x7e]*")


def header_named(name: str) -> str | None:
    """Return the header of this name as it is written, None if an answer may not have it."""
    return _NAMES.get(name.lower())


def location_problem(text: str) -> str | None:
    """Return what is wrong with a Location as a workflow says it, or as it was rendered."""
    if _LOCATION.match(text):
        return None
    return "a Location begins with https:// and a host, written out, such as https://example.com/done"


def answered_headers(said: Json) -> JsonObject:
    """Return rendered headers as they are sent; a null leaves its header out.

    Raises ValueError for what no header can hold.
    """
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise ValueError("the headers are an object")
    found: JsonObject = {}
    for name, value in said.items():
        written = header_named(name)
        if written is None:
            raise ValueError(f"an answer has no header {name[:80]!r}")
        if value is not None:
            found[written] = _value(written, value)
    return found


def _value(name: str, value: Json) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"the header {name} is a text")
    text = str(value)
    if len(text) > LONGEST_VALUE or not _VALUE.fullmatch(text):
        raise ValueError(f"the header {name} has at most {LONGEST_VALUE} characters, all of them on one line")
    if name == "Location" and (location_problem(text) or not _IN_ADDRESS.fullmatch(text)):
        raise ValueError("the Location is no address")
    return text
