"""Connection, provider app, hook: a tenant's ways in and out. Secrets appear here only sealed."""

from dataclasses import dataclass
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
    person makes.
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
