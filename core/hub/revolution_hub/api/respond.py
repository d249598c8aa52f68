"""respond: what a workflow answers to who called its webhook. No browser runs it, no cookie goes with it."""

from typing import Final

import orjson
from fastapi.responses import Response

from revolution_hub.model.strict_json import dump_json
from revolution_sdk.types import Json, JsonObject

# What a workflow answers is shown by nobody's browser as a page of this origin.
SANDBOX: Final = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}

JSON: Final = "application/json"

_EMPTY: Final = (204, 205, 304)
"""The statuses that come without a body."""


_HEADERS: Final = [(name.lower().encode(), value.encode()) for name, value in SANDBOX.items()]
_JSON_HEADERS: Final = (*_HEADERS, (b"content-type", JSON.encode()))


class JsonAnswer(Response):
    """JSON for who called a webhook. The hot door makes one for each delivery, so its headers are ready."""

    def __init__(self, status: int, value: Json) -> None:
        self.status_code = status
        self.background = None
        self.body = _json(value)
        self.raw_headers = [*_JSON_HEADERS, (b"content-length", str(len(self.body)).encode())]


def _json(value: Json) -> bytes:
    try:
        # What is stored of it was written by the same library, in a sixth of the time.
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        # It is stricter than JSON: integers beyond 64 bits are not its own.
        return dump_json(value).encode()


def respond(response: JsonObject) -> Response:
    """Return the answer a `respond` step has noted."""
    status = int(response["status"])
    given = response.get("headers")
    if not given and status not in _EMPTY:
        return JsonAnswer(status, response["body"])
    headers = {str(name).lower(): str(value) for name, value in (given or {}).items()}
    if status in _EMPTY:
        headers.pop("content-type", None)
        return Response(b"", status, headers | SANDBOX)
    kind = headers.get("content-type") or JSON
    return Response(_written(response["body"], kind), status, headers | SANDBOX | {"content-type": kind})


def _written(body: Json, kind: str) -> bytes:
    if isinstance(body, str) and kind != JSON:
        media = kind.partition(";")[0].strip().lower()
        # A text under a type of its own is that text; in JSON it has quotes around it.
        if media != JSON and not media.endswith("+json"):
            return body.encode("utf-8", "replace")
    return dump_json(body).encode()
