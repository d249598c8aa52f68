"""What a person changes about a connection, and what the hub has found out about it."""

from dataclasses import replace

from revolution_hub.access.rbac import require
from revolution_hub.bus.probing import next_probe
from revolution_hub.engine.probe import probe
from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.connection import Connection, Health
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.services.connection_impact import require_unused
from revolution_hub.services.guard import require_on_connection
from revolution_hub.store import audit, connections, executions, health, polls
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject


def change_connection(
    hub: Hub,
    principal: Principal,
    connector: str,
    connection_id: str,
    *,
    revision: int,
    name: str | None = None,
    default: bool = False,
    force: bool = False,
) -> Connection:
    """Give a connection another name, or make it its connector's default in the place of another.

    Raises ConflictError if `revision` is not the present one, if the name is taken, and `in_use` if workflows
    call it by its name, unless it is wanted nevertheless.
    """
    require(principal, "connection:write")
    with hub.store.begin(principal.tenant_id) as tx:
        present = changed = _of(tx, connector, connection_id)
        if name is not None and name != present.name:
            if not force:
                require_unused(tx, present, by_name=True)
            _require_same(connections.rename(tx, present, name, revision, hub.now()))
            revision, changed = revision + 1, replace(changed, name=name)
        if default and not present.is_default:
            _require_same(connections.make_default(tx, present, revision, hub.now()))
            changed = replace(changed, is_default=True)
        if changed == present:
            _require_same(present.revision == revision)
            return present
        audit.append(
            tx,
            entry_of(
                principal,
                "connection.change",
                connection_id,
                hub.now(),
                before=_fields(present),
                after=_fields(changed),
            ),
        )
        return connections.get(tx, connection_id)


def disable_connection(
    hub: Hub, principal: Principal, connector: str, connection_id: str, reason: str | None = None
) -> Connection:
    """Let nobody use a connection until it is enabled again; what needs it waits."""
    require(principal, "connection:write")
    with hub.store.begin(principal.tenant_id) as tx:
        present = _of(tx, connector, connection_id)
        another = reason is not None and reason != present.status_reason
        if present.status is not ConnectionStatus.DISABLED or another:
            told = reason or f"disabled by {principal.name or principal.id}"
            _set(tx, hub, principal, present, ConnectionStatus.DISABLED, told)
            audit.append(tx, entry_of(principal, "connection.disable", connection_id, hub.now()))
        return connections.get(tx, connection_id)


def enable_connection(hub: Hub, principal: Principal, connector: str, connection_id: str) -> Connection:
    """Let a disabled connection be used again, and look at once whether it works; what waits goes on."""
    require(principal, "connection:write")
    with hub.store.begin(principal.tenant_id) as tx:
        present = _of(tx, connector, connection_id)
        if present.status is not ConnectionStatus.DISABLED:
            return present
        _set(tx, hub, principal, present, ConnectionStatus.CONNECTED, None)
        executions.resume_waiting_on(tx, connection_id)
        polls.wake(tx, connection_id, hub.now())
        health.due(tx, connection_id, hub.now())
        audit.append(tx, entry_of(principal, "connection.enable", connection_id, hub.now()))
        enabled = connections.get(tx, connection_id)
    hub.wake()
    return enabled


def probe_connection(hub: Hub, principal: Principal, connector: str, connection_id: str) -> Connection:
    """Look now whether a connection works, and return it as it stands then.

    Raises ConflictError if it is not `connected`, because there is nothing to find out.
    """
    require_on_connection(hub, principal, "connection:write", connection_id)
    declared = hub.catalog.get_connector(connector)
    with hub.store.read(principal.tenant_id) as tx:
        present = _of(tx, connector, connection_id)
    if present.status is not ConnectionStatus.CONNECTED:
        raise ConflictError(
            f"the connection {present.name!r} is {present.status}", code=f"connection_{present.status}"
        )
    problem = probe(hub, declared, present)
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        health.found(tx, connection_id, now=now, next_at=next_probe(hub, now), problem=problem)
        audit.append(tx, entry_of(principal, "connection.test", connection_id, now))
        return connections.get(tx, connection_id)


def list_health(
    hub: Hub, principal: Principal, connector: str, connection_id: str, page: Page
) -> tuple[list[Health], str | None]:
    """Return one page of how a connection stood, and the cursor for the next."""
    require_on_connection(hub, principal, "connection:read", connection_id)
    with hub.store.read(principal.tenant_id) as tx:
        _of(tx, connector, connection_id)
        return health.list_page(tx, connection_id, page)


def _set(
    tx: Tx,
    hub: Hub,
    principal: Principal,
    present: Connection,
    status: ConnectionStatus,
    reason: str | None,
) -> None:
    _require_same(
        connections.set_status(
            tx,
            present,
            status,
            reason,
            hub.now(),
            by_id=principal.id,
            revision=present.revision + 1,
        )
    )


def _of(tx: Tx, connector: str, connection_id: str) -> Connection:
    connection = connections.get(tx, connection_id)
    if connection.connector != connector:
        raise NotFoundError("there is no such connection")
    return connection


def _require_same(same: bool) -> None:
    if not same:
        raise ConflictError("the connection was changed meanwhile; read it again", code="stale_revision")


def _fields(connection: Connection) -> JsonObject:
    return {"name": connection.name, "default": connection.is_default}
