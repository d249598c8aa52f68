"""who: who asks. What counts is looked up anew with every request, in the thread that does its work.

Looking it up before the body is read would send every request through two threads, one after the other, and
that costs more than the look-up itself. So a process remembers for a minute who came with a key or a session,
and that lets a request in as far as its body. The thread that does the work then looks itself, and nothing
but what it finds counts: a key that was revoked meanwhile is refused there. Whoever is not remembered, or
lacks by what is remembered what the route needs, is looked up at the door.
"""

import inspect
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from revolution_hub.access.rbac import require
from revolution_hub.access.tokens import hash_token
from revolution_hub.api.browser import SESSION, cookie_of, require_csrf, require_our_page
from revolution_hub.api.rates import Rates, count_request, count_stranger
from revolution_hub.api.visits import find_visit_of, origin_of
from revolution_hub.errors import AccessError
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.services.sessions import principal_of_visit
from revolution_hub.services.tenants import find_principal

FOR_S: Final = 60.0
MOST: Final = 10_000
_CONFIRMS: Final = "confirms_who_asks"


class Remembered:
    """Who came to this process with which key or session a moment ago, by the hash of what was shown."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Principal, float]] = {}
        self._lock = threading.Lock()

    def find(self, shown: str, now_s: float) -> Principal | None:
        """Return who that was, None if it is too long ago or never was."""
        found = self._known.get(shown)
        return found[0] if found is not None and now_s - found[1] < FOR_S else None

    def keep(self, shown: str, principal: Principal, now_s: float) -> None:
        """Remember who it is."""
        with self._lock:
            self._known.pop(shown, None)
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[shown] = (principal, now_s)

    def forget(self, shown: str) -> None:
        """Remember nobody any more who shows this."""
        with self._lock:
            self._known.pop(shown, None)


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A request that was let in by what is remembered, and has yet to be looked up."""

    request: Request
    hub: Hub
    principal: Principal


_awaited: ContextVar[_Awaited | None] = ContextVar("awaited", default=None)


# Dependencies that wait for nothing are `async`: a plain function would cost every request a thread.
async def hub_of(request: Request) -> Hub:
    """Return the process's Hub."""
    hub: Hub = request.app.state.hub
    return hub


HubDep = Annotated[Hub, Depends(hub_of)]


async def principal_of(request: Request, hub: HubDep) -> Principal:
    """Return who asks, by the API key in `Authorization: Bearer`, else by the session's cookie.

    For a function of `confirming` it may be who it was a moment ago. Counts against the principal's rate.
    What a browser sends by itself counts only from our own pages.
    """
    principal = _remembered(request, hub)
    if principal is None:
        return await run_in_threadpool(_look_up, request, hub)
    _awaited.set(_Awaited(request, hub, principal))
    return principal


PrincipalDep = Annotated[Principal, Depends(principal_of)]


async def require_at_door(principal: Principal, permission: str) -> None:
    """Require a permission before anything of the body is read; what is only remembered refuses nobody."""
    try:
        require(principal, permission)
    except AccessError:
        awaited = _awaited.get()
        if awaited is None or awaited.principal is not principal:
            raise
        require(await run_in_threadpool(confirm, principal), permission)


def confirming(function: Callable[..., Any], permission: str | None) -> Callable[..., Any]:
    """Return a route's function that looks up who asks before it begins, in the thread it has anyway.

    Functions without a thread of their own, or without a principal, stay as they are; the principal of those
    is looked up at the door.
    """
    if inspect.iscoroutinefunction(function) or "principal" not in inspect.signature(function).parameters:
        return function

    @wraps(function)
    def confirmed(*, principal: Principal, **given: Any) -> Any:
        fresh = confirm(principal)
        if permission is not None:
            require(fresh, permission)
        return function(principal=fresh, **given)

    setattr(confirmed, _CONFIRMS, True)
    return confirmed


def confirm(principal: Principal) -> Principal:
    """Return who asks as it is at this moment; one that was looked up for this request is that already.

    Raises what looking up at the door raises.
    """
    awaited = _awaited.get()
    if awaited is None or awaited.principal is not principal:
        return principal
    return _look_up(awaited.request, awaited.hub)


def _remembered(request: Request, hub: Hub) -> Principal | None:
    route = request.scope.get("route")
    if not getattr(getattr(route, "endpoint", None), _CONFIRMS, False):
        return None
    shown = _shown(request, hub)
    if shown is None:
        return None
    now_s = time.monotonic()
    principal = request.app.state.remembered.find(shown, now_s)
    rates: Rates = request.app.state.rates
    if principal is None or rates.principals.is_spent(principal.id, now_s):
        # Whoever asks too often is told so before anything of the body is read.
        return None
    if "authorization" not in request.headers:
        require_our_page(request, hub.settings)
        require_csrf(request, cookie_of(request, hub.settings, SESSION) or "")
    found: Principal = principal
    return found


def _shown(request: Request, hub: Hub) -> str | None:
    """Return the hash of what was shown, a key or a session's cookie, None for nothing of that kind."""
    if "authorization" in request.headers:
        key = _key_of(request)
        return f"key {hash_token(key)}" if key else None
    token = cookie_of(request, hub.settings, SESSION)
    return f"session {hash_token(token)}" if token else None


def _look_up(request: Request, hub: Hub) -> Principal:
    shown, remembered = _shown(request, hub), request.app.state.remembered
    try:
        by = _by_key if "authorization" in request.headers else _by_session
        principal = by(request, hub)
        count_request(request, hub, principal)
    except AccessError:
        if shown is not None:
            remembered.forget(shown)
        raise
    if shown is not None:
        remembered.keep(shown, principal, time.monotonic())
    return principal


def _key_of(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _by_key(request: Request, hub: Hub) -> Principal:
    key = _key_of(request)
    principal = find_principal(hub, key, origin_of(request, hub)) if key else None
    if principal is None:
        count_stranger(request, hub)
        raise AccessError("a valid API key is needed as bearer token", code="unauthenticated")
    return principal


def _by_session(request: Request, hub: Hub) -> Principal:
    visit = find_visit_of(request)
    if visit is None:
        count_stranger(request, hub)
        raise AccessError("sign in first, or send an API key as bearer token", code="unauthenticated")
    return principal_of_visit(hub, visit)
