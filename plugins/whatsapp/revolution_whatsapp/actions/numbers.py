"""The number itself, and hearing of what happens at its business account."""

from revolution_sdk import ActionContext, Json, JsonObject
from revolution_sdk.schema import boolean, nullable, object_, string
from revolution_whatsapp import client
from revolution_whatsapp.addressing import business_of, number_of
from revolution_whatsapp.auth import MANAGEMENT
from revolution_whatsapp.declaration import whatsapp


@whatsapp.action(
    input=object_(),
    output=object_(
        id=string(describe="The phone_number_id"),
        number=nullable(string(describe="The number as people see it")),
        name=nullable(string(describe="The name WhatsApp has verified")),
        quality=nullable(string(describe="GREEN, YELLOW or RED: how people take the messages; NA, UNKNOWN")),
    ),
    effect="read",
    scopes=(MANAGEMENT,),
)
def get_phone_number(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Read which number the connection sends from, its verified name and its quality. Changes nothing."""
    found = client.read_number(ctx.http, number_of(ctx))
    return {
        "id": found["id"],
        "number": _text(found.get("display_phone_number")),
        "name": _text(found.get("verified_name")),
        "quality": _text(found.get("quality_rating")),
    }


@whatsapp.action(
    input=object_(),
    output=object_(business_account_id=string(), subscribed=boolean()),
    effect="repeatable",
    scopes=(MANAGEMENT,),
)
def subscribe_app(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Let WhatsApp deliver what happens at the connection's business account to the app of its token.

    Needed once per business account, after the app's callback was set. An app that is subscribed stays so,
    however often this is called.
    """
    client.subscribe(ctx.http, business_of(ctx))
    return {"business_account_id": business_of(ctx), "subscribed": True}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
