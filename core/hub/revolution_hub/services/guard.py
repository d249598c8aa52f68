"""guard: what a principal may do with one workflow, by its role or because the workflow is shared with it.

Whoever lacks both gets the same refusal whether there is such a workflow or not.
"""

from typing import Any

from revolution_hub.access.rbac import SHAREABLE, Right, decide, decide_on, require, require_on, rights_with
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.store import executions, schedules, shares
from revolution_hub.store.tx import Tx


def require_on_workflow(hub: Hub, principal: Principal, permission: str, workflow_id: str) -> None:
    """Raise AccessError unless the principal has the permission on this workflow."""
    if decide(principal, permission).allowed:
        return
    with hub.store.read(principal.tenant_id) as tx:
        right = _right(tx, principal, workflow_id)
    require_on(principal, permission, right)


def require_on_execution(hub: Hub, principal: Principal, permission: str, execution_id: str) -> None:
    """Raise AccessError unless the principal has the permission on the workflow of this execution."""
    if decide(principal, permission).allowed:
        return
    with hub.store.read(principal.tenant_id) as tx:
        workflow_id = executions.find_workflow_id(tx, execution_id)
        right = _right(tx, principal, workflow_id) if workflow_id else None
    require_on(principal, permission, right)


def require_on_schedule(hub: Hub, principal: Principal, permission: str, schedule_id: str) -> None:
    """Raise AccessError unless the principal has the permission on the workflow of this schedule."""
    if decide(principal, permission).allowed:
        return
    with hub.store.read(principal.tenant_id) as tx:
        workflow_id = schedules.find_workflow_id(tx, schedule_id)
        right = _right(tx, principal, workflow_id) if workflow_id else None
    require_on(principal, permission, right)


def require_some(principal: Principal, permission: str) -> None:
    """Raise AccessError if no share could give the principal this permission, which its role lacks.

    For lists, which hold what `visible` says.
    """
    if permission not in SHAREABLE:
        require(principal, permission)


def visible(tx: Tx, principal: Principal, permission: str) -> Any:
    """Return the query of the workflows shared with a principal, None if its role lets it see them all."""
    if decide(principal, permission).allowed:
        return None
    return shares.shared_with(tx, principal.id, rights_with(permission))


def may_see(tx: Tx, principal: Principal, permission: str, workflow_id: str) -> bool:
    """Whether the principal has the permission on this workflow, within a transaction."""
    return decide_on(principal, permission, _right(tx, principal, workflow_id)).allowed


def _right(tx: Tx, principal: Principal, workflow_id: str) -> Right | None:
    found = shares.find_right(tx, workflow_id, principal.id)
    return Right(found) if found else None
