"""What the Cloud API refuses of a message, in its own words and codes."""

import re
from collections.abc import Callable

from revolution_sdk import Json, JsonObject
from revolution_whatsapp.sandbox.shapes import WINDOW_CLOSED, Refused
from revolution_whatsapp.sandbox.state import World

MEDIA = ("image", "video", "audio", "document", "sticker")
_ENVELOPE = frozenset(
    {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data"}
)
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def check_message(world: World, number_id: str, body: Json) -> tuple[str, str]:
    """Return whom a message is for and its kind; raises Refused for what is no message."""
    message = _envelope(body)
    kind = message.get("type", "text")
    if not isinstance(kind, str) or kind not in CHECKS:
        raise Refused(
            100, f"Param type must be one of {{{', '.join(sorted(CHECKS)).upper()}}} - got {kind!r}."
        )
    unknown = sorted(set(message) - _ENVELOPE - {kind})
    if unknown:
        raise Refused(100, f"Unexpected key {unknown[0]!r} on param root.")
    content = message.get(kind)
    if not isinstance(content, dict):
        raise Refused(131008, f"Parameter '{kind}' is mandatory for type '{kind}'")
    CHECKS[kind](world, content)
    person = _person(message)
    own = world.numbers[number_id].display
    if person == own:
        raise Refused(131021, "Recipient phone number cannot be sender phone number")
    if "context" in message and not _text(_member(message["context"], "message_id"), 250):
        raise Refused(131009, "Parameter context.message_id is not valid")
    return person, kind


def require_window(world: World, number_id: str, person: str, kind: str) -> int | None:
    """Return the code a message fails with afterwards; raises Refused if it fails at once."""
    if kind == "template" or world.is_open(number_id, person):
        return None
    if not world.late:
        raise Refused(131047, WINDOW_CLOSED)
    return 131047


def _envelope(body: Json) -> JsonObject:
    if not isinstance(body, dict):
        raise Refused(100, "The body is not a JSON object.")
    if body.get("messaging_product") != "whatsapp":
        raise Refused(100, "Param messaging_product must be one of {WHATSAPP}.")
    if body.get("recipient_type", "individual") not in ("individual", "group"):
        raise Refused(100, "Param recipient_type must be one of {INDIVIDUAL, GROUP}.")
    data = body.get("biz_opaque_callback_data", "")
    if not isinstance(data, str) or len(data) > 512:
        raise Refused(131009, "Parameter biz_opaque_callback_data is longer than 512 characters")
    return body


def _person(message: JsonObject) -> str:
    to = message.get("to", message.get("recipient"))
    if to is None:
        raise Refused(100, "The parameter to is required.")
    if not isinstance(to, str):
        raise Refused(100, "Param to must be a string.")
    if "to" not in message:
        if not re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9.]+", to):
            raise Refused(131062, "Business-scoped user id is not valid")
        return to
    digits = re.sub(r"[+ ()-]", "", to)
    if not re.fullmatch(r"[0-9]{5,20}", digits):
        raise Refused(131009, "Parameter to is not a valid phone number")
    return digits


def _check_text(world: World, content: JsonObject) -> None:
    if not _text(content.get("body"), 4096):
        raise Refused(100, "Param text['body'] must be between 1 and 4096 characters long.")
    unknown = sorted(set(content) - {"body", "preview_url"})
    if unknown or not isinstance(content.get("preview_url", False), bool):
        raise Refused(100, f"Unexpected key {(unknown or ['preview_url'])[0]!r} on param text.")


def _check_media(world: World, content: JsonObject) -> None:
    if ("id" in content) == ("link" in content):
        raise Refused(100, "Param media must have either id or link.")
    if "id" in content and content["id"] not in world.files:
        raise Refused(131009, "Media ID is not valid")
    if "link" in content and not re.match(r"https?://", str(content["link"])):
        raise Refused(131009, "Media link is not a valid URL")
    if not isinstance(content.get("caption", ""), str) or len(content.get("caption", "")) > 1024:
        raise Refused(131009, "Parameter caption is longer than 1024 characters")


