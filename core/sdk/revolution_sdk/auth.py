"""How a connector's accounts are authorized: declarations only. The hub keeps the secrets and does the work.

The authentication is put on a copy of each request on its way out, so connector code never holds a token.

    NoAuth             nothing: the connector has no connections
    ApiKey             a key in a header of your choice
    Basic              user name and password
    Bearer             a token a person has made at the provider
    OAuth2             a person agrees at the provider; authorization code, with PKCE always
    ClientCredentials  the tenant's own client, in its own name
    JwtBearer          an assertion signed with a private key: Google service accounts, Salesforce

A connector may offer several, the usual one first. What a tenant hands in follows `credential_schema`;
members that are secrets are `writeOnly` in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias
from urllib.parse import urlsplit

from revolution_sdk.schema import object_, string
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAuth:
    """The connector needs no account, so it has no connections."""

    kind: ClassVar[str] = "none"
    title: str = "Nothing"

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in: nothing."""
        return object_()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key sent with each request, as `header: prefix + key`."""

    kind: ClassVar[str] = "api_key"
    header: str = "Authorization"
    prefix: str = "Bearer "
    title: str = "API key"

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in: the key."""
        return object_(api_key=_secret(self.title))


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """User name and password, sent with each request as RFC 7617 says, in UTF-8."""

    kind: ClassVar[str] = "basic"
    title: str = "User name and password"
    username_title: str = "User name"
    password_title: str = "Password"  # noqa: S105 - what a form calls it

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in: both. A colon would end the user name, so there is none in it."""
        return object_(
            username=string(
                min_length=1, max_length=1024, pattern=r"^[^:\x00-\x1f\x7f]*$", describe=self.username_title
            ),
            password={**_secret(self.password_title), "minLength": 0},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """A token that a person has made at the provider and that the hub cannot renew.

    `account` describes what is handed in beside it to say whose it is: ids, never secrets. Actions find them
    in `ctx.account`. Deliveries are attributed by the one named `account_field`. Before such a connection is
    kept, `identity_url`, in which `{name}` stands for one of them, is asked with the token; the member
    `identity_field` of the answer must be the same id, so that nobody takes in what belongs to others.
    """

    kind: ClassVar[str] = "bearer"
    title: str = "Access token"
    account: Mapping[str, JsonObject] = field(default_factory=dict)
    account_field: str | None = None
    identity_url: str | None = None
    identity_field: str = "id"

    def __post_init__(self) -> None:
        _require_https(identity_url=self.identity_url)
        if "token" in self.account or any(one.get("writeOnly") for one in self.account.values()):
            raise ValueError("`account` holds ids; the one secret is the token")
        if self.account_field is None:
            return
        if self.account_field not in self.account or self.identity_url is None:
            raise ValueError("`account_field` names a member of `account`, and `identity_url` proves it")

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in: the token, and whose it is."""
        members = {"token": _secret(self.title), **self.account}
        return {**object_(), "properties": members, "required": list(members)}


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """Authorization code with PKCE, and refresh. Tokens go out as `Authorization: Bearer …`.

    `scopes` are asked for whatever is enabled; those of the tenant's enabled actions and polls come on top.
    `authorize_params` are added to the consent URL.

    Whose account it is tells `account_field`, a member of the token answer (HubSpot: `hub_id`), or the member
    `identity_field` of what `identity_url` answers the fresh token with. Deliveries are attributed by it, and
    another account never takes a connection's place unasked. `issuer` is what the provider calls itself in
    `iss` when it sends a browser back (RFC 9207); declare it only if it always says so.

    `base_url_field` is the member of the token answer that says where the account's API is (Salesforce:
    `instance_url`). Actions and polls of the connection then go there in place of the connector's base URL.
    """

    kind: ClassVar[str] = "oauth2"
    authorize_url: str
    token_url: str
    scopes: tuple[str, ...] = ()
    revoke_url: str | None = None
    account_field: str | None = None
    authorize_params: dict[str, str] = field(default_factory=dict)
    title: str = "Sign in at the provider"
    issuer: str | None = None
    identity_url: str | None = None
    identity_field: str = "sub"
    base_url_field: str | None = None

    def __post_init__(self) -> None:
        _require_https(
            authorize_url=self.authorize_url,
            token_url=self.token_url,
            revoke_url=self.revoke_url,
            identity_url=self.identity_url,
        )

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in when it already holds a grant: the refresh token."""
        return object_(refresh_token=_secret("Refresh token"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """The tenant's own client asks for tokens in its own name; no person agrees to anything.

    `scopes` are asked for always. `token_params` are sent along, such as an `audience`.
    """

    kind: ClassVar[str] = "client_credentials"
    token_url: str
    scopes: tuple[str, ...] = ()
    token_params: dict[str, str] = field(default_factory=dict)
    title: str = "Client id and secret"
    account_field: str | None = None

    def __post_init__(self) -> None:
        _require_https(token_url=self.token_url)

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in: its client at the provider."""
        return object_(
            client_id=string(min_length=1, max_length=1024, describe="Client id"),
            client_secret=_secret("Client secret"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtBearer:
    """An assertion (RFC 7523) signed with a private RSA key is traded for a token. Signed RS256.

    Google service accounts: the issuer is the account's address, `subject` a user it acts for, and scopes go
    into the assertion (`scope_claim`). Salesforce: the issuer is the app's consumer key, the subject a user
    name, which it wants (`needs_subject`), and the audience its login host.
    `base_url_field` is that of OAuth2.
    """

    kind: ClassVar[str] = "jwt_bearer"
    token_url: str
    scopes: tuple[str, ...] = ()
    audience: str = ""
    """Whom the assertion is for; the token URL if empty."""
    scope_claim: bool = True
    needs_subject: bool = False
    lifetime_s: int = 300
    title: str = "Service account"
    issuer_title: str = "Issuer"
    subject_title: str = "User to act for"
    account_field: str | None = None
    base_url_field: str | None = None

    def __post_init__(self) -> None:
        _require_https(token_url=self.token_url)
        if not 30 <= self.lifetime_s <= 3600:
            raise ValueError("an assertion lives for 30 to 3600 seconds")

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in: who signs, with which key, and for whom."""
        return object_(
            optional=(*(() if self.needs_subject else ("subject",)), "key_id", "audience"),
            issuer=string(min_length=1, max_length=1024, describe=self.issuer_title),
            private_key={**_secret("Private RSA key, in PEM"), "maxLength": 16_384},
            subject=string(min_length=1, max_length=1024, describe=self.subject_title),
            key_id=string(min_length=1, max_length=1024, describe="Id of the key at the provider"),
            audience=string(min_length=1, max_length=1024, describe="Whom it is for, if not the usual one"),
        )


Auth: TypeAlias = NoAuth | ApiKey | Basic | Bearer | OAuth2 | ClientCredentials | JwtBearer


def auths_of(name: str, auth: Auth | tuple[Auth, ...] | None) -> tuple[Auth, ...]:
    """Return the ways a connector declares, the usual one first; ValueError if they do not go together."""
    auths = auth if isinstance(auth, tuple) else (auth or NoAuth(),)
    kinds = [one.kind for one in auths]
    if not auths or len(set(kinds)) != len(kinds):
        raise ValueError(f"connector {name}: declare at least one way to authorize, and each kind once")
    if len(kinds) > 1 and NoAuth.kind in kinds:
        raise ValueError(f"connector {name}: what needs no account has no other way to authorize")
    return auths


def _secret(title: str) -> JsonObject:
    return {
        **string(format="password", min_length=1, max_length=4096, describe=title),
        "writeOnly": True,
    }


def _require_https(**urls: str | None) -> None:
    for name, url in urls.items():
        parts = urlsplit(url or "https://x")
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.fragment:
            raise ValueError(f"{name} must begin with https:// and name a host")
