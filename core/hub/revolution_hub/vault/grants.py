"""Grants: what a token endpoint gives for what a tenant handed in, and what of it goes onto the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx2

from revolution_sdk import ApiKey, CredentialError, NoAuth, OAuth2, RetryableError
from revolution_sdk.auth import Auth
from revolution_sdk.errors import UnknownOutcomeError
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """A provider app as its token endpoint knows it. Kept nowhere; the secret shows in no representation."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token endpoint granted, ready to be sealed, and the provider's id of the account."""

    document: JsonObject = field(repr=False)
    account: str | None


def renewable(auth: Auth) -> bool:
    """Tell whether what goes onto the wire runs out and can be asked for anew."""
    return isinstance(auth, OAuth2)


def wire_headers(auth: Auth, document: Mapping[str, object]) -> dict[str, str]:
    """Return the headers that authenticate a request with an opened credential."""
    if isinstance(auth, NoAuth):
        return {}
    if isinstance(auth, ApiKey):
        return {auth.header: auth.prefix + str(document["api_key"])}
    return {"Authorization": f"Bearer {document['access_token']}"}


def renewed(
    http: httpx2.Client, auth: Auth, client: OAuthClient | None, document: JsonObject, now: datetime
) -> Grant:
    """Ask for a fresh access token with what the credential holds.

    Raises CredentialError if the provider refuses it or the provider app is gone, RetryableError if the
    provider cannot be asked now.
    """
    if not isinstance(auth, OAuth2) or client is None:
        raise CredentialError("the connection's provider app is gone", code="app_missing")
    return fetch_grant(http, auth, client, str(document["refresh_token"]), now)


def fetch_grant(
    http: httpx2.Client, auth: OAuth2, client: OAuthClient, refresh_token: str, now: datetime
) -> Grant:
    """Trade a refresh token for an access token. The answer's new refresh token replaces the old one.

    Raises CredentialError if the provider refuses the grant, RetryableError if it cannot be asked now.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    try:
        answer = http.post(auth.token_url, data=form)
    except UnknownOutcomeError as error:
        raise RetryableError("the provider's token endpoint did not answer", code="token_endpoint") from error
    if answer.status_code == 429:
        raise RetryableError("the provider's token endpoint asks to slow down", code="rate_limited")
    if answer.status_code >= 400:
        raise CredentialError("the provider refused to renew the authorization", code="grant_refused")
    return _grant(answer, auth, refresh_token, now)


def _grant(answer: httpx2.Response, auth: OAuth2, refresh_token: str, now: datetime) -> Grant:
    try:
        body = answer.json()
        access_token = str(body["access_token"])
    except (ValueError, KeyError, TypeError) as error:
        raise RetryableError("the token endpoint's answer is unreadable", code="token_endpoint") from error
    expires_in = body.get("expires_in")
    known = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    account = body.get(auth.account_field) if auth.account_field else None
    return Grant(
        document={
            "access_token": access_token,
            "refresh_token": str(body.get("refresh_token") or refresh_token),
            "expires_at": (now + timedelta(seconds=float(expires_in))).timestamp() if known else None,
        },
        account=None if account is None else str(account),
    )
