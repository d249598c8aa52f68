"""authorizations: a person agrees at the provider, comes back once with a code, and a connection is kept.

The state leads back to what was begun, in the session and tenant it was begun in, within ten minutes. What
a provider answers is shown cleaned; nothing is kept and nothing changed unless all of it fits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeVar

from revolution_hub.access.rbac import require
from revolution_hub.access.tokens import hash_token, mint_token
from revolution_hub.errors import AccessError, ConflictError, InputError, LimitError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection, PendingAuthorization
from revolution_hub.model.ids import new_id
from revolution_hub.model.principal import Principal
from revolution_hub.services.guard import require_on_connection, require_some
from revolution_hub.services.keeping import drafted, keep_again, keep_new
from revolution_hub.services.oauth_pages import (
    ALLOW_SETTING,
    app_for,
    known_app,
    oauth_of,
    page_of,
    redirect_uri,
    require_issuer,
    require_named_by_operator,
    scopes_for,
)
from revolution_hub.services.quotas import require_within
from revolution_hub.store import authorizations, connections, integrations
from revolution_hub.vault.apps import client_of
from revolution_hub.vault.codes import Answered, consent_url, exchanged, new_verifier
from revolution_hub.vault.token_endpoint import Grant, clean
from revolution_sdk import Connector, ConnectorError, OAuth2, RejectedError, RetryableError

GOOD_FOR: Final = timedelta(minutes=10)
_TRIES: Final = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to authorize: a new connection of this name, or the one with this id.

    `app` is a provider app's id, `return_to` a path of this origin.
    """

    connection: str | None = None
    name: str = "default"
    app: str | None = None
    base_url: str = ""
    return_to: str | None = None
    other_account: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What a browser comes back with from a provider."""

    state: str = field(repr=False)
    code: str | None = field(repr=False)
    issuer: str | None
    error: str | None
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A connection that was authorized, what of the scopes asked for is missing, and where to go on."""

    connection: Connection
    missing: list[str]
    return_to: str | None


def authorize(hub: Hub, principal: Principal, session_id: str | None, connector: str, wanted: Wanted) -> str:
    """Return the address where a person agrees to a new connection, or anew to one that is there.

    Asked for are the scopes a connection has already and those of everything that is enabled.
    """
    require_some(principal, "connection:write")
    session = _session(session_id)
    declared = hub.catalog.get_connector(connector)
    if wanted.connection is None:
        require(principal, "connection:write")
        _require_room(hub, principal, declared, wanted.name)
        return _begin(hub, principal, session, declared, wanted, None)
    require_on_connection(hub, principal, "connection:write", wanted.connection)
    present = _present(hub, principal, declared, wanted.connection)
    again = replace(wanted, name=present.name, base_url=present.base_url, app=wanted.app or present.app_id)
    return _begin(hub, principal, session, declared, again, present)


def finish(hub: Hub, principal: Principal, session_id: str | None, connector: str, back: Back) -> Done:
    """Keep what a person has agreed to at the provider.

    Raises InputError `authorization_state` if that was not begun in this session, is over or was used;
    `authorization_denied` or `authorization_failed` for what the provider said.
    """
    require_some(principal, "connection:write")
    pending = _taken(hub, principal, _session(session_id), connector, back.state)
    # What was allowed when it was begun may not be any more.
    if pending.connection_id is None:
        require(principal, "connection:write")
    else:
        require_on_connection(hub, principal, "connection:write", pending.connection_id)
    declared = hub.catalog.get_connector(connector)
    auth = oauth_of(declared)
    require_issuer(auth, pending.base_url, back.issuer)
    if back.error is not None or not back.code:
        raise _denied(back)
    grant = _granted(hub, declared, auth, pending, back.code)
    scopes = pending.scopes if grant.scopes is None else grant.scopes
    keep = _keep_new if pending.connection_id is None else _keep_again
    kept = keep(hub, principal, pending, replace(grant, scopes=scopes))
    missing = sorted(set(pending.scopes) - set(scopes))
    return Done(connection=kept, missing=missing, return_to=pending.return_to)


def _session(session_id: str | None) -> str:
    if session_id is None:
        told = (
            "an API key has no browser to send to the provider: sign in as somebody with 'connection:write'"
            " and open this address there"
        )
        raise AccessError(told, code="person_needed")
    return session_id


def _require_room(hub: Hub, principal: Principal, connector: Connector, name: str) -> None:
    with hub.store.read(principal.tenant_id) as tx:
        require_within(hub, tx, "connections", connections.count_all(tx))
        if connections.find_for(tx, connector.name, name) is not None:
            told = f"there is already a {connector.name} connection named {name!r}"
            raise ConflictError(told, code="name_taken")


def _present(hub: Hub, principal: Principal, connector: Connector, connection_id: str) -> Connection:
    with hub.store.read(principal.tenant_id) as tx:
        present = connections.get(tx, connection_id)
    if present.connector != connector.name:
        raise NotFoundError("there is no such connection")
    if (present.auth_kind or connector.auth.kind) != OAuth2.kind:
        raise ConflictError("this connection is not authorized at the provider", code="no_oauth")
    return present


