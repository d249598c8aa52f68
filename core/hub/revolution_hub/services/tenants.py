"""Tenants of the installation."""

from dataclasses import dataclass, replace
from datetime import datetime

from revolution_hub.access.api_keys import mint_api_key, shown_part
from revolution_hub.access.rbac import ON_WORKFLOWS, require
from revolution_hub.access.roles import permissions_within
from revolution_hub.access.tokens import hash_token
from revolution_hub.errors import AccessError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.person import Membership
from revolution_hub.model.principal import Kind, Origin, Principal
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import across, audit, people, tenants
from revolution_hub.store.tenants import KnownKey
from revolution_hub.store.uses import Uses


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """A tenant and its owner's API key, which is shown once: a repeated request does not get it."""

    id: str
    name: str
    api_key: str | None


def create_tenant(hub: Hub, principal: Principal, name: str, once: Once | None = None) -> NewTenant:
    """Create a tenant with an API key for its owner."""
    require(principal, "tenant:create")
    tenant_id, key, now = new_id("ten"), mint_api_key(), hub.now()
    with hub.store.begin_across() as tx:
        made = first_made(tx.of(principal.tenant_id), principal, once)
        if made is not None:
            return NewTenant(id=made, name=name, api_key=None)
        remember(tx.of(principal.tenant_id), principal, once, tenant_id, now)
        tenants.add_tenant(tx, tenant_id, name, now)
        tenants.add_api_key(
            tx.of(tenant_id),
            new_id("key"),
            name="owner",
            key_hash=hash_token(key),
            role="owner",
            now=now,
            prefix=shown_part(key),
            made_by=principal.id,
        )
        if principal.kind is Kind.USER:
            people.add_membership(tx.of(tenant_id), _owner(principal, tenant_id, now))
        entry = entry_of(principal, "tenant.create", tenant_id, now, after={"name": name})
        audit.append(tx.of(principal.tenant_id), entry)
        audit.append(tx.of(tenant_id), replace(entry, tenant_id=tenant_id))
    return NewTenant(id=tenant_id, name=name, api_key=key)


def _owner(principal: Principal, tenant_id: str, now: datetime) -> Membership:
    return Membership(
        tenant_id=tenant_id, user_id=principal.id, role="owner", created_at=now, added_by=principal.id
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTenant:
    """A tenant as somebody in it sees it."""

    id: str
    name: str
    role: str


def list_tenants(hub: Hub, principal: Principal) -> list[SeenTenant]:
    """Return where a user is a member; for every other principal there is one tenant alone."""
    require(principal, "tenant:read")
    if principal.kind is Kind.USER:
        found = across.list_memberships(hub.store, principal.id)
        return [SeenTenant(id=one.tenant_id, name=name, role=one.role) for one, name in found]
    with hub.store.read(principal.tenant_id) as tx:
        return [SeenTenant(id=principal.tenant_id, name=tenants.name_of(tx), role=principal.role)]


def rename_tenant(hub: Hub, principal: Principal, tenant_id: str, name: str) -> SeenTenant:
    """Give the tenant the principal acts in another name; raises NotFoundError for every other one."""
    require(principal, "tenant:write")
    if tenant_id != principal.tenant_id:
        raise NotFoundError("there is no such tenant")
    with hub.store.begin(principal.tenant_id) as tx:
        before = tenants.name_of(tx)
        if before != name:
            tenants.rename(tx, name)
            entry = entry_of(
                principal,
                "tenant.rename",
                tenant_id,
                hub.now(),
                before={"name": before},
                after={"name": name},
            )
            audit.append(tx, entry)
    return SeenTenant(id=tenant_id, name=name, role=principal.role)


def find_principal(hub: Hub, api_key: str, origin: Origin) -> Principal | None:
    """Return who the API key speaks for, or None. The door's own question, so nobody is required yet.

    Raises AccessError `key_revoked` or `key_expired` for a key that was good once.
    """
    known = across.find_api_key(hub.store, hash_token(api_key))
    if known is None:
        return None
    key, now = known.key, hub.now()
    if not known.is_good:
        raise AccessError("the API key was revoked", code="key_revoked")
    if key.expires_at is not None and key.expires_at <= now:
        raise AccessError("the API key has expired", code="key_expired")
    hub.store.companion(Uses).note_key(key.id, key.last_used_at, now)
    return _speaking(hub, known, origin)


def _speaking(hub: Hub, known: KnownKey, origin: Origin) -> Principal:
    key, holder = known.key, known.holder
    allowed = permissions_within(hub.store, key.tenant_id, key.role)
    if holder is not None:
        # What its holder may not do any more, the key may not either, from this moment on.
        allowed &= permissions_within(hub.store, key.tenant_id, holder.role)
    if key.permissions is not None:
        allowed &= frozenset(key.permissions)
    service = holder is not None and key.holder_id is not None and key.holder_id.startswith("svc_")
    return Principal(
        id=str(key.holder_id) if service else key.id,
        tenant_id=key.tenant_id,
        role=key.role,
        permissions=allowed if key.workflows is None else frozenset(),
        name=holder.name if service and holder is not None else key.name,
        kind=Kind.SERVICE if service else Kind.KEY,
        origin=origin,
        workflows=None if key.workflows is None else frozenset(key.workflows),
        on_workflows=frozenset() if key.workflows is None else allowed & ON_WORKFLOWS,
    )
