"""The provider-neutral names events go by, each with what its data hold. The one registry of them.

A connector names one in `canonical=`, and says with `map=` which of these members its data have. Whoever
listens to the canonical name finds them beside the provider's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from revolution_sdk.schema import array, boolean, nullable, number, object_, string
from revolution_sdk.types import JsonObject

CUSTOM: Final = "custom"
"""Event types that begin with this word are a tenant's own; nobody declares them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalEvent:
    """A happening as every provider of its kind reports it. `data` is a JSON Schema."""

    name: str
    title: str
    data: JsonObject


_ID = string(min_length=1, describe="The provider's own id of it")
_URL = nullable(string(describe="Where people see it at the provider"))
_AT = nullable(string(format="date-time", describe="When it happened"))


def _object(*, optional: Sequence[str], **properties: JsonObject) -> JsonObject:
    more = object_(open_=True, describe="What else the provider says, as it says it")
    return {
        "type": "object",
        "properties": {**properties, "provider": more},
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


_CONTACT = _object(
    optional=("email", "first_name", "last_name", "phone", "company", "language", "url", "occurred_at"),
    id=_ID,
    email=nullable(string(describe="The mail address")),
    first_name=nullable(string()),
    last_name=nullable(string()),
    phone=nullable(string()),
    company=nullable(string(describe="The name of the company the person works for")),
    language=nullable(string(describe="The language spoken, such as de")),
    url=_URL,
    occurred_at=_AT,
)
_COMPANY = _object(
    optional=("name", "domain", "phone", "url", "occurred_at"),
    id=_ID,
    name=nullable(string()),
    domain=nullable(string(describe="The domain of its web site")),
    phone=nullable(string()),
    url=_URL,
    occurred_at=_AT,
)
_DEAL = _object(
    optional=("name", "amount", "currency", "stage", "contact_id", "company_id", "url", "occurred_at"),
    id=_ID,
    name=nullable(string()),
    amount=nullable(number()),
    currency=nullable(string(describe="Three letters, as ISO 4217 has them")),
    stage=nullable(string(describe="The stage of the pipeline, as the provider names it")),
    contact_id=nullable(string()),
    company_id=nullable(string()),
    url=_URL,
    occurred_at=_AT,
)
_DELETED = _object(optional=("occurred_at",), id=_ID, occurred_at=_AT)
_EMAIL = _object(
    optional=("from_name", "to", "cc", "text", "thread_id", "url", "occurred_at"),
    id=_ID,
    from_address=string(describe="The sender's mail address"),
    from_name=nullable(string()),
    to=array(string(), describe="The addresses it went to"),
    cc=array(string()),
    subject=string(),
    text=nullable(string(describe="The text, or its beginning")),
    thread_id=nullable(string(describe="Of the conversation it belongs to")),
    url=_URL,
    occurred_at=_AT,
)
_MESSAGE = _object(
    optional=("sender_name", "channel", "text", "thread_id", "occurred_at"),
    id=_ID,
    sender=string(describe="Who wrote it: a number, an address or an id"),
    sender_name=nullable(string()),
    channel=nullable(string(describe="Where it was written")),
    text=nullable(string()),
    thread_id=nullable(string()),
    occurred_at=_AT,
)
_MESSAGE_STATUS = _object(
    optional=("recipient", "channel", "reason", "reference", "occurred_at"),
    id=string(min_length=1, describe="The provider's own id of the message, as it was sent"),
    status=string(
        enum=("sent", "delivered", "read", "failed", "other"),
        describe="How far it has come, in no promised order",
    ),
    recipient=nullable(string(describe="Who it went to: a number, an address or an id")),
    channel=nullable(string(describe="Where it was written")),
    reason=nullable(string(describe="Why it failed")),
    reference=nullable(string(describe="What its sender has called it")),
    occurred_at=_AT,
)
_CALENDAR = _object(
    optional=("title", "start", "end", "all_day", "location", "organizer", "attendees", "url", "occurred_at"),
    id=_ID,
    calendar_id=string(describe="The calendar it stands in"),
    title=nullable(string()),
    start=nullable(string(describe="RFC 3339, or a date if it takes the whole day")),
    end=nullable(string(describe="Like start; not included")),
    all_day=boolean(),
    location=nullable(string()),
    organizer=nullable(string(describe="The organizer's mail address")),
    attendees=array(string(), describe="The mail addresses of who is invited"),
    url=_URL,
    occurred_at=_AT,
)
_FORM = _object(
    optional=("form_name", "email", "url", "occurred_at"),
    id=_ID,
    form_id=string(describe="Which form it is"),
    form_name=nullable(string()),
    email=nullable(string(describe="The mail address among the answers")),
    answers=object_(open_=True, describe="The answers by the name of the field"),
    url=_URL,
    occurred_at=_AT,
)


def _registry() -> Mapping[str, CanonicalEvent]:
    rows = (
        ("crm.contact.created", "A contact was created", _CONTACT),
        ("crm.contact.updated", "A contact was changed", _CONTACT),
        ("crm.contact.deleted", "A contact was deleted", _DELETED),
        ("crm.company.created", "A company was created", _COMPANY),
        ("crm.company.updated", "A company was changed", _COMPANY),
        ("crm.company.deleted", "A company was deleted", _DELETED),
        ("crm.deal.created", "A deal was created", _DEAL),
        ("crm.deal.updated", "A deal was changed", _DEAL),
        ("crm.deal.deleted", "A deal was deleted", _DELETED),
        ("email.received", "A mail has arrived", _EMAIL),
        ("message.received", "A message has arrived", _MESSAGE),
        ("message.status", "A message that was sent has come further, or has failed", _MESSAGE_STATUS),
        ("calendar.event.created", "A calendar event was created", _CALENDAR),
        ("calendar.event.updated", "A calendar event was changed", _CALENDAR),
        ("calendar.event.cancelled", "A calendar event was cancelled", _CALENDAR),
        ("form.submitted", "A form was submitted", _FORM),
    )
    named = {name: CanonicalEvent(name=name, title=title, data=data) for name, title, data in rows}
    return MappingProxyType(named)


CANONICAL: Final = _registry()
"""Every canonical event by its name."""

RESERVED: Final = frozenset({CUSTOM, "webhook", "hub"})
"""Words no connector may be named, because event types that no connector declares begin with them."""
