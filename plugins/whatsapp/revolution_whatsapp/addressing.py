"""What every message has: from which number, to whom, in answer to what, and what it is called."""

import re

from revolution_sdk import ActionContext, CredentialError, JsonObject
from revolution_sdk.schema import nullable, object_, string

LONGEST_REFERENCE = 512

TO = string(
    pattern=r"^(\+?[0-9][0-9 ()./-]{4,30}|[A-Z]{2}\.[A-Za-z0-9.]{1,128})$",
    describe="Who gets it: the number with its country code, such as +49 171 1234567, or the user id where "
    "the number is hidden; the `sender` of a message.received is either",
)
REPLY_TO = string(
    min_length=1, max_length=250, describe="The id of the message this one answers, shown above it"
)

SENT = object_(
    id=string(describe="The message's id; message.status events name it"),
    recipient=nullable(string(describe="The number as WhatsApp has it")),
    user_id=nullable(string(describe="The person's id for this business")),
    status=nullable(string(describe="accepted, held_for_quality_assessment or paused, if WhatsApp says so")),
    reference=string(describe="The name that comes back as `reference` of message.status events"),
)

_USER_ID = re.compile(r"[A-Z]{2}\.")


def number_of(ctx: ActionContext) -> str:
    """Return the id of the number the connection is for."""
    return _id(ctx, "phone_number_id")


def business_of(ctx: ActionContext) -> str:
    """Return the id of the business account the connection's number is part of."""
    return _id(ctx, "business_account_id")


def addressed(ctx: ActionContext, value: JsonObject, kind: str, content: JsonObject) -> JsonObject:
    """Return the message of this kind as the Cloud API has it.

    WhatsApp tells no two equal messages apart. Each carries the step's own name, which the statuses bring
    back, so that it can be found out afterwards whether it was sent.
    """
    to = value["to"]
    user = {"recipient": to} if _USER_ID.match(to) else {"to": re.sub(r"[^0-9]", "", to)}
    reply = {"context": {"message_id": value["reply_to"]}} if value.get("reply_to") else {}
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **user,
        **reply,
        "type": kind,
        kind: content,
        "biz_opaque_callback_data": reference_of(ctx),
    }


def reference_of(ctx: ActionContext) -> str:
    """Return the name of this step's message, the same for every attempt."""
    return ctx.idempotency_key[:LONGEST_REFERENCE]


def _id(ctx: ActionContext, name: str) -> str:
    found = ctx.account.get(name)
    if not isinstance(found, str) or not found:
        raise CredentialError(f"the connection names no {name}; make it anew with it", code="account_missing")
    return found
