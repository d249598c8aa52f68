"""What HubSpot reports: a contact was created. Deliveries carry ids only; read the contact for the rest."""

import json
import re
from datetime import UTC, datetime, timedelta

from revolution_sdk import Delivery, DeliveryError, Emitted, Json, JsonObject
from revolution_sdk.schema import integer, nullable, object_, string

CONTACT_CREATED = "contact.created"

CONTACT_CREATED_DATA = object_(
    object_id=string(describe="The contact's id, for get_contact"),
    portal_id=string(describe="The HubSpot account's id"),
    occurred_at=string(format="date-time", describe="When the contact was created, UTC"),
    change_source=nullable(string(describe="What created it: CRM_UI, IMPORT, FORM, INTEGRATION …")),
    source_id=nullable(string(describe="Which user, import or app created it, as HubSpot writes it")),
    attempt=integer(minimum=0, describe="0 for the first delivery, counting up when HubSpot repeats it"),
)

MOST_EVENTS = 100
LONGEST_TEXT = 500
LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, beyond which a moment cannot be written down."""

_CONTACT_TYPE_ID = "0-1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"[0-9]{1,20}\Z")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def parse(delivery: Delivery) -> list[Emitted]:
    """Return the contacts created, in the order of the batch; other kinds of events are left out.

    A batch is a JSON array of at most 100 objects, in no promised order, and may hold the same event twice:
    `eventId` alone is not unique, so the dedup key is made of six fields. Raises DeliveryError with code
    `unreadable`, naming the item and field, for anything else; nothing of such a batch is reported.
    Source: HubSpot "Webhooks", read 2026-11-22; samples in tests/samples/webhook-payloads.json.
    """
    batch = _strict_json(delivery.body)
    if not isinstance(batch, list) or len(batch) > MOST_EVENTS:
        raise _unreadable(f"the delivery is not a list of at most {MOST_EVENTS} events")
    found = [_read(item, index) for index, item in enumerate(batch)]
    return [event for event in found if event is not None]


def canonical_contact(data: JsonObject) -> JsonObject:
    """Return the members of `crm.contact.created` that a delivery has: it carries no more than the id."""
    return {"id": data["object_id"], "occurred_at": data["occurred_at"]}


def _read(item: Json, index: int) -> Emitted | None:
    if not isinstance(item, dict):
        raise _unreadable("an event is not an object", item=index)
    try:
        return _contact_created(item) if _is_contact_creation(item) else None
    except _FieldError as error:
        raise _unreadable(
            f"the event's {error.field} is {error.fault}", item=index, field=error.field
        ) from error


def _is_contact_creation(item: JsonObject) -> bool:
    # Older deliveries say eventType where newer ones say subscriptionType.
    name = "eventType" if item.get("subscriptionType") is None else "subscriptionType"
    kind = _text(item, name)
    if kind is None:
        raise _FieldError(name, "missing")
    return kind == "contact.creation" or (
        kind == "object.creation" and item.get("objectTypeId") == _CONTACT_TYPE_ID
    )


def _contact_created(item: JsonObject) -> Emitted:
    portal_id, object_id = _id(item, "portalId"), _id(item, "objectId")
    occurred_at = _moment(item, "occurredAt")
    key = (
        portal_id,
        _id(item, "subscriptionId"),
        object_id,
        _text(item, "propertyName") or "",
        _id(item, "occurredAt"),
        _id(item, "eventId"),
    )
    return Emitted(
        type=CONTACT_CREATED,
        account=portal_id,
        dedup_key=":".join(key),
        occurred_at=occurred_at,
        data={
            "object_id": object_id,
            "portal_id": portal_id,
            "occurred_at": occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "change_source": _text(item, "changeSource"),
            "source_id": _source_id(item),
            "attempt": int(_id(item, "attemptNumber")) if "attemptNumber" in item else 0,
        },
    )


def _id(item: JsonObject, field: str) -> str:
    """Read a whole number of at most 20 digits, given as number or text, as text without leading zeros."""
    value = item.get(field)
    # The bound comes first: writing out a number of thousands of digits is an error of its own.
    is_number = isinstance(value, int) and 0 <= value < 10**20
    text = str(value) if is_number or isinstance(value, str) else ""
    if not _DIGITS.match(text):
        raise _FieldError(field, "not an id")
    return str(int(text))


def _moment(item: JsonObject, field: str) -> datetime:
    milliseconds = int(_id(item, field))
    if milliseconds > LATEST_MS:
        raise _FieldError(field, "out of range")
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _text(item: JsonObject, field: str) -> str | None:
    value = item.get(field)
    if value is None:
        return None
    # Control characters and lone surrogates cannot be stored everywhere, and no field of HubSpot's has them.
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or _UNPRINTABLE.search(value):
        raise _FieldError(field, "not a plain text")
    return value


def _source_id(item: JsonObject) -> str | None:
    is_number = isinstance(item.get("sourceId"), int)
    return _id(item, "sourceId") if is_number else _text(item, "sourceId")


def _strict_json(body: bytes) -> Json:
    """Read UTF-8 JSON as RFC 8259 has it: no NaN, no name twice in an object, no endless nesting."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _unreadable("the delivery is not JSON") from error


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _unreadable(message: str, **details: Json) -> DeliveryError:
    return DeliveryError(message, code="unreadable", details=details)


class _FieldError(Exception):
    def __init__(self, field: str, fault: str) -> None:
        super().__init__(field)
        self.field = field
        self.fault = fault
