"""wire: the server's HTTP protocol with limits on what comes before a body, which the server itself has not.

Who sends a head that is too large is told so, and who takes too long for it is let go. Both hold for every
request of a connection: one that is kept open begins anew with each.
"""

from asyncio import BaseTransport, TimerHandle
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADERS: Final = 100
MOST_HEAD_BYTES: Final = 32_768
HEAD_S: Final = 10.0
"""How long a request's head may take to arrive, counted from its first byte or from the connection."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class Wire(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._coming = 0
        self._before = 0
        self._moved = False
        self._refused = False
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the first head, but not for ever."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what arrived."""
        if self._refused:
            # What comes behind a head that was too large is nobody's.
            return
        self._moved = False
        # What has come since a head was whole or a body went on.
        self._coming += len(data)
        super().data_received(data)
        if self._moved:
            self._coming, self._before = 0, len(data)
        elif self._coming > MOST_HEAD_BYTES:
            # The parser collects a line however long it is: a header, a trailer, what stands behind a size.
            self._refuse()
        elif self._timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Hand the request on, unless it is refused."""
        self._moved = True
        self._stop_waiting()
        if self._is_head_too_large():
            self._refuse()
        if not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._moved = True
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Know that the body is whole, and with it any trailers."""
        self._moved = True
        self._stop_waiting()
        if len(self.headers) > MOST_HEADERS:
            self._refuse()
        if not self._refused:
            super().on_message_complete()

    def _is_head_too_large(self) -> bool:
        if len(self.headers) > MOST_HEADERS:
            return True
        # A head began with what came last before it, or later; so hardly any needs to be counted out.
        if self._before + self._coming <= MOST_HEAD_BYTES:
            return False
        held = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.url) + held > MOST_HEAD_BYTES

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_S, self._let_go)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _let_go(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
