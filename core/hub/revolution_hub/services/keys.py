"""Keys: the API keys of a tenant. Each is a principal of its own; the key itself is shown once."""

from dataclasses import dataclass

from revolution_hub.access.api_keys import hash_api_key, mint_api_key
from revolution_hub.access.rbac import ROLES, may_hand_out, require
from revolution_hub.errors import AccessError, ConflictError, InputError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.principal import Principal
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import audit, tenants
from revolution_hub.store.paging import Page
from revolution_hub.store.tenants import StoredKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """An API key that was just made. A repeated request does not get the key itself again."""

    stored: StoredKey
    api_key: str | None


def create_key(hub: Hub, principal: Principal, name: str, role: str, once: Once | None = None) -> NewKey:
    """Make an API key of a role that may do nothing the principal may not do itself."""
    require(principal, "key:write")
    if role not in ROLES:
        message = f"one of: {', '.join(ROLES)}"
        raise InputError("there is no such role", [Problem(path="role", message=message)])
    if not may_hand_out(principal, role):
        raise AccessError(f"the role {principal.role!r} cannot hand out the role {role!r}")
    key_id, key, now = new_id("key"), mint_api_key(), hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is not None:
            return NewKey(stored=tenants.get_api_key(tx, made), api_key=None)
        remember(tx, principal, once, key_id, now)
        tenants.add_api_key(tx, key_id, name=name, key_hash=hash_api_key(key), role=role, now=now)
        audit.append(tx, entry_of(principal, "key.create", key_id, now, after={"name": name, "role": role}))
        return NewKey(stored=tenants.get_api_key(tx, key_id), api_key=key)


def list_keys(hub: Hub, principal: Principal, page: Page) -> tuple[list[StoredKey], str | None]:
    """Return one page of the tenant's keys, revoked ones included, and the cursor for the next."""
    require(principal, "key:write")
    with hub.store.read(principal.tenant_id) as tx:
        return tenants.list_api_keys(tx, page)


def revoke_key(hub: Hub, principal: Principal, key_id: str) -> None:
    """Let a key speak for nobody from now on. Raises ConflictError for the one that is asking."""
    require(principal, "key:write")
    if key_id == principal.id:
        raise ConflictError("a key cannot revoke itself; use another one", code="own_key")
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        tenants.get_api_key(tx, key_id)
        if tenants.revoke_api_key(tx, key_id, now):
            audit.append(tx, entry_of(principal, "key.revoke", key_id, now))