def _check_reaction(world: World, content: JsonObject) -> None:
    if not _text(content.get("message_id"), 250) or not isinstance(content.get("emoji"), str):
        raise Refused(131008, "Parameters reaction.message_id and reaction.emoji are mandatory")
    if set(content) - {"message_id", "emoji"}:
        raise Refused(100, "Unexpected key on param reaction.")


def _check_interactive(world: World, content: JsonObject) -> None:
    action, kind = content.get("action"), content.get("type")
    if kind not in ("button", "list") or not isinstance(action, dict):
        raise Refused(131009, "Parameter interactive.type or interactive.action is not valid")
    if not _text(_member(content.get("body"), "text"), 1024):
        raise Refused(131008, "Parameter interactive.body.text is mandatory, at most 1024 characters")
    for part in ("header", "footer"):
        if part in content and not _text(_member(content[part], "text"), 60):
            raise Refused(131009, f"Parameter interactive.{part}.text is not valid, at most 60 characters")
    if kind == "button":
        _check_buttons(action)
    else:
        _check_list(action)


def _check_buttons(action: JsonObject) -> None:
    buttons = _objects(action.get("buttons"))
    replies = [one.get("reply") for one in buttons if one.get("type") == "reply"]
    if not 1 <= len(buttons) <= 3 or len(replies) != len(buttons):
        raise Refused(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    titles = [_member(one, "title") for one in replies]
    if not all(_text(_member(one, "id"), 256) for one in replies) or not all(
        _text(one, 20) for one in titles
    ):
        raise Refused(131009, "Button id or title is not valid; a title has at most 20 characters")
    if len(set(titles)) != len(titles):
        raise Refused(131009, "Duplicated title found in buttons")


def _check_list(action: JsonObject) -> None:
    sections = _objects(action.get("sections"))
    rows = [row for one in sections for row in _objects(one.get("rows"))]
    if not _text(action.get("button"), 20) or not sections or not 1 <= len(rows) <= 10:
        raise Refused(
            131009, "Total row count exceed max allowed count: 10, or button or sections are missing"
        )
    if len(sections) > 1 and not all(_text(one.get("title"), 24) for one in sections):
        raise Refused(131009, "Section title is required when there is more than one section")
    if not all(_text(one.get("id"), 200) and _text(one.get("title"), 24) for one in rows):
        raise Refused(131009, "Row id or title is not valid; a title has at most 24 characters")
    if len({one["id"] for one in rows}) != len(rows):
        raise Refused(131009, "Duplicated row id")


def _check_template(world: World, content: JsonObject) -> None:
    name, language = content.get("name"), _member(content.get("language"), "code")
    if not _text(name, 512) or not _text(language, 20):
        raise Refused(131008, "Parameters template.name and template.language.code are mandatory")
    found = [one for one in world.templates if (one["name"], one["language"]) == (name, language)]
    if not found:
        raise Refused(132001, f"template name ({name}) does not exist in {language}", status=404)
    if found[0]["status"] != "APPROVED":
        raise Refused(132015, f"template ({name}) is {found[0]['status']}")
    given = {str(one.get("type")): one for one in _objects(content.get("components"))}
    for part in found[0]["components"]:
        _check_filled(part, given)


def _check_filled(part: JsonObject, given: dict[str, JsonObject]) -> None:
    kind = part["type"].lower()
    if kind not in ("header", "body"):
        return
    parameters = _objects(given.get(kind, {}).get("parameters"))
    places = sorted(set(_PLACE.findall(part.get("text", ""))))
    expected = 1 if part.get("format") in ("IMAGE", "VIDEO", "DOCUMENT") else len(places)
    if len(parameters) != expected:
        told = f"{kind}: number of localizable_params ({len(parameters)}) does not match the expected number"
        raise Refused(132000, f"{told} of params ({expected})")
    named = sorted(str(one.get("parameter_name")) for one in parameters)
    if places and not places[0].isdigit() and named != places:
        raise Refused(132012, f"{kind}: parameter names do not match {', '.join(places)}")


CHECKS: dict[str, Callable[[World, JsonObject], None]] = {
    "text": _check_text,
    "reaction": _check_reaction,
    "interactive": _check_interactive,
    "template": _check_template,
    **dict.fromkeys(MEDIA, _check_media),
}


def _text(value: Json, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest


def _member(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _objects(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
