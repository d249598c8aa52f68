"""Connections: authorized accounts go in here, and their secrets never come out."""

from dataclasses import dataclass, replace

import httpx2
from jsonschema import Draft202012Validator

from revolution_hub.access.rbac import SharedKind, require
from revolution_hub.bus.poll import arrange
from revolution_hub.errors import ConflictError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.connection import Connection
from revolution_hub.model.ids import new_id
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.services.guard import require_on_connection, require_some, visible
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.services.oauth_pages import find_app, known_app, require_named_by_operator
from revolution_hub.services.quotas import require_within
from revolution_hub.services.revoking import end_grant
from revolution_hub.store import audit, connections, executions, polls
from revolution_hub.store.paging import Page
from revolution_hub.vault.apps import client_of
from revolution_hub.vault.grants import Grant, obtained
from revolution_hub.vault.vault import MARKED
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
    now, connection_id = hub.now(), new_id("con")
    connection = Connection(
        id=connection_id,
        tenant_id=principal.tenant_id,
        connector=connector.name,
        name=wanted.name,
        status=ConnectionStatus.CONNECTED,
        base_url=wanted.base_url,
        account=grant.account,
        app_id=wanted.app,
        auth_kind=connector.auth_of(wanted.auth).kind,
        scopes=grant.scopes,
        credential=hub.vault.seal(principal.tenant_id, connection_id, grant.document),
        created_at=now,
        updated_at=now,
    )
    marks = _marks(hub, principal, wanted.credential)
    with hub.store.begin(principal.tenant_id) as tx:
        require_within(hub, tx, "connections", connections.count_all(tx))
        connections.add(tx, connection)
        executions.resume_waiting_on(tx, connector.name)
        arrange(hub, tx)
        remember(tx, principal, once, connection.id, now)
        audit.append(
            tx, entry_of(principal, "connection.create", connection.id, now, after=_said(wanted), marks=marks)
        )
    hub.wake()
    return connection


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
    hub: Hub, principal: Principal, connector: str, connection_id: str, credential: JsonObject
) -> Connection:
    """Replace a connection's credential; executions that waited for it go on.

    Raises InputError if the new credential belongs to another account at the provider, ConflictError if
    the connection was changed meanwhile.
    """
    require_on_connection(hub, principal, "connection:write", connection_id)
    present = _get(hub, principal, connector, connection_id)
    wanted = NewConnection(
        name=present.name,
        credential=credential,
        base_url=present.base_url,
        app=present.app_id,
        auth=present.auth_kind,
    )
    declared = hub.catalog.get_connector(connector)
    _check(hub, declared, wanted)
    grant = _try(hub, declared, wanted, principal.tenant_id)
    if present.account is not None and grant.account != present.account:
        raise _wrong("credential", "this credential belongs to another account", "other_account")
    sealed = hub.vault.seal(
        principal.tenant_id, present.id, grant.document, version=present.credential.version + 1
    )
    marks = _marks(hub, principal, credential)
    with hub.store.begin(principal.tenant_id) as tx:
        if not connections.replace_credential(
            tx,
            present,
            sealed,
            status=ConnectionStatus.CONNECTED,
            reason=None,
            now=hub.now(),
            revision=present.revision + 1,
        ):
            raise ConflictError("the connection was changed meanwhile; try again")
        executions.resume_waiting_on(tx, present.id)
        polls.wake(tx, present.id, hub.now())
        audit.append(tx, entry_of(principal, "connection.reauthorize", present.id, hub.now(), marks=marks))
    hub.wake()
    return _get(hub, principal, connector, connection_id)


def delete_connection(hub: Hub, principal: Principal, connector: str, connection_id: str) -> None:
    """Delete a connection and its credential; steps that still name it will fail with that reason."""
    require(principal, "connection:write")
    present = _get(hub, principal, connector, connection_id)
    with hub.store.begin(principal.tenant_id) as tx:
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


def _said(wanted: NewConnection) -> JsonObject:
    given = {"app": wanted.app, "base_url": wanted.base_url, "credential": True, "name": wanted.name}
    return {name: value for name, value in given.items() if value}


def _marks(hub: Hub, principal: Principal, credential: JsonObject) -> dict[str, str]:
    return {"credential": hub.vault.stamp(principal.tenant_id, MARKED, canonical_json(credential))}


def _with_app(hub: Hub, connector: Connector, wanted: NewConnection, tenant_id: str) -> NewConnection:
    """Return what is wanted with a provider app in it, if one is needed and there is one to take."""
    problem = Problem(path="auth", message="the connector does not authorize so", code="invalid")
    try:
        auth = connector.auth_of(wanted.auth)
    except LookupError as error:
        raise InputError("the connection is not valid", [problem]) from error
    if not isinstance(auth, OAuth2) or wanted.app is not None:
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
        app = known_app(hub, str(wanted.app), tenant_id)
        if app.connector != connector.name:
            raise NotFoundError("there is no such provider app")
        client = client_of(hub.vault, app)
    try:
        with hub.egress.token_client(connector, wanted.base_url) as http:
            return obtained(http, auth, client, wanted.credential, hub.now())
    except ConnectorError as error:
        raise _wrong("credential", error.message, error.code) from error


def _wrong(path: str, message: str, code: str) -> InputError:
    return InputError("the connection cannot be made", [Problem(path=path, message=message, code=code)])
