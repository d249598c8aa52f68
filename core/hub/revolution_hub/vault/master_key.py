"""Master keys: read from a text or a key file, refused when weak, minted on a first start or for a rotation.

A text holds one key, or several with the newest first, while what the older ones sealed is sealed anew.
Nothing here decides when to mint; over existing data a missing or wrong key is an error, never a new key.
"""

import base64
import binascii
import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from revolution_hub.errors import VaultError
from revolution_sdk.secret import Secret

KEY_BYTES = 32
FEWEST_DISTINCT_BYTES = 16
"""32 random bytes have 30 distinct values on average; fewer than 16 never happens to a random key."""

_LARGEST_FILE = 4096
_HEX = re.compile(r"[0-9a-fA-F]{64}\Z")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\Z")
_ID_PURPOSE = b"revolution-hub/master-key/id/1"


class MasterKey:
    """32 bytes that seal every tenant's data keys. Masked wherever it could be printed; never pickled.

    `key_id` tells keys apart without telling anything about them: 16 hex digits derived from the key for
    this purpose alone. Raises VaultError `master_key_weak` for any key that cannot have been random.
    """

    __slots__ = ("_key", "key_id")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise _weak(f"it must be exactly {KEY_BYTES} bytes, in base64 or hex")
        if len(set(key)) < FEWEST_DISTINCT_BYTES:
            raise _weak("its bytes repeat too much to be random")
        self._key = bytes(key)
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_ID_PURPOSE).derive(self._key)
        self.key_id = derived.hex()[:16]

    def reveal(self) -> bytes:
        """Return the 32 bytes. Keep the result nowhere."""
        return self._key

    def __repr__(self) -> str:
        return f"MasterKey({self.key_id})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a MasterKey cannot be pickled")


def read_master_key(value: Secret | None, key_file: Path | None) -> MasterKey:
    """Return the newest key of `value`, the content of the environment variable, or else of `key_file`.

    Raises VaultError `master_key_missing` when there is neither, else as `parse_master_keys` does, and
    `master_key_weak` for a file that others may read.
    """
    if value:
        return parse_master_keys(value.reveal())[0]
    if key_file is None:
        raise _missing("set REVOLUTION_MASTER_KEY or REVOLUTION_MASTER_KEY_FILE")
    return read_key_file(key_file)[0]


def read_key_file(path: Path) -> tuple[MasterKey, ...]:
    """Return the keys of a key file, the newest first; raises VaultError as `read_master_key` does."""
    return parse_master_keys(_read_file(path))


def parse_master_keys(text: str) -> tuple[MasterKey, ...]:
    """Return the keys of a text, the newest first: each 32 bytes as base64 (either alphabet) or hex.

    Between them stand line feeds or commas; blanks around them are ignored. Raises VaultError
    `master_key_unreadable` when it is no key text, `master_key_weak` when a key protects nothing.
    """
    found = [_parse(one) for one in re.split(r"[,\n]", text) if one.strip()]
    if not found:
        raise _unreadable("it is neither base64 nor hex")
    return tuple({one.key_id: one for one in found}.values())


def make_master_key() -> MasterKey:
    """Make a random key; it is kept nowhere yet."""
    return MasterKey(secrets.token_bytes(KEY_BYTES))


def mint_master_key(path: Path) -> MasterKey:
    """Make a random key and write it to a new file that only its owner can read (0600, folder 0700).

    The file is on disk when this returns. Raises VaultError `master_key_exists` if there is a file already
    and `master_key_unwritable` if none can be made.
    """
    key = make_master_key()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(path, _text([key]))
        _sync_folder(path.parent)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            raise VaultError(
                f"{path} exists already; a key is never overwritten", code="master_key_exists"
            ) from None
        raise _unwritable(path, error) from error
    return key


def write_key_file(path: Path, keys: Sequence[MasterKey]) -> None:
    """Put other keys into a key file, the newest first, in one step: nobody ever reads half of it.

    Raises VaultError `master_key_unwritable` if that cannot be done; the file is then as it was.
    """
    # Through a link the file itself is replaced, not the link.
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        _write_new(beside, _text(keys))
        beside.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Let one process of this machine at a time change what is in a key file.

    Raises VaultError `master_key_busy` while another one does.
    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise VaultError("another process is rotating the master key", code="master_key_busy") from None
    finally:
        # The lock ends with the last descriptor, so a killed process leaves none behind.
        os.close(handle)


def _text(keys: Sequence[MasterKey]) -> bytes:
    return b"".join(base64.b64encode(one.reveal()) + b"\n" for one in keys)


def _parse(text: str) -> MasterKey:
    text = text.strip()
    if _HEX.match(text):
        return MasterKey(bytes.fromhex(text))
    if not _BASE64.match(text):
        raise _unreadable("it is neither base64 nor hex")
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return MasterKey(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except binascii.Error:
        raise _unreadable("it is neither base64 nor hex") from None


def _read_file(path: Path) -> str:
    try:
        # Without O_NONBLOCK opening a named pipe would wait for a writer for ever.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise _missing(f"there is no file {path}") from None
    except OSError as error:
        raise _unreadable(f"{path}: {error.strerror}") from error
    try:
        _check_mode(os.fstat(handle).st_mode, path)
        content = os.read(handle, _LARGEST_FILE + 1)
    finally:
        os.close(handle)
    if len(content) > _LARGEST_FILE or not content.isascii():
        raise _unreadable(f"{path} holds no key")
    return content.decode("ascii")


def _check_mode(mode: int, path: Path) -> None:
    # The mode of what was opened: a link is judged by its target, and nothing can be swapped in between.
    if not stat.S_ISREG(mode):
        raise _unreadable(f"{path} is not a regular file")
    if mode & 0o077:
        raise _weak(f"{path} can be read or written by others; run: chmod 600 {path}")


def _write_new(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o600)
            file.write(content)
            file.flush()
            os.fsync(handle)
    except BaseException:
        # Half a key would be refused at every later start.
        path.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems cannot sync a folder; the file itself is safe.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _weak(why: str) -> VaultError:
    return VaultError(f"the master key is not safe: {why}", code="master_key_weak")


def _missing(why: str) -> VaultError:
    return VaultError(f"there is no master key: {why}", code="master_key_missing")


def _unwritable(path: Path, error: OSError) -> VaultError:
    return VaultError(
        f"the key file {path} cannot be written: {error.strerror}", code="master_key_unwritable"
    )


def _unreadable(why: str) -> VaultError:
    return VaultError(f"the master key cannot be read: {why}", code="master_key_unreadable")
