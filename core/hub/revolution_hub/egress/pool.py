"""The connections of one process, shared by all its transports: one pool, one TLS context, one guard."""

import ssl
from types import TracebackType

import httpcore2
import httpx2

from revolution_hub.egress.backend import GuardedBackend
from revolution_hub.egress.guard import Guard

MAX_CONNECTIONS = 256
KEEP_ALIVE_S = 3.0
"""Shorter than the 5 s after which common servers hang up. A request sent into a connection that is being
closed has an unknown outcome, so it is cheaper to connect anew than to reuse at the last moment."""


class SharedPool:
    """Made once per process, closed at shutdown, safe to use from several threads.

    `tls` is for tests and for private certificate authorities; by default the system's authorities count.
    The environment is not asked: neither proxies nor certificate files come from it.
    """

    def __init__(
        self, guard: Guard, *, tls: ssl.SSLContext | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        self.guard = guard
        self.connections = httpcore2.ConnectionPool(
            ssl_context=tls or _default_tls(),
            max_connections=max_connections,
            keepalive_expiry=KEEP_ALIVE_S,
            http1=True,
            http2=False,
            retries=0,
            network_backend=GuardedBackend(guard),
        )

    def close(self) -> None:
        """Close every connection. Requests under way fail."""
        self.connections.close()

    def __enter__(self) -> "SharedPool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _default_tls() -> ssl.SSLContext:
    context = httpx2.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
