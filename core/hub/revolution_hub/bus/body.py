"""body: what a delivery's body says. Its Content-Type alone decides how it is read; nothing is guessed."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from revolution_hub.bus.fields import fields_of, invalid, plain
from revolution_hub.bus.multipart import read_multipart
from revolution_hub.errors import InputError
from revolution_hub.model.strict_json import strict_json
from revolution_sdk import Delivery
from revolution_sdk.types import Json, JsonObject

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
XML: Final = "application/xml"

MOST_FIELDS: Final = 1000
_CHARSETS: Final = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "iso-8859-1"}
_CHARSET = re.compile(r';\s*charset="?([A-Za-z0-9_.:-]{1,40})"?\s*(?:;|\Z)', re.IGNORECASE)

KeepFile = Callable[[bytes], str]
"""Keeps a file that came with a delivery, and returns its id."""


def media_type(delivery: Delivery) -> str:
    """Return the type a body says it has, without parameters; JSON if it says nothing."""
    said = delivery.headers.get("content-type", JSON)
    # Nearly always it is written just so.
    return said if said == JSON else said.partition(";")[0].strip().lower() or JSON


def read_body(delivery: Delivery, keep_file: KeepFile, *, max_bytes: int) -> Json:
    """Return a body as JSON: an object of a form's fields, the text of a text.

    Raises InputError: `content_type` for a type that is not read, `json_invalid` and `body_invalid` for a
    body that is not what it says it is.
    """
    kind = media_type(delivery)
    if delivery.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        # What unfolds while it is read has no size that could be held to a limit beforehand.
        raise InputError("a body is sent as it is, without a Content-Encoding", code="content_type")
    if kind == JSON or (kind.startswith("application/") and kind.endswith("+json")):
        if not delivery.body and delivery.method != "POST":
            return {}
        return strict_json(delivery.body, max_bytes=max_bytes)
    if kind == FORM:
        return _form(delivery.body)
    if kind == MULTIPART:
        return read_multipart(delivery.headers["content-type"], delivery.body, keep_file)
    if kind.startswith("text/") or kind == XML or (kind.startswith("application/") and kind.endswith("+xml")):
        return _text(delivery)
    raise InputError("JSON, a form, multipart/form-data, text or XML is read here", code="content_type")


def _form(body: bytes) -> JsonObject:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except UnicodeDecodeError as error:
        raise invalid("a form is UTF-8, with everything but ASCII written as %XX") from error
    except ValueError as error:
        raise invalid(f"a form has at most {MOST_FIELDS} fields") from error
    return fields_of((plain(name), plain(value)) for name, value in pairs)


def _text(delivery: Delivery) -> str:
    named = _CHARSET.search(delivery.headers.get("content-type", ""))
    charset = _CHARSETS.get(named[1].lower()) if named else "utf-8"
    if charset is None:
        raise invalid(f"its charset is none of {', '.join(_CHARSETS)}")
    try:
        return plain(delivery.body.decode(charset))
    except UnicodeDecodeError as error:
        raise invalid(f"byte {error.start} is not {charset}") from error
