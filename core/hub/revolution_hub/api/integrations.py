"""/api/integrations: connectors, connections, single actions."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from revolution_hub.api.doors import Model, idempotency_key, json_body, once_of, revision_of, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.views import connection_json, integration_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import connections, integrations
from revolution_hub.services.connections import NewConnection
from revolution_hub.services.integrations import Integration, Wanted
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["integrations"])


class ConnectionBody(Model):
    """A new connection. The credential goes in here and never comes out."""

    name: str = Field(default="default", min_length=1, max_length=80, description="how workflows name it")
    credential: JsonObject = Field(description="what the way to authorize asks for in its credential_schema")
    auth: str | None = Field(
        default=None, max_length=40, description="way to authorize, the connector's usual one if left out"
    )
    app: str | None = Field(default=None, max_length=40, description="provider app to connect through")
    base_url: str = Field(default="", max_length=400, description="another address than the provider's own")


class CredentialBody(Model):
    """A new credential for an existing connection."""

    credential: JsonObject = Field(description="what the connector's credential_schema asks for")
    base_url: str | None = Field(default=None, max_length=400, description="another address than before")


class ActionBody(Model):
    """One call of an action."""

    input: JsonObject = Field(default_factory=dict, description="what the action's input schema asks for")
    connection: str | None = Field(default=None, max_length=80, description="name of the connection to use")


class IntegrationBody(Model):
    """A connector as the tenant wants it from now on; what is left out is as it was before any change."""

    enabled: bool = Field(default=True, description="without it nothing of the connector works")
    disabled_actions: list[str] = Field(
        default_factory=list, max_length=1000, description="names of actions that do not work"
    )
    settings: JsonObject = Field(
        default_factory=dict, description="what the connector's settings_schema asks for; never a secret"
    )


@route(router, "GET", "/api/integrations", permission="integration:read")
def list_integrations(hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """List connectors with their actions and events. All of them, so there is no second page."""
    return page_json([integration_json(one) for one in integrations.list_integrations(hub, principal)], None)


@route(router, "GET", "/api/integrations/{connector}", permission="integration:read")
def get_integration(connector: str, response: Response, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read one connector as the tenant set it; its ETag is needed for changing that."""
    return _answered(response, integrations.get_integration(hub, principal, connector))


@route(
    router,
    "PUT",
    "/api/integrations/{connector}",
    permission="integration:write",
    body=IntegrationBody,
)
def replace_integration(
    connector: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[IntegrationBody, json_body(IntegrationBody)],
) -> JsonObject:
    """Turn a connector and single actions on or off, and set what it is handed as its settings."""
    wanted = Wanted(enabled=body.enabled, disabled_actions=body.disabled_actions, settings=body.settings)
    changed = integrations.replace_integration(
        hub, principal, connector, wanted, revision=revision_of(request)
    )
    return _answered(response, changed)


@route(
    router,
    "POST",
    "/api/integrations/{connector}/actions/{action}",
    permission="connection:use",
    shared=True,
    status=202,
    body=ActionBody,
)
def run_action(
    connector: str,
    action: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ActionBody, json_body(ActionBody)],
) -> JsonObject:
    """Run one action as an execution of one step. The same Idempotency-Key runs it once."""
    execution_id = integrations.run_action(
        hub,
        principal,
        f"{connector}.{action}",
        body.input,
        connection=body.connection,
        idempotency_key=idempotency_key(request),
    )
    response.headers["Location"] = f"/api/workflow-executions/{execution_id}"
    return {"execution_id": execution_id}


@route(router, "GET", "/api/integrations/{connector}/connections", permission="connection:read", shared=True)
def list_connections(connector: str, hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List the connections of a connector."""
    found, last = connections.list_connections(hub, principal, connector, page)
    return page_json([connection_json(one) for one in found], last)


@route(
    router,
    "POST",
    "/api/integrations/{connector}/connections",
    permission="connection:write",
    status=201,
    body=ConnectionBody,
)
def create_connection(
    connector: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ConnectionBody, json_body(ConnectionBody)],
) -> JsonObject:
    """Connect an account. The credential is tried at the provider before it is kept."""
    wanted = NewConnection(
        name=body.name, credential=body.credential, base_url=body.base_url, app=body.app, auth=body.auth
    )
    connection = connections.create_connection(hub, principal, connector, wanted, once_of(request))
    response.headers["Location"] = f"/api/integrations/{connector}/connections/{connection.id}"
    return connection_json(connection)


@route(
    router,
    "GET",
    "/api/integrations/{connector}/connections/{connection_id}",
    permission="connection:read",
    shared=True,
)
def get_connection(
    connector: str, connection_id: str, response: Response, hub: HubDep, principal: PrincipalDep
) -> JsonObject:
    """Read a connection; its ETag is needed for changing it."""
    connection = connections.get_connection(hub, principal, connector, connection_id)
    response.headers["ETag"] = f'"{connection.revision}"'
    return connection_json(connection)


@route(
    router,
    "PUT",
    "/api/integrations/{connector}/connections/{connection_id}/credential",
    permission="connection:write",
    shared=True,
    body=CredentialBody,
)
def replace_credential(
    connector: str,
    connection_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[CredentialBody, json_body(CredentialBody)],
) -> JsonObject:
    """Authorize a connection anew; executions that waited for it go on."""
    changed = connections.reauthorize(
        hub, principal, connector, connection_id, body.credential, base_url=body.base_url
    )
    return connection_json(changed)


@route(
    router,
    "DELETE",
    "/api/integrations/{connector}/connections/{connection_id}",
    permission="connection:write",
    status=204,
)
def delete_connection(
    connector: str,
    connection_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    force: Annotated[bool, Query(description="even if workflows use it")] = False,
) -> None:
    """Delete a connection and its credential. One that workflows use is deleted with `force` alone."""
    connections.delete_connection(hub, principal, connector, connection_id, force=force)


def _answered(response: Response, integration: Integration) -> JsonObject:
    response.headers["ETag"] = f'"{integration.state.revision}"'
    return integration_json(integration)
