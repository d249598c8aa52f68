"""Salesforce's addresses, and what its answers mean. Nothing else in this package reads them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import httpx2

from revolution_salesforce.refusals import error_for, sorted_by_code, texts
from revolution_salesforce.usage import watch_limit
from revolution_sdk import (
    ActionContext,
    ConnectorError,
    Json,
    JsonObject,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.http import SAFE_METHODS

LOGIN_URL = "https://login.salesforce.com"
AUTHORIZE_PATH = "/services/oauth2/authorize"
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 — a path
REVOKE_PATH = "/services/oauth2/revoke"
USERINFO_PATH = "/services/oauth2/userinfo"

API_VERSION = "68.0"
"""Winter '27. Source: Salesforce REST API guide, read 2026-11-22."""

DATA_PATH = f"/services/data/v{API_VERSION}"
CONVERT_PATH = "/services/apexrest/revolution/leads/convert"
"""Served by the class in `apex/`: Salesforce's own REST API converts no leads."""

LONGEST_QUERY = 12_000
"""Bytes of a query in its URL, below the 16 KB Salesforce takes for URL and headers together."""

_ALREADY_GONE = "ENTITY_IS_DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of a query's answer. `cursor` leads to those after them, None if there are none.

    `server_time` is when Salesforce answered, by its own clock, None if it does not say.
    """

    records: list[JsonObject]
    total: int
    cursor: str | None
    server_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upserted:
    """What became of an upsert. `id` is None where Salesforce answers without a body."""

    id: str | None
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletions:
    """What was deleted in a span, and up to when Salesforce knows all of it."""

    records: list[JsonObject]
    covered_until: str


def create(ctx: ActionContext, sobject: str, fields: JsonObject) -> str:
    """Create a record and return its id."""
    body = _object(_send(ctx, "POST", f"{DATA_PATH}/sobjects/{sobject}", json=fields))
    if body.get("success") is not True or not isinstance(body.get("id"), str):
        raise _unreadable("POST")
    return str(body["id"])


def update(ctx: ActionContext, sobject: str, record_id: str, fields: JsonObject) -> None:
    """Set these fields of a record."""
    _send(ctx, "PATCH", f"{DATA_PATH}/sobjects/{sobject}/{record_id}", json=fields)


def upsert(ctx: ActionContext, sobject: str, field: str, value: str, fields: JsonObject) -> Upserted:
    """Update the record whose external id `field` is `value`, or create it."""
    path = f"{DATA_PATH}/sobjects/{sobject}/{field}/{external_id(value)}"
    response = _send(ctx, "PATCH", path, json=fields)
    body = _object(response) if response.content else {}
    found = body.get("id")
    return Upserted(id=found if isinstance(found, str) else None, created=response.status_code == 201)


def read(ctx: ActionContext, sobject: str, record_id: str, fields: list[str]) -> JsonObject:
    """Read a record, with these fields or with all the user may see."""
    params = {"fields": ",".join(fields)} if fields else {}
    return bare(_object(_send(ctx, "GET", f"{DATA_PATH}/sobjects/{sobject}/{record_id}", params=params)))


def delete(ctx: ActionContext, sobject: str, record_id: str) -> bool:
    """Move a record to the recycle bin; returns False if it was there already."""
    try:
        _send(ctx, "DELETE", f"{DATA_PATH}/sobjects/{sobject}/{record_id}")
    except RejectedError as error:
        if error.details.get("error_code") == _ALREADY_GONE:
            return False
        raise
    return True


def query(ctx: ActionContext, soql: str, page_size: int | None = None) -> Page:
    """Ask a query whose values are bound already; `page_size` is a hint Salesforce may ignore."""
    if len(quote(soql)) > LONGEST_QUERY:
        told = f"the query is too long: with its values at most {LONGEST_QUERY:,} bytes in a URL"
        raise RejectedError(told, code="query_too_long")
    headers = {} if page_size is None else {"Sforce-Query-Options": f"batchSize={page_size}"}
    return _page(_send(ctx, "GET", f"{DATA_PATH}/query", params={"q": soql}, headers=headers))


def query_more(ctx: ActionContext, cursor: str) -> Page:
    """Return the rows a cursor leads to."""
    return _page(_send(ctx, "GET", f"{DATA_PATH}/query/{cursor}"))


def composite(ctx: ActionContext, parts: list[JsonObject], *, all_or_none: bool) -> list[JsonObject]:
    """Send several requests as one; returns an answer for each, in order, refused ones among them."""
    body = {"allOrNone": all_or_none, "compositeRequest": parts}
    answers = _object(_send(ctx, "POST", f"{DATA_PATH}/composite", json=body)).get("compositeResponse")
    if not isinstance(answers, list) or len(answers) != len(parts):
        raise _unreadable("POST")
    found = [one for one in answers if isinstance(one, dict) and isinstance(one.get("httpStatusCode"), int)]
    if len(found) != len(parts):
        raise _unreadable("POST")
    return found


def part_refused(status: int, body: Json) -> ConnectorError:
    """Sort what became of one part of a composite request that was refused."""
    return sorted_by_code(status, body)


def describe(ctx: ActionContext, sobject: str) -> JsonObject:
    """Return what Salesforce knows of an object: its fields above all."""
    body = _object(_send(ctx, "GET", f"{DATA_PATH}/sobjects/{sobject}/describe"))
    if not isinstance(body.get("fields"), list):
        raise _unreadable("GET")
    return body


def limits(ctx: ActionContext) -> JsonObject:
    """Return the org's limits, each with `Max` and `Remaining`."""
    return _object(_send(ctx, "GET", f"{DATA_PATH}/limits"))


