"""The access tokens a sandbox has given out, and to which account."""

import secrets
import threading
import time


class Tokens:
    """Access tokens with an expiry in seconds, one account each. Safe to use from several threads."""

    def __init__(self, *, lifetime_s: float) -> None:
        self.lifetime_s = lifetime_s
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def mint(self, account: str) -> str:
        """Give out a new access token for the account."""
        token = f"sandbox-access-{secrets.token_urlsafe(16)}"
        with self._lock:
            self._tokens[token] = (account, time.monotonic() + self.lifetime_s)
        return token

    def account_of(self, token: str) -> str | None:
        """Return whose token this is, or None if it is unknown or has expired."""
        with self._lock:
            account, until_s = self._tokens.get(token, ("", 0.0))
        return account if account and time.monotonic() < until_s else None

    def expire(self, account: str) -> None:
        """Let the account's tokens expire, as after it has taken its consent back."""
        with self._lock:
            self._tokens = {name: one for name, one in self._tokens.items() if one[0] != account}

    def expire_all(self) -> None:
        """Let every token expire at once, as after a change of the signing key."""
        with self._lock:
            self._tokens.clear()
