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
from revolution_hub.vault.apps import app_secret
from revolution_hub.vault.vault import Vault
from revolution_sdk import ApiKey, Connector, CredentialError, OAuth2, RetryableError
from revolution_sdk.errors import ConnectorError, UnknownOutcomeError
from revolution_sdk.types import JsonObject

EARLY_S = 60.0
REFRESH_LEASE_S = 30.0
REFRESH_WAIT_S = 20.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token endpoint granted, ready to be sealed, and the provider's id of the account."""

    document: JsonObject
    account: str | None


def fetch_grant(
    client: httpx2.Client, auth: OAuth2, client_id: str, client_secret: str, refresh_token: str, now: datetime
) -> Grant:
    """Trade a refresh token for an access token. The answer's new refresh token replaces the old one.

    Raises CredentialError if the provider refuses the grant, RetryableError if it cannot be asked now.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": client_id,
        "client_secret": client_secret,
    }
    try:
        answer = client.post(auth.token_url, data=form)
    except UnknownOutcomeError as error:
        raise RetryableError("the provider's token endpoint did not answer", code="token_endpoint") from error
    if answer.status_code == 429:
        raise RetryableError("the provider's token endpoint asks to slow down", code="rate_limited")
    if answer.status_code >= 400:
        raise CredentialError("the provider refused to renew the authorization", code="grant_refused")
    return _grant(answer, auth, refresh_token, now)


def _grant(answer: httpx2.Response, auth: OAuth2, refresh_token: str, now: datetime) -> Grant:
    try:
        body = answer.json()
        access_token = str(body["access_token"])
    except (ValueError, KeyError, TypeError) as error:
        raise RetryableError("the token endpoint's answer is unreadable", code="token_endpoint") from error
    expires_in = body.get("expires_in")
    known = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    account = body.get(auth.account_field) if auth.account_field else None
    return Grant(
        document={
            "access_token": access_token,
            "refresh_token": str(body.get("refresh_token") or refresh_token),
            "expires_at": (now + timedelta(seconds=float(expires_in))).timestamp() if known else None,
        },
        account=None if account is None else str(account),
    )


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
        auth = self.connector.auth
        if isinstance(auth, ApiKey):
            return {auth.header: auth.prefix + str(document["api_key"])}
        if not isinstance(auth, OAuth2):
            return {}
        if self._stale(document):
            self.refresh()
            document = self._document()
        return {"Authorization": f"Bearer {document['access_token']}"}

    def refresh(self) -> bool:
        """Make sure there is a newer token than the one last used; False if this auth has none to renew."""
        if not isinstance(self.connector.auth, OAuth2):
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
        auth = self.connector.auth
        if not isinstance(auth, OAuth2) or self.app is None:
            raise CredentialError("the connection's provider app is gone", code="app_missing")
        secret = app_secret(self.vault, self.app)
        refresh_token = str(self._document()["refresh_token"])
        with self.open_client() as client:
            return fetch_grant(client, auth, self.app.client_id, secret, refresh_token, self.now())

    def _mark_refused(self, error: ConnectorError) -> bool:
        one = self.connection
        with self.store.begin(one.tenant_id) as tx:
            return connections.set_status(tx, one, ConnectionStatus.NEEDS_REAUTH, error.message, self.now())
