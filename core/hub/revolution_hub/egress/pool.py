"""The connections of one process, shared by all its transports: one pool, one TLS context, one guard."""

import itertools
import ssl
import threading
from types import TracebackType

import httpcore2
import httpx2

from revolution_hub.egress.backend import GuardedBackend
from revolution_hub.egress.guard import Guard

MAX_CONNECTIONS = 256
PARTS = 32
"""A pool looks at each of its connections for each request, and meanwhile nobody else may. With fifty threads
on one pool that was most of their time; each part has only a few."""
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
        context = tls or _default_tls()
        each = -(-max_connections // PARTS)
        self._parts = [_part(guard, context, each) for _ in range(min(PARTS, max_connections))]
        self._next = itertools.count()
        self._own = threading.local()

    @property
    def connections(self) -> httpcore2.ConnectionPool:
        """The part of the pool that the calling thread uses; threads share the parts evenly."""
        part: httpcore2.ConnectionPool | None = getattr(self._own, "part", None)
        if part is None:
            part = self._own.part = self._parts[next(self._next) % len(self._parts)]
        return part

    def close(self) -> None:
        """Close every connection. Requests under way fail."""
        for part in self._parts:
            part.close()

    def __enter__(self) -> "SharedPool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _part(guard: Guard, context: ssl.SSLContext, max_connections: int) -> httpcore2.ConnectionPool:
    return httpcore2.ConnectionPool(
        ssl_context=context,
        max_connections=max_connections,
        keepalive_expiry=KEEP_ALIVE_S,
        http1=True,
        http2=False,
        retries=0,
        network_backend=GuardedBackend(guard),
    )


def _default_tls() -> ssl.SSLContext:
    context = httpx2.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
