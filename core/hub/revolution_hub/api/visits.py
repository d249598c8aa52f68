"""visits: requests of people, by the cookie of their session, and those of who has none yet.

What a browser sends by itself counts only from the hub's own pages.
"""

import time
from typing import Annotated

from fastapi import Depends, Request

from revolution_hub.api.browser import SESSION, cookie_of, require_csrf, require_our_page
from revolution_hub.api.client_address import bucket_of, client_of
from revolution_hub.errors import AccessError, LimitError
from revolution_hub.hub import Hub
from revolution_hub.model.person import LONGEST_EMAIL
from revolution_hub.model.principal import Origin
from revolution_hub.services.sessions import Visit, find_visit
from revolution_hub.vault.passwords import Passwords

LONGEST_AGENT = 1000


def find_visit_of(request: Request) -> Visit | None:
    """Return the visit of the session whose cookie came along, None without a cookie that leads to one."""
    hub: Hub = request.app.state.hub
    token = cookie_of(request, hub.settings, SESSION)
    if token is None:
        return None
    require_our_page(request, hub.settings)
    require_csrf(request, token)
    return find_visit(hub, token, origin_of(request, hub))


def visit_of(request: Request) -> Visit:
    """Return the visit of the session whose cookie came along; an API key has none."""
    visit = None if "authorization" in request.headers else find_visit_of(request)
    if visit is None:
        raise AccessError("sign in first, or send an API key as bearer token", code="unauthenticated")
    return visit


def anybody(request: Request) -> None:
    """Let in who comes from a page of ours, as often as one client may try: before there is a session."""
    hub: Hub = request.app.state.hub
    require_our_page(request, hub.settings)
    client = bucket_of(client_of(request, hub.settings.trusted_proxies))
    allowance = request.app.state.entries.take(client, time.monotonic())
    if not allowance.allowed:
        told = "too many tries from this address"
        raise LimitError(told, code="rate_limited", retry_after_s=allowance.reset_s)


def count_login(request: Request, email: str) -> None:
    """Count a try to sign in as somebody, whether there is such a user or not."""
    allowance = request.app.state.logins.take(email.strip().lower()[:LONGEST_EMAIL], time.monotonic())
    if not allowance.allowed:
        told = "too many tries for this account"
        raise LimitError(told, code="rate_limited", retry_after_s=allowance.reset_s)


async def passwords_of(request: Request) -> Passwords:
    """Return what hashes passwords in this process."""
    passwords: Passwords = request.app.state.passwords
    return passwords


def agent_of(request: Request) -> str:
    """Return what the client calls itself."""
    return request.headers.get("user-agent", "")


def origin_of(request: Request, hub: Hub) -> Origin:
    """Return where a request came from, for the audit log."""
    client = client_of(request, hub.settings.trusted_proxies)
    agent = request.headers.get("user-agent", "")[:LONGEST_AGENT]
    return Origin(address=client, request_id=getattr(request.state, "request_id", ""), agent=agent)


VisitDep = Annotated[Visit, Depends(visit_of)]
PasswordsDep = Annotated[Passwords, Depends(passwords_of)]
