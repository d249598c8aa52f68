"""The key ring: the master keys a process knows, and the provider it asks again when it meets another one."""

import threading
import time
from collections.abc import Sequence
from typing import Final, Protocol

from revolution_hub.errors import VaultError
from revolution_hub.vault.master_key import MasterKey

ASK_AGAIN_S: Final = 1.0
"""How often a provider is asked for a key it did not hold a moment ago."""


class KeyProvider(Protocol):
    """Where master keys come from."""

    @property
    def place(self) -> str:
        """Where that is, as a person calls it. No secret."""

    def read(self) -> Sequence[MasterKey]:
        """Return the keys, at least one, the newest first.

        Raises VaultError `key_store_away` where asking again later may help, else another VaultError.
        """


class GivenKeys:
    """Keys a process was handed once, by its environment for instance; they never change while it runs."""

    def __init__(self, keys: Sequence[MasterKey], place: str = "REVOLUTION_MASTER_KEY") -> None:
        self._keys = tuple(keys)
        self.place = place

    def read(self) -> Sequence[MasterKey]:
        """Return the keys."""
        return self._keys


class KeyRing:
    """The master keys of one process. Safe to share between threads.

    A key that a rotation in another process brought into use is read from the provider when it is met.
    """

    def __init__(self, provider: KeyProvider) -> None:
        self.provider = provider
        self._lock = threading.Lock()
        self._asked_s = float("-inf")
        self._keys = tuple(provider.read())

    @classmethod
    def of(cls, *keys: MasterKey) -> "KeyRing":
        """Return a ring of these keys, the newest first."""
        return cls(GivenKeys(keys))

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        """The keys as they were last read, the newest first."""
        return self._keys

    @property
    def newest(self) -> MasterKey:
        """The key that a rotation brings into use."""
        return self._keys[0]

    def get(self, key_id: str) -> MasterKey:
        """Return the key with this id, or raise VaultError `master_key_gone` if the provider has none."""
        found = self._find(key_id)
        if found is None:
            self._ask_again(key_id)
            found = self._find(key_id)
        if found is None:
            raise gone(key_id, self.provider.place)
        return found

    def candidates(self, key_id: str | None) -> tuple[MasterKey, ...]:
        """Return the keys that may have wrapped something; only of what an older release wrapped is it open.

        Which of them did is told by the commitment before anything is decrypted.
        """
        return self._keys if key_id is None else (self.get(key_id),)

    def read_again(self) -> None:
        """Read the keys anew; raises VaultError if the provider cannot be asked, and keeps those it has."""
        keys = tuple(self.provider.read())
        with self._lock:
            self._keys = keys

    def _find(self, key_id: str) -> MasterKey | None:
        return next((one for one in self._keys if one.key_id == key_id), None)

    def _ask_again(self, key_id: str) -> None:
        with self._lock:
            now_s = time.monotonic()
            if self._find(key_id) is not None or now_s - self._asked_s < ASK_AGAIN_S:
                return
            self._asked_s = now_s
        self.read_again()


def gone(key_id: str, place: str) -> VaultError:
    """Return the error of a key that something is wrapped with and nobody holds."""
    return VaultError(
        f"data keys are wrapped with the master key {key_id}, which {place} does not hold; put it back "
        "behind the newest key",
        code="master_key_gone",
    )
