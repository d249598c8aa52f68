"""Filling a template: what was handed in is held against what the template asks for, before anything is sent.

WhatsApp answers a wrong number of parameters with a code and no place; here every fault is named at once.
"""

import re
from collections.abc import Iterator

from revolution_sdk import Json, JsonObject, RejectedError

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,100})\s*\}\}")
_MEDIA_FORMATS = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document"}


class _Faults:
    """What does not fit, each with its place in the input."""

    def __init__(self) -> None:
        self.found: list[JsonObject] = []

    def add(self, path: str, message: str) -> None:
        self.found.append({"path": path, "message": message})


def components_of(template: JsonObject, value: JsonObject) -> list[JsonObject]:
    """Return the components of the message that fill this template.

    `params` fill the body, in their order or by their names; `header_text` and `header_media` the header,
    `buttons` the buttons by their position. Raises RejectedError `template_parameters` with every fault.
    """
    faults = _Faults()
    parts = {str(one.get("type", "")).upper(): one for one in _objects(template.get("components"))}
    found = [
        *_header(parts.get("HEADER", {}), value, faults),
        *_body(parts.get("BODY", {}), value.get("params", []), faults),
        *_buttons(_objects(parts.get("BUTTONS", {}).get("buttons")), value.get("buttons", []), faults),
    ]
    if faults.found:
        told = "; ".join(f"{one['path']}: {one['message']}" for one in faults.found)
        message = f"the template {template.get('name')} is not filled: {told}"
        raise RejectedError(
            message[:1000], code="template_parameters", details={"problems": faults.found[:20]}
        )
    return found


def placeholders(text: Json) -> list[str]:
    """Return the names of the places to fill in a template's text: `1`, `2` … or words, each once."""
    names = dict.fromkeys(_PLACEHOLDER.findall(text)) if isinstance(text, str) else {}
    return sorted(names, key=lambda name: (0, int(name), "") if name.isdigit() else (1, 0, name))


def _header(part: JsonObject, value: JsonObject, faults: _Faults) -> Iterator[JsonObject]:
    format_ = str(part.get("format", "")).upper()
    text, media = value.get("header_text"), value.get("header_media")
    names = placeholders(part.get("text")) if format_ == "TEXT" else []
    if text is not None and not names:
        faults.add("header_text", "its header takes no text")
    if media is not None and format_ not in _MEDIA_FORMATS:
        faults.add("header_media", "its header takes no file")
    if names and text is None:
        faults.add("header_text", f"its header asks for {names[0]}")
    if names and text is not None:
        yield {"type": "header", "parameters": [_parameter(names[0], text)]}
    if format_ in _MEDIA_FORMATS:
        yield from _header_media(_MEDIA_FORMATS[format_], media, faults)
    if format_ == "LOCATION":
        faults.add("template", "its header asks for a place on the map, which this action cannot give")


def _header_media(kind: str, media: Json, faults: _Faults) -> Iterator[JsonObject]:
    if media is None:
        faults.add("header_media", f"its header asks for a file: {kind}")
    elif ("media_id" in media) == ("link" in media):
        faults.add("header_media", "give either media_id or link")
    else:
        named = {"id": media["media_id"]} if "media_id" in media else {"link": media["link"]}
        if kind == "document" and "filename" in media:
            named["filename"] = media["filename"]
        yield {"type": "header", "parameters": [{"type": kind, kind: named}]}


def _body(part: JsonObject, params: Json, faults: _Faults) -> Iterator[JsonObject]:
    names = placeholders(part.get("text"))
    given = params if isinstance(params, dict) else {str(n): one for n, one in enumerate(params, start=1)}
    if not isinstance(params, dict) and any(not name.isdigit() for name in names):
        if params or names:
            faults.add("params", f"it asks for parameters by name: {', '.join(names)}")
        return
    if not isinstance(params, dict) and len(params) != len(names):
        faults.add("params", f"it asks for {len(names)} parameters, not {len(params)}")
        return
    for name in names:
        if name not in given:
            faults.add(f"params.{name}", "it is missing")
        elif not str(given[name]).strip():
            faults.add(f"params.{name}", "it is empty")
    for name in given:
        if name not in names:
            faults.add(
                f"params.{name}", f"it asks for no such parameter, but for {', '.join(names) or 'none'}"
            )
    if names and not faults.found:
        yield {"type": "body", "parameters": [_parameter(name, given[name]) for name in names]}


def _parameter(name: str, text: Json) -> JsonObject:
    by_name = {} if name.isdigit() else {"parameter_name": name}
    return {"type": "text", **by_name, "text": str(text)}


def _buttons(declared: list[JsonObject], given: list[JsonObject], faults: _Faults) -> Iterator[JsonObject]:
    values = {one["index"]: one["value"] for one in given}
    if len(values) != len(given):
        faults.add("buttons", "two are for the same position")
    for index in sorted(set(values) - set(range(len(declared)))):
        faults.add(f"buttons.{index}", f"it has {len(declared)} buttons, counted from 0")
    for index, button in enumerate(declared):
        sub_type, member, needed = _taken_by(button)
        if index in values and sub_type:
            parameter = {"type": member, member: values[index]}
            yield {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}
        elif index in values:
            faults.add(f"buttons.{index}", "this button takes no value")
        elif needed:
            faults.add(f"buttons.{index}", "this button asks for a value")


def _taken_by(button: JsonObject) -> tuple[str, str, bool]:
    """Return how a button's value is sent, as which member, and whether it has to be."""
    kind = str(button.get("type", "")).upper()
    if kind == "OTP" or (kind == "URL" and placeholders(button.get("url"))):
        return "url", "text", True
    if kind == "COPY_CODE":
        return "copy_code", "coupon_code", True
    if kind == "QUICK_REPLY":
        return "quick_reply", "payload", False
    return "", "", False


def _objects(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
