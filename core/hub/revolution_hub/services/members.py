"""Members: the people of a tenant, what they are there, and how they leave. There is always an owner left."""

from revolution_hub.access.rbac import require
from revolution_hub.access.roles import require_may_give, require_over
from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.person import Member
from revolution_hub.model.principal import Principal
from revolution_hub.services.sessions import Visit, principal_of_visit, rotated
from revolution_hub.store import audit, invitations, people, sessions, shares, tenants
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx

OWNERS = frozenset({"owner", "host"})
"""The roles of which at least one member must be left."""


def list_members(hub: Hub, principal: Principal, page: Page) -> tuple[list[Member], str | None]:
    """Return one page of the tenant's members, and the cursor for the next."""
    require(principal, "member:read")
    with hub.store.read(principal.tenant_id) as tx:
        return people.list_members(tx, page)


def get_member(hub: Hub, principal: Principal, user_id: str) -> Member:
    """Return a member of the tenant or raise NotFoundError."""
    require(principal, "member:read")
    with hub.store.read(principal.tenant_id) as tx:
        return people.get_member(tx, user_id)


def change_role(hub: Hub, principal: Principal, user_id: str, role: str) -> Member:
    """Give a member another role. Its sessions in this tenant end, and its keys follow at once."""
    require(principal, "member:write")
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        before = people.get_member(tx, user_id).membership.role
        require_over(tx, principal, before)
        require_may_give(tx, principal, role)
        if before != role:
            if role not in OWNERS:
                _require_another_owner(tx, user_id)
            people.set_role(tx, user_id, role)
            _end_what_it_had(tx, user_id)
            invitations.revoke_by(tx, user_id, now)
            change = entry_of(
                principal, "member.change", user_id, now, before={"role": before}, after={"role": role}
            )
            audit.append(tx, change)
        return people.get_member(tx, user_id)


def remove_member(hub: Hub, principal: Principal, user_id: str) -> None:
    """Let a user be no member any more: sessions, keys and open invitations of that user end with it."""
    require(principal, "member:write")
    with hub.store.begin(principal.tenant_id) as tx:
        require_over(tx, principal, people.get_member(tx, user_id).membership.role)
        _remove(tx, hub, principal, user_id, "member.remove")


def leave(hub: Hub, visit: Visit) -> Visit:
    """Leave the tenant the session acts in; the session goes on and acts in none."""
    principal = principal_of_visit(hub, visit)
    with hub.store.begin(principal.tenant_id) as tx:
        kept = rotated(tx, visit, None)
        _remove(tx, hub, principal, visit.user.id, "member.leave")
        return kept


def _remove(tx: Tx, hub: Hub, principal: Principal, user_id: str, action: str) -> None:
    now = hub.now()
    _require_another_owner(tx, user_id)
    if not people.remove_membership(tx, user_id):
        raise NotFoundError("there is no such member")
    _end_what_it_had(tx, user_id)
    tenants.revoke_keys_of(tx, user_id, now)
    shares.remove_all_with(tx, user_id)
    invitations.revoke_by(tx, user_id, now)
    audit.append(tx, entry_of(principal, action, user_id, now))


def _end_what_it_had(tx: Tx, user_id: str) -> None:
    sessions.remove_sessions(tx, user_id, acting_in=tx.tenant_id)


def _require_another_owner(tx: Tx, user_id: str) -> None:
    owners = people.list_with_role(tx, OWNERS)
    if owners == [user_id]:
        raise ConflictError("the last owner cannot go; make somebody else an owner first", code="last_owner")
