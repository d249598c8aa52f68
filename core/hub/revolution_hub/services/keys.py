"""Keys: the API keys of a tenant. Each speaks for itself or for its holder; the key itself is shown once."""

from dataclasses import dataclass
from datetime import datetime

from revolution_hub.access.api_keys import mint_api_key, shown_part
from revolution_hub.access.rbac import PERMISSIONS, require
from revolution_hub.access.roles import require_may_give
from revolution_hub.access.tokens import hash_token
from revolution_hub.errors import AccessError, ConflictError, InputError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.principal import Kind, Principal
from revolution_hub.model.time import rfc3339
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import audit, service_principals, shares, tenants, workflows
from revolution_hub.store.paging import Page
from revolution_hub.store.tenants import StoredKey
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedKey:
    """What a new key is to be. None narrows nothing; `service_id` is the service principal it is for."""

    name: str
    role: str
    permissions: tuple[str, ...] | None = None
    workflows: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    service_id: str | None = None

    def as_json(self) -> JsonObject:
        """Return what is written down about it."""
        told: JsonObject = {"name": self.name, "role": self.role}
        narrowed = {
            "permissions": self.permissions,
            "workflows": self.workflows,
            "expires_at": rfc3339(self.expires_at) if self.expires_at else None,
            "service": self.service_id,
        }
        return told | {name: value for name, value in narrowed.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """An API key that was just made. A repeated request does not get the key itself again."""

    stored: StoredKey
    api_key: str | None


def create_key(hub: Hub, principal: Principal, wanted: WantedKey, once: Once | None = None) -> NewKey:
    """Make an API key that may do nothing the principal may not do itself, and is good for no longer."""
    require(principal, "key:write")
    _require_possible(wanted, hub.now())
    key_id, key, now = new_id("key"), mint_api_key(), hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is not None:
            return NewKey(stored=tenants.get_api_key(tx, made), api_key=None)
        require_may_give(tx, principal, wanted.role)
        holder_id = _holder(tx, principal, wanted)
        for workflow_id in wanted.workflows or ():
            workflows.get(tx, workflow_id)
        remember(tx, principal, once, key_id, now)
        tenants.add_api_key(
            tx,
            key_id,
            name=wanted.name,
            key_hash=hash_token(key),
            role=wanted.role,
            now=now,
            prefix=shown_part(key),
            holder_id=holder_id,
            made_by=principal.id,
            permissions=None if wanted.permissions is None else sorted(set(wanted.permissions)),
            workflows=None if wanted.workflows is None else sorted(set(wanted.workflows)),
            expires_at=wanted.expires_at,
        )
        audit.append(tx, entry_of(principal, "key.create", key_id, now, after=wanted.as_json()))
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
            shares.remove_all_with(tx, key_id)
            audit.append(tx, entry_of(principal, "key.revoke", key_id, now))


def _require_possible(wanted: WantedKey, now: datetime) -> None:
    problems = []
    for at, name in enumerate(wanted.permissions or ()):
        if name not in PERMISSIONS:
            problems.append(Problem(path=f"permissions[{at}]", message="is not a permission"))
    if wanted.expires_at is not None and wanted.expires_at <= now:
        problems.append(Problem(path="expires_at", message="a moment to come is needed"))
    if problems:
        raise InputError("there can be no such key", problems)


def _holder(tx: Tx, principal: Principal, wanted: WantedKey) -> str | None:
    """Return who the new key is held by: whoever stands behind the one who makes it, or a service principal.

    A key that makes keys hands its own end and its own holder on, else it would outlive both.
    """
    maker = tenants.find_key(tx, principal.id) if principal.kind is Kind.KEY else None
    ends = maker.expires_at if maker is not None else None
    if ends is not None and (wanted.expires_at is None or wanted.expires_at > ends):
        raise AccessError(f"a key that is good until {rfc3339(ends)} makes none that is good for longer")
    if wanted.service_id is not None:
        service = service_principals.get(tx, wanted.service_id)
        require_may_give(tx, principal, service.role)
        return service.id
    if maker is not None:
        return maker.holder_id
    return principal.id
