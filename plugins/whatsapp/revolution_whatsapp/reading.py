"""Reading members of a delivery, each with the place a fault is told by."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from revolution_sdk import Json, JsonObject

LONGEST_ID = 250
_ID = re.compile(r"[\x20-\x7e]{1,250}\Z")
_SECONDS = re.compile(r"[0-9]{1,11}\Z")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class FieldError(Exception):
    """Raised when a member is not what it has to be; `place` is its path, `fault` what it is."""

    def __init__(self, place: str, fault: str) -> None:
        super().__init__(place)
        self.place = place
        self.fault = fault


def items(value: JsonObject, name: str, place: str) -> Iterator[tuple[JsonObject, str]]:
    """Yield the objects of a list with their places; a list that is not there is empty."""
    place = f"{place}.{name}" if place else name
    found = value.get(name, [])
    if not isinstance(found, list):
        raise FieldError(place, "no list")
    for number, one in enumerate(found):
        if not isinstance(one, dict):
            raise FieldError(f"{place}[{number}]", "no object")
        yield one, f"{place}[{number}]"


def member(value: JsonObject, name: str, place: str) -> JsonObject:
    """Return a member that has to be an object."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise FieldError(f"{place}.{name}", "no object")
    return found


def id_of(value: JsonObject, name: str, place: str) -> str:
    """Return an id or a kind: a short text of plain letters."""
    found = value.get(name)
    if not isinstance(found, str) or not _ID.match(found):
        raise FieldError(f"{place}.{name}", "no id")
    return found


def text_of(value: JsonObject, name: str, place: str) -> str | None:
    """Return a text, None where there is none."""
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise FieldError(f"{place}.{name}", "no text")
    return found


def moment(value: JsonObject, place: str) -> datetime:
    """Return the member `timestamp`, seconds since 1970 as a text."""
    found = value.get("timestamp")
    if not isinstance(found, str) or not _SECONDS.match(found):
        raise FieldError(f"{place}.timestamp", "no moment")
    return datetime.fromtimestamp(int(found), UTC)


def clean(value: Json) -> Json:
    """Return the value with U+FFFD for what cannot be stored: NUL and lone surrogates, also in names."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [clean(one) for one in value]
    if isinstance(value, dict):
        return {clean(name): clean(one) for name, one in value.items()}
    return value
