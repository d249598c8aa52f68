"""What Salesforce refuses, and why: its error codes become the errors of the SDK."""

import re

import httpx2

from revolution_sdk import ConnectorError, CredentialError, Json, JsonObject, RejectedError, RetryableError
from revolution_sdk.http import error_for_status, retry_after_s

DAILY_LIMIT_WAIT_S = 3600.0
BUSY_WAIT_S = 5.0
LONGEST_MESSAGE = 300
MOST_FIELDS = 50

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,79}\Z")
_SECRETS = re.compile(
    r"00D[A-Za-z0-9]{9,15}![A-Za-z0-9._]+|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9._-]+|5Aep[A-Za-z0-9._]{20,}"
)
_NO_API = frozenset({"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})


def error_for(response: httpx2.Response) -> ConnectorError:
    """Sort a refusal by the code in its body: what to wait for, what needs a person, what is final."""
    status = response.status_code
    if status == 300:
        told = "several records have this external id; make the field unique in Salesforce"
        return RejectedError(told, code="several_match", details={"status": status})
    general = error_for_status(response)
    if isinstance(general, RetryableError):
        return general
    return sorted_by_code(status, texts(response), wait_s=retry_after_s(response.headers))


def sorted_by_code(status: int, body: Json, *, wait_s: float | None = None) -> ConnectorError:
    """Sort a refusal that came as an answer, or as a part of a composite one."""
    first = first_of(body)
    code, message = code_of(first), plain(first.get("message"))
    fields = first.get("fields")
    named = [plain(one) for one in fields if plain(one)][:MOST_FIELDS] if isinstance(fields, list) else []
    details: JsonObject = {"status": status}
    details |= {"error_code": code} if code else {}
    details |= {"fields": named} if named else {}
    told = message or f"Salesforce refused the request with status {status}"
    if status == 401:
        return CredentialError("the provider refused the credential", details=details)
    if code in _NO_API:
        return CredentialError(told, code="api_disabled", details=details)
    if code == "REQUEST_LIMIT_EXCEEDED":
        return _limit(message, details, wait_s)
    if code == "UNABLE_TO_LOCK_ROW":
        told = "the record is locked by another change"
        return RetryableError(told, code="row_locked", retry_after_s=wait_s or BUSY_WAIT_S, details=details)
    return RejectedError(told, code=code.lower() or None, details=details)


def first_of(body: Json) -> JsonObject:
    """Return the first error of an answer, which is a list of them; empty if there is none."""
    first = body[0] if isinstance(body, list) and body else body
    return first if isinstance(first, dict) else {}


def code_of(error: JsonObject) -> str:
    """Return the code of an error; empty if it has none that looks like one."""
    code = error.get("errorCode", error.get("statusCode"))
    return code if isinstance(code, str) and _CODE.match(code) else ""


def plain(value: Json) -> str:
    """Return a provider's text fit for people and logs: one line, printable, bounded, without tokens."""
    if not isinstance(value, str):
        return ""
    words = " ".join(value[: 4 * LONGEST_MESSAGE].split())
    shown = "".join(letter for letter in words if letter.isprintable())
    return _SECRETS.sub("***", shown)[:LONGEST_MESSAGE]


def texts(response: httpx2.Response) -> Json:
    """Return the JSON of an answer; None where something else was sent in Salesforce's name."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _limit(message: str, details: JsonObject, wait_s: float | None) -> RetryableError:
    if "concurrent" in message.lower():
        told, code, usual_s = "too many long requests of the org at once", "rate_limited", BUSY_WAIT_S
    else:
        # The window slides over 24 hours, so an hour later there may be room again.
        told, code, usual_s = (
            "the org's daily limit of requests is reached",
            "daily_limit",
            DAILY_LIMIT_WAIT_S,
        )
    return RetryableError(told, code=code, retry_after_s=wait_s or usual_s, details=details)
