"""revoking: telling a provider that a grant is not needed any more. Best effort, and never in the way."""

import logging

from revolution_hub.access.rbac import require
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.principal import Principal
from revolution_hub.store import across, audit
from revolution_hub.vault.apps import client_of
from revolution_hub.vault.codes import revoke
from revolution_sdk import ConnectorError, OAuth2

_log = logging.getLogger("revolution.connections")


def end_grant(hub: Hub, principal: Principal, connection: Connection) -> str | None:
    """Revoke the grant of a connection that was deleted; returns why not, None if it was.

    What another connection to the same account lives on is left alone: for many providers a grant is one
    thing, however many tokens were made of it. Either way it is entered in the audit log.
    """
    require(principal, "connection:write")
    app = across.get_app(hub.store, connection.app_id, connection.tenant_id) if connection.app_id else None
    if app is None:
        return "it was not authorized at the provider"
    reason = _revoked(hub, connection, app)
    if reason is not None:
        _log.warning("the grant of connection %s was not revoked: %s", connection.id, reason)
    after = {"revoked" if reason is None else "not_revoked": True}
    with hub.store.begin(connection.tenant_id) as tx:
        audit.append(tx, entry_of(principal, "connection.revoke", connection.id, hub.now(), after=after))
    return reason


def _revoked(hub: Hub, connection: Connection, app: ProviderApp) -> str | None:
    connector = hub.catalog.find_connector(connection.connector)
    auths = connector.auths if connector is not None else ()
    auth = next((one for one in auths if isinstance(one, OAuth2)), None)
    if connector is None or auth is None:
        return "its connector is not installed"
    accounts = {connection.account} if connection.account else set()
    others = across.connections_of_account(hub.store, app, accounts) if accounts else []
    if any(one.id != connection.id for one in others):
        return "another connection is authorized for the same account"
    try:
        document = hub.vault.open(connection.tenant_id, connection.id, connection.credential)
        with hub.egress.token_client(connector, connection.base_url) as http:
            return revoke(http, auth, client_of(hub.vault, app), document)
    except (ConnectorError, HubError) as error:
        return error.message
