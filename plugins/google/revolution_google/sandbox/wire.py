"""Google's error answers as the sandbox writes them, and raising one from inside an operation."""

from collections.abc import Callable

from revolution_sdk import JsonObject
from revolution_sdk.sandbox import Answer

# What an injected fault of this status looks like: message, reason and gRPC status.
# Source: Gmail and Calendar "Resolve errors" guides, read 2026-11-22.
USUAL = {
    400: ("Bad Request", "badRequest", "INVALID_ARGUMENT"),
    401: ("Invalid Credentials", "authError", "UNAUTHENTICATED"),
    403: ("User Rate Limit Exceeded", "userRateLimitExceeded", "PERMISSION_DENIED"),
    404: ("Requested entity was not found.", "notFound", "NOT_FOUND"),
    409: ("The requested identifier already exists.", "duplicate", "ALREADY_EXISTS"),
    429: ("User-rate limit exceeded.", "rateLimitExceeded", "RESOURCE_EXHAUSTED"),
    503: ("The service is currently unavailable.", "backendError", "UNAVAILABLE"),
}
UNEXPECTED = ("Backend Error", "backendError", "INTERNAL")


class Refused(Exception):
    """Raised by an operation to answer with an error of Google's shape."""

    def __init__(self, status: int, message: str = "", reason: str = "", **where: str) -> None:
        usual = USUAL.get(status, UNEXPECTED)
        super().__init__(message or usual[0])
        body = error_body(status, message or usual[0], reason or usual[1], **where)
        headers = {"www-authenticate": "Bearer"} if status == 401 else {}
        self.answer = Answer(status=status, body=body, headers=headers)


def error_body(status: int, message: str = "", reason: str = "", **where: str) -> JsonObject:
    """Return Google's error object; `where` adds `location` and `locationType`."""
    usual = USUAL.get(status, UNEXPECTED)
    message = message or usual[0]
    error = {"domain": "global", "reason": reason or usual[1], "message": message, **where}
    return {"error": {"code": status, "message": message, "errors": [error], "status": usual[2]}}


def answering(work: Callable[[], JsonObject]) -> Answer:
    """Return the work's result as status 200, or the refusal it raised."""
    try:
        return Answer(body=work())
    except Refused as refused:
        return refused.answer
