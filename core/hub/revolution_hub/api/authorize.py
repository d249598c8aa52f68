"""/api/integrations/{connector}/authorize and /callback: a person agrees at the provider and comes back.

Both need a browser's session. The state is bound to it, so no link connects somebody else's account.
The address with the code in it is left at once, and no page shows anything of it.
"""

from html import escape
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from revolution_hub.api.doors import route
from revolution_hub.api.problems import status_of
from revolution_hub.api.views import connection_json
from revolution_hub.api.visits import find_visit_of
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.errors import AccessError, HubError, InputError, Problem
from revolution_hub.model.strict_json import dump_json
from revolution_hub.services import authorizations
from revolution_hub.services.authorizations import Back, Done, Wanted

router = APIRouter(tags=["integrations"])

_Id = Annotated[str | None, Query(max_length=40)]
_Short = Annotated[str | None, Query(max_length=500)]
_Long = Annotated[str | None, Query(max_length=4000)]
_OTHER_SITES = ("cross-site", "same-site")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Not connected</title></head>
<body><h1>Not connected</h1><p>{message}</p><p>Nothing was stored or changed.</p></body></html>
"""


@route(
    router,
    "GET",
    "/api/integrations/{connector}/authorize",
    permission="connection:write",
    shared=True,
)
def authorize(
    connector: str,
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    connection: _Id = None,
    name: Annotated[str, Query(min_length=1, max_length=80)] = "default",
    app: _Id = None,
    base_url: Annotated[str, Query(max_length=400)] = "",
    return_to: _Short = None,
    other_account: bool = False,
) -> Response:
    """Send a browser to the provider, to agree to a new connection or, with its id, to one that is there.

    Who asks for JSON is told the address instead.
    """
    if request.headers.get("sec-fetch-site") in _OTHER_SITES:
        raise AccessError("this is for pages of the hub's own address alone", code="cross_site")
    wanted = Wanted(
        connection=connection,
        name=name,
        app=app,
        base_url=base_url,
        return_to=_path(return_to),
        other_account=other_account,
    )
    url = authorizations.authorize(hub, principal, _session_of(request), connector, wanted)
    if _accepts(request, "application/json"):
        return Response(dump_json({"url": url}), 200, media_type="application/json")
    return RedirectResponse(url, 302)


@route(
    router,
    "GET",
    "/api/integrations/{connector}/callback",
    permission="connection:write",
    shared=True,
    any_query=True,
)
def finish_authorization(
    connector: str,
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    state: _Short = None,
    code: _Long = None,
    iss: _Short = None,
    error: _Short = None,
    error_description: _Long = None,
) -> Response:
    """Take in who comes back from a provider; whatever else a provider adds to the address says nothing."""
    session_id = _session_of(request)
    back = Back(state=state or "", code=code, issuer=iss, error=error, description=error_description)
    try:
        done = authorizations.finish(hub, principal, session_id, connector, back)
    except HubError as failure:
        if not _accepts(request, "text/html"):
            raise
        page = _PAGE.format(message=escape(failure.message))
        return Response(page, status_of(failure), media_type="text/html; charset=utf-8")
    if _accepts(request, "application/json"):
        shown = {**connection_json(done.connection), "missing_scopes": done.missing}
        return Response(dump_json(shown), 200, media_type="application/json")
    return RedirectResponse(_landing(connector, done), 303)


def _landing(connector: str, done: Done) -> str:
    if done.return_to is None:
        return f"/api/integrations/{connector}/connections/{done.connection.id}"
    joint = "&" if "?" in done.return_to else "?"
    return f"{done.return_to}{joint}connection={quote(done.connection.id)}"


def _session_of(request: Request) -> str | None:
    """Return the session that asks, None for an API key."""
    visit = None if "authorization" in request.headers else find_visit_of(request)
    return visit.session.id if visit is not None else None


def _path(return_to: str | None) -> str | None:
    """Return a path of the hub's own address; raises InputError for whatever could lead elsewhere."""
    if return_to is None:
        return None
    plain = return_to.isascii() and return_to.isprintable() and not set(return_to) & set('\\ #<>"')
    if not plain or not return_to.startswith("/") or return_to.startswith("//"):
        problem = Problem(path="return_to", message="is a path of this address, such as /connections")
        raise InputError("the request is not valid", [problem])
    return return_to


def _accepts(request: Request, kind: str) -> bool:
    """Whether a client names this kind of answer, and not a page rather than JSON."""
    accepted = request.headers.get("accept", "")
    return kind in accepted and (kind == "text/html" or "text/html" not in accepted)
