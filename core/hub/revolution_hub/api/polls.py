"""/api/polls: what is looked for at providers, whether that works, and what webhooks had missed."""

from typing import Annotated

from fastapi import APIRouter, Query

from revolution_hub.api.doors import route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.time import rfc3339
from revolution_hub.services import polls
from revolution_hub.services.polls import Listed
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["polls"])


@route(router, "GET", "/api/polls", permission="connection:read")
def list_polls(
    hub: HubDep,
    principal: PrincipalDep,
    page: PageDep,
    connection_id: Annotated[
        str | None, Query(max_length=40, description="only those of this connection")
    ] = None,
) -> JsonObject:
    """List the polls of the tenant's connections: when each looked last, its lag, and its loss ledger."""
    found, last = polls.list_polls(hub, principal, page, connection_id)
    return page_json([poll_json(one) for one in found], last)


@route(router, "GET", "/api/polls/{poll_id}", permission="connection:read")
def get_poll(poll_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Show a poll."""
    return poll_json(polls.get_poll(hub, principal, poll_id))


@route(router, "POST", "/api/polls/{poll_id}/pause", permission="connection:write")
def pause_poll(poll_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Look for nothing until it is resumed."""
    return poll_json(polls.pause_poll(hub, principal, poll_id))


@route(router, "POST", "/api/polls/{poll_id}/resume", permission="connection:write")
def resume_poll(poll_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Let a paused poll look again, from where it stood."""
    return poll_json(polls.resume_poll(hub, principal, poll_id))


@route(router, "POST", "/api/polls/{poll_id}/run", permission="connection:write", status=202)
def run_poll(poll_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Look now."""
    return poll_json(polls.run_poll(hub, principal, poll_id))


def poll_json(listed: Listed) -> JsonObject:
    """A poll. The cursor is the connector's own affair and stays inside."""
    stored, offered = listed.stored, listed.declared
    ledger: JsonObject = {
        "from": rfc3339(stored.counted_from),
        "polled": stored.polled,
        "received": stored.received if listed.webhook else None,
        "missed": stored.missed if listed.webhook else None,
        "doubled": stored.doubled,
    }
    return {
        "id": stored.id,
        "poll": stored.name,
        "event": f"{offered[0].name}.{offered[1].event}" if offered else None,
        "connection_id": stored.connection_id or None,
        "connection": listed.connection,
        "every_s": offered[1].every.total_seconds() if offered else None,
        "state": _state(listed),
        "next_at": rfc3339(stored.next_at) if stored.next_at else None,
        "paused_at": rfc3339(stored.paused_at) if stored.paused_at else None,
        "polled_at": rfc3339(stored.polled_at) if stored.polled_at else None,
        "found_at": rfc3339(stored.found_at) if stored.found_at else None,
        "lag_s": round(listed.lag.total_seconds(), 3),
        "cursor_age_s": round(listed.age.total_seconds(), 3) if listed.age is not None else None,
        "failures": stored.failures,
        "error": stored.error,
        "ledger": ledger,
    }


def _state(listed: Listed) -> str:
    stored = listed.stored
    if stored.paused_at is not None:
        return "paused"
    if stored.next_at is None:
        return "idle"
    if stored.lease_owner is not None:
        return "looking"
    return "failing" if stored.error is not None else "waiting"
