"""The HTTP clients the hub hands out: one for a connection's actions, one for refreshing its token."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx2

from revolution_hub.egress.guard import Guard, blocked
from revolution_hub.egress.pool import SharedPool
from revolution_hub.egress.transport import ANSWER_LIMIT_BYTES, Authorize, EgressTransport
from revolution_sdk.connector import Connector

__all__ = ["Egress", "SharedPool", "make_client", "token_client"]

TOKEN_LIMIT_S = 20.0
_TOKEN_ANSWER_BYTES = 65_536
_MAX_REDIRECTS = 5
_AGENT = {"user-agent": "revolution-hub"}


class Egress:
    """The way out of one process: what everything that needs an HTTP client is handed."""

    def __init__(self, pool: SharedPool) -> None:
        self._pool = pool

    @property
    def guard(self) -> Guard:
        """What decides where the hub may go; `guard.check_url` judges a base URL when it is entered."""
        return self._pool.guard

    def client(
        self,
        connector: Connector,
        base_url: str,
        authorize: Authorize | None,
        deadline: datetime,
        now: Callable[[], datetime],
    ) -> httpx2.Client:
        """Make the client of one call of an action, see `make_client`."""
        return make_client(
            connector, base_url=base_url, authorize=authorize, deadline=deadline, now=now, pool=self._pool
        )

    def token_client(self, connector: Connector, base_url: str) -> httpx2.Client:
        """Make the client for one refresh of a token, see `token_client`."""
        return token_client(connector, base_url=base_url, pool=self._pool)

    def transport(self, base_url: str) -> httpx2.BaseTransport:
        """Return what carries requests without authentication to the origin of this address, and no further.

        For asking an identity provider; guarded like everything, over in 20 seconds.
        """
        return EgressTransport(
            Connector("identity", title="Identity provider"),
            base_url=base_url,
            authorize=None,
            deadline=utc_now() + timedelta(seconds=TOKEN_LIMIT_S),
            now=utc_now,
            pool=self._pool,
            limit_bytes=_TOKEN_ANSWER_BYTES,
        )

    def check(self, url: str) -> None:
        """Raise RejectedError for an address that the hub would not go to itself."""
        try:
            self._pool.guard.check_url(httpx2.URL(url))
        except httpx2.InvalidURL:
            raise blocked() from None

    def close(self) -> None:
        """Close the process's connections."""
        self._pool.close()


def utc_now() -> datetime:
    """Return the time as an aware UTC datetime."""
    return datetime.now(UTC)


def make_client(
    connector: Connector,
    *,
    pool: SharedPool,
    authorize: Authorize | None,
    deadline: datetime,
    base_url: str = "",
    now: Callable[[], datetime] = utc_now,
    limit_bytes: int = ANSWER_LIMIT_BYTES,
) -> httpx2.Client:
    """Make the client of one call of an action. Relative paths go to the connector's base URL.

    `base_url` is the connection's own, empty for the provider's. `limit_bytes` caps one decoded answer.
    Closing the client leaves the shared connections open.
    """
    transport = EgressTransport(
        connector,
        base_url=base_url,
        authorize=authorize,
        deadline=deadline,
        now=now,
        pool=pool,
        limit_bytes=limit_bytes,
    )
    return httpx2.Client(
        base_url=connector.base_url,
        transport=transport,
        headers=_AGENT,
        timeout=None,
        follow_redirects=False,
        max_redirects=_MAX_REDIRECTS,
        trust_env=False,
    )


def token_client(
    connector: Connector,
    *,
    pool: SharedPool,
    base_url: str = "",
    now: Callable[[], datetime] = utc_now,
    limit_s: float = TOKEN_LIMIT_S,
) -> httpx2.Client:
    """Make the client for one refresh of a token: guarded alike, without authentication, over in `limit_s`.

    A refusal, 401 included, is an answer here. The token endpoint's host must be declared by the connector.
    """
    return make_client(
        connector,
        pool=pool,
        authorize=None,
        deadline=now() + timedelta(seconds=limit_s),
        base_url=base_url,
        now=now,
        limit_bytes=_TOKEN_ANSWER_BYTES,
    )
