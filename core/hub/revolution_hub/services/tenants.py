"""Tenants of the installation."""

from dataclasses import dataclass

from revolution_hub.access.api_keys import hash_api_key, mint_api_key
from revolution_hub.access.rbac import permissions_of, require
from revolution_hub.hub import Hub
from revolution_hub.model.ids import new_id
from revolution_hub.model.principal import Origin, Principal
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import across, tenants


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
            tx.of(tenant_id), new_id("key"), name="owner", key_hash=hash_api_key(key), role="owner", now=now
        )
    return NewTenant(id=tenant_id, name=name, api_key=key)


def find_principal(hub: Hub, api_key: str, origin: Origin) -> Principal | None:
    """Return who the API key speaks for, or None. The door's own question, so nobody is required yet."""
    key = across.find_api_key(hub.store, hash_api_key(api_key))
    if key is None:
        return None
    return Principal(
        id=key.id,
        tenant_id=key.tenant_id,
        role=key.role,
        permissions=permissions_of(key.role),
        name=key.name,
        origin=origin,
    )
