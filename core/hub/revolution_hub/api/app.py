"""The API put together. A route that declares neither a permission nor why it is public stops the start."""

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from revolution_hub.access.quotas import RateLimiter
from revolution_hub.api import (
    approvals,
    approve,
    apps,
    audit,
    authorize,
    connections,
    dry_run,
    event_log,
    event_replays,
    event_types,
    executions,
    files,
    health,
    hooks,
    integrations,
    invitations,
    keys,
    members,
    oidc,
    plans,
    polls,
    repeats,
    roles,
    schedules,
    schemas,
    service_principals,
    session,
    shares,
    starts,
    taps,
    templates,
    tenants,
    usage,
    versions,
    webhooks,
    workflow_files,
    workflows,
)
from revolution_hub.api.frame import Frame
from revolution_hub.api.intake import Intake
from revolution_hub.api.lean import LeanFirst
from revolution_hub.api.problems import add_handlers
from revolution_hub.api.rates import Rates
from revolution_hub.api.who import Remembered
from revolution_hub.hub import Hub
from revolution_hub.vault.oidc import Oidc
from revolution_hub.vault.passwords import Passwords

_ROUTERS = (
    *(hooks, health, session, oidc, invitations, members, service_principals),
    *(tenants, keys, roles, authorize, integrations, connections, apps, templates, schemas),
    *(
        workflow_files,
        workflows,
        versions,
        webhooks,
        files,
        schedules,
        starts,
        dry_run,
        shares,
        executions,
        repeats,
    ),
    *(event_log, event_replays, taps, event_types, polls),
    *(approvals, approve),
    *(audit, plans, usage),
)


def make_api(hub: Hub) -> ASGIApp:
    """Return the API as an ASGI application around this Hub."""
    return Frame(LeanFirst(make_fastapi(hub)))


def make_fastapi(hub: Hub) -> FastAPI:
    """Return the FastAPI application itself; raises RuntimeError for a route nobody declared."""
    app = FastAPI(
        title="Revolution Hub",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.hub = hub
    app.state.intake = Intake(hub)
    app.state.rates = Rates(hub.settings)
    app.state.remembered = Remembered()
    app.state.guesses = RateLimiter(hub.settings.guesses_per_minute)
    app.state.logins = RateLimiter(hub.settings.logins_per_minute)
    app.state.entries = RateLimiter(hub.settings.entries_per_minute)
    app.state.passwords = Passwords(hub.settings)
    app.state.oidc = Oidc(hub.settings.oidc, hub.egress, hub.settings.public(), hub.now)
    add_handlers(app)
    app.router.routes.extend(declared_routes())
    require_declared(app)
    return app


def declared_routes() -> list[BaseRoute]:
    """Return every route of the API, in the order in which they are asked."""
    return [route for module in _ROUTERS for route in module.router.routes]


def require_declared(app: FastAPI) -> None:
    """Raise RuntimeError if a route declares neither its permission nor why it is public."""
    for route in app.routes:
        marks = (route.openapi_extra or {}) if isinstance(route, APIRoute) else {}
        if not {"x-permission", "x-public"} & set(marks):
            raise RuntimeError(f"the route {getattr(route, 'path', route)} declares no permission")
