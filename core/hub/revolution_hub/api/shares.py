"""Shares: one workflow or connection for principals and roles that could not see or use it otherwise."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from revolution_hub.access.rbac import Right
from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.lifecycle_views import share_json
from revolution_hub.api.pages import NamedPageDep, page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import connection_shares, shares
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["shares"])
SHARES = "/api/workflows/{workflow_id}/shares"
SHARE = SHARES + "/{principal_id}"
CONNECTION_SHARES = "/api/integrations/{connector}/connections/{connection_id}/shares"
CONNECTION_SHARE = CONNECTION_SHARES + "/{principal_id}"


class ShareBody(Model):
    """What a principal may do with the workflow."""

    right: Literal["view", "run", "edit"] = Field(description="each has those before it in it")


class ConnectionShareBody(Model):
    """What a principal may do with the connection."""

    right: Literal["use", "edit"] = Field(description="`edit` has `use` in it")


@route(router, "GET", SHARES, permission="workflow:write")
def list_shares(workflow_id: str, hub: HubDep, principal: PrincipalDep, page: NamedPageDep) -> JsonObject:
    """List whom the workflow is shared with."""
    found, last = shares.list_shares(hub, principal, workflow_id, page)
    return page_json([share_json(one) for one in found], last)


@route(router, "GET", SHARE, permission="workflow:write")
def get_share(workflow_id: str, principal_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read what a principal may do with the workflow."""
    return share_json(shares.get_share(hub, principal, workflow_id, principal_id))


@route(router, "PUT", SHARE, permission="workflow:write", body=ShareBody)
def put_share(
    workflow_id: str,
    principal_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ShareBody, json_body(ShareBody)],
) -> JsonObject:
    """Share the workflow with a principal of the tenant, or change what it may do."""
    return share_json(shares.put_share(hub, principal, workflow_id, principal_id, Right(body.right)))


@route(router, "DELETE", SHARE, permission="workflow:write", status=204)
def remove_share(workflow_id: str, principal_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Take a share back."""
    shares.remove_share(hub, principal, workflow_id, principal_id)


@route(router, "GET", CONNECTION_SHARES, permission="connection:write")
def list_connection_shares(
    connector: str, connection_id: str, hub: HubDep, principal: PrincipalDep, page: NamedPageDep
) -> JsonObject:
    """List whom the connection is shared with."""
    found, last = connection_shares.list_shares(hub, principal, connector, connection_id, page)
    return page_json([share_json(one) for one in found], last)


@route(router, "GET", CONNECTION_SHARE, permission="connection:write")
def get_connection_share(
    connector: str, connection_id: str, principal_id: str, hub: HubDep, principal: PrincipalDep
) -> JsonObject:
    """Read what a principal or role may do with the connection."""
    return share_json(connection_shares.get_share(hub, principal, connector, connection_id, principal_id))


@route(router, "PUT", CONNECTION_SHARE, permission="connection:write", body=ConnectionShareBody)
def put_connection_share(
    connector: str,
    connection_id: str,
    principal_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[ConnectionShareBody, json_body(ConnectionShareBody)],
) -> JsonObject:
    """Share the connection with a principal or a role of the tenant, or change what it may do."""
    given = connection_shares.put_share(
        hub, principal, connector, connection_id, principal_id, Right(body.right)
    )
    return share_json(given)


@route(router, "DELETE", CONNECTION_SHARE, permission="connection:write", status=204)
def remove_connection_share(
    connector: str, connection_id: str, principal_id: str, hub: HubDep, principal: PrincipalDep
) -> None:
    """Take a share of the connection back."""
    connection_shares.remove_share(hub, principal, connector, connection_id, principal_id)
