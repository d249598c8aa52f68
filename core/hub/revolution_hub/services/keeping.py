"""keeping: a connection is kept, or its authorization replaced, by whichever way the credential came in."""

from revolution_hub.bus.poll import arrange
from revolution_hub.bus.probing import next_probe
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.connection import Connection
from revolution_hub.model.ids import new_id
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.services.idempotency import Once, remember
from revolution_hub.services.quotas import require_within
from revolution_hub.store import audit, connections, executions, polls
from revolution_hub.vault.token_endpoint import Grant
from revolution_hub.vault.vault import MARKED
from revolution_sdk.types import JsonObject


def drafted(
    hub: Hub,
    principal: Principal,
    connector: str,
    name: str,
    grant: Grant,
    *,
    auth_kind: str,
    base_url: str,
    app_id: str | None,
) -> Connection:
    """Return the connection that a grant makes. Nothing is kept yet."""
    now, connection_id = hub.now(), new_id("con")
    return Connection(
        id=connection_id,
        tenant_id=principal.tenant_id,
        connector=connector,
        name=name,
        status=ConnectionStatus.CONNECTED,
        base_url=base_url,
        account=grant.account,
        app_id=app_id,
        auth_kind=auth_kind,
        scopes=grant.scopes,
        credential=hub.vault.seal(principal.tenant_id, connection_id, grant.document),
        probe_at=next_probe(hub, now),
        created_at=now,
        updated_at=now,
    )


def keep_new(
    hub: Hub, principal: Principal, connection: Connection, *, marked: str, once: Once | None = None
) -> Connection:
    """Keep a new connection; executions that waited for one go on. Raises LimitError at the plan's limit.

    `marked` is the secret by which the audit log knows the credential again, and does not show it.
    """
    # The vault may have to make a key, in a transaction of its own.
    now, marks = connection.created_at, _marks(hub, principal, marked)
    with hub.store.begin(principal.tenant_id) as tx:
        require_within(hub, tx, "connections", connections.count_all(tx))
        connections.add(tx, connection, by_id=principal.id)
        executions.resume_waiting_on(tx, connection.connector)
        arrange(hub, tx)
        remember(tx, principal, once, connection.id, now)
        entry = entry_of(
            principal,
            "connection.create",
            connection.id,
            now,
            after=_said(connection),
            marks=marks,
        )
        audit.append(tx, entry)
        kept = connections.get(tx, connection.id)
    hub.wake()
    return kept


def keep_again(
    hub: Hub, principal: Principal, present: Connection, wanted: Connection, grant: Grant, *, marked: str
) -> Connection | None:
    """Replace what authorizes a connection; executions that waited for it go on.

    One that a person has disabled stays disabled. None if the connection was changed or its authorization
    renewed since `present` was read.
    """
    now, disabled = hub.now(), present.status is ConnectionStatus.DISABLED
    version = present.credential.version + 1
    sealed = hub.vault.seal(present.tenant_id, present.id, grant.document, version=version)
    marks = _marks(hub, principal, marked)
    with hub.store.begin(present.tenant_id) as tx:
        if not connections.replace_credential(
            tx,
            wanted,
            sealed,
            status=present.status if disabled else ConnectionStatus.CONNECTED,
            reason=present.status_reason if disabled else None,
            now=now,
            revision=present.revision + 1,
            by_id=principal.id,
        ):
            return None
        if not disabled:
            executions.resume_waiting_on(tx, present.id)
            polls.wake(tx, present.id, now)
        # What polls may look for depends on what was granted.
        arrange(hub, tx)
        entry = entry_of(
            principal,
            "connection.reauthorize",
            present.id,
            now,
            before=_said(present),
            after=_said(wanted),
            marks=marks,
        )
        audit.append(tx, entry)
        kept = connections.get(tx, present.id)
    hub.wake()
    return kept


def _said(connection: Connection) -> JsonObject:
    given = {
        "account": connection.account,
        "app": connection.app_id,
        "auth": connection.auth_kind,
        "base_url": connection.base_url,
        "credential": True,
        "name": connection.name,
        "scopes": connection.scopes,
    }
    return {name: value for name, value in given.items() if value}


def _marks(hub: Hub, principal: Principal, marked: str) -> dict[str, str]:
    return {"credential": hub.vault.stamp(principal.tenant_id, MARKED, marked)}
