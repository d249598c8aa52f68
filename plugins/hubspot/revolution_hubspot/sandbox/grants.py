"""The grants of a sandbox's accounts: refresh tokens, access tokens and the scopes they carry."""

import re
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from revolution_sdk import JsonObject

ACCESS_LIFETIME_S = 1800
SCOPES = ("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write")
USER_ID = 123

_REFRESH_TOKEN = re.compile(r"sandbox-([1-9][0-9]{0,14})(?:\.([1-9][0-9]{0,8}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Whose access token it is and how many seconds it is still good for; negative once it has expired."""

    portal_id: str
    left_s: float


@dataclass(slots=True, kw_only=True)
class Grants:
    """Every account grants `sandbox-<portal id>`. Safe to use from several threads.

    While `rotating`, each refresh answers with a new refresh token and ends the one before it. `scopes` are
    those of every token. Access tokens are kept when they expire: HubSpot tells expired from unknown.
    """

    rotating: bool = False
    scopes: tuple[str, ...] = SCOPES
    _generation: dict[str, int] = field(default_factory=dict)
    _until_s: dict[str, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, refresh_token: str) -> JsonObject | None:
        """Return the answer of the token endpoint, or None if the refresh token is not valid (any more)."""
        found = _REFRESH_TOKEN.fullmatch(refresh_token)
        if found is None:
            return None
        portal_id, generation = found.group(1), int(found.group(2) or 0)
        with self._lock:
            if generation != self._generation.get(portal_id, 0):
                return None
            if self.rotating:
                self._generation[portal_id] = generation + 1
                refresh_token = f"sandbox-{portal_id}.{generation + 1}"
        return self.give(portal_id, refresh_token, self.scopes)

    def give(self, portal_id: str, refresh_token: str, scopes: Iterable[str]) -> JsonObject:
        """Return the answer of the token endpoint with a new access token of this account."""
        access_token = f"sandbox-access-{secrets.token_urlsafe(24)}"
        with self._lock:
            self._until_s[access_token] = (portal_id, time.monotonic() + ACCESS_LIFETIME_S)
        return {
            "token_type": "bearer",
            "token_use": "access_token",
            "access_token": access_token,
            "refresh_token": refresh_token,
            "expires_in": ACCESS_LIFETIME_S,
            "hub_id": int(portal_id),
            "user_id": USER_ID,
            "scopes": list(scopes),
        }

    def find_session(self, access_token: str) -> Session | None:
        """Return whose token this is, expired ones included; None if it was never given out."""
        with self._lock:
            portal_id, until_s = self._until_s.get(access_token, ("", 0.0))
        return Session(portal_id=portal_id, left_s=until_s - time.monotonic()) if portal_id else None

    def expire_all(self) -> None:
        """Let every access token given out so far expire now."""
        with self._lock:
            now_s = time.monotonic()
            self._until_s = {
                token: (portal_id, min(until_s, now_s))
                for token, (portal_id, until_s) in self._until_s.items()
            }
