"""Text messages, reactions, and showing that something was read."""

from revolution_sdk import ActionContext, JsonObject
from revolution_sdk.schema import boolean, object_, string
from revolution_whatsapp import client
from revolution_whatsapp.addressing import REPLY_TO, SENT, TO, addressed, number_of, reference_of
from revolution_whatsapp.auth import MESSAGING
from revolution_whatsapp.declaration import whatsapp
from revolution_whatsapp.window import LAST_RECEIVED_AT, require_open

_MESSAGE_ID = string(min_length=1, max_length=250, describe="The id of a message that came in")


def sent(ctx: ActionContext, value: JsonObject, kind: str, content: JsonObject) -> JsonObject:
    """Send a message of this kind and return what an action that sends returns."""
    message = addressed(ctx, value, kind, content)
    return {**client.send(ctx.http, number_of(ctx), message), "reference": reference_of(ctx)}


@whatsapp.action(
    input=object_(
        to=TO,
        text=string(min_length=1, max_length=4096, describe="What is written; *bold*, _italic_, links"),
        preview_url=boolean(default=False, describe="Show a preview of the first link"),
        reply_to=REPLY_TO,
        last_received_at=LAST_RECEIVED_AT,
        optional=["preview_url", "reply_to", "last_received_at"],
    ),
    output=SENT,
    effect="once",
    scopes=(MESSAGING,),
)
def send_message(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Send a text to one person, who must have written to the number within the last 24 hours.

    Later only send_template may be used, and this fails with `window_closed`. Calling it twice sends it
    twice. The result says that WhatsApp took the message; whether it arrived is told by message.status
    events with the same id.
    """
    require_open(ctx, value)
    content = {"body": value["text"], "preview_url": value.get("preview_url", False)}
    return sent(ctx, value, "text", content)


@whatsapp.action(
    input=object_(
        to=TO,
        message_id=_MESSAGE_ID,
        emoji=string(max_length=32, describe="One emoji, such as 👍; empty takes the reaction back"),
        last_received_at=LAST_RECEIVED_AT,
        optional=["last_received_at"],
    ),
    output=SENT,
    effect="once",
    scopes=(MESSAGING,),
)
def send_reaction(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """React with an emoji to a message of the last 30 days, or take a reaction back.

    There is one reaction per message: calling it twice shows the last one. It is subject to the same 24
    hours as a text.
    """
    require_open(ctx, value)
    content = {"message_id": value["message_id"], "emoji": value["emoji"]}
    return sent(ctx, value, "reaction", content)


@whatsapp.action(
    input=object_(
        message_id=_MESSAGE_ID,
        typing=boolean(
            default=False, describe="Also show for up to 25 seconds that an answer is being written"
        ),
        optional=["typing"],
    ),
    output=object_(message_id=string(), read=boolean()),
    effect="repeatable",
    scopes=(MESSAGING,),
)
def mark_read(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Show a message that came in, and those before it, as read: the two ticks turn blue.

    A message that is read stays so, however often this is called.
    """
    client.mark_read(ctx.http, number_of(ctx), value["message_id"], typing=value.get("typing", False))
    return {"message_id": value["message_id"], "read": True}