def _begin(
    hub: Hub,
    principal: Principal,
    session_id: str,
    connector: Connector,
    wanted: Wanted,
    present: Connection | None,
) -> str:
    auth = oauth_of(connector)
    require_named_by_operator(hub, wanted.base_url)
    page = page_of(hub, connector, auth, wanted.base_url)
    state, verifier, now, pending_id = mint_token("oas_"), new_verifier(), hub.now(), new_id("oap")
    sealed = hub.vault.seal(principal.tenant_id, pending_id, {"verifier": verifier})
    granted = (present.scopes if present else None) or ()
    with hub.store.begin(principal.tenant_id) as tx:
        app = app_for(tx, connector, wanted.app)
        scopes = scopes_for(connector, auth, integrations.find(tx, connector.name), granted)
        pending = PendingAuthorization(
            id=pending_id,
            tenant_id=principal.tenant_id,
            state_hash=hash_token(state),
            session_id=session_id,
            user_id=principal.id,
            connector=connector.name,
            app_id=app.id,
            connection_id=present.id if present else None,
            connection_revision=present.revision if present else None,
            name=wanted.name,
            base_url=wanted.base_url,
            scopes=scopes,
            verifier=sealed,
            created_at=now,
            expires_at=now + GOOD_FOR,
            other_account=wanted.other_account,
            return_to=wanted.return_to,
        )
        authorizations.add(tx, pending)
    return consent_url(auth, page, app.client_id, scopes=scopes, state=state, verifier=verifier)


def _taken(
    hub: Hub, principal: Principal, session_id: str, connector: str, state: str
) -> PendingAuthorization:
    with hub.store.begin(principal.tenant_id) as tx:
        pending = authorizations.take(tx, hash_token(state))
    if (
        pending is None
        or (pending.session_id, pending.user_id) != (session_id, principal.id)
        or pending.connector != connector
        or pending.expires_at <= hub.now()
    ):
        told = "this was not begun here, was used already, or is too long ago; begin anew"
        raise InputError(told, code="authorization_state")
    return pending


def _denied(back: Back) -> AccessError:
    reason = ": ".join(one for one in (clean(back.error or "no code"), clean(back.description or "")) if one)
    return AccessError(f"the provider did not let the hub in: {reason}", code="authorization_denied")


def _granted(hub: Hub, connector: Connector, auth: OAuth2, pending: PendingAuthorization, code: str) -> Grant:
    app = known_app(hub, pending.app_id, pending.tenant_id)
    verifier = str(hub.vault.open(pending.tenant_id, pending.id, pending.verifier)["verifier"])
    answered = Answered(code=code, verifier=verifier, redirect_uri=redirect_uri(hub, connector))

    def trade() -> Grant:
        with hub.egress.token_client(connector, pending.base_url) as http:
            return exchanged(http, auth, client_of(hub.vault, app), answered, hub.now())

    return _translated(trade)


def _translated(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except RetryableError as error:
        raise LimitError(
            f"{error.message}; begin anew in a while", code="provider_away", retry_after_s=5.0
        ) from error
    except RejectedError as error:
        told = error.message
        if error.code == "address_blocked":
            told = f"{told}: the operator can allow it with {ALLOW_SETTING}"
        raise InputError(told, code="authorization_failed") from error
    except ConnectorError as error:
        raise InputError(error.message, code="authorization_failed") from error


def _keep_new(hub: Hub, principal: Principal, pending: PendingAuthorization, grant: Grant) -> Connection:
    draft = drafted(
        hub,
        principal,
        pending.connector,
        pending.name,
        grant,
        auth_kind=OAuth2.kind,
        base_url=pending.base_url,
        app_id=pending.app_id,
    )
    return keep_new(hub, principal, draft, marked=_marked(grant))


def _keep_again(hub: Hub, principal: Principal, pending: PendingAuthorization, grant: Grant) -> Connection:
    for _ in range(_TRIES):
        with hub.store.read(pending.tenant_id) as tx:
            present = connections.get(tx, str(pending.connection_id))
        if present.revision != pending.connection_revision:
            break
        _require_same_account(pending, present, grant)
        wanted = replace(
            present,
            account=grant.account or present.account,
            scopes=grant.scopes,
            app_id=pending.app_id,
            auth_kind=OAuth2.kind,
        )
        # A renewal of the old grant may come in between; then it is done once more over that one.
        kept = keep_again(hub, principal, present, wanted, grant, marked=_marked(grant))
        if kept is not None:
            return kept
    raise ConflictError("the connection was changed meanwhile; begin anew")


def _require_same_account(pending: PendingAuthorization, present: Connection, grant: Grant) -> None:
    if present.account in (None, grant.account) or pending.other_account:
        return
    told = (
        "you agreed with another account than the connection belongs to; agree with that one, or begin anew"
        " with other_account=true to let the new one take its place"
    )
    raise ConflictError(told, code="other_account")


def _marked(grant: Grant) -> str:
    return str(grant.document.get("refresh_token") or grant.document["access_token"])
