"""Payloads: what stands in for a large value that is kept in a file, and how a row tells it from a value.

A row holds a value as it is. One that is kept in a file is stored as `{"$file": {"tenant", "owner", "bytes",
"sha256"}}`, and a value that could be taken for such an object as `{"$file": {"value": …}}`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from revolution_sdk.types import Json, JsonObject

FILE = "$file"
_VALUE = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """Which file holds a payload: whose it is, and its content's length and SHA-256.

    The owner is the execution, or the event, the payload is a part of; the file goes when it goes.
    """

    tenant: str
    owner: str
    bytes: int
    sha256: str


_REF = frozenset(one.name for one in fields(FileRef))


class Filed(dict[str, Any]):
    """A payload that was not read from its file. As JSON it says only how large it is.

    Written to the database again it is what it was. `error` says why it could not be read, if that was tried.
    """

    __slots__ = ("ref",)

    def __init__(self, ref: FileRef, error: str | None = None) -> None:
        super().__init__({FILE: {"bytes": ref.bytes, **({"error": error} if error else {})}})
        self.ref = ref


class Files(Protocol):
    """Where large payloads are kept. Any thread may call it."""

    @property
    def inline_bytes(self) -> int:
        """The largest payload that is kept in its row, in bytes of JSON."""

    def keep(self, tenant_id: str, owner_id: str, content: bytes) -> FileRef:
        """Keep a payload for good: on return it is on the disk. Raises LimitError if it is too large."""

    def read(self, ref: FileRef) -> bytes:
        """Return a payload. Raises PayloadError if it is missing or is not what was kept."""

    def remove(self, tenant_id: str, owner_id: str) -> None:
        """Remove every payload of this owner."""

    def older_than(self, moment_s: float) -> Iterable[tuple[str, str]]:
        """Return tenant and owner of the folders nothing was put into since this moment, in Unix seconds."""

    def sizes(self) -> Iterable[tuple[str, int]]:
        """Return every tenant with the bytes that are kept for it."""


def to_stored(value: Json) -> Json:
    """Return what is written to a row for a value."""
    if isinstance(value, Filed):
        return {FILE: asdict(value.ref)}
    return {FILE: {_VALUE: value}} if _ambiguous(value) else value


def from_stored(stored: Json) -> Json:
    """Return the value a row holds, or the `Filed` that stands in for it."""
    if not _ambiguous(stored):
        return stored
    inner: JsonObject = stored[FILE]
    if not isinstance(inner, dict):
        return stored
    if inner.keys() == _REF:
        return Filed(FileRef(**inner))
    return inner[_VALUE] if inner.keys() == {_VALUE} else stored


def _ambiguous(value: Json) -> bool:
    return isinstance(value, dict) and len(value) == 1 and FILE in value
