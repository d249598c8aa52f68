"""Sockets for the connection pool: opened to checked addresses only, never waited for past a deadline.

The pool hands the values of a request's `timeout` extension through to its streams. Here `connect`, `read`
and `write` are not lengths but instants of `time.monotonic`, so that many short waits (a drip-feeding
server) end as soon as one long wait would. `pool` stays a length; only the pool itself waits for it.
"""

import ssl
import time
from collections.abc import Iterable

import httpcore2

from revolution_hub.egress.guard import RESOLVE_LIMIT_S, Guard

CONNECT_LIMIT_S = 5.0
_SLICE_BYTES = 16_384
"""As much as one TLS record holds, so that one slice is one wait."""


class GuardedBackend(httpcore2.NetworkBackend):
    """Connects to what the guard let through, to the very address it checked."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Resolve and check once, then try each checked address until one answers.

        `timeout` is an instant; connecting takes at most 5 s of the time until it. Raises RejectedError
        `address_blocked`, or ConnectError and ConnectTimeout when nothing answers.
        """
        addresses = self._resolve(host, port, _left(timeout, httpcore2.ConnectTimeout))
        until_s = time.monotonic() + min(_left(timeout, httpcore2.ConnectTimeout), CONNECT_LIMIT_S)
        failure: Exception = httpcore2.ConnectError("no address answered")
        for index, address in enumerate(addresses):
            # An equal share for each, so that one silent address does not use up the time of the others.
            share_s = _left(until_s, httpcore2.ConnectTimeout) / (len(addresses) - index)
            try:
                return _Stream(
                    self._sockets.connect_tcp(address, port, share_s, local_address, socket_options)
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Refuse: a connector reaches hosts, never a socket file of this machine."""
        raise httpcore2.UnsupportedProtocol("unix sockets are not reachable")

    def _resolve(self, host: str, port: int, left_s: float) -> list[str]:
        try:
            return self._guard.check(host, port, limit_s=min(left_s, RESOLVE_LIMIT_S))
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error


class _Stream(httpcore2.NetworkStream):
    """A socket whose waits all end at the instant they are given."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        for start in range(0, len(view), _SLICE_BYTES):
            piece = bytes(view[start : start + _SLICE_BYTES])
            self._inner.write(piece, _left(timeout, httpcore2.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            limit_s = min(_left(timeout, httpcore2.ConnectTimeout), CONNECT_LIMIT_S)
        except httpcore2.ConnectTimeout:
            self.close()
            raise
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit_s))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _left(until_s: float | None, late: type[httpcore2.TimeoutException]) -> float:
    """Return the seconds until the instant, or raise `late`. Without an instant nothing may wait at all."""
    left_s = 0.0 if until_s is None else until_s - time.monotonic()
    if left_s <= 0:
        raise late("the deadline has passed")
    return left_s
