"""/api/approvals: what people are asked before an action is called, their answers, and a tenant's rules."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from revolution_hub.api.approval_views import approval_detail_json, approval_json, link_json, policy_json
from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.approval import LONGEST_COMMENT, Decision
from revolution_hub.services import approval_links, approval_policies, approvals
from revolution_hub.services.approval_policies import NewPolicy
from revolution_hub.services.approvals import Answer, Wanted
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["approvals"])

Status = Literal["pending", "approved", "used", "rejected", "expired", "cancelled"]


class DecisionBody(Model):
    """What somebody says to an approval."""

    decision: Literal["approve", "reject"] = Field(description="yes or no")
    comment: str = Field(default="", max_length=LONGEST_COMMENT, description="why")


class PolicyBody(Model):
    """A rule for every action that its pattern names."""

    pattern: str = Field(max_length=200, description="connector.action, connector.* or *")
    rule: JsonObject = Field(
        default_factory=dict, description="assignees, quorum, deadline, escalate_to, as in a step's approval"
    )


@route(router, "GET", "/api/approvals", permission="approval:read")
def list_approvals(
    hub: HubDep,
    principal: PrincipalDep,
    page: PageDep,
    status: Annotated[Status | None, Query(description="only with this status")] = None,
    execution_id: Annotated[str | None, Query(max_length=40, description="only of this execution")] = None,
    mine: Annotated[bool, Query(description="only those that wait for an answer of yours")] = False,
) -> JsonObject:
    """List approvals with their votes."""
    wanted = Wanted(status=status, execution_id=execution_id, mine=mine)
    found, last = approvals.list_approvals(hub, principal, page, wanted)
    return page_json([approval_json(one) for one in found], last)


@route(router, "GET", "/api/approvals/{approval_id}", permission="approval:read")
def get_approval(approval_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read an approval with exactly what is to be agreed to."""
    return approval_detail_json(approvals.get_approval(hub, principal, approval_id))


@route(
    router, "POST", "/api/approvals/{approval_id}/decision", permission="approval:decide", body=DecisionBody
)
def decide_approval(
    approval_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[DecisionBody, json_body(DecisionBody)],
) -> JsonObject:
    """Approve or reject. Only people who are asked may, and never those who asked for the execution."""
    answer = Answer(decision=Decision(body.decision), comment=body.comment)
    return approval_json(approvals.decide_approval(hub, principal, approval_id, answer))


@route(router, "POST", "/api/approvals/{approval_id}/link", permission="approval:decide", status=201)
def make_link(approval_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Make a link by which you can answer this approval once without signing in. It is shown this once."""
    return link_json(approval_links.make_link(hub, principal, approval_id))


@route(router, "GET", "/api/approval-policies", permission="approval:read")
def list_policies(hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List the tenant's own rules of what needs an approval."""
    found, last = approval_policies.list_policies(hub, principal, page)
    return page_json([policy_json(one) for one in found], last)


@route(router, "POST", "/api/approval-policies", permission="approval:policy", status=201, body=PolicyBody)
def create_policy(
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[PolicyBody, json_body(PolicyBody)],
) -> JsonObject:
    """Let actions need an approval from now on, within a second in every process."""
    wanted = NewPolicy(pattern=body.pattern, rule=body.rule)
    policy = approval_policies.create_policy(hub, principal, wanted, once_of(request))
    response.headers["Location"] = f"/api/approval-policies/{policy.id}"
    return policy_json(policy)


@route(router, "GET", "/api/approval-policies/{policy_id}", permission="approval:read")
def get_policy(policy_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a rule."""
    return policy_json(approval_policies.get_policy(hub, principal, policy_id))


@route(router, "DELETE", "/api/approval-policies/{policy_id}", permission="approval:policy", status=204)
def delete_policy(policy_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Take a rule back. What was asked under it still waits for its answer."""
    approval_policies.delete_policy(hub, principal, policy_id)
