"""The requests on records and queries, alone or as a part of a composite one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from revolution_salesforce.client import DATA_PATH
from revolution_salesforce.sandbox.provider import FEWEST_PAGE_ROWS, PAGE_ROWS, Provider
from revolution_salesforce.sandbox.records import sobject_of, stamp
from revolution_salesforce.sandbox.schema import SObject
from revolution_salesforce.sandbox.shapes import RefusedError
from revolution_salesforce.sandbox.soql import malformed, parse
from revolution_sdk import Json, JsonObject

_BATCH = re.compile(r"batchSize=([0-9]{1,5})\Z")
_LONGEST_SPAN = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: what follows the version in its path, in segments."""

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Its answer."""

    status: int
    body: Json = None


def serve(provider: Provider, asked: Asked) -> Told:
    """Do what is asked; raises RefusedError."""
    match (asked.method, *asked.segments):
        case ("GET", "query"):
            return _query(provider, asked)
        case ("GET", "query", locator):
            total, rows = provider.take_rest(locator)
            return _page(provider, total, rows, asked)
        case ("GET", "limits"):
            left = provider.most_requests - provider.used_requests
            return Told(
                status=200, body={"DailyApiRequests": {"Max": provider.most_requests, "Remaining": left}}
            )
        case (_, "sobjects", name, *rest):
            return _record(provider, sobject_of(name), asked, [unquote(one) for one in rest])
    raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")


def _record(provider: Provider, sobject: SObject, asked: Asked, rest: list[str]) -> Told:
    match (asked.method, *rest):
        case ("POST",):
            provider.require_writable()
            return _saved(201, provider.records.create(sobject, asked.body))
        case ("GET", "describe"):
            fields = [one.described() for one in sobject.fields.values()]
            return Told(status=200, body={"name": sobject.name, "label": sobject.name, "fields": fields})
        case ("GET", "deleted"):
            return _deleted(provider, sobject, asked)
        case ("GET", "updated"):
            return _updated(provider, sobject, asked)
        case ("GET", record_id):
            return Told(status=200, body=_read(provider, sobject, record_id, asked.query.get("fields", "")))
        case ("PATCH", record_id):
            provider.require_writable()
            provider.records.update(sobject, record_id, asked.body)
            return Told(status=204)
        case ("DELETE", record_id):
            provider.require_writable()
            provider.records.get(sobject, record_id)
            provider.records.delete(sobject, record_id)
            return Told(status=204)
        case ("PATCH", name, value):
            provider.require_writable()
            return _upserted(provider, sobject, name, value, asked.body)
    raise RefusedError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{asked.method}' not allowed.")


def _upserted(provider: Provider, sobject: SObject, name: str, value: str, body: Json) -> Told:
    with provider.records.unit(undo=False):
        found = provider.records.matching(sobject, name, value)
        if len(found) > 1:
            urls: Json = [f"{DATA_PATH}/sobjects/{sobject.name}/{one}" for one in found]
            return Told(status=300, body=urls)
        given = body if isinstance(body, dict) else {}
        if any(one.lower() == name.lower() for one in given):
            raise RefusedError(
                400, "INVALID_FIELD", f"The {name} field should not be specified in the sobject data."
            )
        if found:
            provider.records.update(sobject, found[0], body)
            return _saved(200, found[0], created=False)
        known = sobject.find(name)
        values = {**given, known.name if known else name: value}
        return _saved(201, provider.records.create(sobject, values), created=True)


def _saved(status: int, record_id: str, **more: Json) -> Told:
    return Told(status=status, body={"id": record_id, "success": True, "errors": [], **more})


def _read(provider: Provider, sobject: SObject, record_id: str, wanted: str) -> JsonObject:
    row = provider.records.get(sobject, record_id)
    names = [one for one in wanted.split(",") if one] or list(row)
    for name in names:
        if sobject.find(name) is None:
            raise RefusedError(
                400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}"
            )
    kept = {"id", *(name.lower() for name in names)}
    return shown(sobject, {name: value for name, value in row.items() if name.lower() in kept})


def shown(sobject: SObject, row: JsonObject) -> JsonObject:
    """Return a record as the API shows it."""
    url = f"{DATA_PATH}/sobjects/{sobject.name}/{row.get('Id', '')}"
    return {"attributes": {"type": sobject.name, "url": url}, **row}


def _query(provider: Provider, asked: Asked) -> Told:
    if not asked.query.get("q"):
        raise malformed("a SOQL query must be given")
    query = parse(asked.query["q"])
    rows = query.run(provider.records.rows(query.sobject))
    if query.count:
        return Told(status=200, body={"totalSize": len(rows), "done": True, "records": []})
    names = [one.name for one in query.columns]
    found = [
        {**shown(query.sobject, {"Id": row["Id"]}), **{name: row[name] for name in names}} for row in rows
    ]
    if "Id" not in names:
        found = [{name: value for name, value in one.items() if name != "Id"} for one in found]
    return _page(provider, len(found), found, asked)


def _page(provider: Provider, total: int, rows: list[JsonObject], asked: Asked) -> Told:
    wanted = _BATCH.match(asked.headers.get("sforce-query-options", ""))
    size = min(max(int(wanted.group(1)), FEWEST_PAGE_ROWS), PAGE_ROWS) if wanted else PAGE_ROWS
    size = provider.page_rows or size
    body: JsonObject = {"totalSize": total, "done": len(rows) <= size, "records": rows[:size]}
    if len(rows) > size:
        body["nextRecordsUrl"] = f"{DATA_PATH}/query/{provider.keep_rest(total, rows[size:])}"
    return Told(status=200, body=body)


def _deleted(provider: Provider, sobject: SObject, asked: Asked) -> Told:
    start, end = _span(asked)
    found: Json = [
        {"id": one, "deletedDate": at}
        for one, at in provider.records.deleted(sobject)
        if start <= datetime.fromisoformat(at) <= end + timedelta(seconds=1)
    ]
    earliest = stamp(datetime.now(UTC) - _LONGEST_SPAN)
    covered = stamp(min(end, datetime.now(UTC)))
    return Told(
        status=200,
        body={"deletedRecords": found, "earliestDateAvailable": earliest, "latestDateCovered": covered},
    )


def _updated(provider: Provider, sobject: SObject, asked: Asked) -> Told:
    start, end = _span(asked)
    rows = provider.records.rows(sobject)
    ids: Json = [row["Id"] for row in rows if start <= datetime.fromisoformat(row["SystemModstamp"]) <= end]
    covered = stamp(min(end, datetime.now(UTC)))
    return Told(status=200, body={"ids": ids, "latestDateCovered": covered})


def _span(asked: Asked) -> tuple[datetime, datetime]:
    try:
        start, end = (datetime.fromisoformat(asked.query.get(name, "")) for name in ("start", "end"))
        spanned = end - start
    except (ValueError, TypeError) as error:
        raise RefusedError(400, "INVALID_REPLICATION_DATE", "start and end must be moments") from error
    if spanned < timedelta(minutes=1):
        raise RefusedError(
            400, "INVALID_REPLICATION_DATE", "startDate before endDate by less than one minute"
        )
    if start < datetime.now(UTC) - _LONGEST_SPAN:
        raise RefusedError(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
    return start, end
