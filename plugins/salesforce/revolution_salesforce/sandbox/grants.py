"""What people have agreed to, and the tokens made of it. Safe to use from several threads."""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field

from revolution_sdk import JsonObject

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 — the sandbox's own, known to everybody
REFRESH_TOKEN = "sandbox-refresh"  # noqa: S105
ORG_ID = "00DSB0000000001MAA"
USER_ID = "005SB0000000001AAA"
USER_NAME = "sandbox@example.com"
SCOPE = "refresh_token api id"
CODE_LIFETIME_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code: what it was given for, and until when it is good."""

    redirect_uri: str
    challenge: str
    scope: str
    until_s: float


@dataclass(slots=True, kw_only=True)
class Grants:
    """Codes, refresh tokens and access tokens. While `rotating`, a refresh ends the token it was asked with.

    `session_s` is how long an access token is good. `public_key` is that of the certificate of the app.
    """

    rotating: bool = False
    session_s: float = 7200.0
    public_key: tuple[int, int] | None = None
    _codes: dict[str, Code] = field(default_factory=dict)
    _refresh: dict[str, str] = field(default_factory=lambda: {REFRESH_TOKEN: SCOPE})
    _access: dict[str, tuple[float, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def give_code(self, redirect_uri: str, challenge: str, scope: str) -> str:
        """Return a code for somebody who has agreed."""
        code = f"aPrx{secrets.token_urlsafe(24)}"
        until_s = time.monotonic() + CODE_LIFETIME_S
        made = Code(redirect_uri=redirect_uri, challenge=challenge, scope=scope, until_s=until_s)
        with self._lock:
            self._codes[code] = made
        return code

    def redeem(self, form: dict[str, str]) -> JsonObject | None:
        """Return tokens for a code and the proof of who asked for it; None if either is wrong. Once."""
        with self._lock:
            code = self._codes.pop(form.get("code", ""), None)
            if (
                code is None
                or time.monotonic() >= code.until_s
                or form.get("redirect_uri") != code.redirect_uri
            ):
                return None
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if not hmac.compare_digest(shown, code.challenge):
                return None
            refresh_token = f"5Aep{secrets.token_urlsafe(24)}"
            self._refresh[refresh_token] = code.scope
            return {**self._tokens(code.scope), "refresh_token": refresh_token}

    def refresh(self, refresh_token: str) -> JsonObject | None:
        """Return a new access token, with rotation a new refresh token as well; None if it is not good."""
        with self._lock:
            scope = self._refresh.get(refresh_token)
            if scope is None:
                return None
            if not self.rotating:
                return self._tokens(scope)
            del self._refresh[refresh_token]
            following = f"5Aep{secrets.token_urlsafe(24)}"
            self._refresh[following] = scope
            return {**self._tokens(scope), "refresh_token": following}

    def assert_user(self) -> JsonObject:
        """Return an access token for an assertion, which comes without a refresh token."""
        with self._lock:
            return self._tokens("api id")

    def good(self, access_token: str) -> bool:
        """Tell whether a token is good now."""
        with self._lock:
            until_s, _ = self._access.get(access_token, (0.0, ""))
        return time.monotonic() < until_s

    def revoke(self, token: str) -> bool:
        """End a token of either kind; returns False if there is none."""
        with self._lock:
            return (self._refresh.pop(token, None) or self._access.pop(token, None)) is not None

    def expire_all(self) -> None:
        """Let every access token expire now."""
        with self._lock:
            self._access.clear()

    def _tokens(self, scope: str) -> JsonObject:
        access_token = f"{ORG_ID[:15]}!AQ{secrets.token_urlsafe(32)}"
        self._access[access_token] = (time.monotonic() + self.session_s, scope)
        return {
            "access_token": access_token,
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "scope": scope,
            "token_type": "Bearer",
            "issued_at": str(int(time.time() * 1000)),
        }
