"""How a connector's accounts are authorized: declarations only. The hub keeps the secrets and does the work.

The authentication is put on a copy of each request on its way out, so connector code never holds a token.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from revolution_sdk.schema import object_, string
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAuth:
    """The connector needs no account, so it has no connections."""

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in: nothing."""
        return object_()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key sent with each request, as `header: prefix + key`."""

    header: str = "Authorization"
    prefix: str = "Bearer "
    title: str = "API key"

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in: the key."""
        return object_(api_key=string(min_length=1, max_length=4096, describe=self.title))


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """Authorization code with refresh. Tokens go out as `Authorization: Bearer …`.

    `account_field` names the member of the token answer that identifies the account (HubSpot: `hub_id`);
    deliveries are attributed by it. `authorize_params` are added to the consent URL.
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...] = ()
    revoke_url: str | None = None
    account_field: str | None = None
    authorize_params: dict[str, str] = field(default_factory=dict)

    @property
    def credential_schema(self) -> JsonObject:
        """What a tenant hands in when it already holds a grant: the refresh token."""
        return object_(refresh_token=string(min_length=1, max_length=4096, describe="Refresh token"))


Auth: TypeAlias = NoAuth | ApiKey | OAuth2
