"""/api/oidc: signing in at an OpenID Connect provider, and what providers call one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from revolution_hub.api.browser import LOGIN, SESSION, cookie_of, drop_cookie, set_cookie
from revolution_hub.api.doors import Model, json_body, public_route
from revolution_hub.api.pages import page_json
from revolution_hub.api.people_views import identity_json
from revolution_hub.api.session import OWN
from revolution_hub.api.visits import VisitDep, agent_of, anybody, find_visit_of, origin_of
from revolution_hub.api.who import HubDep
from revolution_hub.errors import AccessError
from revolution_hub.services import oidc
from revolution_hub.services.oidc import GOOD_FOR, Begun, Return
from revolution_hub.services.sessions import Visit
from revolution_hub.settings import Settings
from revolution_hub.vault.oidc import Oidc
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["session"])
AFTER_LOGIN = "/api/session"
"""Where a browser goes once it is signed in; one fixed address, so that nobody can be sent elsewhere."""

_Short = Annotated[str | None, Query(max_length=500)]
_Long = Annotated[str | None, Query(max_length=4000)]


class BeginBody(Model):
    """A login that is begun."""

    invitation: str | None = Field(
        default=None, min_length=1, max_length=200, description="the token of an invitation to accept by it"
    )


async def oidc_of(request: Request) -> Oidc:
    """Return what asks the providers in this process."""
    found: Oidc = request.app.state.oidc
    return found


OidcDep = Annotated[Oidc, Depends(oidc_of)]


def _signed_in_already(request: Request) -> Visit | None:
    try:
        return find_visit_of(request)
    except AccessError:
        # A cookie of a session that is over keeps nobody from signing in again.
        return None


@public_route(router, "GET", "/api/oidc", why="the sign-in page shows which providers there are")
async def list_providers(providers: OidcDep) -> JsonObject:
    """List the providers one can sign in with."""
    found = providers.providers.values()
    return page_json([{"name": one.name, "title": one.title or one.name} for one in found], None)


@public_route(
    router,
    "POST",
    "/api/oidc/{provider}/login",
    why="begins a login, which proves nothing yet; limited per client address",
    status=201,
)
def begin_login(
    provider: str,
    response: Response,
    hub: HubDep,
    providers: OidcDep,
    body: Annotated[BeginBody, json_body(BeginBody, behind=anybody)],
) -> JsonObject:
    """Begin to sign in: the answer says where the browser goes."""
    begun = oidc.begin_login(hub, providers, provider, invitation=body.invitation)
    return _begun(response, hub.settings, begun)


@public_route(router, "POST", "/api/oidc/{provider}/link", why=OWN, status=201)
def begin_link(
    provider: str,
    response: Response,
    hub: HubDep,
    providers: OidcDep,
    visit: VisitDep,
    _: Annotated[None, Depends(anybody)],
) -> JsonObject:
    """Begin to link a provider to who is signed in: from then on it is another way in."""
    return _begun(response, hub.settings, oidc.begin_login(hub, providers, provider, visit=visit))


@public_route(
    router,
    "GET",
    "/api/oidc/{provider}/callback",
    why="a state that leads to a login begun in this browser, once, within ten minutes",
)
def finish_login(
    provider: str,
    request: Request,
    hub: HubDep,
    providers: OidcDep,
    _: Annotated[None, Depends(anybody)],
    visit: Annotated[Visit | None, Depends(_signed_in_already)],
    state: _Short = None,
    code: _Long = None,
    iss: _Short = None,
    error: _Short = None,
    error_description: _Long = None,
    error_uri: _Long = None,
    scope: _Long = None,
    session_state: _Short = None,
    authuser: _Short = None,
    prompt: _Short = None,
    hd: _Short = None,
) -> Response:
    """Take in who comes back from a provider; most parameters are what providers add, and say nothing."""
    back = Return(
        state=state or "",
        browser=cookie_of(request, hub.settings, LOGIN) or "",
        code=code,
        issuer=iss,
        error=error,
    )
    found = oidc.finish_login(
        hub,
        providers,
        provider,
        back,
        visit=visit,
        origin=origin_of(request, hub),
        agent=agent_of(request),
    )
    response = RedirectResponse(AFTER_LOGIN, 303)
    drop_cookie(response, hub.settings, LOGIN)
    set_cookie(response, hub.settings, SESSION, found.token, hub.settings.session_s)
    return response


@public_route(router, "GET", "/api/session/identities", why=OWN)
def list_identities(hub: HubDep, visit: VisitDep) -> JsonObject:
    """List what providers call one."""
    return page_json([identity_json(one) for one in oidc.list_identities(hub, visit)], None)


@public_route(router, "DELETE", "/api/session/identities/{identity_id}", why=OWN, status=204)
def unlink(identity_id: str, hub: HubDep, visit: VisitDep) -> None:
    """Let a provider's login lead here no more, unless it is the last way in."""
    oidc.unlink(hub, visit, identity_id)


def _begun(response: Response, settings: Settings, begun: Begun) -> JsonObject:
    set_cookie(response, settings, LOGIN, begun.browser, int(GOOD_FOR.total_seconds()))
    return {"url": begun.url}
