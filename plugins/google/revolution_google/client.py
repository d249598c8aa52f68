"""Google's calls, one function each: the only file that knows its addresses and its error answers.

401 and 5xx never arrive here: the hub refreshes the token, and sorts failures, before an answer is handed on.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import httpx2

from revolution_sdk import (
    ConnectorError,
    CredentialError,
    Json,
    JsonObject,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.http import SAFE_METHODS, error_for_status, retry_after_s

GMAIL = "https://gmail.googleapis.com/gmail/v1/users/me"
CALENDAR = "https://www.googleapis.com/calendar/v3"

# The first three with 403 or 429 alike, the last with 403.
# Source: Google "Resolve errors" guides of Gmail and Calendar, read 2026-11-22.
LIMIT_REASONS = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
)
SCOPE_REASONS = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})

CODES = {404: "not_found", 409: "already_exists", 410: "gone"}
LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Messages as `messages.list` names them, newest first; `complete` unless there are more pages."""

    messages: list[JsonObject]
    complete: bool


def send_message(http: httpx2.Client, raw: bytes) -> JsonObject:
    """Send an RFC 5322 message and return Gmail's `{id, threadId, labelIds}`.

    Source: Gmail discovery document, `users.messages.send`, revision 20261005: base64url, no line breaks.
    """
    body = {"raw": base64.urlsafe_b64encode(raw).decode()}
    return _object(http.post(f"{GMAIL}/messages/send", json=body), "id", "threadId")


def list_messages(http: httpx2.Client, *, limit: int, query: str = "", label: str = "") -> Listing:
    """List at most `limit` (1–500) messages with this label that match this search, spam and trash included.

    A list by label is up to date; a search lags some seconds behind what was sent.
    """
    params: dict[str, str | int] = {"maxResults": limit, "includeSpamTrash": "true"}
    if query:
        params["q"] = query
    if label:
        params["labelIds"] = label
    found = _object(http.get(f"{GMAIL}/messages", params=params))
    return Listing(messages=found.get("messages") or [], complete=not found.get("nextPageToken"))


def message_header(http: httpx2.Client, message: str, name: str) -> str:
    """Return one header of a message, empty when it has none."""
    params = {"format": "metadata", "metadataHeaders": name}
    found = _object(http.get(f"{GMAIL}/messages/{_segment(message)}", params=params))
    headers = (found.get("payload") or {}).get("headers") or []
    return next((one["value"] for one in headers if one["name"].lower() == name.lower()), "")


def inbox_since(http: httpx2.Client, since: datetime, *, limit: int, most_lists: int) -> list[str]:
    """Return the ids of the mails in the inbox that were received then or later, newest first.

    Gmail searches by whole seconds. Raises RejectedError `too_many` behind so many lists of `limit` mails.
    Source: Gmail "Refine searches": `after:` takes seconds since 1970; read 2026-11-22.
    """
    query = {"labelIds": "INBOX", "q": f"after:{int(since.timestamp())}"}
    params: dict[str, str | int] = {"maxResults": limit, **query}
    ids: list[str] = []
    for _ in range(most_lists):
        found = _object(http.get(f"{GMAIL}/messages", params=params))
        ids += [str(one["id"]) for one in found.get("messages") or []]
        if not found.get("nextPageToken"):
            return ids
        params = {**params, "pageToken": str(found["nextPageToken"])}
    raise RejectedError(f"there are more than {limit * most_lists:,} new mails", code="too_many")


def message_headers(http: httpx2.Client, message: str) -> JsonObject:
    """Return a mail without its content: ids, `internalDate`, `snippet` and every header."""
    params = {"format": "metadata"}
    return _object(http.get(f"{GMAIL}/messages/{_segment(message)}", params=params), "id", "internalDate")


def headers_of(message: JsonObject) -> dict[str, str]:
    """Return the headers of a mail by their names in lower case; of several alike the first."""
    given = (message.get("payload") or {}).get("headers") or []
    return {str(one["name"]).lower(): str(one["value"]) for one in reversed(given)}


def own_address(http: httpx2.Client) -> str:
    """Return the mail address of the connected account."""
    return str(_object(http.get(f"{GMAIL}/profile"), "emailAddress")["emailAddress"])


