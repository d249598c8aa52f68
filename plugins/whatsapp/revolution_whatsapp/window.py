"""The 24 hours: what is no template may be sent only so long after a person has written to the number."""

from datetime import datetime, timedelta

from revolution_sdk import ActionContext, JsonObject, RejectedError
from revolution_sdk.schema import string
from revolution_whatsapp.codes import WINDOW_CLOSED

WINDOW = timedelta(hours=24)

LAST_RECEIVED_AT = string(
    format="date-time",
    describe="When the person last wrote, such as {{ trigger.data.occurred_at }}: later than 24 hours after "
    "it the step fails with window_closed without asking WhatsApp",
)


def require_open(ctx: ActionContext, value: JsonObject) -> None:
    """Raise RejectedError `window_closed` if the input says that the person wrote too long ago."""
    text = value.get("last_received_at")
    if text is None:
        return
    try:
        received_at = datetime.fromisoformat(text)
        over = ctx.now() - received_at >= WINDOW
    except (ValueError, TypeError) as error:
        message = "last_received_at is no moment with a time zone, such as 2026-11-22T08:00:00Z"
        raise RejectedError(message, code="request_invalid", details={"field": "last_received_at"}) from error
    if over:
        details = {"last_received_at": text}
        raise RejectedError(WINDOW_CLOSED.message, code=WINDOW_CLOSED.name, details=details)
