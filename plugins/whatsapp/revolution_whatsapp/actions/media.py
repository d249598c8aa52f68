"""Files: sending them, putting them where messages can name them, and reading those that came in."""

import base64
import binascii
import hashlib

from revolution_sdk import ActionContext, JsonObject, RejectedError, RetryableError
from revolution_sdk.schema import integer, nullable, object_, string
from revolution_whatsapp import client
from revolution_whatsapp.actions.messages import sent
from revolution_whatsapp.addressing import REPLY_TO, SENT, TO, number_of
from revolution_whatsapp.auth import MESSAGING
from revolution_whatsapp.declaration import whatsapp
from revolution_whatsapp.window import LAST_RECEIVED_AT, require_open

MOST_BYTES = 10_000_000
"""The largest file that fits into a step's result as base64 and through the hub's way out."""

KINDS = ("image", "video", "audio", "document", "sticker")
_WITHOUT_CAPTION = ("audio", "sticker")

_MEDIA_ID = string(pattern="^[0-9]{1,30}$", describe="The id of a file, from upload_media or a message")


@whatsapp.action(
    input=object_(
        to=TO,
        kind=string(enum=KINDS, describe="What it is shown as"),
        media_id=_MEDIA_ID,
        link=string(
            pattern="^https://[^ ]+$",
            max_length=2000,
            describe="Where WhatsApp reads it, instead of media_id",
        ),
        caption=string(min_length=1, max_length=1024, describe="Text below an image, video or document"),
        filename=string(min_length=1, max_length=240, describe="The name a document is shown with"),
        reply_to=REPLY_TO,
        last_received_at=LAST_RECEIVED_AT,
        optional=["media_id", "link", "caption", "filename", "reply_to", "last_received_at"],
    ),
    output=SENT,
    effect="once",
    scopes=(MESSAGING,),
)
def send_media(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Send an image, video, audio, document or sticker, named by its id or by a public link.

    It must be within 24 hours of what the person last wrote. Calling it twice sends it twice.
    """
    require_open(ctx, value)
    kind = value["kind"]
    if ("media_id" in value) == ("link" in value):
        raise _invalid("media_id", "give either media_id or link")
    if "caption" in value and kind in _WITHOUT_CAPTION:
        raise _invalid("caption", f"a message of the kind {kind} has none")
    if "filename" in value and kind != "document":
        raise _invalid("filename", "only a document has one")
    content = {"id": value["media_id"]} if "media_id" in value else {"link": value["link"]}
    content |= {name: value[name] for name in ("caption", "filename") if name in value}
    return sent(ctx, value, kind, content)


@whatsapp.action(
    input=object_(
        content_base64=string(min_length=4, max_length=13_400_000, describe="The file's bytes in base64"),
        mime_type=string(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}$", describe="Such as image/jpeg"),
        filename=string(pattern=r"^[^\x00-\x1f\"\\/]{1,240}$", describe="The file's name"),
    ),
    output=object_(id=string(describe="For send_media, good for 30 days"), size=integer(), sha256=string()),
    effect="once",
    scopes=(MESSAGING,),
    timeout_s=120,
)
def upload_media(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Put a file of at most 10 MB at WhatsApp, so that messages can name it for 30 days.

    Calling it twice puts it there twice, which nobody sees: only send_media shows a file to anybody.
    """
    try:
        content = base64.b64decode(value["content_base64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("content_base64", "it is no base64") from error
    if len(content) > MOST_BYTES:
        raise _too_large(len(content))
    media_id = client.upload(
        ctx.http, number_of(ctx), content, mime_type=value["mime_type"], filename=value["filename"]
    )
    return {"id": media_id, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@whatsapp.action(
    input=object_(media_id=_MEDIA_ID),
    output=object_(
        id=string(),
        mime_type=nullable(string(describe="What kind of file it is")),
        size=integer(describe="In bytes"),
        sha256=string(describe="Of the content, in hexadecimal"),
        content_base64=string(describe="The content; a hub keeps large ones in its file store by itself"),
    ),
    effect="read",
    scopes=(MESSAGING,),
    timeout_s=120,
)
def download_media(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Read a file that came with a message, of at most 10 MB, as base64.

    Larger ones fail with media_too_large. Changes nothing. WhatsApp keeps what came in for 30 days.
    """
    found = client.find_media(ctx.http, number_of(ctx), value["media_id"])
    size = found.get("file_size")
    if isinstance(size, int) and size > MOST_BYTES:
        raise _too_large(size)
    content = client.download(ctx.http, found["url"])
    if len(content) > MOST_BYTES:
        raise _too_large(len(content))
    digest = hashlib.sha256(content)
    told = found.get("sha256")
    # Answers have it in hexadecimal, webhooks in base64.
    if isinstance(told, str) and told not in (digest.hexdigest(), base64.b64encode(digest.digest()).decode()):
        raise RetryableError("the file is not the one WhatsApp has named", code="media_damaged")
    mime_type = found.get("mime_type")
    return {
        "id": value["media_id"],
        "mime_type": mime_type if isinstance(mime_type, str) else None,
        "size": len(content),
        "sha256": digest.hexdigest(),
        "content_base64": base64.b64encode(content).decode(),
    }


def _invalid(field: str, message: str) -> RejectedError:
    return RejectedError(f"{field}: {message}", code="request_invalid", details={"field": field})


def _too_large(size: int) -> RejectedError:
    message = f"the file has {size:,} bytes; at most {MOST_BYTES:,} can be handled"
    return RejectedError(message, code="media_too_large", details={"size": size, "limit": MOST_BYTES})
