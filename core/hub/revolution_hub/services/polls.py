"""Polls: what is looked for, whether that works, and what webhooks had missed; pausing and looking now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from revolution_hub.access.rbac import require
from revolution_hub.bus.poll import declared
from revolution_hub.errors import ConflictError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.connection import Connection
from revolution_hub.model.poll import StoredPoll
from revolution_hub.model.principal import Principal
from revolution_hub.store import audit, connections, polls
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx
from revolution_sdk import Connector, Poll


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A poll with what its connector declares (None if that is not installed) and its connection's name.

    `lag` is by how much it is overdue. With `webhook` the same events are reported by a webhook as well.
    """

    stored: StoredPoll
    declared: tuple[Connector, Poll] | None
    connection: str | None
    lag: timedelta
    age: timedelta | None
    webhook: bool


def list_polls(
    hub: Hub, principal: Principal, page: Page, connection_id: str | None = None
) -> tuple[list[Listed], str | None]:
    """Return one page of the polls of the tenant's connections, and the cursor for the next."""
    require(principal, "connection:read")
    with hub.store.read(principal.tenant_id) as tx:
        found, cursor = polls.list_page(tx, page, connection_id)
        return _listed(hub, tx, found), cursor


def get_poll(hub: Hub, principal: Principal, poll_id: str) -> Listed:
    """Return a poll or raise NotFoundError."""
    require(principal, "connection:read")
    with hub.store.read(principal.tenant_id) as tx:
        return _one(hub, tx, polls.get(tx, poll_id))


def pause_poll(hub: Hub, principal: Principal, poll_id: str) -> Listed:
    """Look for nothing until it is resumed, and find then what has happened meanwhile: the cursor is kept."""
    require(principal, "connection:write")
    with hub.store.begin(principal.tenant_id) as tx:
        if polls.get(tx, poll_id).paused_at is None:
            audit.append(tx, entry_of(principal, "poll.pause", poll_id, hub.now()))
        polls.pause(tx, poll_id, hub.now())
        return _one(hub, tx, polls.get(tx, poll_id))


def resume_poll(hub: Hub, principal: Principal, poll_id: str) -> Listed:
    """Let a paused poll look again, at once. One that is not paused stays as it is."""
    require(principal, "connection:write")
    with hub.store.begin(principal.tenant_id) as tx:
        if polls.get(tx, poll_id).paused_at is not None:
            polls.due(tx, poll_id, hub.now())
            audit.append(tx, entry_of(principal, "poll.resume", poll_id, hub.now()))
        return _one(hub, tx, polls.get(tx, poll_id))


def run_poll(hub: Hub, principal: Principal, poll_id: str) -> Listed:
    """Look now, whenever the next look is due. Raises ConflictError if the poll is paused."""
    require(principal, "connection:write")
    with hub.store.begin(principal.tenant_id) as tx:
        if polls.get(tx, poll_id).paused_at is not None:
            raise ConflictError("the poll is paused; resume it first", code="poll_paused")
        polls.due(tx, poll_id, hub.now())
        audit.append(tx, entry_of(principal, "poll.run", poll_id, hub.now()))
        return _one(hub, tx, polls.get(tx, poll_id))


def _one(hub: Hub, tx: Tx, stored: StoredPoll) -> Listed:
    (listed,) = _listed(hub, tx, [stored])
    return listed


def _listed(hub: Hub, tx: Tx, found: Sequence[StoredPoll]) -> list[Listed]:
    known = connections.find_all(tx, {one.connection_id for one in found})
    return [_shown(hub, one, known.get(one.connection_id)) for one in found]


def _shown(hub: Hub, stored: StoredPoll, connection: Connection | None) -> Listed:
    now, found = hub.now(), declared(hub, stored.name)
    late = now - stored.next_at if stored.next_at is not None and stored.lease_owner is None else timedelta(0)
    return Listed(
        stored=stored,
        declared=found,
        connection=connection.name if connection else None,
        lag=max(late, timedelta(0)),
        age=now - stored.polled_at if stored.polled_at is not None else None,
        webhook=bool(found and found[0].webhook and connection and connection.app_id),
    )
