"""Connections: authorized accounts go in here, and their secrets never come out."""

from dataclasses import dataclass, replace

import httpx2
from jsonschema import Draft202012Validator

from revolution_hub.access.rbac import SharedKind, require
from revolution_hub.engine import settle
from revolution_hub.engine.call import PluginBug
from revolution_hub.engine.probe import NotKept, check
from revolution_hub.errors import ConflictError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.principal import Principal
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.services.connection_impact import require_unused
from revolution_hub.services.guard import require_on_connection, require_some, visible
from revolution_hub.services.idempotency import Once, first_made
from revolution_hub.services.keeping import drafted, keep_again, keep_new
from revolution_hub.services.oauth_pages import find_app, known_app, require_named_by_operator
from revolution_hub.services.revoking import end_grant
from revolution_hub.store import audit, connections, executions, polls
from revolution_hub.store.paging import Page
from revolution_hub.vault.apps import client_of
from revolution_hub.vault.grants import Grant, obtained
from revolution_hub.vault.identity import attributes
from revolution_sdk import Connector, ConnectorError, OAuth2
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    """What a tenant hands in. `credential` follows the schema of the way to authorize, named by `auth`.

    Without `auth` that is the connector's usual way. `app` is a provider app's id.
    """

    name: str
    credential: JsonObject
    base_url: str = ""
    app: str | None = None
    auth: str | None = None


