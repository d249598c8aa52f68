"""Messages with buttons or a list, whose answers come back as `choice` of a message.received."""

from collections import Counter
from collections.abc import Iterable

from revolution_sdk import ActionContext, JsonObject, RejectedError
from revolution_sdk.schema import array, object_, string
from revolution_whatsapp.actions.messages import sent
from revolution_whatsapp.addressing import REPLY_TO, SENT, TO
from revolution_whatsapp.auth import MESSAGING
from revolution_whatsapp.declaration import whatsapp
from revolution_whatsapp.window import LAST_RECEIVED_AT, require_open

MOST_ROWS = 10

_TEXT = string(min_length=1, max_length=1024, describe="What is written above the choices")
_HEADER = string(min_length=1, max_length=60, describe="A line above the text")
_FOOTER = string(min_length=1, max_length=60, describe="A small line below the text")
_OPTIONAL = ["header", "footer", "reply_to", "last_received_at"]


@whatsapp.action(
    input=object_(
        to=TO,
        text=_TEXT,
        buttons=array(
            object_(
                id=string(min_length=1, max_length=256, describe="Comes back as choice.id"),
                title=string(min_length=1, max_length=20, describe="What the button says"),
            ),
            min_items=1,
            max_items=3,
            describe="One to three buttons, with ids and titles of their own",
        ),
        header=_HEADER,
        footer=_FOOTER,
        reply_to=REPLY_TO,
        last_received_at=LAST_RECEIVED_AT,
        optional=_OPTIONAL,
    ),
    output=SENT,
    effect="once",
    scopes=(MESSAGING,),
)
def send_buttons(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Send a question with up to three buttons; what was pressed comes as a message.received with `choice`.

    It must be within 24 hours of what the person last wrote. Calling it twice sends it twice.
    """
    require_open(ctx, value)
    buttons = value["buttons"]
    _require_different("buttons", "id", (one["id"] for one in buttons))
    _require_different("buttons", "title", (one["title"] for one in buttons))
    replies = [{"type": "reply", "reply": {"id": one["id"], "title": one["title"]}} for one in buttons]
    return sent(ctx, value, "interactive", _interactive("button", value, {"buttons": replies}))


@whatsapp.action(
    input=object_(
        to=TO,
        text=_TEXT,
        button=string(min_length=1, max_length=20, describe="What the button that opens the list says"),
        sections=array(
            object_(
                title=string(min_length=1, max_length=24, describe="Needed where there are several sections"),
                rows=array(
                    object_(
                        id=string(min_length=1, max_length=200, describe="Comes back as choice.id"),
                        title=string(min_length=1, max_length=24, describe="What the row says"),
                        description=string(min_length=1, max_length=72, describe="A line below it"),
                        optional=["description"],
                    ),
                    min_items=1,
                    max_items=MOST_ROWS,
                ),
                optional=["title"],
            ),
            min_items=1,
            max_items=10,
            describe="The rows to choose from, ten in all, in sections",
        ),
        header=_HEADER,
        footer=_FOOTER,
        reply_to=REPLY_TO,
        last_received_at=LAST_RECEIVED_AT,
        optional=_OPTIONAL,
    ),
    output=SENT,
    effect="once",
    scopes=(MESSAGING,),
)
def send_list(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Send a question with a list of up to ten rows; what was chosen comes as the `choice` of a message.

    It must be within 24 hours of what the person last wrote. Calling it twice sends it twice.
    """
    require_open(ctx, value)
    sections = value["sections"]
    rows = [row for section in sections for row in section["rows"]]
    if len(rows) > MOST_ROWS:
        raise _invalid("sections", f"there are {len(rows)} rows in all, {MOST_ROWS} are possible")
    if len(sections) > 1 and any("title" not in one for one in sections):
        raise _invalid("sections", "each of several sections needs a title")
    _require_different("sections", "id", (one["id"] for one in rows))
    action = {"button": value["button"], "sections": sections}
    return sent(ctx, value, "interactive", _interactive("list", value, action))


def _interactive(kind: str, value: JsonObject, action: JsonObject) -> JsonObject:
    header = {"header": {"type": "text", "text": value["header"]}} if "header" in value else {}
    footer = {"footer": {"text": value["footer"]}} if "footer" in value else {}
    return {"type": kind, **header, "body": {"text": value["text"]}, **footer, "action": action}


def _require_different(field: str, member: str, texts: Iterable[str]) -> None:
    twice = [text for text, count in Counter(texts).items() if count > 1]
    if twice:
        raise _invalid(field, f"the {member} {twice[0]!r} is there twice")


def _invalid(field: str, message: str) -> RejectedError:
    return RejectedError(f"{field}: {message}", code="request_invalid", details={"field": field})
