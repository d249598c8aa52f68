"""guard: what a principal may do with one workflow or connection, by its role or because it is shared.

Whoever lacks both gets the same refusal whether there is such a thing or not.
"""

from collections.abc import Callable
from typing import Any

from revolution_hub.access.rbac import (
    SHAREABLE,
    Right,
    SharedKind,
    decide,
    decide_on,
    given_by,
    require,
    require_on,
    rights_with,
    sharers,
)
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.store import connections, executions, schedules, shares
from revolution_hub.store.tx import Tx

_WORKFLOW, _CONNECTION = SharedKind.WORKFLOW, SharedKind.CONNECTION


def require_on_workflow(hub: Hub, principal: Principal, permission: str, workflow_id: str) -> None:
    """Raise AccessError unless the principal has the permission on this workflow."""
    _require(hub, principal, permission, _WORKFLOW, lambda _: workflow_id)


def require_on_execution(hub: Hub, principal: Principal, permission: str, execution_id: str) -> None:
    """Raise AccessError unless the principal has the permission on the workflow of this execution.

    Whoever ran a single action sees what came of it.
    """
    if decide(principal, permission).allowed:
        return
    with hub.store.read(principal.tenant_id) as tx:
        workflow_id = executions.find_workflow_id(tx, execution_id)
        given = _given(tx, principal, _WORKFLOW, workflow_id)
        if executions.is_own_action(tx, execution_id, principal.id):
            given |= {"execution:read"}
    require_on(principal, permission, given)


def require_on_schedule(hub: Hub, principal: Principal, permission: str, schedule_id: str) -> None:
    """Raise AccessError unless the principal has the permission on the workflow of this schedule."""
    _require(hub, principal, permission, _WORKFLOW, lambda tx: schedules.find_workflow_id(tx, schedule_id))


def require_on_connection(hub: Hub, principal: Principal, permission: str, connection_id: str) -> None:
    """Raise AccessError unless the principal has the permission on this connection."""
    _require(hub, principal, permission, _CONNECTION, lambda _: connection_id)


def require_through(
    hub: Hub, principal: Principal, permission: str, connector: str, connection: str | None
) -> None:
    """Raise AccessError unless the principal has the permission on a connector's connection of this name.

    Without a name it is about the connector's default one.
    """

    def find(tx: Tx) -> str | None:
        found = connections.find_for(tx, connector, connection)
        return found.id if found else None

    _require(hub, principal, permission, _CONNECTION, find)


def require_some(principal: Principal, permission: str) -> None:
    """Raise AccessError if no share could give the principal this permission, which its role lacks.

    For lists, which hold what `visible` says.
    """
    if permission not in SHAREABLE:
        require(principal, permission)


def visible(tx: Tx, principal: Principal, permission: str, kind: SharedKind = SharedKind.WORKFLOW) -> Any:
    """Return the query of what of a kind is shared with a principal, None if its role lets it see all."""
    if decide(principal, permission).allowed:
        return None
    if principal.workflows is not None:
        held = kind is _WORKFLOW and permission in principal.on_workflows
        return shares.listed(tx, principal.workflows if held else ())
    return shares.shared_with(tx, sharers(principal), str(kind), rights_with(kind, permission))


def may_see(tx: Tx, principal: Principal, permission: str, workflow_id: str) -> bool:
    """Whether the principal has the permission on this workflow, within a transaction."""
    return decide_on(principal, permission, _given(tx, principal, _WORKFLOW, workflow_id)).allowed


def _require(
    hub: Hub, principal: Principal, permission: str, kind: SharedKind, find: Callable[[Tx], str | None]
) -> None:
    if decide(principal, permission).allowed:
        return
    with hub.store.read(principal.tenant_id) as tx:
        given = _given(tx, principal, kind, find(tx))
    require_on(principal, permission, given)


def _given(tx: Tx, principal: Principal, kind: SharedKind, object_id: str | None) -> frozenset[str]:
    if object_id is None:
        return frozenset()
    if principal.workflows is not None:
        # A key that is held to some workflows has nothing but these: shares do not widen it.
        held = kind is _WORKFLOW and object_id in principal.workflows
        return principal.on_workflows if held else frozenset()
    return given_by(kind, map(Right, shares.find_rights(tx, object_id, sharers(principal))))
