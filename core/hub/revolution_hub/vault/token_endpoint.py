"""The token endpoint, RFC 6749 §5: one question, and what its answer means. What it says is never believed
to be free of secrets, so nothing of it is shown but the name of an error and a cleaned description.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import httpx2

from revolution_sdk import CredentialError, RetryableError
from revolution_sdk.errors import UnknownOutcomeError
from revolution_sdk.types import Json, JsonObject

LONGEST_TOKEN: Final = 16_384
_LONGEST_SAID: Final = 200
_MOST_SCOPES: Final = 500
_LONGEST_ACCOUNT: Final = 255
_LONGEST_BASE_URL: Final = 400
_ERROR_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}\Z")
_LOOKS_SECRET = re.compile(r"[A-Za-z0-9_\-+/=.~%:]{20,}")
_REFUSALS: Final = frozenset({400, 401})
"""A token endpoint that answers so has read the question. Others may be a gateway that knows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """A provider app as its token endpoint knows it. Kept nowhere; the secret shows in no representation."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token endpoint granted, ready to be sealed.

    `account` is the provider's id of the account, `scopes` what was granted; None if it did not say.
    """

    document: JsonObject = field(repr=False)
    account: str | None
    scopes: list[str] | None = None


def ask(http: httpx2.Client, url: str, form: dict[str, str]) -> JsonObject:
    """Ask a token endpoint and return its answer.

    Raises CredentialError `grant_refused` if it refuses, RetryableError if it cannot be asked now or answers
    what cannot be read.
    """
    try:
        answer = http.post(url, data=form, headers={"accept": "application/json"})
    except UnknownOutcomeError as error:
        raise RetryableError("the provider's token endpoint did not answer", code="token_endpoint") from error
    if answer.status_code == 429:
        raise RetryableError("the provider's token endpoint asks to slow down", code="rate_limited")
    body = _read(answer)
    if answer.status_code in _REFUSALS or (answer.status_code >= 400 and isinstance(body, dict)):
        reason = said(body)
        told = "the provider refused the authorization" + (f": {reason}" if reason else "")
        raise CredentialError(told, code="grant_refused", details={"status": answer.status_code})
    if answer.status_code >= 300 or not isinstance(body, dict):
        raise RetryableError("the token endpoint's answer is unreadable", code="token_endpoint")
    if "error" in body and "access_token" not in body:
        # Some providers refuse with status 200.
        raise CredentialError(f"the provider refused the authorization: {said(body)}", code="grant_refused")
    return body


def grant_of(
    body: JsonObject,
    kept: JsonObject,
    account_field: str | None,
    now: datetime,
    base_url_field: str | None = None,
) -> Grant:
    """Return the grant an answer gives, with what of the credential is kept beside it.

    What `base_url_field` names is where the API of the account is; it is kept as `base_url`.
    """
    if base_url_field is not None and (base_url_field in body or "base_url" not in kept):
        kept = {**kept, "base_url": _base_url(body.get(base_url_field))}
    access_token, kind = body.get("access_token"), body.get("token_type", "Bearer")
    if not isinstance(access_token, str) or not 0 < len(access_token) <= LONGEST_TOKEN:
        raise RetryableError("the token endpoint's answer is unreadable", code="token_endpoint")
    if not isinstance(kind, str) or kind.lower() != "bearer" or not access_token.isprintable():
        raise RetryableError("the provider gave a token of a kind nobody asked for", code="token_endpoint")
    return Grant(
        document={**kept, "access_token": access_token, "expires_at": _expiry(body.get("expires_in"), now)},
        account=account_of(body, account_field) if account_field else None,
        scopes=scopes_of(body),
    )


def account_of(body: JsonObject, name: str) -> str | None:
    """Return whose account this member says it is, None if it says nothing usable."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if 0 < len(text) <= _LONGEST_ACCOUNT and text.isprintable() else None


def scopes_of(body: JsonObject) -> list[str] | None:
    """Return what was granted: `scope` as RFC 6749 has it, or a list `scopes`; None if nothing is said."""
    value = body.get("scope", body.get("scopes"))
    if isinstance(value, str):
        value = re.split(r"[\s,]+", value)
    if not isinstance(value, list):
        return None
    return sorted({one for one in value if isinstance(one, str) and one})[:_MOST_SCOPES]


def said(body: Json) -> str:
    """Return the error an answer names and how it describes it, without anything that looks like a secret."""
    if not isinstance(body, dict):
        return ""
    name = next((body[one] for one in ("error", "status") if _names_error(body.get(one))), "")
    text = next((body[one] for one in ("error_description", "message") if isinstance(body.get(one), str)), "")
    return ": ".join(one for one in (name, clean(text)) if one)


def clean(text: str) -> str:
    """Return somebody else's words short, on one line, and without anything that looks like a secret."""
    plain = "".join(one if one.isprintable() else " " for one in text[:2000])
    return _LOOKS_SECRET.sub("***", plain)[:_LONGEST_SAID].strip()


def _names_error(value: Json) -> bool:
    return isinstance(value, str) and _ERROR_NAME.match(value) is not None


def _read(answer: httpx2.Response) -> Json:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _base_url(value: Json) -> str:
    """Return where a token is good. Whoever named it made the token, and the guard judges it as well."""
    try:
        url = httpx2.URL(value) if isinstance(value, str) and len(value) <= _LONGEST_BASE_URL else None
    except httpx2.InvalidURL:
        url = None
    if url is None or url.scheme not in ("http", "https") or not url.host:
        raise RetryableError("the token endpoint's answer is unreadable", code="token_endpoint")
    if url.userinfo or url.query or url.fragment:
        raise RetryableError("the token endpoint's answer is unreadable", code="token_endpoint")
    return str(url).rstrip("/")


def _expiry(expires_in: Json, now: datetime) -> float | None:
    if not isinstance(expires_in, int | float) or isinstance(expires_in, bool):
        return None
    if not 0 <= expires_in <= 10 * 365 * 86_400:
        return None
    return (now + timedelta(seconds=float(expires_in))).timestamp()
