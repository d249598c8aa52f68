"""The frame around every answer: a request id, what is left of the rate, and headers for browsers."""

from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from revolution_hub.model.ids import new_id

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
)
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_DRESS = (*_HEADERS, _POLICY)


class Frame:
    """ASGI middleware; plain, so that streaming bodies pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the request an id and dress the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = new_id("req")
        _without_nul(scope)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_extra(state, message)]
            await send(message)

        await self._app(scope, receive, dressed)


def _without_nul(scope: Scope) -> None:
    # PostgreSQL has no text with NUL in it, so a name with one names nothing: the mark for what cannot be
    # read takes its place, and the answer is the same on both databases.
    scope["path"] = scope["path"].replace("\0", "\ufffd")
    scope["query_string"] = scope.get("query_string", b"").replace(b"%00", b"%EF%BF%BD")


@lru_cache(maxsize=256)
def _lacking(present: tuple[bytes, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers an answer with these does not have. Most answers have the same few."""
    names = {name.lower() for name in present}
    return tuple(pair for pair in _DRESS if pair[0] not in names)


def _extra(state: MutableMapping[str, Any], message: Message) -> list[tuple[bytes, bytes]]:
    extra = [(b"x-request-id", str(state["request_id"]).encode())]
    extra += _lacking(tuple([name for name, _ in message.get("headers", ())]))
    allowance = state.get("allowance")
    if allowance is not None:
        extra += [
            (b"ratelimit-limit", str(allowance.limit).encode()),
            (b"ratelimit-remaining", str(allowance.remaining).encode()),
            (b"ratelimit-reset", str(int(allowance.reset_s + 0.999)).encode()),
        ]
    return extra
