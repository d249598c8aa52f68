"""oauth_pages: where a person is sent to agree, with which scopes, through which provider app."""

from collections.abc import Iterable

import httpx2

from revolution_hub.errors import ConflictError, HubError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.connection import ProviderApp
from revolution_hub.model.integration import IntegrationState
from revolution_hub.store import across, apps
from revolution_hub.store.tx import Tx
from revolution_hub.vault.codes import Page
from revolution_sdk import Connector, ConnectorError, OAuth2

ALLOW_SETTING = "REVOLUTION_EGRESS_ALLOW"


def oauth_of(connector: Connector) -> OAuth2:
    """Return how a connector's accounts are authorized at the provider; raises ConflictError if not so."""
    found = next((one for one in connector.auths if isinstance(one, OAuth2)), None)
    if found is None:
        told = (
            f"{connector.name} connections are not authorized at the provider; create one with a credential"
        )
        raise ConflictError(told, code="no_oauth")
    return found


def page_of(hub: Hub, connector: Connector, auth: OAuth2, base_url: str) -> Page:
    """Return where a person agrees; raises InputError if nobody is to be sent there.

    The address to come back to is made of the configured public URL alone, never of a request's headers.
    """
    address = httpx2.URL(auth.authorize_url)
    if base_url:
        given = httpx2.URL(base_url)
        address = address.copy_with(scheme=given.scheme, host=given.host, port=given.port)
    try:
        hub.egress.check(str(address))
    except ConnectorError as error:
        raise blocked_page() from error
    return Page(address=str(address), redirect_uri=redirect_uri(hub, connector))


def redirect_uri(hub: Hub, connector: Connector) -> str:
    """Return the address a provider sends browsers back to, one for each connector."""
    return f"{hub.settings.public()}/api/integrations/{connector.name}/callback"


def require_issuer(auth: OAuth2, base_url: str, issuer: str | None) -> None:
    """Raise HubError unless the answer is of the provider that was asked (RFC 9207).

    A connection that names a base URL of its own expects that origin.
    """
    expected = auth.issuer if not base_url else _origin(base_url)
    if issuer is None:
        if auth.issuer is not None:
            raise mixed_up("the provider did not say who it is")
    elif base_url or auth.issuer is None:
        if _origin(issuer) != _origin(base_url or auth.authorize_url):
            raise mixed_up("the answer is of another provider")
    elif issuer != expected:
        raise mixed_up("the answer is of another provider")


def scopes_for(
    connector: Connector, auth: OAuth2, state: IntegrationState, granted: Iterable[str] = ()
) -> list[str]:
    """Return what to ask for: the base, what enabled actions and polls need, and what was granted already."""
    needed = {scope for one in connector.actions.values() if state.allows(one.name) for scope in one.scopes}
    needed |= {scope for one in connector.polls.values() for scope in one.scopes}
    return [*auth.scopes, *sorted((needed | set(granted)) - set(auth.scopes))]


def app_for(tx: Tx, connector: Connector, app_id: str | None) -> ProviderApp:
    """Return the provider app to connect through; raises InputError if there is none at all."""
    found = find_app(tx, connector, app_id)
    if found is None:
        problem = Problem(path="app", message="register a provider app for this connector first")
        raise InputError("the connection cannot be made", [problem])
    return found


def find_app(tx: Tx, connector: Connector, app_id: str | None) -> ProviderApp | None:
    """Return the provider app that is named, else the tenant's own, else a shared one, else None.

    Raises NotFoundError for one that is somebody else's or another connector's.
    """
    if app_id is None:
        found = apps.list_open(tx, connector.name)
        return min(found, key=lambda one: (one.owner_tenant_id is None, one.id), default=None)
    app = apps.find(tx, app_id)
    if app is None or app.connector != connector.name:
        raise NotFoundError("there is no such provider app")
    return app


def known_app(hub: Hub, app_id: str, tenant_id: str) -> ProviderApp:
    """Return a provider app that was chosen before; raises NotFoundError if it is gone."""
    app = across.get_app(hub.store, app_id, tenant_id)
    if app is None:
        raise NotFoundError("there is no such provider app")
    return app


def require_named_by_operator(
    hub: Hub, base_url: str, why: str = "a provider app's secret goes there only"
) -> None:
    """Raise InputError for a base URL the operator has not named: it would be sent the app's secret.

    Whoever may connect accounts is not thereby let read what a provider app is kept secret with.
    """
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        raise blocked_page() from None
    if base_url and (url.host, url.port or 443) not in hub.egress.guard.allow:
        told = f"{why} if the operator names the address in {ALLOW_SETTING}"
        problem = Problem(path="base_url", message=told, code="address_blocked")
        raise InputError("the connection cannot be made", [problem])


def blocked_page() -> InputError:
    """Return the refusal of an address, with the setting that would allow it."""
    told = f"the address is not allowed; the operator can allow it with {ALLOW_SETTING}"
    return InputError(
        "the connection cannot be made", [Problem(path="base_url", message=told, code="address_blocked")]
    )


def mixed_up(reason: str) -> HubError:
    """Return the refusal of an answer that belongs to nothing that was begun here."""
    return InputError(f"{reason}; begin anew", code="authorization_state")


def _origin(url: str) -> tuple[str, str, int]:
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        return "", "", 0
    return parts.scheme, parts.host, parts.port or (443 if parts.scheme == "https" else 80)
