"""/api/audit: who has changed what that matters for security, and from where."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.pages import NumberedPageDep, page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.audit_chain import Head, parse_head
from revolution_hub.model.audit_text import entry_json
from revolution_hub.model.time import parse_moment
from revolution_hub.services import audit
from revolution_hub.services.audit import Form
from revolution_hub.store.audit import LEAST_DAYS, AuditFilter
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["audit"])

_TYPES = {Form.JSONL: "application/x-ndjson", Form.CSV: "text/csv; charset=utf-8"}


class PruneBody(Model):
    """Which entries are to be removed."""

    older_than_days: int = Field(ge=LEAST_DAYS, le=36_500, description="made more than so many days ago")


def filter_of(
    action: Annotated[str | None, Query(max_length=80, description="only this, as key.create")] = None,
    principal_id: Annotated[str | None, Query(max_length=200, description="only of this principal")] = None,
    target: Annotated[str | None, Query(max_length=200, description="only what was done to this")] = None,
    since: Annotated[str | None, Query(max_length=64, description="only at this moment or later")] = None,
    until: Annotated[str | None, Query(max_length=64, description="only before this moment")] = None,
) -> AuditFilter:
    """Return which entries are asked for; raises InputError with everything that is wrong."""
    problems: list[Problem] = []
    begin, end = _moment("since", since, problems), _moment("until", until, problems)
    if problems:
        raise InputError("the request is not valid", problems)
    return AuditFilter(action=action, principal_id=principal_id, target=target, since=begin, until=end)


FilterDep = Annotated[AuditFilter, Depends(filter_of)]


@route(router, "GET", "/api/audit", permission="audit:read")
def list_entries(
    hub: HubDep, principal: PrincipalDep, page: NumberedPageDep, wanted: FilterDep
) -> JsonObject:
    """List the tenant's audit entries, the newest first."""
    found, last = audit.list_entries(hub, principal, page, wanted)
    return page_json([entry_json(one) for one in found], last)


@route(router, "GET", "/api/audit/head", permission="audit:read")
def get_head(hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Show the last entry's number and hash. Kept elsewhere, they show later whether anything is gone."""
    return {"head": _head_json(audit.get_head(hub, principal))}


@route(router, "GET", "/api/audit/verify", permission="audit:read")
def verify_entries(
    hub: HubDep,
    principal: PrincipalDep,
    head: Annotated[
        list[str] | None, Query(max_length=50, description="a head that was kept, as NUMBER:HASH")
    ] = None,
) -> JsonObject:
    """Read the whole log and name the first entry that is not as it was written."""
    checked = audit.verify_entries(hub, principal, [_head_of(one, principal.tenant_id) for one in head or ()])
    fault = checked.fault
    return {
        "intact": fault is None,
        "count": checked.count,
        "head": _head_json(checked.head),
        "fault": None if fault is None else {"number": fault.number, "what": fault.what},
    }


@route(router, "GET", "/api/audit/export", permission="audit:export")
def export_entries(
    hub: HubDep,
    principal: PrincipalDep,
    wanted: FilterDep,
    form: Annotated[Form, Query(alias="format", description="jsonl or csv")] = Form.JSONL,
) -> Response:
    """Take the log out as a file, the oldest entries first: JSON lines, or a table."""
    pieces = audit.export_entries(hub, principal, wanted, form)
    headers = {"Content-Disposition": f'attachment; filename="audit.{form}"'}
    return StreamingResponse(pieces, 200, headers, media_type=_TYPES[form])


@route(router, "POST", "/api/audit/prune", permission="audit:prune", body=PruneBody)
def prune_entries(
    hub: HubDep, principal: PrincipalDep, body: Annotated[PruneBody, json_body(PruneBody)]
) -> JsonObject:
    """Remove entries that are older than so many days; a checkpoint in the log says who did."""
    return {"removed": audit.prune_entries(hub, principal, body.older_than_days)}


def _head_json(head: Head | None) -> JsonObject | None:
    return None if head is None else {"number": head.number, "hash": head.hash, "text": str(head)}


def _head_of(text: str, tenant_id: str) -> Head:
    found = parse_head(text, tenant_id)
    if found is None:
        problem = Problem(path="head", message="a head is NUMBER:HASH, or TENANT:NUMBER:HASH")
        raise InputError("the request is not valid", [problem])
    return found


def _moment(name: str, text: str | None, problems: list[Problem]) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        problems.append(Problem(path=name, message=str(error)))
        return None
