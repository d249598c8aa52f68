"""Access tokens: what goes onto the wire for a connection, and renewing it exactly once.

Many threads and processes may find a token expired at the same moment. Within a process a lock lets one
through; between processes the connection's row does; whoever comes later finds there what came of it: a new
token, a refusal, or how long nobody is to try again. Who was away for longer than his lease stores nothing
over what others have stored since.
"""

import random
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2

from revolution_hub.crashpoint import reach
from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import connections, renewals
from revolution_hub.store.tx import Store
from revolution_hub.vault.apps import client_of
from revolution_hub.vault.grants import Grant, auth_for, names_base_url, renewable, renewed, wire_headers
from revolution_hub.vault.vault import Vault
from revolution_sdk import Connector, CredentialError, RetryableError
from revolution_sdk.types import JsonObject

EARLY_S = 60.0
SPREAD_S = 60.0
"""A token is renewed so long before it runs out, and up to so much longer, each at a moment of its own."""
LARGEST_SHARE = 0.25
"""But not in more than this share of its life, lest a short one be renewed for every call."""

LEASE_S = 30.0
WAIT_S = 20.0
COOL_DOWN_S = 2.0
LONGEST_COOL_DOWN_S = 300.0
_POLL_S = 0.05

_UNREAD = "token_endpoint"
"""The code of an error that does not say whether the provider has renewed the authorization."""


