"""Shares of connections: one connection for principals whose role does not let them use it."""

from revolution_hub.access.rbac import Right, SharedKind, require
from revolution_hub.errors import NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.services.sharing import give, take_back
from revolution_hub.store import connections, shares
from revolution_hub.store.paging import Page
from revolution_hub.store.shares import Share
from revolution_hub.store.tx import Tx


def put_share(
    hub: Hub, principal: Principal, connector: str, connection_id: str, with_id: str, right: Right
) -> Share:
    """Give a principal or a role this right on a connection, in the place of the one it had."""
    require(principal, "connection:write")
    with hub.store.begin(principal.tenant_id) as tx:
        _require_there(tx, connector, connection_id)
        return give(hub, tx, principal, SharedKind.CONNECTION, connection_id, with_id=with_id, right=right)


def get_share(hub: Hub, principal: Principal, connector: str, connection_id: str, with_id: str) -> Share:
    """Return what a principal or role has on a connection or raise NotFoundError."""
    require(principal, "connection:write")
    with hub.store.read(principal.tenant_id) as tx:
        _require_there(tx, connector, connection_id)
        return shares.get(tx, connection_id, with_id)


def list_shares(
    hub: Hub, principal: Principal, connector: str, connection_id: str, page: Page
) -> tuple[list[Share], str | None]:
    """Return one page of a connection's shares, and the cursor for the next."""
    require(principal, "connection:write")
    with hub.store.read(principal.tenant_id) as tx:
        _require_there(tx, connector, connection_id)
        return shares.list_page(tx, connection_id, page)


def remove_share(hub: Hub, principal: Principal, connector: str, connection_id: str, with_id: str) -> None:
    """Take a share back; what was started through it goes on."""
    require(principal, "connection:write")
    with hub.store.begin(principal.tenant_id) as tx:
        _require_there(tx, connector, connection_id)
        take_back(hub, tx, principal, connection_id, with_id)


def _require_there(tx: Tx, connector: str, connection_id: str) -> None:
    if connections.get(tx, connection_id).connector != connector:
        raise NotFoundError("there is no such connection")
