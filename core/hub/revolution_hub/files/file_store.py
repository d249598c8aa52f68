"""FileStore: payloads in files `tenant/owner/SHA-256`, on the disk before a row that names them is committed.

A crash in between leaves a file that no row names, and never a row without its file. The name is the
content's, so writing the same payload of the same owner again finds it there.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from revolution_hub.errors import LimitError, PayloadError, SettingsError
from revolution_hub.model.payload import FileRef
from revolution_hub.store.errors import FilesError

_ID = re.compile("[A-Za-z0-9_]{1,40}")
_SHA256 = re.compile("[0-9a-f]{64}")
_TRIES = 10


class FileStore:
    """A folder of payloads. Safe to share between threads, processes and machines."""

    def __init__(self, root: Path, *, inline_bytes: int = 262_144, payload_bytes: int = 16_777_216) -> None:
        self._root = root
        self._inline_bytes = inline_bytes
        self._payload_bytes = payload_bytes

    @property
    def inline_bytes(self) -> int:
        """The largest payload that is kept in its row, in bytes of JSON."""
        return self._inline_bytes

    def prepare(self) -> None:
        """Make the folder and write to it once; raises SettingsError if that cannot be done."""
        trial = self._root / f".trial-{secrets.token_hex(8)}"
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            trial.write_bytes(b"")
            trial.unlink()
        except OSError as error:
            raise SettingsError(
                f"the folder of large payloads {self._root} cannot be used: {error.strerror}"
            ) from error

    def keep(self, tenant_id: str, owner_id: str, content: bytes) -> FileRef:
        """Keep a payload for good; it is on the disk when this returns.

        Raises LimitError if it is larger than any payload may be, FilesError if it cannot be kept now.
        """
        self._require(len(content))
        ref = FileRef(
            tenant=tenant_id,
            owner=owner_id,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        path = self._path(ref)
        for left in reversed(range(_TRIES)):
            try:
                _write(path, content)
                self._sync(path)
                return ref
            except (FileNotFoundError, FileExistsError) as error:
                # Somebody has removed the owner's folder just now.
                if not left:
                    raise FilesError(reason=_said(path, error)) from error
            except OSError as error:
                raise FilesError(reason=_said(path, error)) from error
        raise AssertionError("the last try returns or raises")

    def read(self, ref: FileRef) -> bytes:
        """Return a payload.

        Raises PayloadError if it is missing or is not what was kept, FilesError if it cannot be read now.
        """
        path = self._path(ref)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            if not self._root.is_dir():
                raise FilesError(reason=_said(self._root, error)) from error
            raise PayloadError(
                "the file of a large payload is missing", code="payload_missing", details=_details(ref)
            ) from error
        except OSError as error:
            raise FilesError(reason=_said(path, error)) from error
        if len(content) != ref.bytes or hashlib.sha256(content).hexdigest() != ref.sha256:
            raise PayloadError("the file of a large payload is damaged", details=_details(ref))
        return content

    def remove(self, tenant_id: str, owner_id: str) -> None:
        """Remove every payload of this owner. Raises FilesError if they cannot be removed now."""
        folder = self._folder(tenant_id, owner_id)
        # First out of reach of whoever writes to it now. What a crash leaves is nobody's, and found as such.
        gone = folder.with_name(f"gone_{secrets.token_hex(16)}")
        try:
            folder.rename(gone)
            _remove(gone)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FilesError(reason=_said(folder, error)) from error

    def older_than(self, moment_s: float) -> Iterator[tuple[str, str]]:
        """Yield tenant and owner of the folders nothing was put into since this moment, in Unix seconds."""
        for tenant in _folders(self._root):
            for owner in _folders(Path(tenant.path)):
                with suppress(FileNotFoundError):
                    if owner.stat(follow_symlinks=False).st_mtime < moment_s:
                        yield tenant.name, owner.name

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield every tenant with the bytes that are kept for it."""
        for tenant in _folders(self._root):
            yield tenant.name, sum(_bytes_in(owner.path) for owner in _folders(Path(tenant.path)))

    def _require(self, size: int) -> None:
        if size > self._payload_bytes:
            message = f"a payload has {size:,} bytes as JSON; it has at most {self._payload_bytes:,}"
            raise LimitError.of_setting("REVOLUTION_PAYLOAD_BYTES", size, self._payload_bytes, message)

    def _folder(self, tenant_id: str, owner_id: str) -> Path:
        for one in (tenant_id, owner_id):
            if not _ID.fullmatch(one):
                raise ValueError("a payload belongs to a tenant and an owner with plain ids")
        return self._root / tenant_id / owner_id

    def _path(self, ref: FileRef) -> Path:
        if not _SHA256.fullmatch(ref.sha256):
            raise ValueError("a payload is named by the SHA-256 of its content")
        return self._folder(ref.tenant, ref.owner) / ref.sha256

    def _sync(self, path: Path) -> None:
        # Whoever made a folder may not have come to this yet, so it is done for all of them.
        for folder in (path.parent, path.parent.parent, self._root):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _write(path: Path, content: bytes) -> None:
    with suppress(FileNotFoundError):
        if path.stat().st_size == len(content):
            return
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(exist_ok=True, mode=0o700)
    new = path.with_name(f".{secrets.token_hex(16)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _remove(folder: Path) -> None:
    for _ in range(_TRIES):
        # What was being written when the folder was moved may get its name while the others are removed.
        try:
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        if not folder.exists():
            return


def _folders(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            for one in found:
                if _ID.fullmatch(one.name) and one.is_dir(follow_symlinks=False):
                    yield one
    except FileNotFoundError:
        return
    except OSError as error:
        raise FilesError(reason=_said(folder, error)) from error


def _bytes_in(folder: str) -> int:
    size = 0
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for one in found:
            # Whoever removes it at this moment makes it count for nothing.
            with suppress(FileNotFoundError):
                size += one.stat(follow_symlinks=False).st_size
    return size


def _details(ref: FileRef) -> dict[str, str | int]:
    return {"owner": ref.owner, "bytes": ref.bytes, "sha256": ref.sha256}


def _said(path: Path, error: OSError) -> str:
    return f"{path}: {error.strerror or type(error).__name__}"
