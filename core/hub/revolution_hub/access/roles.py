"""What a role allows in one tenant: one that comes with the hub, or one the tenant made itself.

It is asked anew with every request, so a change counts from the next one on.
"""

from revolution_hub.access.rbac import ROLES, TENANT_PERMISSIONS
from revolution_hub.errors import AccessError, InputError, Problem
from revolution_hub.model.principal import Principal
from revolution_hub.store import roles
from revolution_hub.store.tx import Store, Tx


def permissions_in(tx: Tx, role: str) -> frozenset[str]:
    """Return what a role allows in the tenant of the transaction. An unknown one allows nothing.

    Roles that come with the hub are looked up nowhere, and their names are nobody else's.
    """
    if role in ROLES:
        return ROLES[role]
    own = roles.find_permissions(tx, role)
    # What concerns the whole installation, or is no permission any more, no tenant gives to anybody.
    return own & TENANT_PERMISSIONS if own else frozenset()


def permissions_within(store: Store, tenant_id: str, role: str) -> frozenset[str]:
    """Return what a role allows in a tenant; a transaction is opened for a role of its own alone."""
    if role in ROLES:
        return ROLES[role]
    with store.read(tenant_id) as tx:
        return permissions_in(tx, role)


def require_may_give(tx: Tx, principal: Principal, role: str) -> None:
    """Raise unless the principal may make somebody of this role: one that has nothing it lacks itself.

    Raises InputError if the tenant has no such role, AccessError naming what is lacking.
    """
    if role not in ROLES and roles.find(tx, role) is None:
        message = f"one of: {', '.join(ROLES)}, or a role of the tenant's own"
        raise InputError("there is no such role", [Problem(path="role", message=message)])
    require_has(principal, permissions_in(tx, role), f"cannot hand out the role {role!r}")


def require_over(tx: Tx, principal: Principal, role: str) -> None:
    """Raise AccessError unless the principal has a say over this role: it has nothing it lacks itself."""
    require_has(principal, permissions_in(tx, role), f"has no say over the role {role!r}")


def require_has(principal: Principal, permissions: frozenset[str], what: str) -> None:
    """Raise AccessError naming the first of these permissions that the principal lacks itself."""
    lacking = sorted(permissions - principal.permissions)
    if lacking:
        raise AccessError(
            f"the role {principal.role!r} {what}, for it lacks the permission {lacking[0]!r}",
            details={"permission": lacking[0]},
        )
