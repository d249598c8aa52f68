"""joining: how an invitation makes somebody a member. Called by every way of accepting one."""

from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.person import Invitation, Membership, User
from revolution_hub.model.principal import Origin
from revolution_hub.services.quotas import require_within
from revolution_hub.services.sessions import principal_in
from revolution_hub.store import across, audit, invitations, people, users
from revolution_hub.store.tx import Tx


def open_invitation(hub: Hub, link_hash: str) -> Invitation:
    """Return the invitation with this hash or raise NotFoundError, the same one whatever is wrong with it."""
    found = across.find_invitation(hub.store, link_hash)
    if found is None or not found.is_open(hub.now()):
        raise gone()
    return found


def join(hub: Hub, tx: Tx, invitation: Invitation, user: User, origin: Origin) -> Membership:
    """Make a user a member as the invitation says, and use it up. Who the user is was proven before."""
    now = hub.now()
    if people.find_membership(tx, user.id) is not None:
        raise ConflictError("you are a member of this tenant already", code="already_member")
    require_within(hub, tx, "members", people.count_members(tx))
    if not invitations.accept(tx, invitation.id, user.id, now):
        raise gone()
    membership = Membership(
        tenant_id=tx.tenant_id,
        user_id=user.id,
        role=invitation.role,
        created_at=now,
        added_by=invitation.created_by,
    )
    people.add_membership(tx, membership)
    # Who could make a link for a new password did so as long as this was the concern of one tenant alone.
    users.drop_resets(tx, user.id)
    principal = principal_in(user, membership, origin)
    audit.append(
        tx, entry_of(principal, "invitation.accept", invitation.id, now, after={"role": invitation.role})
    )
    return membership


def gone() -> NotFoundError:
    """Return the one answer for a link that leads nowhere."""
    return NotFoundError("the link is not good, or not any more; ask for another one")
