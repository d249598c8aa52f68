"""The bodies Salesforce answers in. API errors are a list, those of the token endpoint an object."""

from dataclasses import dataclass

from revolution_sdk import Json
from revolution_sdk.sandbox import Answer


class RefusedError(Exception):
    """Raised where the org refuses something; becomes an answer, or a part of a composite one."""

    def __init__(self, status: int, code: str, message: str, fields: list[str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.body: Json = [
            {"message": message, "errorCode": code, **({"fields": fields} if fields is not None else {})}
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Answer):
    """An answer for a browser."""

    html: str = ""

    def encoded(self) -> bytes:
        """Return the page as UTF-8."""
        return self.html.encode()


def page(status: int, html: str) -> Page:
    """Return a page as a browser wants it."""
    headers = {"content-type": "text/html; charset=utf-8", "referrer-policy": "no-referrer"}
    return Page(
        status=status, html=f"<!doctype html><title>Salesforce sandbox</title>{html}", headers=headers
    )


def oauth_refused(error: str, description: str, status: int = 400) -> Answer:
    """Answer as the token endpoint does."""
    return Answer(status=status, body={"error": error, "error_description": description})


def session_expired() -> RefusedError:
    """Return the refusal of a token that is not good. Source: restforce/restforce#284."""
    return RefusedError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def injected(status: int) -> Json:
    """Return the body of an error asked for by a test: the shape Salesforce uses for this status."""
    code, message = {
        401: ("INVALID_SESSION_ID", "Session expired or invalid"),
        403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        404: ("NOT_FOUND", "The requested resource does not exist"),
        503: ("SERVER_UNAVAILABLE", "An error asked for by a test."),
    }.get(status, ("UNKNOWN_EXCEPTION", "An error asked for by a test."))
    return [{"message": message, "errorCode": code}]
