"""/api/plans and /api/tenants/{id}/plan: what tenants may use, for whoever runs the installation."""

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Path as PathParameter
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.pages import page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.plan import LARGEST, Charge, Plan, Unit, charge_json
from revolution_hub.services import quotas
from revolution_hub.services.quotas import NewPlan
from revolution_hub.store.plans import InForce, TenantPlan
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["plans"])

_LIMITS = "limits by name; what is not named is not limited"
Name = Annotated[str, PathParameter(pattern=r"^[a-z][a-z0-9_-]{0,59}$", description="the plan's name")]
Amount = Annotated[float, Field(ge=0, le=LARGEST, strict=False)]


class ChargeBody(Model):
    """How a month of AI is charged: flat in any case, and each unit beyond those included at the price."""

    per: Literal["thousand_tokens", "request", "cost"] = Field(default="cost", description="what a unit is")
    price: Amount = Field(default=1.0, description="of a unit; of cost it is a factor")
    included: Amount = Field(default=0.0, description="units that cost nothing; of cost it is money")
    flat: Amount = Field(default=0.0, description="what a month costs in any case")


class PlanBody(Model):
    """A plan."""

    limits: JsonObject = Field(default_factory=dict, max_length=50, description=_LIMITS)
    charge: ChargeBody = Field(default_factory=ChargeBody, description="how the use of AI is charged")
    warn_percent: int = Field(default=80, ge=1, le=100, description="from here on the tenant is warned")


class TenantPlanBody(Model):
    """What a tenant is given."""

    plan: str | None = Field(
        default=None, max_length=60, description="a plan's name; null for the default one"
    )
    limits: JsonObject = Field(
        default_factory=dict, max_length=50, description="in the place of the plan's; null lifts one"
    )


class LimitsBody(Model):
    """Limits of a principal's own."""

    limits: JsonObject = Field(default_factory=dict, max_length=50, description=_LIMITS)


@route(router, "GET", "/api/plans", permission="plan:write")
def list_plans(hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """List the plans of the installation."""
    return page_json([plan_json(one) for one in quotas.list_plans(hub, principal)], None)


@route(router, "GET", "/api/plans/{name}", permission="plan:write")
def get_plan(name: Name, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Show a plan."""
    return plan_json(quotas.get_plan(hub, principal, name))


@route(router, "PUT", "/api/plans/{name}", permission="plan:write", body=PlanBody)
def put_plan(
    name: Name, hub: HubDep, principal: PrincipalDep, body: Annotated[PlanBody, json_body(PlanBody)]
) -> JsonObject:
    """Make a plan, or change it for every tenant that has it."""
    given = body.charge
    charge = Charge(per=Unit(given.per), price=given.price, included=given.included, flat=given.flat)
    wanted = NewPlan(limits=body.limits, charge=charge, warn_percent=body.warn_percent)
    return plan_json(quotas.put_plan(hub, principal, name, wanted))


@route(router, "DELETE", "/api/plans/{name}", permission="plan:write", status=204)
def remove_plan(name: Name, hub: HubDep, principal: PrincipalDep) -> None:
    """Delete a plan that no tenant has; one that comes with the hub is then as it came."""
    quotas.remove_plan(hub, principal, name)


@route(router, "GET", "/api/tenants/{tenant_id}/plan", permission="plan:write")
def get_tenant_plan(tenant_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Show the plan a tenant was given, and what counts for it."""
    return _given_json(*quotas.get_tenant_plan(hub, principal, tenant_id))


@route(router, "PUT", "/api/tenants/{tenant_id}/plan", permission="plan:write", body=TenantPlanBody)
def put_tenant_plan(
    tenant_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[TenantPlanBody, json_body(TenantPlanBody)],
) -> JsonObject:
    """Give a tenant a plan, and limits of its own."""
    return _given_json(*quotas.put_tenant_plan(hub, principal, tenant_id, body.plan, body.limits))


@route(router, "GET", "/api/principals/{principal_id}/limits", permission="key:write")
def get_principal_limits(principal_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Show the limits a principal of the tenant has of its own."""
    return {"limits": dict(quotas.get_principal_limits(hub, principal, principal_id))}


@route(router, "PUT", "/api/principals/{principal_id}/limits", permission="key:write", body=LimitsBody)
def put_principal_limits(
    principal_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[LimitsBody, json_body(LimitsBody)],
) -> JsonObject:
    """Give a principal of the tenant limits of its own; they narrow those of the tenant."""
    return {"limits": dict(quotas.put_principal_limits(hub, principal, principal_id, body.limits))}


def plan_json(plan: Plan) -> JsonObject:
    """Return a plan as it goes out."""
    return {
        "name": plan.name,
        "limits": dict(plan.limits),
        "charge": charge_json(plan.charge),
        "warn_percent": plan.warn_percent,
        "revision": plan.revision,
    }


def _given_json(given: TenantPlan, counts: InForce) -> JsonObject:
    return {
        "plan": given.plan,
        "limits": dict(given.limits),
        "in_force": {"plan": counts.plan.name, "limits": dict(counts.limits)},
        "revision": given.revision,
    }
