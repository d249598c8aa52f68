"""A sandbox's consent page and the grants people give on it: codes, refresh tokens, and their end.

PKCE with S256 is compulsory and a code is good once. With rotation each refresh ends the refresh token it
was asked with, and whoever shows an ended one kills every token of that grant.
"""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from revolution_sdk.sandbox.wire import Answer, Call

CODE_LIFETIME_S = 60.0
_ANSWERS = {"accept", "deny"}
_HTML = {"content-type": "text/html; charset=utf-8", "referrer-policy": "no-referrer"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox consent</title></head><body>
<h1>{client} asks for access</h1><ul>{scopes}</ul>
<form method="post"><label>Account <select name="account">{accounts}</select></label>
<button name="action" value="accept">Accept</button> <button name="action" value="deny">Deny</button>
</form></body></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What somebody agreed to: with which account, to which scopes."""

    account: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    agreed: Agreed
    redirect_uri: str
    challenge: str
    until_s: float


@dataclass(slots=True, kw_only=True)
class _Grant:
    agreed: Agreed
    current: str
    ended: set[str] = field(default_factory=set)
    revoked: bool = False


class Consent:
    """Asks people and keeps what they agreed to. Safe to use from several threads.

    `accounts` are those one can choose between; a form may name any other.
    """

    def __init__(self, *, client_id: str, accounts: tuple[str, ...]) -> None:
        self._client_id = client_id
        self._accounts = accounts
        self._codes: dict[str, _Code] = {}
        self._by_token: dict[str, _Grant] = {}
        self._lock = threading.Lock()

    def ask(self, call: Call) -> Answer:
        """Answer `GET` of the consent page."""
        fault = self._fault(call)
        if fault:
            return _page(400, f"<h1>{escape(fault)}</h1>")
        scopes = "".join(f"<li>{escape(one)}</li>" for one in call.query.get("scope", "").split())
        accounts = "".join(f"<option>{escape(one)}</option>" for one in self._accounts)
        return _page(200, _PAGE.format(client=escape(self._client_id), scopes=scopes, accounts=accounts))

    def decide(self, call: Call) -> Answer:
        """Answer the form of the consent page: the browser is sent back with a code, or with a refusal."""
        form, fault = call.form(), self._fault(call)
        if fault or form.get("action") not in _ANSWERS:
            return _page(400, f"<h1>{escape(fault or 'accept or deny')}</h1>")
        redirect_uri, told = call.query["redirect_uri"], {"state": call.query.get("state", "")}
        if form["action"] == "deny":
            return _back(redirect_uri, {"error": "access_denied", **told})
        code = f"sandbox-code-{secrets.token_urlsafe(24)}"
        agreed = Agreed(
            account=form.get("account") or self._accounts[0],
            scopes=tuple(call.query.get("scope", "").split()),
        )
        made = _Code(
            agreed=agreed,
            redirect_uri=redirect_uri,
            challenge=call.query["code_challenge"],
            until_s=time.monotonic() + CODE_LIFETIME_S,
        )
        with self._lock:
            self._codes[code] = made
        return _back(redirect_uri, {"code": code, **told})

    def redeem(self, form: dict[str, str]) -> tuple[Agreed, str] | None:
        """Return what a code is worth and a refresh token for it, None if the code or its proof is wrong."""
        with self._lock:
            code = self._codes.pop(form.get("code", ""), None)
            if code is None or time.monotonic() >= code.until_s:
                return None
            if form.get("redirect_uri") != code.redirect_uri:
                return None
            if not hmac.compare_digest(_challenge(form.get("code_verifier", "")), code.challenge):
                return None
            grant = _Grant(agreed=code.agreed, current=_refresh_token())
            self._by_token[grant.current] = grant
            return grant.agreed, grant.current

    def refresh(self, refresh_token: str, *, rotate: bool) -> tuple[Agreed, str] | None:
        """Return what a refresh token is worth and the one to use next, None if it is worth nothing."""
        with self._lock:
            grant = self._find(refresh_token)
            if grant is None or grant.revoked:
                return None
            if refresh_token in grant.ended:
                # Two hold this token, and one of them should not.
                grant.revoked = True
                return None
            if rotate:
                grant.ended.add(grant.current)
                grant.current = _refresh_token()
                self._by_token[grant.current] = grant
            return replace(grant.agreed), grant.current

    def revoke(self, refresh_token: str) -> Agreed | None:
        """End a grant; returns what it was, None if there is none."""
        with self._lock:
            grant = self._find(refresh_token)
            if grant is None or grant.revoked:
                return None
            grant.revoked = True
            return grant.agreed

    def _find(self, refresh_token: str) -> _Grant | None:
        return self._by_token.get(refresh_token)

    def _fault(self, call: Call) -> str:
        query = call.query
        if query.get("client_id") != self._client_id:
            return "unknown client_id"
        target = urlsplit(query.get("redirect_uri", ""))
        if target.scheme not in ("http", "https") or not target.netloc or target.fragment:
            return "redirect_uri is no address"
        if query.get("response_type") != "code":
            return "response_type must be code"
        if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
            return "PKCE with S256 is needed"
        return ""


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _refresh_token() -> str:
    return f"grant-{secrets.token_urlsafe(24)}"


def _page(status: int, html: str) -> Answer:
    return Answer(status=status, text=html, headers=_HTML)


def _back(redirect_uri: str, told: dict[str, str]) -> Answer:
    parts = urlsplit(redirect_uri)
    query = urlencode([*parse_qsl(parts.query), *told.items()])
    return Answer(status=302, headers={"location": urlunsplit(parts._replace(query=query))})
