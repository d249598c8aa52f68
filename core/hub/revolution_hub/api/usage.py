"""/api/usage: what the tenant, and the principal who asks, have used of what they may."""

from fastapi import APIRouter

from revolution_hub.api.doors import route
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.time import rfc3339
from revolution_hub.services import quotas
from revolution_hub.services.quotas import Measure
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["usage"])


@route(router, "GET", "/api/usage", permission="usage:read")
def get_usage(hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Show what was used against the limits, and when counting begins anew."""
    found = quotas.get_usage(hub, principal)
    return {
        "plan": found.plan.name,
        "warn_percent": found.plan.warn_percent,
        "tenant": [_measure_json(one) for one in found.tenant],
        "principal": [_measure_json(one) for one in found.principal],
    }


def _measure_json(one: Measure) -> JsonObject:
    return {
        "limit": one.limit,
        "used": one.used,
        "most": one.most,
        "resets_at": None if one.resets_at is None else rfc3339(one.resets_at),
        "warning": one.warning,
        "exceeded": one.exceeded,
    }
