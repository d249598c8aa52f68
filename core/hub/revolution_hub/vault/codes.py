"""Authorization codes: where a person is sent, what the code is worth, whose account that is, and the end."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime

import httpx2

from revolution_hub.vault.token_endpoint import Grant, OAuthClient, account_of, ask, grant_of
from revolution_sdk import CredentialError, OAuth2, RetryableError
from revolution_sdk.errors import ConnectorError, RejectedError
from revolution_sdk.types import JsonObject

REVOKE_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A consent page, and the address a provider sends browsers back to."""

    address: str
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A code that came back, and what has to be shown with it."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str


def new_verifier() -> str:
    """Return a new PKCE verifier: 512 random bits, 86 characters."""
    return secrets.token_urlsafe(64)


def consent_url(
    auth: OAuth2, page: Page, client_id: str, *, scopes: list[str], state: str, verifier: str
) -> str:
    """Return where a person agrees, with all the provider is told by it. PKCE is always S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    own = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": page.redirect_uri,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if scopes:
        own["scope"] = " ".join(scopes)
    return str(httpx2.URL(page.address).copy_merge_params({**auth.authorize_params, **own}))


def exchanged(
    http: httpx2.Client, auth: OAuth2, client: OAuthClient, answered: Answered, now: datetime
) -> Grant:
    """Trade a code for tokens and find out whose they are.

    Raises CredentialError if the provider refuses or does not say whose account it is though it should,
    RetryableError if it cannot be asked now.
    """
    form = {
        "grant_type": "authorization_code",
        "code": answered.code,
        "redirect_uri": answered.redirect_uri,
        "code_verifier": answered.verifier,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    body = ask(http, auth.token_url, form)
    given = body.get("refresh_token")
    kept = {"refresh_token": given} if isinstance(given, str) and given else {}
    grant = grant_of(body, kept, auth.account_field, now, auth.base_url_field)
    if auth.identity_url is not None and grant.account is None:
        grant = replace(grant, account=_identity(http, auth, auth.identity_url, grant))
    if grant.account is None and (auth.account_field or auth.identity_url):
        raise CredentialError("the provider did not say whose account this is", code="account_unknown")
    return grant


def revoke(http: httpx2.Client, auth: OAuth2, client: OAuthClient, document: JsonObject) -> str | None:
    """Tell the provider that a grant is not needed any more; returns why that failed, None if it worked."""
    token = document.get("refresh_token") or document.get("access_token")
    if auth.revoke_url is None or not token:
        return "the provider has no way to revoke"
    form = {"token": str(token), "client_id": client.client_id, "client_secret": client.client_secret}
    try:
        answer = http.post(auth.revoke_url, data=form, timeout=REVOKE_LIMIT_S)
    except ConnectorError as error:
        return error.message
    return None if answer.status_code < 300 else f"the provider answered with status {answer.status_code}"


def _identity(http: httpx2.Client, auth: OAuth2, url: str, grant: Grant) -> str | None:
    try:
        answer = http.get(url, headers={"authorization": f"Bearer {grant.document['access_token']}"})
        body = answer.json() if answer.status_code == 200 else None
    except RejectedError:
        raise
    except (ConnectorError, ValueError, RecursionError) as error:
        told = "the provider could not be asked whose account this is"
        raise RetryableError(told, code="token_endpoint") from error
    return account_of(body, auth.identity_field) if isinstance(body, dict) else None
