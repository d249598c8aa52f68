"""Provider apps: the OAuth clients tenants connect through, and the secrets that sign their deliveries."""

from dataclasses import dataclass, replace
from datetime import timedelta

from revolution_hub.access.rbac import require
from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.connection import ProviderApp
from revolution_hub.model.ids import new_id, new_key
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import across, apps, audit, connections
from revolution_hub.vault.apps import app_token, reseal_app, seal_app
from revolution_hub.vault.vault import MARKED


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """A provider app to register. A shared one serves every tenant of the installation."""

    client_id: str
    client_secret: str
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnApp:
    """An app for whoever may change it. `verify_token` is what the provider is told to show when it asks."""

    app: ProviderApp
    verify_token: str | None


def create_app(
    hub: Hub, principal: Principal, connector_name: str, wanted: NewApp, once: Once | None = None
) -> OwnApp:
    """Register a provider app: the OAuth client, and the secret its deliveries are signed with."""
    require(principal, "app:share" if wanted.shared else "app:write")
    connector = hub.catalog.get_connector(connector_name)
    app_id, now = new_id("app"), hub.now()
    owner = None if wanted.shared else principal.tenant_id
    app = ProviderApp(
        id=app_id,
        connector=connector.name,
        app_key=new_key(),
        client_id=wanted.client_id,
        secret=seal_app(hub.vault, owner, app_id, wanted.client_secret),
        owner_tenant_id=owner,
        created_at=now,
    )
    said = {"client_id": wanted.client_id, "client_secret": True, "shared": wanted.shared}
    marks = {"client_secret": hub.vault.stamp(principal.tenant_id, MARKED, wanted.client_secret)}
    with hub.store.begin(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is None:
            apps.add(tx, app)
            remember(tx, principal, once, app.id, now)
            audit.append(tx, entry_of(principal, "app.create", app.id, now, after=said, marks=marks))
        known = apps.find(tx, made or app.id)
    if known is None:
        raise NotFoundError("there is no such provider app")
    return _own(hub, known)


def list_apps(hub: Hub, principal: Principal, connector_name: str) -> list[ProviderApp]:
    """Return the connector's apps the tenant may connect through: its own and the installation's."""
    require(principal, "connection:read")
    with hub.store.read(principal.tenant_id) as tx:
        return apps.list_open(tx, hub.catalog.get_connector(connector_name).name)


def replace_app_secret(
    hub: Hub, principal: Principal, connector_name: str, app_id: str, secret: str, overlap: timedelta
) -> OwnApp:
    """Replace an app's secret; for a while deliveries may be signed with the old one as well.

    An app of the installation needs the permission `app:share`. Raises ConflictError if somebody else
    replaced it meanwhile.
    """
    require(principal, "app:write")
    with hub.store.read(principal.tenant_id) as tx:
        app = apps.find(tx, app_id)
    if app is None or app.connector != connector_name:
        raise NotFoundError("there is no such provider app")
    if app.owner_tenant_id is None:
        require(principal, "app:share")
    sealed = reseal_app(hub.vault, app, secret, hub.now() + overlap)
    marks = {"client_secret": hub.vault.stamp(principal.tenant_id, MARKED, secret)}
    with hub.store.begin(principal.tenant_id) as tx:
        if not apps.replace_secret(tx, app, sealed):
            raise ConflictError("the secret was replaced meanwhile; try again")
        audit.append(tx, entry_of(principal, "app.rotate", app.id, hub.now(), marks=marks))
    return _own(hub, replace(app, secret=sealed))


def delete_app(
    hub: Hub, principal: Principal, connector_name: str, app_id: str, *, disconnect: bool = False
) -> None:
    """Delete a provider app; what it delivered is kept, and its address leads nowhere any more.

    Raises ConflictError `app_in_use` while connections are authorized through it. With `disconnect` those of
    the tenant's own app have to be authorized anew, through another app. Apps of the installation need the
    permission `app:share`, and are never deleted under a connection.
    """
    require(principal, "app:write")
    with hub.store.read(principal.tenant_id) as tx:
        app = apps.find(tx, app_id)
    if app is None or app.connector != connector_name:
        raise NotFoundError("there is no such provider app")
    if app.owner_tenant_id is None:
        require(principal, "app:share")
    _require_unused(hub, app, disconnect=disconnect)
    now, reason = hub.now(), "its provider app was deleted"
    with hub.store.begin(principal.tenant_id) as tx:
        used = apps.connections_through(tx, app.id)
        if used and not disconnect:
            raise _in_use(len(used))
        for one in used:
            connections.set_status(tx, one, ConnectionStatus.NEEDS_REAUTH, reason, now)
        if not apps.remove(tx, app.id):
            raise NotFoundError("there is no such provider app")
        after = {"disconnected": len(used)} if used else {}
        audit.append(tx, entry_of(principal, "app.delete", app.id, now, after=after))


def _require_unused(hub: Hub, app: ProviderApp, *, disconnect: bool) -> None:
    if disconnect and app.owner_tenant_id is not None:
        return
    used = across.count_connections_through(hub.store, app.id)
    if used:
        raise _in_use(used)


def _in_use(count: int) -> ConflictError:
    told = f"{count} connections are authorized through this app; delete them first, or authorize them anew"
    return ConflictError(told, code="app_in_use", details={"connections": count})


def _own(hub: Hub, app: ProviderApp) -> OwnApp:
    connector = hub.catalog.find_connector(app.connector)
    asks = connector is not None and connector.webhook is not None and connector.webhook.challenge is not None
    return OwnApp(app=app, verify_token=app_token(hub.vault, app).reveal() if asks else None)
