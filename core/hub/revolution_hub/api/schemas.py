"""/api/schemas: the published schemas, for editors and for programs that write workflows."""

import hashlib
import json
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from revolution_hub.api.doors import public_route
from revolution_hub.model.workflow_schema import workflow_schema

MEDIA_TYPE = "application/schema+json"

router = APIRouter(tags=["schemas"])


@public_route(router, "GET", "/api/schemas/workflow", why="the documentation, in a form for programs")
def get_workflow_schema(request: Request) -> Response:
    """Return the JSON Schema 2020-12 of a workflow document; with the ETag one has, 304."""
    body, tag = _workflow()
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content=body, media_type=MEDIA_TYPE, headers=headers)


@lru_cache(maxsize=1)
def _workflow() -> tuple[bytes, str]:
    body = json.dumps(workflow_schema(), ensure_ascii=False).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
