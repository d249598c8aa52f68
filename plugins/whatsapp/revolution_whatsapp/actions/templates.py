"""Templates: the messages WhatsApp has approved, which may be sent at any time."""

from collections.abc import Iterator
from difflib import get_close_matches

from revolution_sdk import ActionContext, Json, JsonObject, RejectedError
from revolution_sdk.schema import array, integer, nullable, object_, string
from revolution_whatsapp import client
from revolution_whatsapp.actions.messages import sent
from revolution_whatsapp.addressing import REPLY_TO, SENT, TO, business_of
from revolution_whatsapp.auth import MANAGEMENT, MESSAGING
from revolution_whatsapp.declaration import whatsapp
from revolution_whatsapp.filling import components_of, placeholders

MOST_PAGES = 20

_NAME = "^[a-z0-9_]{1,512}$"
_LANGUAGE = "^[a-z]{2,3}(_[A-Za-z]{2,4})?$"
_FILLING: JsonObject = {"type": ["string", "number"], "maxLength": 32_768}

TEMPLATE = object_(
    id=nullable(string()),
    name=string(),
    language=string(),
    status=nullable(string(describe="APPROVED can be sent; PENDING, REJECTED, PAUSED, DISABLED …")),
    category=nullable(string(describe="MARKETING, UTILITY or AUTHENTICATION")),
    parameters=array(string(), describe="What the body asks for: 1, 2 … or names"),
    components=array(object_(open_=True), describe="Header, body, footer and buttons as WhatsApp has them"),
)


@whatsapp.action(
    input=object_(
        name=string(pattern=_NAME, describe="Only templates with this very name"),
        status=string(pattern="^[A-Z_]{1,40}$", describe="Only those in this status, such as APPROVED"),
        limit=integer(minimum=1, maximum=100, default=50, describe="How many at most"),
        cursor=string(min_length=1, max_length=1000, describe="The `cursor` of the page before"),
        optional=["name", "status", "limit", "cursor"],
    ),
    output=object_(
        templates=array(TEMPLATE), cursor=nullable(string(describe="For the next page; null at the end"))
    ),
    effect="read",
    scopes=(MANAGEMENT,),
)
def list_templates(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """List the business account's templates with what they ask for, a page at a time. Changes nothing."""
    name = value.get("name", "")
    found, cursor = client.list_templates(
        ctx.http,
        business_of(ctx),
        name=name,
        status=value.get("status", ""),
        after=value.get("cursor", ""),
        limit=value.get("limit", 50),
    )
    return {"templates": [_shown(one) for one in found if name in ("", one.get("name"))], "cursor": cursor}


@whatsapp.action(
    input=object_(
        to=TO,
        template=string(pattern=_NAME, describe="The template's name"),
        language=string(pattern=_LANGUAGE, describe="The language it was approved in, such as de or en_US"),
        params={
            "anyOf": [
                {"type": "array", "items": _FILLING, "maxItems": 100},
                {"type": "object", "additionalProperties": _FILLING, "maxProperties": 100},
            ],
            "description": "What fills the body: a list for {{1}}, {{2}} …, an object where it names them",
        },
        header_text=string(
            min_length=1, max_length=60, describe="What fills the header, if it asks for text"
        ),
        header_media=object_(
            media_id=string(pattern="^[0-9]{1,30}$"),
            link=string(pattern="^https://[^ ]+$", max_length=2000),
            filename=string(min_length=1, max_length=240),
            optional=["media_id", "link", "filename"],
            describe="The header's image, video or document, by id or link, if it asks for one",
        ),
        buttons=array(
            object_(
                index=integer(minimum=0, maximum=9, describe="The button's position, from 0"),
                value=string(
                    min_length=1, max_length=2000, describe="End of its address, code, or what comes back"
                ),
            ),
            max_items=10,
            describe="What fills the buttons that ask for something",
        ),
        reply_to=REPLY_TO,
        optional=["params", "header_text", "header_media", "buttons", "reply_to"],
    ),
    output=SENT,
    effect="once",
    scopes=(MESSAGING, MANAGEMENT),
)
def send_template(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Send an approved template to one person, at any time, also to somebody who has never written.

    The template is read first: what fills it must be what it asks for, else the step fails with
    `template_parameters` and every fault, and nothing is sent. Calling it twice sends it twice.
    """
    template = _find(ctx, value["template"], value["language"])
    if template.get("status") not in ("APPROVED", None):
        message = (
            f"the template {value['template']} is {template['status']}; only an APPROVED one can be sent"
        )
        raise RejectedError(message[:300], code="template_not_approved", details={"field": "template"})
    content: JsonObject = {"name": value["template"], "language": {"code": value["language"]}}
    components = components_of(template, value)
    if components:
        content["components"] = components
    return sent(ctx, value, "template", content)


def _find(ctx: ActionContext, name: str, language: str) -> JsonObject:
    """Return the template; raises RejectedError `template_missing` naming what there is instead."""
    named = [one for one in _all(ctx, name) if one.get("name") == name]
    for one in named:
        if one.get("language") == language:
            return one
    if named:
        known = ", ".join(sorted(str(one.get("language")) for one in named))
        message = f"the template {name} is there in {known}, not in {language}"
        raise RejectedError(message[:500], code="template_missing", details={"field": "language"})
    others = {str(one.get("name")) for one in _all(ctx, "")}
    near = get_close_matches(name, sorted(others), n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    message = f"the business account has no template {name}{hint}"
    raise RejectedError(message[:500], code="template_missing", details={"field": "template"})


def _all(ctx: ActionContext, name: str) -> Iterator[JsonObject]:
    cursor = ""
    for _ in range(MOST_PAGES):
        page, following = client.list_templates(
            ctx.http, business_of(ctx), name=name, after=cursor, limit=100
        )
        yield from page
        if following is None:
            return
        cursor = following


def _shown(template: JsonObject) -> JsonObject:
    components = template.get("components")
    parts = [one for one in components if isinstance(one, dict)] if isinstance(components, list) else []
    bodies = [one for one in parts if str(one.get("type")).upper() == "BODY"]
    return {
        "id": _text(template.get("id")),
        "name": _text(template.get("name")) or "",
        "language": _text(template.get("language")) or "",
        "status": _text(template.get("status")),
        "category": _text(template.get("category")),
        "parameters": placeholders(bodies[0].get("text")) if bodies else [],
        "components": parts,
    }


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
