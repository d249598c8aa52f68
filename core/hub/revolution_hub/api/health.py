"""/api/health: whether this process answers and can reach the truth."""

from fastapi import APIRouter

from revolution_hub.api.doors import public_route
from revolution_hub.api.who import HubDep
from revolution_hub.store.across import any_tenant, try_to_write
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["health"])


@public_route(router, "GET", "/api/health", why="says nothing but that the hub answers")
def health(hub: HubDep) -> JsonObject:
    """Answer `ok` when the database answers, and takes writes too; 503 otherwise."""
    any_tenant(hub.store)
    if hub.store.refuses_writes:
        # A full disk still reads. Writing is tried only then, so a healthy hub is asked at no cost.
        try_to_write(hub.store)
    return {"status": "ok"}
