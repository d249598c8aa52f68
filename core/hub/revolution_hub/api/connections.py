"""/api/integrations/{connector}/connections/…: what people change about connections, and how those stand."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, revision_of, route
from revolution_hub.api.integrations import ConnectionBody
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.views import connection_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.connection import Connection, Health
from revolution_hub.model.time import rfc3339
from revolution_hub.services import connection_impact, connection_life, connections
from revolution_hub.services.connection_impact import Impact
from revolution_hub.services.connections import NewConnection
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["integrations"])

ALL = "/api/integrations/{connector}/connections"
ONE = ALL + "/{connection_id}"

Force = Annotated[bool, Query(description="even if workflows use it")]


class ChangeBody(Model):
    """What changes about a connection; what is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=80, description="how workflows name it")
    default: Literal[True] | None = Field(
        default=None, description="the one that steps use which name none; another one ceases to be it"
    )


class DisableBody(Model):
    """Why a connection is disabled."""

    reason: str | None = Field(default=None, min_length=1, max_length=200, description="for others to read")


# Before the routes of one connection, none of which is called `test`.
@route(router, "POST", f"{ALL}/test", permission="connection:write", body=ConnectionBody)
def test_credential(
    connector: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ConnectionBody, json_body(ConnectionBody)],
) -> JsonObject:
    """Try a credential at the provider and keep nothing. One that is used up by trying it is not tried."""
    wanted = NewConnection(name=body.name, credential=body.credential, base_url=body.base_url, app=body.app)
    tried, found = connections.try_credential(hub, principal, connector, wanted)
    return {"tried": tried, "found": found}


@route(router, "PATCH", ONE, permission="connection:write", body=ChangeBody)
def change_connection(
    connector: str,
    connection_id: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ChangeBody, json_body(ChangeBody)],
    force: Force = False,
) -> JsonObject:
    """Rename a connection or make it its connector's default; wants the ETag that was read as If-Match."""
    changed = connection_life.change_connection(
        hub,
        principal,
        connector,
        connection_id,
        revision=revision_of(request),
        name=body.name,
        default=bool(body.default),
        force=force,
    )
    return tagged(response, changed)


@route(router, "POST", f"{ONE}/test", permission="connection:write", shared=True)
def probe_connection(connector: str, connection_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Look now whether a connection works."""
    return connection_json(connection_life.probe_connection(hub, principal, connector, connection_id))


@route(router, "POST", f"{ONE}/disable", permission="connection:write", body=DisableBody)
def disable_connection(
    connector: str,
    connection_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[DisableBody, json_body(DisableBody)],
) -> JsonObject:
    """Let nobody use a connection; executions that need it wait until it is enabled again."""
    return connection_json(
        connection_life.disable_connection(hub, principal, connector, connection_id, body.reason)
    )


@route(router, "POST", f"{ONE}/enable", permission="connection:write")
def enable_connection(connector: str, connection_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Let a disabled connection be used again; executions that waited for it go on."""
    return connection_json(connection_life.enable_connection(hub, principal, connector, connection_id))


@route(router, "GET", f"{ONE}/health", permission="connection:read", shared=True)
def list_health(
    connector: str, connection_id: str, hub: HubDep, principal: PrincipalDep, page: PageDep
) -> JsonObject:
    """List how a connection stood and why, the newest first. The last hundred changes are kept."""
    found, last = connection_life.list_health(hub, principal, connector, connection_id, page)
    return page_json([health_json(one) for one in found], last)


@route(router, "GET", f"{ONE}/impact", permission="connection:read", shared=True)
def get_impact(connector: str, connection_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Say which workflows use a connection, and how many executions wait for it."""
    return impact_json(connection_impact.get_impact(hub, principal, connector, connection_id))


def tagged(response: Response, connection: Connection) -> JsonObject:
    """A connection, with its ETag."""
    response.headers["ETag"] = f'"{connection.revision}"'
    return connection_json(connection)


def health_json(health: Health) -> JsonObject:
    """How a connection stood from a moment on; without anybody it was the hub that found it out."""
    return {
        "id": health.id,
        "status": str(health.status),
        "reason": health.reason,
        "by": health.by_id,
        "at": rfc3339(health.at),
    }


def impact_json(impact: Impact) -> JsonObject:
    """Who uses a connection."""
    return {
        "workflows": [
            {
                "id": one.workflow_id,
                "name": one.name,
                "published": one.published,
                "draft": one.draft,
                "how": "name" if one.named else "default",
            }
            for one in impact.uses
        ],
        "executions_waiting": impact.waiting,
    }
