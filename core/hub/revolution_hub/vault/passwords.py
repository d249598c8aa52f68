"""Passwords: argon2id, and the same work for every answer, whoever is asked for.

Hashing takes memory on purpose, so only a few are hashed at a time in one process; whoever comes while all
places are taken waits for one of them.
"""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from revolution_hub.errors import InputError, Problem
from revolution_hub.settings import Settings

LONGEST = 256
"""Characters a password may have: enough for every sentence, and little enough to be hashed for anybody."""
AT_A_TIME = 2
LANES = 1


class Passwords:
    """Hashes and compares passwords with the parameters of the settings. One per process."""

    def __init__(self, settings: Settings) -> None:
        self._least = settings.password_length
        self._hasher = PasswordHasher(
            time_cost=settings.password_rounds,
            memory_cost=settings.password_memory_kib,
            parallelism=LANES,
        )
        self._places = threading.BoundedSemaphore(AT_A_TIME)

    def hash_new(self, password: str, *, email: str, path: str = "password") -> str:
        """Return the hash of a password somebody chose; raises InputError if it is none to be used."""
        clean = normalized(password)
        if len(password) > LONGEST or len(clean) < self._least or len(set(clean)) < 4:
            message = f"{self._least} to {LONGEST} characters, and not always the same ones"
            raise InputError("the password cannot be used", [Problem(path=path, message=message)])
        if clean.lower() in (email, email.partition("@")[0]):
            message = "the e-mail address is known to everybody"
            raise InputError("the password cannot be used", [Problem(path=path, message=message)])
        with self._places:
            return self._hasher.hash(clean)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether this is the password. Without a hash to compare with that takes as long."""
        clean = normalized(password[:LONGEST])
        with self._places:
            if password_hash is None or len(password) > LONGEST:
                self._hasher.hash(clean)
                return False
            try:
                return self._hasher.verify(password_hash, clean)
            except (VerificationError, InvalidHashError):
                return False

    def renewed(self, password_hash: str, password: str) -> str | None:
        """Return a new hash of the right password if the settings ask for more by now, else None."""
        if not self._hasher.check_needs_rehash(password_hash):
            return None
        with self._places:
            return self._hasher.hash(normalized(password))


def normalized(password: str) -> str:
    """Return one form of a password for all keyboards: the same letters may be typed in several ways."""
    return unicodedata.normalize("NFKC", password)
