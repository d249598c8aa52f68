"""/api/health: whether this process answers and can reach the truth."""

from fastapi import APIRouter

from revolution_hub.api.doors import HubDep, public_route
from revolution_hub.store.across import any_tenant
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["health"])


@public_route(router, "GET", "/api/health", why="says nothing but that the hub answers")
def health(hub: HubDep) -> JsonObject:
    """Answer `ok` when the database answers too; 503 otherwise."""
    any_tenant(hub.store)
    return {"status": "ok"}