def create_connection(
    hub: Hub, principal: Principal, connector_name: str, wanted: NewConnection, once: Once | None = None
) -> Connection:
    """Try the credential at the provider and keep the connection if it works.

    Raises InputError if the credential does not fit or the provider refuses it.
    """
    require(principal, "connection:write")
    with hub.store.read(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is not None:
            return connections.get(tx, made)
    connector = hub.catalog.get_connector(connector_name)
    wanted = _with_app(hub, connector, wanted, principal.tenant_id)
    _check(hub, connector, wanted)
    grant = _try(hub, connector, wanted, principal.tenant_id)
    connection = _draft(hub, principal, connector, wanted, grant)
    _check_grant(hub, connector, connection, grant)
    return keep_new(hub, principal, connection, marked=canonical_json(wanted.credential), once=once)


def try_credential(
    hub: Hub, principal: Principal, connector_name: str, wanted: NewConnection
) -> tuple[bool, JsonObject]:
    """Try a credential at the provider and keep nothing; returns whether it was tried, and what was found.

    One that is used up by being tried is not: it is tried when the connection is made. Raises InputError as
    making the connection would.
    """
    require(principal, "connection:write")
    connector = hub.catalog.get_connector(connector_name)
    wanted = _with_app(hub, connector, wanted, principal.tenant_id)
    _check(hub, connector, wanted)
    auth = connector.auth_of(wanted.auth)
    if isinstance(auth, OAuth2):
        _app(hub, connector, wanted, principal.tenant_id)
        return False, {}
    grant = _try(hub, connector, wanted, principal.tenant_id)
    connection = _draft(hub, principal, connector, wanted, grant)
    return connector.checked_by is not None, _check_grant(hub, connector, connection, grant)


def get_connection(hub: Hub, principal: Principal, connector: str, connection_id: str) -> Connection:
    """Return a connection of this connector or raise NotFoundError."""
    require_on_connection(hub, principal, "connection:read", connection_id)
    return _get(hub, principal, connector, connection_id)


def list_connections(
    hub: Hub, principal: Principal, connector: str, page: Page
) -> tuple[list[Connection], str | None]:
    """Return one page of a connector's connections the principal may see, and the cursor for the next."""
    require_some(principal, "connection:read")
    with hub.store.read(principal.tenant_id) as tx:
        only = visible(tx, principal, "connection:read", SharedKind.CONNECTION)
        return connections.list_page(tx, page, connector, only=only)


def reauthorize(
    hub: Hub,
    principal: Principal,
    connector: str,
    connection_id: str,
    credential: JsonObject,
    *,
    base_url: str | None = None,
) -> Connection:
    """Replace a connection's credential; executions that waited for it go on.

    Another `base_url` comes with a credential of its own: the one that is kept is sent nowhere else. One that
    a person has disabled stays disabled.

    Raises InputError if the new credential belongs to another account at the provider, ConflictError if
    the connection was changed meanwhile.
    """
    require_on_connection(hub, principal, "connection:write", connection_id)
    present = _get(hub, principal, connector, connection_id)
    wanted = NewConnection(
        name=present.name,
        credential=credential,
        base_url=present.base_url if base_url is None else base_url,
        app=present.app_id,
        auth=present.auth_kind,
    )
    declared = hub.catalog.get_connector(connector)
    _check(hub, declared, wanted)
    grant = _try(hub, declared, wanted, principal.tenant_id)
    if present.account is not None and grant.account != present.account:
        raise _wrong("credential", "this credential belongs to another account", "other_account")
    moved = replace(
        present, base_url=wanted.base_url, scopes=grant.scopes, account=grant.account or present.account
    )
    _check_grant(hub, declared, moved, grant)
    kept = keep_again(hub, principal, present, moved, grant, marked=canonical_json(credential))
    if kept is None:
        raise ConflictError("the connection was changed meanwhile; try again")
    return kept


def delete_connection(
    hub: Hub, principal: Principal, connector: str, connection_id: str, *, force: bool = False
) -> None:
    """Delete a connection and its credential; steps that still name it will fail with that reason.

    Raises ConflictError `in_use` naming the workflows that use it, unless it is wanted nevertheless.
    """
    require(principal, "connection:write")
    present = _get(hub, principal, connector, connection_id)
    with hub.store.begin(principal.tenant_id) as tx:
        if not force:
            require_unused(tx, present)
        if not connections.remove(tx, connection_id):
            raise NotFoundError("there is no such connection")
        audit.append(tx, entry_of(principal, "connection.delete", connection_id, hub.now()))
        polls.remove(tx, connection_id)
        executions.resume_waiting_on(tx, connection_id)
    hub.wake()
    # It is gone already, whatever the provider says.
    end_grant(hub, principal, present)


def _get(hub: Hub, principal: Principal, connector: str, connection_id: str) -> Connection:
    with hub.store.read(principal.tenant_id) as tx:
        connection = connections.get(tx, connection_id)
    if connection.connector != connector:
        raise NotFoundError("there is no such connection")
    return connection


def _draft(
    hub: Hub, principal: Principal, connector: Connector, wanted: NewConnection, grant: Grant
) -> Connection:
    return drafted(
        hub,
        principal,
        connector.name,
        wanted.name,
        grant,
        auth_kind=connector.auth_of(wanted.auth).kind,
        base_url=wanted.base_url,
        app_id=wanted.app,
    )


def _check_grant(hub: Hub, connector: Connector, connection: Connection, grant: Grant) -> JsonObject:
    try:
        return check(
            hub,
            connector,
            connection,
            authorize=NotKept(connector.auth_of(connection.auth_kind), grant.document, connection.base_url),
        )
    except ConnectorError as error:
        raise _wrong("credential", error.message, error.code) from error
    except PluginBug as error:
        told = settle.describe(error.error)
        raise _wrong("credential", str(told["message"]), str(told["code"])) from error


def _with_app(hub: Hub, connector: Connector, wanted: NewConnection, tenant_id: str) -> NewConnection:
    """Return what is wanted with a provider app in it, if one is needed and there is one to take."""
    problem = Problem(path="auth", message="the connector does not authorize so", code="invalid")
    try:
        auth = connector.auth_of(wanted.auth)
    except LookupError as error:
        raise InputError("the connection is not valid", [problem]) from error
    if not (isinstance(auth, OAuth2) or attributes(auth)) or wanted.app is not None:
        return wanted
    with hub.store.read(tenant_id) as tx:
        found = find_app(tx, connector, None)
    return replace(wanted, app=found.id if found else None)


def _check(hub: Hub, connector: Connector, wanted: NewConnection) -> None:
    auth = connector.auth_of(wanted.auth)
    problems = [
        Problem(path="credential", message="does not fit the connector's authorization", code="invalid")
        for _ in Draft202012Validator(auth.credential_schema).iter_errors(wanted.credential)
    ][:1]
    if isinstance(auth, OAuth2) and wanted.app is None:
        problems.append(Problem(path="app", message="this connector connects through a provider app"))
    if wanted.base_url:
        problems += _base_url_problems(hub, wanted.base_url)
    if problems:
        raise InputError("the connection is not valid", problems)
    if isinstance(auth, OAuth2):
        require_named_by_operator(hub, wanted.base_url)
    elif attributes(auth) and wanted.app is not None:
        # Whoever answers there says whose the deliveries to the app are.
        why = "a provider app's deliveries are attributed by what is answered there, which counts only"
        require_named_by_operator(hub, wanted.base_url, why)


def _base_url_problems(hub: Hub, base_url: str) -> list[Problem]:
    try:
        hub.egress.guard.check_url(httpx2.URL(base_url))
    except (httpx2.InvalidURL, ConnectorError) as error:
        message = error.message if isinstance(error, ConnectorError) else "is not an address"
        return [Problem(path="base_url", message=message, code="address_blocked")]
    return []


def _try(hub: Hub, connector: Connector, wanted: NewConnection, tenant_id: str) -> Grant:
    auth, client = connector.auth_of(wanted.auth), None
    if isinstance(auth, OAuth2):
        client = client_of(hub.vault, _app(hub, connector, wanted, tenant_id))
    elif attributes(auth) and wanted.app is not None:
        _app(hub, connector, wanted, tenant_id)
    try:
        with hub.egress.token_client(connector, wanted.base_url) as http:
            return obtained(http, auth, client, wanted.credential, hub.now())
    except ConnectorError as error:
        raise _wrong("credential", error.message, error.code) from error


def _app(hub: Hub, connector: Connector, wanted: NewConnection, tenant_id: str) -> ProviderApp:
    app = known_app(hub, wanted.app or "", tenant_id)
    if app.connector != connector.name:
        raise NotFoundError("there is no such provider app")
    return app


def _wrong(path: str, message: str, code: str) -> InputError:
    return InputError("the connection cannot be made", [Problem(path=path, message=message, code=code)])
