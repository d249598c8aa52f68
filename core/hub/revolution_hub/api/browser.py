"""browser: what a browser keeps of a session, and whether a request comes from a page of our own.

A cookie is sent by whatever page makes the browser ask, so a request that changes something has to say where
it comes from, and to repeat what only our own pages can know.
"""

from typing import Final

from fastapi import Request, Response

from revolution_hub.access.tokens import derived, is_derived
from revolution_hub.errors import AccessError
from revolution_hub.settings import Settings

SESSION: Final = "revolution"
LOGIN: Final = "revolution-login"
CSRF_HEADER: Final = "x-csrf-token"
LONGEST: Final = 200
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CSRF: Final = "csrf"


def cookie_of(request: Request, settings: Settings, name: str) -> str | None:
    """Return a cookie of ours, None if the browser has none."""
    found = request.cookies.get(_named(settings, name))
    return found if found and len(found) <= LONGEST else None


def set_cookie(response: Response, settings: Settings, name: str, value: str, seconds: int) -> None:
    """Let the browser keep a cookie that no script reads and no other site sends along with a change."""
    response.set_cookie(
        _named(settings, name),
        value,
        max_age=seconds,
        path="/",
        secure=not settings.plain_cookies,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, settings: Settings, name: str) -> None:
    """Let the browser forget a cookie; it has to be told with the same attributes."""
    set_cookie(response, settings, name, "", 0)


def csrf_token(session_token: str) -> str:
    """Return what a page of ours sends in `X-CSRF-Token`: only who reads our answers can know it."""
    return derived(session_token, _CSRF)


def require_our_page(request: Request, settings: Settings) -> None:
    """Raise AccessError `cross_site` for a change that does not come from a page of the hub's own origin.

    Browsers say so by themselves, in `Sec-Fetch-Site` or at least in `Origin`, and no page can say otherwise.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if not (site == "same-origin" if site is not None else origin == settings.origin):
        raise AccessError("this is for pages of the hub's own address alone", code="cross_site")


def require_csrf(request: Request, session_token: str) -> None:
    """Raise AccessError `csrf_token` for a change without the session's own mark."""
    if request.method in SAFE_METHODS:
        return
    if not is_derived(request.headers.get(CSRF_HEADER, ""), session_token, _CSRF):
        raise AccessError("the X-CSRF-Token of this session is needed", code="csrf_token")


def _named(settings: Settings, name: str) -> str:
    # The prefix makes browsers refuse the cookie from anywhere but this host, over anything but https.
    return name if settings.plain_cookies else f"__Host-{name}"
