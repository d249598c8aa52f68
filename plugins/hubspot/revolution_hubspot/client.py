"""HubSpot's addresses, and what its answers mean. Nothing else in this package reads an answer of the API."""

from collections.abc import Sequence

import httpx2

from revolution_sdk import (
    ConnectorError,
    CredentialError,
    Json,
    JsonObject,
    RejectedError,
    RetryableError,
)
from revolution_sdk.http import error_for_status, retry_after_s

API_URL = "https://api.hubapi.com"
API_VERSION = "2026-03"
"""HubSpot dates its versions; each is supported for 18 months.

Source: HubSpot changelog "date-based versions", read 2026-11-22.
"""

AUTHORIZE_URL = "https://app.hubspot.com/oauth/authorize"
TOKEN_PATH = f"/oauth/{API_VERSION}/token"
REVOKE_PATH = f"{TOKEN_PATH}/revoke"
CONTACTS_PATH = f"/crm/objects/{API_VERSION}/contacts"

DAILY_LIMIT_WAIT_S = 3600.0
LOCKED_WAIT_S = 2.0
LONGEST_MESSAGE = 300
MOST_SCOPES = 20


def read_contact(http: httpx2.Client, contact_id: str, properties: Sequence[str]) -> JsonObject:
    """Read one contact: `{id, properties, createdAt, updatedAt, archived}`.

    `contact_id` holds digits only. Values of `properties` are texts or null; numbers and dates occur.
    Raises what `error_for` says, and RetryableError for an answer that is no contact.
    Source: type definitions of PyPI hubspot-sdk 0.1.0a9, read 2026-11-22.
    """
    response = http.get(f"{CONTACTS_PATH}/{contact_id}", params={"properties": ",".join(properties)})
    if response.status_code >= 400:
        raise error_for(response)
    record = _object(response)
    if not _is_contact(record):
        raise RetryableError("HubSpot's answer is not a contact", code="unreadable_answer")
    return record


def error_for(response: httpx2.Response) -> ConnectorError:
    """Sort a refusal by its body: what to wait for, what needs a person, what is final.

    Every field of HubSpot's error body may be missing. The message of a RejectedError is HubSpot's own, at
    most 300 characters; `details` holds status, category and correlation id where given.
    Source: HubSpot "Error handling" and "Usage guidelines", read 2026-11-22.
    """
    body = _object(response)
    details = _details(response.status_code, body)
    match response.status_code:
        case 403 if body.get("category") == "MISSING_SCOPES":
            scopes = _required_scopes(body)
            return CredentialError(
                f"the connection lacks a scope: {', '.join(scopes) or 'HubSpot does not say which'}",
                code="missing_scopes",
                details={**details, "required_scopes": scopes},
            )
        case 404:
            return RejectedError("the contact does not exist", code="contact_not_found", details=details)
        case 423 | 429 | 477:
            return _wait(response, body, details)
        case status if status >= 500:
            # Only a context without the hub's transport lets these through; the transport sorts them itself.
            return error_for_status(response) or RetryableError("HubSpot failed", details=details)
        case status:
            message = _plain(body.get("message")) or f"HubSpot refused the request with status {status}"
            return RejectedError(message, details=details)


def _wait(response: httpx2.Response, body: JsonObject, details: JsonObject) -> RetryableError:
    asked_s = retry_after_s(response.headers)
    if response.status_code == 423:
        code, message, wait_s = "locked", "the contact is locked by another change", LOCKED_WAIT_S
    elif response.status_code == 477:
        code, message, wait_s = "account_moving", "HubSpot is moving the account", None
    elif body.get("policyName") == "DAILY":
        # The limit resets at midnight in the account's time zone, which the answer does not name. An hour
        # costs at most 24 vain calls a day and starts again at most an hour late.
        code, message, wait_s = "daily_limit", "the account's daily limit is reached", DAILY_LIMIT_WAIT_S
    else:
        code, message, wait_s = "rate_limited", "the account's rate limit is reached", _interval_s(response)
    return RetryableError(
        message, retry_after_s=wait_s if asked_s is None else asked_s, code=code, details=details
    )


def _interval_s(response: httpx2.Response) -> float | None:
    text = response.headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    return int(text) / 1000 if text.isascii() and text.isdigit() and len(text) <= 8 else None


def _details(status: int, body: JsonObject) -> JsonObject:
    named = {"category": body.get("category"), "correlation_id": body.get("correlationId")}
    return {"status": status, **{name: _plain(text) for name, text in named.items() if _plain(text)}}


def _required_scopes(body: JsonObject) -> list[str]:
    errors = body.get("errors")
    first: Json = errors[0] if isinstance(errors, list) and errors else None
    context: Json = first.get("context") if isinstance(first, dict) else None
    scopes: Json = context.get("requiredScopes") if isinstance(context, dict) else None
    return (
        [_plain(scope) for scope in scopes if _plain(scope)][:MOST_SCOPES] if isinstance(scopes, list) else []
    )


def _is_contact(record: JsonObject) -> bool:
    texts = (record.get(name) for name in ("id", "createdAt", "updatedAt"))
    return all(isinstance(text, str) for text in texts) and isinstance(record.get("properties"), dict)


def _object(response: httpx2.Response) -> JsonObject:
    """Read the answer's JSON object; empty where a proxy or a fault sent something else in HubSpot's name."""
    try:
        found: Json = response.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain(value: Json) -> str:
    """Return a provider's text fit for a log line: one line, printable, bounded; empty if it is no text."""
    if not isinstance(value, str):
        return ""
    words = " ".join(value[: 4 * LONGEST_MESSAGE].split())
    return "".join(letter for letter in words if letter.isprintable())[:LONGEST_MESSAGE]
