"""owners: how the first person comes in. Asked at the machine itself, by whoever may use its database.

There is no password before somebody has chosen one: what is made here is a link that is good once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from revolution_hub.access.tokens import INVITATION, hash_token, mint_token
from revolution_hub.errors import ConflictError
from revolution_hub.model.audit import AuditEntry
from revolution_hub.model.ids import new_id
from revolution_hub.model.person import Invitation, Membership, User
from revolution_hub.services.invitations import require_new
from revolution_hub.settings import Settings
from revolution_hub.store import across, audit, invitations, people, tenants, users
from revolution_hub.store.tx import Store, Tx
from revolution_sdk.types import JsonObject

GOOD_FOR = timedelta(days=1)
OPERATOR = "operator"
"""Who did it, in the audit log: somebody at the machine, whom the hub cannot know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOwner:
    """An owner who is made at the terminal, password hash and all."""

    email: str
    name: str
    password_hash: str


def invite_owner(
    store: Store, settings: Settings, now: datetime, *, email: str | None = None, tenant_id: str | None = None
) -> str:
    """Return a link by which somebody becomes an owner, once: its holder, or the one with this address."""
    chosen, role = _place(store, tenant_id)
    token = mint_token(INVITATION)
    made = Invitation(
        id=new_id("inv"),
        tenant_id=chosen,
        link_hash=hash_token(token),
        role=role,
        email=email,
        created_by=OPERATOR,
        created_at=now,
        expires_at=now + GOOD_FOR,
    )
    with store.begin(chosen) as tx:
        invitations.add(tx, made)
        _note(tx, "invitation.create", made.id, now, {"role": role, "email": email})
    return link_to(settings, token)


def create_owner(store: Store, now: datetime, owner: NewOwner, *, tenant_id: str | None = None) -> str:
    """Make an owner with a password and return the id; raises ConflictError for a known e-mail address."""
    chosen, role = _place(store, tenant_id)
    user = User(
        id=new_id("usr"),
        email=owner.email,
        name=owner.name,
        created_at=now,
        password_hash=owner.password_hash,
        password_at=now,
    )
    membership = Membership(tenant_id=chosen, user_id=user.id, role=role, created_at=now, added_by=OPERATOR)
    with store.begin(chosen) as tx:
        require_new(users.add_user(tx, user))
        people.add_membership(tx, membership)
        _note(tx, "member.create", user.id, now, {"role": role})
    return user.id


def link_to(settings: Settings, token: str) -> str:
    """Return the address that a person is sent. Behind the # it stays in the browser, out of every log."""
    return f"{settings.public()}/invitation#{token}"


def _place(store: Store, tenant_id: str | None) -> tuple[str, str]:
    # The first tenant's owners run the installation.
    first = across.first_tenant(store)
    if first is None:
        raise ConflictError("there is no tenant yet: start the hub once", code="no_tenant")
    if tenant_id is None or tenant_id == first:
        return first, "host"
    with store.read(tenant_id) as tx:
        tenants.name_of(tx)
    return tenant_id, "owner"


def _note(tx: Tx, action: str, target: str, now: datetime, after: JsonObject) -> None:
    entry = AuditEntry(
        tenant_id=tx.tenant_id,
        at=now,
        principal_id=OPERATOR,
        principal_kind="",
        principal_name=OPERATOR,
        action=action,
        target=target,
        fields={name: "added" for name, value in after.items() if value is not None},
        address="",
        request_id="",
    )
    audit.append(tx, entry)
