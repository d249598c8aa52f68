"""/api/files: what came with deliveries."""

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from revolution_hub.api.doors import route
from revolution_hub.api.respond import SANDBOX
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import files

router = APIRouter(tags=["files"])


@route(router, "GET", "/api/files/{file_id}", permission="event:read")
def read_file(file_id: str, hub: HubDep, principal: PrincipalDep) -> Response:
    """Read a file that came with a delivery, by the id that stands in the event's data."""
    found = files.read_file(hub, principal, file_id)
    # What strangers have sent is saved, never shown: its type is not theirs to choose.
    headers = {**SANDBOX, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"}
    return Response(found.content, 200, headers, media_type="application/octet-stream")