def deleted(ctx: ActionContext, sobject: str, start: datetime, end: datetime) -> Deletions:
    """Return what was deleted in a span; it is at least a minute and begins at most 30 days ago."""
    params = {
        name: one.astimezone(UTC).isoformat(timespec="seconds")
        for name, one in (("start", start), ("end", end))
    }
    body = _object(_send(ctx, "GET", f"{DATA_PATH}/sobjects/{sobject}/deleted", params=params))
    records, until = body.get("deletedRecords"), body.get("latestDateCovered")
    if not isinstance(records, list) or not isinstance(until, str):
        raise _unreadable("GET")
    return Deletions(records=records, covered_until=until)


def convert(ctx: ActionContext, wanted: JsonObject) -> JsonObject:
    """Convert a lead with the class in `apex/`; returns `{accountId, contactId, opportunityId}`."""
    body = _object(_send(ctx, "POST", CONVERT_PATH, json=wanted))
    if not isinstance(body.get("accountId"), str) or not isinstance(body.get("contactId"), str):
        raise _unreadable("POST")
    return body


def external_id(value: str) -> str:
    """Return a value as one segment of a path; raises RejectedError for what no path can hold."""
    if value in (".", "..") or "/" in value:
        told = "Salesforce takes no external id in a path that is a dot or holds a slash"
        raise RejectedError(told, code="external_id_unusable")
    return quote(value, safe="")


def bare(record: JsonObject) -> JsonObject:
    """Return a record without Salesforce's `attributes`, those of its parents and children included."""
    return {name: _bare(value) for name, value in record.items() if name != "attributes"}


def moment(text: Json) -> datetime:
    """Read a moment as Salesforce writes it, `2026-11-22T10:00:00.000+0000`; raises RetryableError."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise _unreadable("GET")
    return found.astimezone(UTC)


def _bare(value: Json) -> Json:
    if isinstance(value, dict):
        return bare(value)
    return [_bare(one) for one in value] if isinstance(value, list) else value


def _send(ctx: ActionContext, method: str, path: str, **options: Json) -> httpx2.Response:
    ctx.usage.add("requests", 1)
    response = ctx.http.request(method, path, **options)
    watch_limit(ctx, response)
    if response.status_code >= 300:
        raise error_for(response)
    return response


def _page(response: httpx2.Response) -> Page:
    body = _object(response)
    records, total, done = body.get("records"), body.get("totalSize"), body.get("done")
    readable = isinstance(records, list) and all(isinstance(one, dict) for one in records)
    if not readable or not isinstance(total, int) or not isinstance(done, bool):
        raise _unreadable("GET")
    following = None if done else _cursor(body.get("nextRecordsUrl"))
    return Page(
        records=[bare(one) for one in records or []],
        total=total,
        cursor=following,
        server_time=_server_time(response),
    )


def _cursor(url: Json) -> str:
    before = f"{DATA_PATH}/query/"
    locator = url.removeprefix(before) if isinstance(url, str) and url.startswith(before) else ""
    if not locator or not locator.replace("-", "").isalnum() or not locator.isascii():
        raise _unreadable("GET")
    return locator


def _server_time(response: httpx2.Response) -> datetime | None:
    try:
        found = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.utcoffset() is not None else None


def _object(response: httpx2.Response) -> JsonObject:
    found = texts(response)
    if not isinstance(found, dict):
        raise _unreadable(response.request.method)
    return found


def _unreadable(method: str) -> RetryableError | UnknownOutcomeError:
    kind = RetryableError if method in SAFE_METHODS else UnknownOutcomeError
    return kind("Salesforce's answer cannot be read", code="unreadable_answer")
