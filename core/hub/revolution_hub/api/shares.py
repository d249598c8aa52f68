"""/api/workflows/{id}/shares: one workflow for principals whose role does not show it to them."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from revolution_hub.access.rbac import Right
from revolution_hub.api.doors import HubDep, Model, PrincipalDep, json_body, route
from revolution_hub.api.lifecycle_views import share_json
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.services import shares
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])
SHARES = "/api/workflows/{workflow_id}/shares"
SHARE = SHARES + "/{principal_id}"


class ShareBody(Model):
    """What a principal may do with the workflow."""

    right: Literal["view", "run", "edit"] = Field(description="each has those before it in it")


@route(router, "GET", SHARES, permission="workflow:write")
def list_shares(workflow_id: str, hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
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
