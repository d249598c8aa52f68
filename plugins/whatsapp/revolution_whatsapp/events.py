"""What WhatsApp reports: a message came in, and one that was sent has come further or has failed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from revolution_sdk import Delivery, DeliveryError, Emitted, Json, JsonObject
from revolution_sdk.schema import boolean, integer, nullable, number, object_, string
from revolution_whatsapp.codes import meaning_of, reason_of
from revolution_whatsapp.reading import FieldError, clean, id_of, items, member, moment, text_of

MESSAGE_RECEIVED = "message.received"
MESSAGE_STATUS = "message.status"

_MEDIA = ("image", "video", "audio", "document", "sticker")
_STATUSES = frozenset({"sent", "delivered", "read", "failed"})

_WHERE = {
    "phone_number_id": string(describe="Id of the business's number"),
    "business_account_id": string(describe="Id of the business account the number is part of"),
}

MESSAGE_RECEIVED_DATA = object_(
    id=string(describe="The message's id, to answer to it, react to it or mark it as read"),
    **_WHERE,  # type: ignore[arg-type]
    display_phone_number=string(describe="The business's number"),
    sender=string(describe="Who wrote: the number, or the user id where the number is hidden; send to it"),
    sender_number=nullable(string(describe="The sender's number, null where it is hidden")),
    sender_user_id=nullable(string(describe="The sender's id for this business, such as US.1349…")),
    sender_name=nullable(string(describe="The name on the sender's profile")),
    sender_username=nullable(string()),
    type=string(describe="text, image, video, audio, document, sticker, interactive, button, reaction …"),
    text=nullable(string(describe="What was written, or what a button or a row of a list says")),
    reply_to=nullable(string(describe="The id of the message this one answers")),
    choice=nullable(
        object_(
            id=string(describe="The id you gave the button or row"),
            title=nullable(string()),
            description=nullable(string()),
            describe="Which button or row was chosen",
        )
    ),
    media=nullable(
        object_(
            id=string(describe="For download_media"),
            mime_type=nullable(string()),
            sha256=nullable(string()),
            filename=nullable(string()),
            voice=boolean(describe="Whether it is a voice message"),
            describe="The file sent along",
        )
    ),
    reaction=nullable(
        object_(message_id=string(), emoji=nullable(string(describe="Null when it was taken back")))
    ),
    location=nullable(
        object_(latitude=number(), longitude=number(), name=nullable(string()), address=nullable(string()))
    ),
    group_id=nullable(string()),
    occurred_at=string(format="date-time", describe="When it was sent, UTC; 24 hours to answer begin here"),
    message=object_(open_=True, describe="The message as WhatsApp has it"),
)

MESSAGE_STATUS_DATA = object_(
    id=string(describe="The message's id, as sending it has returned"),
    **_WHERE,  # type: ignore[arg-type]
    display_phone_number=string(describe="The business's number"),
    status=string(
        describe="sent, delivered, read, played or failed; in no promised order, and some are left out"
    ),
    recipient=nullable(string(describe="The number it went to, or the user id")),
    recipient_user_id=nullable(string()),
    reference=nullable(string(describe="What the send action has returned as `reference`")),
    category=nullable(string(describe="What it is charged as: marketing, utility, service …")),
    billable=nullable(boolean()),
    error=nullable(
        object_(
            code=integer(describe="WhatsApp's code"),
            name=string(describe="The name a refused step has: window_closed, recipient_unreachable …"),
            message=string(describe="What is to be done, or what WhatsApp says"),
            describe="Why it failed",
        )
    ),
    occurred_at=string(format="date-time", describe="When that was, UTC"),
)


def parse(delivery: Delivery) -> list[Emitted]:
    """Return the messages and statuses of a delivery in their order; other kinds are left out.

    A delivery may carry several accounts, numbers, messages and statuses. Messages are told apart by their
    id, statuses by the message's id and the status. Raises DeliveryError `unreadable`, naming the place,
    for what cannot be read; nothing of such a delivery is reported.
    Source: Meta "Webhooks, messages", read 2026-11-22; samples in tests/samples.
    """
    body = _json(delivery.body)
    if not isinstance(body, dict):
        raise DeliveryError("the delivery is not an object", code="unreadable")
    if body.get("object") != "whatsapp_business_account":
        return []
    try:
        return [event for entry in items(body, "entry", "") for event in _of_entry(*entry)]
    except FieldError as error:
        message = f"{error.place} is {error.fault}"
        raise DeliveryError(message, code="unreadable", details={"field": error.place}) from error


def canonical_message(data: JsonObject) -> JsonObject:
    """Return the members of the canonical `message.received`."""
    return {
        "id": data["id"],
        "sender": data["sender"],
        "sender_name": data["sender_name"],
        "channel": data["display_phone_number"],
        "text": data["text"],
        "thread_id": f"{data['phone_number_id']}/{data['sender']}",
        "occurred_at": data["occurred_at"],
    }


def canonical_status(data: JsonObject) -> JsonObject:
    """Return the members of the canonical `message.status`; a voice message that was played was read."""
    status = "read" if data["status"] == "played" else data["status"]
    return {
        "id": data["id"],
        "status": status if status in _STATUSES else "other",
        "recipient": data["recipient"],
        "channel": data["display_phone_number"],
        "reason": data["error"]["message"] if data["error"] else None,
        "reference": data["reference"],
        "occurred_at": data["occurred_at"],
    }


def _of_entry(entry: JsonObject, place: str) -> Iterator[Emitted]:
    for change, inner in items(entry, "changes", place):
        if change.get("field") != "messages":
            continue
        value, within = member(change, "value", inner), f"{inner}.value"
        where = _where(entry, value, place, within)
        contacts = [one for one, _ in items(value, "contacts", within)]
        for message, at in items(value, "messages", within):
            yield _received(message, at, where, contacts)
        for status, at in items(value, "statuses", within):
            yield _status(status, at, where)


def _where(entry: JsonObject, value: JsonObject, place: str, inner: str) -> JsonObject:
    metadata, inner = member(value, "metadata", inner), f"{inner}.metadata"
    return {
        "phone_number_id": id_of(metadata, "phone_number_id", inner),
        "business_account_id": id_of(entry, "id", place),
        "display_phone_number": text_of(metadata, "display_phone_number", inner) or "",
    }


def _received(message: JsonObject, place: str, where: JsonObject, contacts: list[JsonObject]) -> Emitted:
    message_id, at = id_of(message, "id", place), moment(message, place)
    number_, user = text_of(message, "from", place), text_of(message, "from_user_id", place)
    if not (number_ or user):
        raise FieldError(f"{place}.from", "missing")
    kind = id_of(message, "type", place)
    name, username = _profile(contacts, number_, user)
    content = member(message, kind, place) if isinstance(message.get(kind), dict) else {}
    inside = f"{place}.{kind}"
    read = partial(text_of, content, place=inside)
    choice = _choice(content, kind, inside)
    data: JsonObject = {
        "id": message_id,
        **where,
        "sender": number_ or user,
        "sender_number": number_,
        "sender_user_id": user,
        "sender_name": name,
        "sender_username": username,
        "type": kind,
        "text": read("body") or read("caption") or (choice and choice["title"]),
        "reply_to": text_of(member(message, "context", place), "id", f"{place}.context")
        if "context" in message
        else None,
        "choice": choice,
        "media": _media(content, inside) if kind in _MEDIA else None,
        "reaction": {"message_id": id_of(content, "message_id", inside), "emoji": read("emoji") or None}
        if kind == "reaction"
        else None,
        "location": _location(content, inside) if kind == "location" else None,
        "group_id": text_of(message, "group_id", place),
        "occurred_at": _written(at),
        "message": message,
    }
    return Emitted(
        type=MESSAGE_RECEIVED,
        account=where["phone_number_id"],
        dedup_key=f"message:{message_id}",
        occurred_at=at,
        data=data,
    )


def _status(status: JsonObject, place: str, where: JsonObject) -> Emitted:
    message_id, name, at = id_of(status, "id", place), id_of(status, "status", place), moment(status, place)
    user = text_of(status, "recipient_user_id", place)
    pricing = member(status, "pricing", place) if "pricing" in status else {}
    billable = pricing.get("billable")
    errors = [one for one, _ in items(status, "errors", place)]
    data: JsonObject = {
        "id": message_id,
        **where,
        "status": name,
        "recipient": text_of(status, "recipient_id", place) or user,
        "recipient_user_id": user,
        "reference": text_of(status, "biz_opaque_callback_data", place),
        "category": text_of(pricing, "category", f"{place}.pricing"),
        "billable": billable if isinstance(billable, bool) else None,
        "error": _error(errors[0]) if errors else None,
        "occurred_at": _written(at),
    }
    return Emitted(
        type=MESSAGE_STATUS,
        account=where["phone_number_id"],
        dedup_key=f"status:{message_id}:{name}",
        occurred_at=at,
        data=data,
    )


def _profile(
    contacts: list[JsonObject], number_: str | None, user: str | None
) -> tuple[str | None, str | None]:
    for one in contacts:
        if (number_ and one.get("wa_id") == number_) or (user and one.get("user_id") == user):
            profile = member(one, "profile", "contacts") if "profile" in one else {}
            return text_of(profile, "name", "profile"), text_of(profile, "username", "profile")
    return None, None


def _choice(content: JsonObject, kind: str, place: str) -> JsonObject | None:
    if kind == "button":
        title = text_of(content, "text", place)
        return {"id": text_of(content, "payload", place) or title or "", "title": title, "description": None}
    chosen = content.get("button_reply") or content.get("list_reply") if kind == "interactive" else None
    if not isinstance(chosen, dict):
        return None
    return {
        "id": id_of(chosen, "id", place),
        "title": text_of(chosen, "title", place),
        "description": text_of(chosen, "description", place),
    }


def _media(content: JsonObject, place: str) -> JsonObject:
    named = {name: text_of(content, name, place) for name in ("mime_type", "sha256", "filename")}
    return {"id": id_of(content, "id", place), **named, "voice": content.get("voice") is True}


def _location(content: JsonObject, place: str) -> JsonObject:
    found: JsonObject = {name: text_of(content, name, place) for name in ("name", "address")}
    for name in ("latitude", "longitude"):
        value = content.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FieldError(f"{place}.{name}", "no number")
        found[name] = value
    return found


def _error(error: JsonObject) -> JsonObject:
    code = error.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else 0
    meaning = meaning_of(code)
    told = meaning.message or reason_of(error).get("provider_message") or "WhatsApp does not say why"
    return {"code": code, "name": meaning.name, "message": told}


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(body: bytes) -> Json:
    """Read UTF-8 JSON without names that occur twice; what no database takes is replaced by U+FFFD."""
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        return clean(found)
    except (ValueError, RecursionError) as error:
        raise DeliveryError("the delivery is not JSON", code="unreadable") from error


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
