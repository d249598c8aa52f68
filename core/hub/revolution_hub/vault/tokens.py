"""Access tokens: what goes onto the wire for a connection, and refreshing it exactly once.

Many threads and processes may find a token expired at the same moment. Within a process a lock lets one
through; between processes the connection's row does; whoever comes later finds the new token stored.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2

from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import connections
from revolution_hub.store.tx import Store
from revolution_hub.vault.apps import client_of
from revolution_hub.vault.grants import Grant, auth_for, renewable, renewed, wire_headers
from revolution_hub.vault.vault import Vault
from revolution_sdk import Connector, CredentialError, RetryableError
from revolution_sdk.errors import ConnectorError
from revolution_sdk.types import JsonObject

EARLY_S = 60.0
REFRESH_LEASE_S = 30.0
REFRESH_WAIT_S = 20.0
_POLL_S = 0.05


@dataclass(slots=True)
class TokenSource:
    """Authentication for one connection's requests, as the egress transport asks for it."""

    store: Store
    vault: Vault
    now: Callable[[], datetime]
    connector: Connector
    connection: Connection
    app: ProviderApp | None
    open_client: Callable[[], httpx2.Client]

    def headers(self) -> dict[str, str]:
        """Return what to put on the wire now, refreshed beforehand if it is about to expire."""
        document = self._document()
        auth = auth_for(self.connector, self.connection)
        if renewable(auth) and self._stale(document):
            self.refresh()
            document = self._document()
        return wire_headers(auth, document)

    def refresh(self) -> bool:
        """Make sure there is a newer token than the one last used; False if this auth has none to renew."""
        if not renewable(auth_for(self.connector, self.connection)):
            return False
        with self.vault.refresh_lock(self.connection.id):
            return self._renew_once(self.connection.credential.version)

    def _stale(self, document: JsonObject) -> bool:
        expires_at = document.get("expires_at")
        if not document.get("access_token"):
            return True
        return expires_at is not None and expires_at - EARLY_S <= self.now().timestamp()

    def _document(self) -> JsonObject:
        one = self.connection
        return self.vault.open(one.tenant_id, one.id, one.credential)

    def _renew_once(self, used_version: int) -> bool:
        owner = new_id("rfr")
        give_up_s = time.monotonic() + REFRESH_WAIT_S
        while time.monotonic() < give_up_s:
            if self._settled_meanwhile(used_version):
                return True
            if self._take(owner):
                try:
                    return self._renew(owner, used_version)
                finally:
                    with self.store.begin(self.connection.tenant_id) as tx:
                        connections.end_refresh(tx, self.connection.id, owner)
            time.sleep(_POLL_S)
        raise RetryableError("another process is still renewing the authorization", code="refresh_busy")

    def _settled_meanwhile(self, used_version: int) -> bool:
        if self._reloaded_version() > used_version:
            return True
        # One refusal is enough: whoever else waited for it is told without asking the provider again.
        if self.connection.status is not ConnectionStatus.CONNECTED:
            raise CredentialError(
                f"the connection {self.connection.name!r} is {self.connection.status}",
                code=f"connection_{self.connection.status}",
            )
        return False

    def _reloaded_version(self) -> int:
        with self.store.read(self.connection.tenant_id) as tx:
            self.connection = connections.get(tx, self.connection.id)
        return self.connection.credential.version

    def _take(self, owner: str) -> bool:
        now = self.now()
        until = now + timedelta(seconds=REFRESH_LEASE_S)
        with self.store.begin(self.connection.tenant_id) as tx:
            return connections.take_refresh(tx, self.connection.id, owner, now, until)

    def _renew(self, owner: str, used_version: int) -> bool:
        # Look again under the right to refresh: it may have been given back by one who just stored.
        if self._settled_meanwhile(used_version):
            return True
        try:
            grant = self._fetch()
        except CredentialError as error:
            if self._mark_refused(error):
                raise
            # Somebody authorized it anew while the provider refused the old grant.
            return self._reloaded_version() > used_version
        one = self.connection
        sealed = self.vault.seal(one.tenant_id, one.id, grant.document, version=one.credential.version + 1)
        with self.store.begin(one.tenant_id) as tx:
            connections.replace_credential(
                tx, one, sealed, status=ConnectionStatus.CONNECTED, reason=None, now=self.now()
            )
        self._reloaded_version()
        return True

    def _fetch(self) -> Grant:
        client = None if self.app is None else client_of(self.vault, self.app)
        auth = auth_for(self.connector, self.connection)
        with self.open_client() as http:
            return renewed(http, auth, client, self._document(), self.now())

    def _mark_refused(self, error: ConnectorError) -> bool:
        one = self.connection
        with self.store.begin(one.tenant_id) as tx:
            return connections.set_status(tx, one, ConnectionStatus.NEEDS_REAUTH, error.message, self.now())
