"""What the OAuth 2 server of rig/oauth_server.py knows: its one client, codes, tokens, and how it behaves."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin
from authlib.oauth2.rfc6749.util import scope_to_list

CLIENT_ID, CLIENT_SECRET = "rig-client", "rig-secret-canary-2b7e1516"
SCOPES = ("read", "write", "admin", "offline")


@dataclass
class Client(ClientMixin):
    """The one client. It may come back to any address that begins as the test says."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    redirect_uris: set[str] = field(default_factory=set)

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(one for one in scope_to_list(scope) or [] if one in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, self.client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_post", "client_secret_basic")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return True


@dataclass
class Code:
    """An authorization code, good once."""

    code: str
    account: str
    scope: str
    redirect_uri: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Token(TokenMixin):
    """An access token and its refresh token; `family` is the authorization both come from."""

    access_token: str
    refresh_token: str
    account: str
    scope: str
    family: str
    expires_at: float
    used: bool = False
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return True

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return int(self.expires_at - time.time())

    def is_expired(self) -> bool:
        return self.expires_at <= time.time()

    def is_revoked(self) -> bool:
        return self.revoked

    def get_user(self) -> str:
        return self.account

    def get_client(self) -> Client:
        return CLIENT


class State:
    """What the server remembers, and how it behaves. Its lock makes every answer of it one at a time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Behave as in the beginning and remember nothing."""
        self.codes: dict[str, Code] = {}
        self.tokens: list[Token] = []
        self.keys: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.assertions: list[dict[str, Any]] = []
        self.behavior: dict[str, Any] = {
            "rotate": True,
            "expires_in": 3600,
            "iss": None,
            "delay_s": 0.0,
            "garbage": None,
            "granted_scope": None,
            "revoke_status": None,
            "extra": {},
        }

    def count(self, what: str) -> None:
        """Count something that happened."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def revoke(self, family: str) -> None:
        """Kill every token of an authorization."""
        for one in self.tokens:
            if one.family == family:
                one.revoked = True


STATE, CLIENT = State(), Client()
