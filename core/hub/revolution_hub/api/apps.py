"""/api/integrations/{connector}/apps: provider apps, and their one address for deliveries."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from revolution_hub.access.rbac import decide
from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.pages import page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.hub import Hub
from revolution_hub.model.connection import ProviderApp
from revolution_hub.model.principal import Principal
from revolution_hub.model.time import rfc3339
from revolution_hub.services import apps
from revolution_hub.services.apps import NewApp, OwnApp
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["integrations"])

DAY_S = 86_400
LONGEST_OVERLAP_S = 30 * DAY_S


class AppBody(Model):
    """A provider app. The secret goes in here and never comes out."""

    client_id: str = Field(min_length=1, max_length=400, description="the app's client id at the provider")
    client_secret: str = Field(min_length=1, max_length=4096, description="the app's client secret")
    shared: bool = Field(default=False, description="serve every tenant of the installation")


class AppSecretBody(Model):
    """Another secret for a provider app."""

    client_secret: str = Field(min_length=1, max_length=4096, description="the app's new client secret")
    overlap_s: int = Field(
        default=DAY_S,
        ge=0,
        le=LONGEST_OVERLAP_S,
        description="so long deliveries may be signed with the old secret as well",
    )


@route(router, "POST", "/api/integrations/{connector}/apps", permission="app:write", status=201, body=AppBody)
def create_app(
    connector: str,
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[AppBody, json_body(AppBody)],
) -> JsonObject:
    """Register a provider app; its delivery_url is what the provider is to be told."""
    wanted = NewApp(client_id=body.client_id, client_secret=body.client_secret, shared=body.shared)
    return _own_json(hub, apps.create_app(hub, principal, connector, wanted, once_of(request)))


@route(router, "GET", "/api/integrations/{connector}/apps", permission="connection:read")
def list_apps(connector: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """List the apps a tenant may connect through: its own and the installation's. There is one page."""
    found = apps.list_apps(hub, principal, connector)
    return page_json([_app_json(hub, one, principal) for one in found], None)


@route(
    router,
    "PUT",
    "/api/integrations/{connector}/apps/{app_id}/secret",
    permission="app:write",
    body=AppSecretBody,
)
def replace_app_secret(
    connector: str,
    app_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[AppSecretBody, json_body(AppSecretBody)],
) -> JsonObject:
    """Replace an app's secret; for a while deliveries may be signed with the old one as well."""
    overlap = timedelta(seconds=body.overlap_s)
    changed = apps.replace_app_secret(hub, principal, connector, app_id, body.client_secret, overlap)
    return _own_json(hub, changed)


@route(router, "DELETE", "/api/integrations/{connector}/apps/{app_id}", permission="app:write", status=204)
def delete_app(
    connector: str, app_id: str, hub: HubDep, principal: PrincipalDep, disconnect: bool = False
) -> None:
    """Delete an app that no connection needs, or with `disconnect` one of the tenant's own all the same."""
    apps.delete_app(hub, principal, connector, app_id, disconnect=disconnect)


def _own_json(hub: Hub, own: OwnApp) -> JsonObject:
    token = {"verify_token": own.verify_token} if own.verify_token else {}
    return {**_shown(own.app), "delivery_url": _delivery_url(hub, own.app), **token}


def _app_json(hub: Hub, app: ProviderApp, principal: Principal) -> JsonObject:
    """An app as it is listed: its address is shown to whoever might have made it."""
    permission = "app:share" if app.owner_tenant_id is None else "app:write"
    known = decide(principal, permission).allowed
    return {**_shown(app), "delivery_url": _delivery_url(hub, app) if known else None}


def _shown(app: ProviderApp) -> JsonObject:
    return {
        "id": app.id,
        "connector": app.connector,
        "client_id": app.client_id,
        "shared": app.owner_tenant_id is None,
        "created_at": rfc3339(app.created_at),
    }


def _delivery_url(hub: Hub, app: ProviderApp) -> str:
    return f"{hub.settings.public()}/hooks/apps/{app.connector}/{app.app_key}"
