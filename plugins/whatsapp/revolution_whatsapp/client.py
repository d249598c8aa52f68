"""The Cloud API's addresses, and its calls. What a refusal means is sorted in here as well, by its code."""

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
from revolution_sdk.http import error_for_status, retry_after_s
from revolution_whatsapp.codes import Sort, meaning_of, plain, reason_of

API_URL = "https://graph.facebook.com"
API_VERSION = "v23.0"
"""Graph API versions live for about two years; this one until 8 October 2027.

It is the newest whose contract is published. Source: Meta "Graph API versions", read 2026-11-22.
"""

MEDIA_HOST = "lookaside.fbsbx.com"
"""Where the addresses of media lead. They want the same token."""

_SORTS: dict[Sort, type[ConnectorError]] = {
    "credential": CredentialError,
    "retry": RetryableError,
    "reject": RejectedError,
}
_TEMPLATE_FIELDS = "id,name,language,status,category,parameter_format,components"


def send(http: httpx2.Client, number_id: str, message: JsonObject) -> JsonObject:
    """Send a message as the Cloud API has it; returns `{id, recipient, user_id, status}`.

    200 means that it was accepted; what becomes of it is told by statuses. Raises UnknownOutcomeError for an
    answer that does not name the message.
    """
    body = _object(_checked(http.post(_path(number_id, "messages"), json=message)))
    sent, contact = _first(body.get("messages")), _first(body.get("contacts"))
    if not _text(sent.get("id")):
        raise UnknownOutcomeError("WhatsApp's answer names no message", code="unreadable_answer")
    return {
        "id": sent["id"],
        "recipient": _text(contact.get("wa_id")),
        "user_id": _text(contact.get("user_id")),
        "status": _text(sent.get("message_status")),
    }


def mark_read(http: httpx2.Client, number_id: str, message_id: str, *, typing: bool) -> None:
    """Show a message, and those before it, as read; `typing` shows that an answer is being written."""
    body: JsonObject = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    if typing:
        body["typing_indicator"] = {"type": "text"}
    _checked(http.post(_path(number_id, "messages"), json=body))


def read_number(http: httpx2.Client, number_id: str) -> JsonObject:
    """Read a number: `{id, display_phone_number, verified_name, quality_rating, …}`."""
    found = _object(_checked(http.get(_path(number_id))))
    return _readable(found, "id", "a number")


def subscribe(http: httpx2.Client, business_id: str) -> None:
    """Let the token's app be delivered what happens at the business account; once is enough."""
    body = _object(_checked(http.post(_path(business_id, "subscribed_apps"), json={})))
    if body.get("success") is not True:
        raise RejectedError("WhatsApp did not subscribe the app", code="not_subscribed")


def list_templates(
    http: httpx2.Client,
    business_id: str,
    *,
    name: str = "",
    status: str = "",
    after: str = "",
    limit: int = 50,
) -> tuple[list[JsonObject], str | None]:
    """Return a page of templates and the cursor for the next. `name` is matched as WhatsApp pleases."""
    asked = {"fields": _TEMPLATE_FIELDS, "limit": str(limit), "name": name, "status": status, "after": after}
    params = {key: value for key, value in asked.items() if value}
    body = _object(_checked(http.get(_path(business_id, "message_templates"), params=params)))
    data = body.get("data")
    if not isinstance(data, list):
        raise RetryableError("WhatsApp's answer holds no templates", code="unreadable_answer")
    paging = body.get("paging")
    paging = paging if isinstance(paging, dict) else {}
    cursors = paging.get("cursors")
    # The last page has cursors as well; only `next` says that there is more.
    following = cursors.get("after") if isinstance(cursors, dict) and paging.get("next") else None
    return [one for one in data if isinstance(one, dict)], _text(following)


def upload(http: httpx2.Client, number_id: str, content: bytes, *, mime_type: str, filename: str) -> str:
    """Put a file where messages can name it, for 30 days; returns its id."""
    response = http.post(
        _path(number_id, "media"),
        data={"messaging_product": "whatsapp", "type": mime_type},
        files={"file": (filename, content, mime_type)},
    )
    media_id = _text(_object(_checked(response)).get("id"))
    if media_id is None:
        raise UnknownOutcomeError("WhatsApp's answer names no file", code="unreadable_answer")
    return media_id


def find_media(http: httpx2.Client, number_id: str, media_id: str) -> JsonObject:
    """Ask where a file is: `{id, url, mime_type, sha256, file_size}`; the address is good for 5 minutes."""
    response = http.get(_path(media_id), params={"phone_number_id": number_id})
    return _readable(_object(_checked(response)), "url", "a file")


def download(http: httpx2.Client, url: str) -> bytes:
    """Return the content of a file from the address that `find_media` has found."""
    return _checked(http.get(url)).content


def error_for(response: httpx2.Response) -> ConnectorError:
    """Sort a refusal by the code in its body, and only where there is none by its status.

    Throttling was 429 in older versions and is 400 in newer ones. Every member of the body may be missing.
    A rejection's message says what to do where that is known, else it is WhatsApp's own, cleaned.
    Source: Meta "Cloud API error codes" (15 May 2026), read 2026-11-22.
    """
    error: Json = _object(response).get("error")
    body: JsonObject = error if isinstance(error, dict) else {}
    code = body.get("code")
    if isinstance(code, bool) or not isinstance(code, int) or response.status_code >= 500:
        # Only a context without the hub's transport lets a 5xx through; the transport sorts them itself.
        return error_for_status(response) or RejectedError("WhatsApp refused the request")
    meaning = meaning_of(code, transient=body.get("is_transient") is True)
    told = reason_of(body)
    details: JsonObject = {"status": response.status_code, "provider_code": code, **told}
    message = (
        meaning.message or told.get("provider_message") or f"WhatsApp refused the request with code {code}"
    )
    if meaning.sort == "retry":
        wait_s = retry_after_s(response.headers)
        return RetryableError(
            message,
            retry_after_s=meaning.wait_s if wait_s is None else wait_s,
            code=meaning.name,
            details=details,
        )
    return _SORTS[meaning.sort](message, code=meaning.name, details=details)


def _path(*parts: str) -> str:
    return "/" + "/".join([API_VERSION, *(quote(part, safe="") for part in parts)])


def _checked(response: httpx2.Response) -> httpx2.Response:
    if response.status_code >= 400:
        raise error_for(response)
    if response.status_code >= 300:
        raise RejectedError("WhatsApp sends the request elsewhere", code="redirected")
    return response


def _readable(found: JsonObject, member: str, what: str) -> JsonObject:
    if not _text(found.get(member)):
        raise RetryableError(f"WhatsApp's answer is not {what}", code="unreadable_answer")
    return found


def _first(value: Json) -> JsonObject:
    first = value[0] if isinstance(value, list) and value else None
    return first if isinstance(first, dict) else {}


def _text(value: Json) -> str | None:
    return plain(value) or None


def _object(response: httpx2.Response) -> JsonObject:
    """Read the answer's JSON object; empty where a proxy or a fault sent something else."""
    try:
        found: Json = response.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
