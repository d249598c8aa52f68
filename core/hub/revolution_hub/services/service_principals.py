"""Service principals: named principals of a tenant that are nobody's, for what works without a person."""

from revolution_hub.access.rbac import require
from revolution_hub.access.roles import require_may_give, require_over
from revolution_hub.errors import NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.person import ServicePrincipal
from revolution_hub.model.principal import Principal
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import audit, service_principals, shares, tenants
from revolution_hub.store.paging import Page


def create_service(
    hub: Hub, principal: Principal, name: str, role: str, once: Once | None = None
) -> ServicePrincipal:
    """Make a service principal, which may do nothing the principal may not do itself."""
    require(principal, "service:write")
    now = hub.now()
    made = ServicePrincipal(
        id=new_id("svc"),
        tenant_id=principal.tenant_id,
        name=name,
        role=role,
        created_by=principal.id,
        created_at=now,
    )
    with hub.store.begin(principal.tenant_id) as tx:
        first = first_made(tx, principal, once)
        if first is not None:
            return service_principals.get(tx, first)
        require_may_give(tx, principal, role)
        remember(tx, principal, once, made.id, now)
        service_principals.add(tx, made)
        after = {"name": name, "role": role}
        audit.append(tx, entry_of(principal, "service.create", made.id, now, after=after))
    return made


def list_services(hub: Hub, principal: Principal, page: Page) -> tuple[list[ServicePrincipal], str | None]:
    """Return one page of the tenant's service principals, and the cursor for the next."""
    require(principal, "service:write")
    with hub.store.read(principal.tenant_id) as tx:
        return service_principals.list_page(tx, page)


def get_service(hub: Hub, principal: Principal, service_id: str) -> ServicePrincipal:
    """Return a service principal or raise NotFoundError."""
    require(principal, "service:write")
    with hub.store.read(principal.tenant_id) as tx:
        return service_principals.get(tx, service_id)


def change_service(
    hub: Hub, principal: Principal, service_id: str, *, name: str | None, role: str | None
) -> ServicePrincipal:
    """Rename a service principal or give it another role; its keys follow at once."""
    require(principal, "service:write")
    with hub.store.begin(principal.tenant_id) as tx:
        found = service_principals.get(tx, service_id)
        require_over(tx, principal, found.role)
        if role is not None:
            require_may_give(tx, principal, role)
        before = {"name": found.name, "role": found.role}
        after = {"name": name or found.name, "role": role or found.role}
        service_principals.change(tx, service_id, **after)
        if before != after:
            entry = entry_of(
                principal, "service.change", service_id, hub.now(), before=dict(before), after=dict(after)
            )
            audit.append(tx, entry)
        return service_principals.get(tx, service_id)


def remove_service(hub: Hub, principal: Principal, service_id: str) -> None:
    """Remove a service principal; its keys speak for nobody from this moment on."""
    require(principal, "service:write")
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        require_over(tx, principal, service_principals.get(tx, service_id).role)
        if not service_principals.remove(tx, service_id):
            raise NotFoundError("there is no such service")
        tenants.revoke_keys_of(tx, service_id, now)
        shares.remove_all_with(tx, service_id)
        audit.append(tx, entry_of(principal, "service.remove", service_id, now))
