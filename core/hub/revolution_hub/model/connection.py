"""Connection, provider app, hook: a tenant's ways in and out. Secrets appear here only sealed."""

from dataclasses import dataclass, field
from datetime import datetime

from revolution_hub.model.status import ConnectionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A sealed secret: the bytes, the id of the data key that sealed them, and the secret's version."""

    blob: bytes
    key_id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A tenant's authorized account at a provider.

    `base_url` replaces the provider's address (a sandbox, a self-hosted server). `account` is the
    provider's own id of the account, learned from the provider. `revision` grows with every change a
    person makes. `auth_kind` is the way it is authorized, None for the connector's usual one. `scopes` is
    what the provider has granted, None if it never said. Of a connector's connections one `is_default`.

    `problem` is what went wrong when the hub last looked, or last renewed the authorization, although nobody
    refused anything. The `refresh_…` are what processes tell each other about renewals: how many failed in a
    row, when the next may be tried, and since when an answer of the provider is missing.
    """

    id: str
    tenant_id: str
    connector: str
    name: str
    status: ConnectionStatus
    created_at: datetime
    updated_at: datetime
    credential: Sealed
    revision: int = 1
    base_url: str = ""
    account: str | None = None
    app_id: str | None = None
    status_reason: str | None = None
    auth_kind: str | None = None
    scopes: list[str] | None = None

    is_default: bool = False
    last_used_at: datetime | None = None
    probe_at: datetime | None = None
    probed_at: datetime | None = None
    problem: str | None = None
    problem_at: datetime | None = None
    refresh_fails: int = 0
    refresh_after: datetime | None = None
    refresh_lost_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAuthorization:
    """An authorization somebody was sent to a provider for. Only that session may come back, once.

    `connection_id` is the connection to authorize anew, at that `connection_revision`; without one a new
    connection of this `name` is made. The PKCE verifier is sealed. `other_account` says that another
    account may take the connection's place.
    """

    id: str
    tenant_id: str
    state_hash: str = field(repr=False)
    session_id: str
    user_id: str
    connector: str
    app_id: str
    name: str
    base_url: str
    scopes: list[str]
    verifier: Sealed
    created_at: datetime
    expires_at: datetime
    connection_id: str | None = None
    connection_revision: int | None = None
    other_account: bool = False
    return_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a connection stood from a moment on, why, and by whose doing; without anybody it was the hub's."""

    id: str
    tenant_id: str
    connection_id: str
    status: ConnectionStatus
    at: datetime
    reason: str | None = None
    by_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderApp:
    """An app registered at a provider: its OAuth client and the secret that signs its deliveries.

    `owner_tenant_id` is None for an app of the installation that every tenant may connect through.
    `app_key` is the unguessable part of its delivery URL.
    """

    id: str
    connector: str
    app_key: str
    client_id: str
    secret: Sealed
    created_at: datetime
    owner_tenant_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """The URL of one workflow's webhook trigger. `secret` is None as long as nobody has made one.

    `family` says what the secret is good for. `revision` grows with every change of what the URL leads to:
    another version, another secret.
    """

    id: str
    tenant_id: str
    workflow_id: str
    key: str
    created_at: datetime
    secret: Sealed | None = None
    revision: int = 1
    family: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAddress:
    """An earlier key of a workflow's webhook URL, which leads to it until this moment."""

    key: str
    tenant_id: str
    workflow_id: str
    until: datetime
