"""A slow provider: answers each call of the ledger connector after a while, any number of them at once.

One process and one thread, so that it takes little of the machine that is being measured.
"""

import argparse
import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import uvicorn

Message = dict[str, Any]


class SlowProvider:
    """Speaks the ledger's protocol: `GET /read?note=`, `PUT /repeatable`; `GET /calls` says what came."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._calls = 0
        self._entries: dict[str, int] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/calls":
            await _answer(send, {"calls": self._calls, "keys": len(self._entries)})
            return
        body = await _body(receive)
        self._calls += 1
        key = dict(scope["headers"])[b"x-key"].decode()
        note = json.loads(body)["note"] if body else parse_qs(scope["query_string"].decode())["note"][0]
        await asyncio.sleep(self._delay_s)
        entry = self._entries.setdefault(key, len(self._entries))
        await _answer(send, {"note": note, "entry": entry})


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message: Message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _answer(send: Any, value: Message) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True, help="seconds each answer takes")
    given = parser.parse_args()
    app = SlowProvider(given.delay)
    uvicorn.run(app, port=given.port, log_level="error", lifespan="off", backlog=2048)


if __name__ == "__main__":
    main()
