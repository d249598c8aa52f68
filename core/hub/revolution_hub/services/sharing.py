"""sharing: giving, reading and taking back one share, whatever is shared. For the services of each kind."""

from collections.abc import Mapping

from revolution_hub.access.rbac import RIGHTS, ROLE_PREFIX, ROLES, Right, SharedKind
from revolution_hub.access.roles import require_has
from revolution_hub.errors import InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.principal import Principal
from revolution_hub.store import audit, principals, roles, shares
from revolution_hub.store.shares import Share
from revolution_hub.store.tx import Tx


def give(
    hub: Hub, tx: Tx, principal: Principal, kind: SharedKind, object_id: str, *, with_id: str, right: Right
) -> Share:
    """Give a principal or a role of the tenant this right, in the place of the one it had.

    Nobody gives what it lacks itself.
    """
    held: Mapping[Right, frozenset[str]] = RIGHTS[kind]
    if right not in held:
        raise InputError(
            "there is no such right", [Problem(path="right", message=f"one of: {', '.join(held)}")]
        )
    require_has(principal, held[right], f"cannot give the right {str(right)!r}")
    if not _is_known(tx, with_id):
        raise NotFoundError("there is no such principal or role")
    before = shares.find(tx, object_id, with_id)
    share = Share(
        object_id=object_id,
        object_kind=str(kind),
        principal_id=with_id,
        tenant_id=principal.tenant_id,
        right=str(right),
        granted_by=principal.id,
        created_at=hub.now(),
    )
    shares.put(tx, share)
    known = {with_id: before.right} if before else {}
    audit.append(
        tx,
        entry_of(
            principal, "share.give", object_id, share.created_at, before=known, after={with_id: share.right}
        ),
    )
    return share


def take_back(hub: Hub, tx: Tx, principal: Principal, object_id: str, with_id: str) -> None:
    """Take a share back or raise NotFoundError; what was started through it goes on."""
    before = shares.get(tx, object_id, with_id)
    shares.remove(tx, object_id, with_id)
    audit.append(
        tx, entry_of(principal, "share.take_back", object_id, hub.now(), before={with_id: before.right})
    )


def _is_known(tx: Tx, with_id: str) -> bool:
    if with_id.startswith(ROLE_PREFIX):
        name = with_id.removeprefix(ROLE_PREFIX)
        return name in ROLES or roles.find(tx, name) is not None
    return principals.is_known(tx, with_id)