@dataclass(slots=True)
class TokenSource:
    """Authentication for one connection's requests, as the egress transport asks for it.

    `refused` is told once that the provider has refused the credential for good, with the reason, and
    returns whether that still stood when it was kept.
    """

    store: Store
    vault: Vault
    now: Callable[[], datetime]
    connector: Connector
    connection: Connection
    app: ProviderApp | None
    open_client: Callable[[], httpx2.Client]
    refused: Callable[[Connection, str], bool]

    def base_url(self) -> str:
        """Return what stands in for the provider's address: what its token says, or the connection's own."""
        own = self.connection.base_url
        if not names_base_url(auth_for(self.connector, self.connection)):
            return own
        return str(self._document().get("base_url") or own)

    def headers(self) -> dict[str, str]:
        """Return what to put on the wire now, renewed beforehand if it is about to run out."""
        document = self._document()
        auth = auth_for(self.connector, self.connection)
        if renewable(auth) and self._stale(document):
            try:
                self.refresh()
            except RetryableError:
                if self._over(document):
                    raise
                # It is early yet: what is there is still good, and the next call tries again.
            document = self._document()
        return wire_headers(auth, document)

    def refresh(self) -> bool:
        """Make sure there is a newer token than the one last used; False if this auth has none to renew."""
        if not renewable(auth_for(self.connector, self.connection)):
            return False
        lock = self.vault.refresh_lock(self.connection.id)
        if not lock.acquire(timeout=WAIT_S):
            raise _busy()
        try:
            return self._renew_once(self.connection.credential.version)
        finally:
            lock.release()

    def _stale(self, document: JsonObject) -> bool:
        return self._over(document, early_s=self._early_s(document))

    def _over(self, document: JsonObject, early_s: float = 0.0) -> bool:
        expires_at = document.get("expires_at")
        if not document.get("access_token"):
            return True
        return expires_at is not None and expires_at - early_s <= self.now().timestamp()

    def _early_s(self, document: JsonObject) -> float:
        # The same for every thread and process, and another for every connection and token.
        one = self.connection
        dice = zlib.crc32(f"{one.id}.{one.credential.version}".encode()) / 2**32
        early_s = EARLY_S + SPREAD_S * dice
        expires_at, renewed_at = document.get("expires_at"), document.get("renewed_at")
        if expires_at is None or renewed_at is None:
            return early_s
        return min(early_s, float(expires_at - renewed_at) * LARGEST_SHARE)

    def _document(self) -> JsonObject:
        one = self.connection
        return self.vault.open(one.tenant_id, one.id, one.credential)

    def _renew_once(self, used_version: int) -> bool:
        owner = new_id("rfr")
        give_up_s = time.monotonic() + WAIT_S
        while time.monotonic() < give_up_s:
            if self._settled_meanwhile(used_version):
                return True
            if self._take(owner):
                try:
                    return self._renew(owner, used_version)
                finally:
                    with self.store.begin(self.connection.tenant_id) as tx:
                        renewals.end(tx, self.connection.id, owner)
            time.sleep(_POLL_S)
        raise _busy()

    def _settled_meanwhile(self, used_version: int) -> bool:
        if self._reloaded_version() > used_version:
            return True
        # One refusal is enough: whoever else waited for it is told without asking the provider again.
        one, now = self.connection, self.now()
        if one.status is not ConnectionStatus.CONNECTED:
            raise CredentialError(
                f"the connection {one.name!r} is {one.status}", code=f"connection_{one.status}"
            )
        if one.refresh_after is not None and one.refresh_after > now:
            raise RetryableError(
                "the authorization could not be renewed a moment ago",
                code="refresh_cooling_down",
                retry_after_s=(one.refresh_after - now).total_seconds(),
            )
        return False

    def _reloaded_version(self) -> int:
        with self.store.read(self.connection.tenant_id) as tx:
            self.connection = connections.get(tx, self.connection.id)
        return self.connection.credential.version

    def _take(self, owner: str) -> bool:
        now = self.now()
        until = now + timedelta(seconds=LEASE_S)
        with self.store.begin(self.connection.tenant_id) as tx:
            return renewals.take(tx, self.connection, owner, now, until)

    def _renew(self, owner: str, used_version: int) -> bool:
        # Look again under the right to renew: it may have been given back by one who just stored.
        if self._settled_meanwhile(used_version):
            return True
        try:
            grant = self._fetch()
        except CredentialError as error:
            if self.refused(self.connection, self._explained(error)):
                raise
            # Somebody authorized it anew while the provider refused the old grant.
            return self._reloaded_version() > used_version
        except RetryableError as error:
            self._fail(owner, error)
            raise
        reach("token.after_provider_answer")
        if self._keep(owner, grant):
            self._reloaded_version()
            return True
        if self._settled_meanwhile(used_version):
            return True
        raise _busy()

    def _keep(self, owner: str, grant: Grant) -> bool:
        one, now = self.connection, self.now()
        document = {**grant.document, "renewed_at": now.timestamp()}
        sealed = self.vault.seal(one.tenant_id, one.id, document, version=one.credential.version + 1)
        with self.store.begin(one.tenant_id) as tx:
            return renewals.keep(tx, one, owner, sealed, now)

    def _fail(self, owner: str, error: RetryableError) -> None:
        one, now = self.connection, self.now()
        wait_s = min(COOL_DOWN_S * 2 ** min(one.refresh_fails, 20), LONGEST_COOL_DOWN_S)
        wait_s = max(wait_s * random.uniform(1.0, 1.25), error.retry_after_s or 0.0)
        after = now + timedelta(seconds=wait_s)
        lost = error.code == _UNREAD
        with self.store.begin(one.tenant_id) as tx:
            renewals.fail(tx, one, owner, error.message, now, after=after, lost=lost)

    def _explained(self, error: CredentialError) -> str:
        if self.connection.refresh_lost_at is None:
            return error.message
        return (
            f"{error.message}; the answer to an earlier renewal was lost, so the provider may have put "
            "another refresh token in the place of the one that is kept"
        )

    def _fetch(self) -> Grant:
        client = None if self.app is None else client_of(self.vault, self.app)
        auth = auth_for(self.connector, self.connection)
        with self.open_client() as http:
            return renewed(http, auth, client, self._document(), self.now())


def _busy() -> RetryableError:
    return RetryableError("the authorization is still being renewed elsewhere", code="refresh_busy")
