"""Grants: what a token endpoint gives for what a tenant handed in, and what of it goes onto the wire."""

import base64
from collections.abc import Mapping
from datetime import datetime

import httpx2

from revolution_hub.model.connection import Connection
from revolution_hub.vault.assertions import assertion_of
from revolution_hub.vault.identity import proven
from revolution_hub.vault.token_endpoint import Grant, OAuthClient, ask, grant_of
from revolution_sdk import ApiKey, CredentialError, NoAuth, OAuth2
from revolution_sdk.auth import Auth, Basic, Bearer, ClientCredentials, JwtBearer
from revolution_sdk.connector import Connector
from revolution_sdk.types import JsonObject

__all__ = [
    "Grant",
    "OAuthClient",
    "auth_for",
    "names_base_url",
    "obtained",
    "renewable",
    "renewed",
    "wire_headers",
]

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def auth_for(connector: Connector, connection: Connection) -> Auth:
    """Return the way a connection is authorized; raises CredentialError if its connector lost it."""
    try:
        return connector.auth_of(connection.auth_kind)
    except LookupError as error:
        told = f"the connector {connector.name} does not authorize by {connection.auth_kind} any more"
        raise CredentialError(told, code="auth_gone") from error


def renewable(auth: Auth) -> bool:
    """Tell whether what goes onto the wire runs out and can be asked for anew."""
    return isinstance(auth, OAuth2 | ClientCredentials | JwtBearer)


def names_base_url(auth: Auth) -> bool:
    """Tell whether its token endpoint says where the account's API is; kept as `base_url`."""
    return isinstance(auth, OAuth2 | JwtBearer) and auth.base_url_field is not None


def wire_headers(auth: Auth, document: Mapping[str, object]) -> dict[str, str]:
    """Return the headers that authenticate a request with an opened credential."""
    if isinstance(auth, NoAuth):
        return {}
    if isinstance(auth, ApiKey):
        return {auth.header: auth.prefix + str(document["api_key"])}
    if isinstance(auth, Basic):
        pair = f"{document['username']}:{document['password']}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    if isinstance(auth, Bearer):
        return {"Authorization": f"Bearer {document['token']}"}
    return {"Authorization": f"Bearer {document['access_token']}"}


def obtained(
    http: httpx2.Client, auth: Auth, client: OAuthClient | None, credential: JsonObject, now: datetime
) -> Grant:
    """Return what is kept of a credential that was just handed in, tried at the provider if that can be.

    Raises what `renewed` raises.
    """
    if not renewable(auth):
        return Grant(document=credential, account=proven(http, auth, credential))
    return renewed(http, auth, client, credential, now)


def renewed(
    http: httpx2.Client, auth: Auth, client: OAuthClient | None, document: JsonObject, now: datetime
) -> Grant:
    """Ask for a fresh access token with what the credential holds.

    Raises CredentialError if the provider refuses it or the provider app is gone, RetryableError if the
    provider cannot be asked now.
    """
    if isinstance(auth, ClientCredentials):
        return _by_client(http, auth, document, now)
    if isinstance(auth, JwtBearer):
        return _by_assertion(http, auth, document, now)
    if not isinstance(auth, OAuth2) or client is None:
        raise CredentialError("the connection's provider app is gone", code="app_missing")
    return _refreshed(http, auth, client, document, now)


def _refreshed(
    http: httpx2.Client, auth: OAuth2, client: OAuthClient, document: JsonObject, now: datetime
) -> Grant:
    refresh_token = document.get("refresh_token")
    if not refresh_token:
        told = "the provider gave no refresh token; authorize the connection again"
        raise CredentialError(told, code="grant_refused")
    form = {
        "grant_type": "refresh_token",
        "refresh_token": str(refresh_token),
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    body = ask(http, auth.token_url, form)
    # An answer without a refresh token leaves the one that was shown in force.
    kept = {"refresh_token": str(body.get("refresh_token") or refresh_token)}
    if "base_url" in document:
        kept["base_url"] = document["base_url"]
    return grant_of(body, kept, auth.account_field, now, auth.base_url_field)


def _by_client(http: httpx2.Client, auth: ClientCredentials, document: JsonObject, now: datetime) -> Grant:
    kept = {name: document[name] for name in ("client_id", "client_secret")}
    form = {**auth.token_params, "grant_type": "client_credentials", **_scope(auth.scopes), **kept}
    return grant_of(ask(http, auth.token_url, form), kept, auth.account_field, now)


def _by_assertion(http: httpx2.Client, auth: JwtBearer, document: JsonObject, now: datetime) -> Grant:
    names = auth.credential_schema["properties"]
    kept = {name: document[name] for name in names if name in document}
    form = {"grant_type": JWT_BEARER, "assertion": assertion_of(auth, kept, now)}
    if not auth.scope_claim:
        form |= _scope(auth.scopes)
    return grant_of(ask(http, auth.token_url, form), kept, auth.account_field, now, auth.base_url_field)


def _scope(scopes: tuple[str, ...]) -> dict[str, str]:
    return {"scope": " ".join(scopes)} if scopes else {}
