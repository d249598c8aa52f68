"""respond: what a workflow answers to who called its webhook. No browser runs it, no cookie goes with it."""

from typing import Final

from fastapi.responses import Response

from revolution_hub.model.strict_json import dump_json
from revolution_sdk.types import Json, JsonObject

# What a workflow answers is shown by nobody's browser as a page of this origin.
SANDBOX: Final = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}

_EMPTY: Final = (204, 205, 304)
"""The statuses that come without a body."""


def respond(response: JsonObject) -> Response:
    """Return the answer a `respond` step has noted."""
    status = int(response["status"])
    headers = {str(name).lower(): str(value) for name, value in (response.get("headers") or {}).items()}
    kind = headers.pop("content-type", "")
    body = b"" if status in _EMPTY else _written(response["body"], kind)
    made = Response(body, status, {**headers, **SANDBOX}, media_type=None)
    if status not in _EMPTY:
        made.headers["content-type"] = kind or "application/json"
    return made


def _written(body: Json, kind: str) -> bytes:
    media = kind.partition(";")[0].strip().lower()
    # A text under a type of its own is that text; in JSON it has quotes around it.
    if isinstance(body, str) and media and media != "application/json" and not media.endswith("+json"):
        return body.encode("utf-8", "replace")
    return dump_json(body).encode()
