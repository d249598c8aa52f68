"""Files that came with a delivery: what is kept of them is found by the event they came with."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from revolution_hub.access.rbac import require
from revolution_hub.errors import NotFoundError, PayloadError
from revolution_hub.hub import Hub
from revolution_hub.model.payload import FileRef
from revolution_hub.model.principal import Principal
from revolution_hub.store import events
from revolution_sdk.types import Json, JsonObject

_ID = re.compile("(evt_[0-9a-z]{1,36})[.]([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A file as it came. `name` is the sender's word for it and leads nowhere."""

    name: str
    content: bytes


def read_file(hub: Hub, principal: Principal, file_id: str) -> ReceivedFile:
    """Return a file by the id the workflow saw, or raise NotFoundError."""
    require(principal, "event:read")
    named = _ID.fullmatch(file_id)
    if named is None:
        raise NotFoundError("there is no such file")
    with hub.store.read(principal.tenant_id) as tx:
        event = events.get(tx, named[1])
    described = next((one for one in _files(event.data) if one.get("file") == file_id), None)
    if described is None or hub.store.files is None:
        raise NotFoundError("there is no such file")
    size = described.get("bytes")
    if not isinstance(size, int):
        raise PayloadError("the file has no size")
    ref = FileRef(tenant=principal.tenant_id, owner=event.id, bytes=size, sha256=named[2])
    return ReceivedFile(name=str(described.get("name", "")), content=hub.store.files.read(ref))


def _files(data: Json) -> Iterator[JsonObject]:
    """Yield what may be a file: a field of a form, or one of several of the same name."""
    for value in data.values() if isinstance(data, dict) else ():
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))
