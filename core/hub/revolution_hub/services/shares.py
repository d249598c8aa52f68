"""Shares: one workflow for principals whose role does not show it to them."""

from revolution_hub.access.rbac import Right, SharedKind, require
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.services.sharing import give, take_back
from revolution_hub.store import shares, workflows
from revolution_hub.store.paging import Page
from revolution_hub.store.shares import Share


def put_share(hub: Hub, principal: Principal, workflow_id: str, with_id: str, right: Right) -> Share:
    """Give a principal or a role of the tenant this right on a workflow, in the place of the one it had."""
    require(principal, "workflow:write")
    with hub.store.begin(principal.tenant_id) as tx:
        workflows.get(tx, workflow_id)
        return give(hub, tx, principal, SharedKind.WORKFLOW, workflow_id, with_id=with_id, right=right)


def get_share(hub: Hub, principal: Principal, workflow_id: str, with_id: str) -> Share:
    """Return what a principal or role has on a workflow or raise NotFoundError."""
    require(principal, "workflow:write")
    with hub.store.read(principal.tenant_id) as tx:
        workflows.get(tx, workflow_id)
        return shares.get(tx, workflow_id, with_id)


def list_shares(
    hub: Hub, principal: Principal, workflow_id: str, page: Page
) -> tuple[list[Share], str | None]:
    """Return one page of a workflow's shares, and the cursor for the next."""
    require(principal, "workflow:write")
    with hub.store.read(principal.tenant_id) as tx:
        workflows.get(tx, workflow_id)
        return shares.list_page(tx, workflow_id, page)


def remove_share(hub: Hub, principal: Principal, workflow_id: str, with_id: str) -> None:
    """Take a share back; what was started through it goes on."""
    require(principal, "workflow:write")
    with hub.store.begin(principal.tenant_id) as tx:
        workflows.get(tx, workflow_id)
        take_back(hub, tx, principal, workflow_id, with_id)
