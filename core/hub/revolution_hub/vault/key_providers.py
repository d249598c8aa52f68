"""The providers of master keys: the local key file, and a store of secrets that is asked over HTTP.

The store keeps to the contract of HashiCorp Vault and OpenBao, version 2 of their key-value engine: the
versions of one secret are the keys, and the newest version is the newest key.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import httpx2

from revolution_hub.errors import InputError, SettingsError, VaultError
from revolution_hub.model.strict_json import strict_json
from revolution_hub.settings import Settings
from revolution_hub.vault.key_ring import GivenKeys, KeyProvider
from revolution_hub.vault.master_key import MasterKey, parse_master_keys, read_key_file
from revolution_sdk import Secret
from revolution_sdk.errors import ConnectorError

MOST_VERSIONS: Final = 5
LONGEST_ANSWER: Final = 65_536
_LONGEST_TOKEN: Final = 4096


class WayOut(Protocol):
    """How the store is reached: through the guard, at the one address the operator has named."""

    def transport(self, base_url: str) -> httpx2.BaseTransport:
        """Return what carries requests to the origin of this address."""

    def close(self) -> None:
        """Close its connections."""


class KeyFile:
    """The local key file: one key a line, the newest first. Read anew each time it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    def read(self) -> Sequence[MasterKey]:
        """Return the keys."""
        return read_key_file(self.path)


class KeyStore:
    """A store of secrets reached over HTTP.

    `address` is that of the secret in the key-value engine, such as
    `https://vault.example.com/v1/secret/data/revolution`; `field` is the member that holds the key. The
    token is read anew for each look, since it may be renewed.
    """

    def __init__(
        self, address: str, field: str, read_token: Callable[[], str], open_way: Callable[[], WayOut]
    ) -> None:
        self._address = address
        self._field = field
        self._read_token = read_token
        self._open_way = open_way

    @property
    def place(self) -> str:
        """The address."""
        return self._address

    def read(self) -> Sequence[MasterKey]:
        """Return the keys of the versions that are there, of at most five, the newest first."""
        token, way = self._read_token(), self._open_way()
        try:
            with httpx2.Client(transport=way.transport(self._address), trust_env=False) as client:
                return tuple({one.key_id: one for one in self._keys(client, token)}.values())
        finally:
            way.close()

    def _keys(self, client: httpx2.Client, token: str) -> Iterator[MasterKey]:
        newest = self._ask(client, token, None)
        if newest is None:
            raise VaultError(f"there is no master key: {self._address} is empty", code="master_key_missing")
        yield from self._parsed(newest)
        number = newest["metadata"].get("version")
        if not isinstance(number, int) or isinstance(number, bool):
            raise self._unreadable("its answer names no version")
        for version in range(number - 1, max(number - MOST_VERSIONS, 0), -1):
            older = self._ask(client, token, version)
            if older is not None:
                yield from self._parsed(older)

    def _ask(self, client: httpx2.Client, token: str, version: int | None) -> dict[str, Any] | None:
        """Return one version with what is said about it, None if it was deleted or never there."""
        asked = {} if version is None else {"version": str(version)}
        try:
            answer = client.get(self._address, params=asked, headers={"X-Vault-Token": token})
        except (ConnectorError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise VaultError(
                f"the key store {self._address} does not answer: {error}", code="key_store_away"
            ) from error
        if answer.status_code == 404:
            return None
        if answer.status_code in (401, 403):
            raise VaultError(f"the key store {self._address} refuses the token", code="master_key_unreadable")
        if answer.status_code != 200:
            told = f"the key store {self._address} answers with status {answer.status_code}"
            raise VaultError(told, code="key_store_away")
        return self._document(answer.content)

    def _document(self, content: bytes) -> dict[str, Any]:
        try:
            value = strict_json(content, max_bytes=LONGEST_ANSWER)
        except InputError:
            raise self._unreadable("its answer is no JSON") from None
        document = value.get("data") if isinstance(value, dict) else None
        if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
            raise self._unreadable("its answer is not that of a key-value engine, version 2")
        return document

    def _parsed(self, document: dict[str, Any]) -> Sequence[MasterKey]:
        held = document.get("data")
        text = held.get(self._field) if isinstance(held, dict) else None
        if not isinstance(text, str):
            raise self._unreadable(f"its secret has no text {self._field!r}")
        return parse_master_keys(text)

    def _unreadable(self, why: str) -> VaultError:
        told = f"the master key cannot be read from the key store {self._address}: {why}"
        return VaultError(told, code="master_key_unreadable")


def choose_provider(settings: Settings, open_way: Callable[[], WayOut]) -> KeyProvider:
    """Return the provider the settings name: the environment itself, a key store, or else the key file.

    Raises SettingsError if they name two of them, VaultError for keys in the environment that are none.
    """
    if settings.master_key and settings.master_key_url:
        raise SettingsError(
            "REVOLUTION_MASTER_KEY and REVOLUTION_MASTER_KEY_URL both say where the master key is; keep one"
        )
    if settings.master_key:
        return GivenKeys(parse_master_keys(settings.master_key.reveal()))
    if settings.master_key_url:
        return KeyStore(
            settings.master_key_url,
            settings.master_key_field,
            lambda: _token(settings.master_key_token, settings.master_key_token_file),
            open_way,
        )
    return KeyFile(settings.key_file)


def _token(value: Secret | None, path: Path | None) -> str:
    if value:
        return _usable(value.reveal().strip(), "REVOLUTION_MASTER_KEY_TOKEN")
    if path is None:
        raise SettingsError(
            "REVOLUTION_MASTER_KEY_URL needs REVOLUTION_MASTER_KEY_TOKEN or REVOLUTION_MASTER_KEY_TOKEN_FILE"
        )
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(_LONGEST_TOKEN).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the token of the key store cannot be read from {path}: {error}") from error
    if not text:
        raise SettingsError(f"the token of the key store cannot be read from {path}: it is empty")
    return _usable(text, str(path))


def _usable(token: str, place: str) -> str:
    # On the way out it would be refused, too, and look like a store that is away.
    if not token.isascii() or not token.isprintable():
        raise SettingsError(f"the token in {place} cannot be used: it has letters no header can hold")
    return token
