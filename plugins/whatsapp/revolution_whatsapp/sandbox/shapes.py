"""The bodies the Graph API's errors come in."""

import secrets

from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import Answer

TITLES = {
    0: "Authentication Error",
    4: "Application request limit reached",
    100: "Invalid parameter",
    190: "Error validating access token: Session has expired",
    130429: "Rate limit hit",
    131026: "Message undeliverable",
    131030: "Recipient phone number not in allowed list",
    131047: "Re-engagement message",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132015: "Template is paused",
}
WINDOW_CLOSED = (
    "Message failed to send because more than 24 hours have passed since the customer last replied to this "
    "number."
)


class Refused(Exception):
    """Raised by an operation that answers with an error of the Graph API."""

    def __init__(
        self, code: int, details: str = "", *, status: int = 400, subcode: int | None = None
    ) -> None:
        super().__init__(details)
        self.answer = Answer(status=status, body=error(code, details, subcode=subcode))


def error(code: int, details: str = "", *, subcode: int | None = None) -> JsonObject:
    """Return the Graph API's error body. Source: Meta "Cloud API error codes", read 2026-11-22."""
    title = TITLES.get(code, "An error asked for by a test")
    # Codes of the Graph API itself stand alone; WhatsApp's own stand before the title.
    body: JsonObject = {
        "message": title if code == 190 else f"(#{code}) {title}",
        "type": "OAuthException",
        "code": code,
    }
    if subcode is not None:
        body["error_subcode"] = subcode
    if details:
        body["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return {"error": {**body, "fbtrace_id": f"A{secrets.token_urlsafe(16)}"}}


def status_error(code: int, details: str = "") -> JsonObject:
    """Return an error as the statuses of webhooks carry it."""
    title = TITLES.get(code, "An error asked for by a test")
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details or title},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }


def unauthorized() -> Answer:
    """Answer as to a token that is unknown or has ended."""
    return Answer(status=401, body=error(190, subcode=463))


def injected(status: int) -> Json:
    """Return the body of an error asked for by a test: the shape of this status."""
    if status == 401:
        return error(190, subcode=463)
    if status == 429:
        return error(4)
    return error(131000 if status >= 500 else 100, "An error asked for by a test.")