def query_free_busy(
    http: httpx2.Client, start: datetime, end: datetime, calendars: Sequence[str]
) -> dict[str, list[JsonObject]]:
    """Return each calendar's busy times as Google writes them: RFC 3339 `{start, end}`.

    Raises RejectedError `calendar_unavailable` if Google has no answer for one of them: it reports that
    per calendar with status 200, and no answer must not be taken for a free day.
    """
    body = {
        "timeMin": start.isoformat(),
        "timeMax": end.isoformat(),
        "items": [{"id": calendar} for calendar in calendars],
    }
    found = _object(http.post(f"{CALENDAR}/freeBusy", json=body), "calendars")["calendars"]
    for calendar in calendars:
        reasons = [str(one.get("reason", "")) for one in found.get(calendar, {}).get("errors", [])]
        if calendar not in found or reasons:
            raise RejectedError(
                f"Google cannot say when calendar {calendar!r} is busy",
                code="calendar_unavailable",
                details={"calendar": calendar, "reasons": reasons},
            )
    return {calendar: found[calendar].get("busy", []) for calendar in calendars}


def insert_event(http: httpx2.Client, calendar: str, event: JsonObject) -> JsonObject:
    """Create an event under its own id and invite its attendees; a second insert is `already_exists`."""
    return _event(http.post(_events(calendar), params={"sendUpdates": "all"}, json=event))


def find_event(http: httpx2.Client, calendar: str, event: str) -> JsonObject | None:
    """Return an event, also a cancelled one, or None if the calendar never had it."""
    try:
        return _event(http.get(f"{_events(calendar)}/{_segment(event)}"))
    except RejectedError as refusal:
        if refusal.code == "not_found":
            return None
        raise


def error_in(response: httpx2.Response) -> ConnectorError | None:
    """Sort an answer by status and by the reasons in Google's error body; None if it is no error."""
    status = response.status_code
    if status < 400 or status >= 500:
        return error_for_status(response)
    reasons, message = _refusal(response)
    details: JsonObject = {"status": status, "reasons": sorted(reasons)}
    if status == 429 or (status == 403 and reasons & LIMIT_REASONS):
        wait_s = retry_after_s(response.headers)
        return RetryableError(
            "Google asks to slow down", retry_after_s=wait_s, code="rate_limited", details=details
        )
    if status == 403 and reasons & SCOPE_REASONS:
        return CredentialError(
            "the connection was not granted this; connect the account again and allow all it asks for",
            code="missing_scopes",
            details=details,
        )
    text = f"Google refused the request: {message or f'status {status}'}"
    return RejectedError(text, code=CODES.get(status), details=details)


def _refusal(response: httpx2.Response) -> tuple[set[str], str]:
    body = _json(response)
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return set(), ""
    parts = [*_list(error.get("errors")), *_list(error.get("details"))]
    reasons = {str(one["reason"]) for one in parts if isinstance(one, Mapping) and one.get("reason")}
    message = " ".join(str(error.get("message") or "").split())
    return reasons, message[:LONGEST_MESSAGE]


def _object(response: httpx2.Response, *required: str) -> JsonObject:
    error = error_in(response)
    if error is not None:
        raise error
    body = _json(response)
    if isinstance(body, dict) and all(body.get(name) for name in required):
        return body
    if response.request.method in SAFE_METHODS:
        raise RetryableError("Google's answer cannot be read", code="unreadable_answer")
    raise UnknownOutcomeError(
        "Google took the request, but its answer cannot be read", code="unreadable_answer"
    )


def _event(response: httpx2.Response) -> JsonObject:
    return _object(response, "id", "start", "end")


def _events(calendar: str) -> str:
    return f"{CALENDAR}/calendars/{_segment(calendar)}/events"


def _segment(text: str) -> str:
    """Return a text as one path segment; dots alone would climb out of it."""
    if not text.strip("."):
        raise RejectedError("an id may not consist of dots", code="invalid_id")
    return quote(text, safe="@")


def _json(response: httpx2.Response) -> Json:
    try:
        return response.json()
    except ValueError:
        return None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
