"""receive: a provider app's delivery is verified, kept as raw bytes, and starts what listens.

Nothing is answered before it is committed, and nothing is stored before it is verified.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from revolution_hub.bus.match import match
from revolution_hub.crashpoint import reach
from revolution_hub.engine.start import started_by_event
from revolution_hub.errors import InputError, NotFoundError, PluginError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Intake, Keep
from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.event import Event, Listener, StoredDelivery
from revolution_hub.model.ids import new_id
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_hub.store import across, workflows
from revolution_hub.store.submit import submit, submit_all
from revolution_hub.vault.tokens import app_secret
from revolution_sdk import AppWebhook, Connector, Delivery, DeliveryError, Emitted, Secret
from revolution_sdk.types import JsonObject

_log = logging.getLogger("revolution.bus")

_KEPT_HEADERS = ("content-type", "user-agent", "x-request-id", "webhook-id", "webhook-timestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of a delivery: how many of its events were new, and what they started."""

    delivery_id: str
    events: int
    new: int
    execution_ids: tuple[str, ...]


def receive_app_delivery(hub: Hub, connector_name: str, app_key: str, delivery: Delivery) -> Received:
    """Take in a delivery for a provider app; each event goes to every tenant connected to its account.

    Raises NotFoundError for an unknown URL and DeliveryError for a delivery that is not genuine, not fresh
    or not readable; then nothing is stored.
    """
    app = across.find_app_by_key(hub.store, connector_name, app_key)
    connector = hub.catalog.find_connector(connector_name)
    if app is None or connector is None or connector.webhook is None:
        raise NotFoundError("there is no such address")
    emitted = _read(connector, connector.webhook, delivery, Secret(app_secret(hub.vault, app)))
    reach("ingest.after_verify")
    stored = _stored(app, delivery)
    events = _attributed(hub, connector, app, emitted, stored)
    if not events:
        submit(hub.store, Keep(delivery=stored))
    outcomes = submit_all(hub.store, _intakes(hub, stored, events))
    reach("ingest.after_commit")
    new = [one for one in outcomes if isinstance(one, Applied)]
    started = tuple(execution_id for one in new for execution_id in one.execution_ids)
    if started:
        hub.wake()
    reach("ingest.after_enqueue")
    for one in outcomes:
        # An event that was not kept makes the provider send the delivery again; the others are known then.
        if isinstance(one, BaseException):
            raise one
    return Received(delivery_id=stored.id, events=len(events), new=len(new), execution_ids=started)


def _read(connector: Connector, webhook: AppWebhook, delivery: Delivery, secret: Secret) -> list[Emitted]:
    try:
        webhook.verify(delivery, secret)
        return [_storable(one) for one in webhook.parse(delivery) if one.type in connector.events]
    except DeliveryError:
        raise
    # A verifier that fails must not let the delivery through; the provider will send it again. What it
    # raises is its own: a thread of the API receives no signals.
    except BaseException as error:
        _log.exception("the connector %s failed to read a delivery", connector.name)
        raise PluginError(f"the connector {connector.name} failed to read the delivery") from error


def _storable(one: Emitted) -> Emitted:
    try:
        strict_json(dump_json([one.account, one.dedup_key, one.data]).encode())
    except (ValueError, InputError) as error:
        raise DeliveryError("the delivery holds what JSON cannot", code="unreadable") from error
    return one


def _stored(app: ProviderApp, delivery: Delivery) -> StoredDelivery:
    return StoredDelivery(
        id=new_id("dlv"),
        source_id=app.id,
        body=delivery.body,
        headers=kept_headers(delivery.headers),
        received_at=delivery.received_at,
    )


def kept_headers(headers: Mapping[str, str]) -> JsonObject:
    """Return the headers worth keeping; signatures and credentials are not among them."""
    return {name: headers[name][:500] for name in _KEPT_HEADERS if name in headers}


def _attributed(
    hub: Hub, connector: Connector, app: ProviderApp, emitted: list[Emitted], stored: StoredDelivery
) -> list[Event]:
    accounts = {one.account for one in emitted}
    owners: dict[str, dict[str, Connection]] = {}
    for connection in across.connections_of_account(hub.store, app, accounts):
        # The oldest connection of a tenant to the account speaks for it, so an event reaches it once.
        owners.setdefault(str(connection.account), {}).setdefault(connection.tenant_id, connection)
    unowned = accounts - set(owners)
    if unowned:
        _log.info("%d accounts in a %s delivery are connected to no tenant", len(unowned), connector.name)
    return [
        _event(connector, one, connection, stored)
        for one in emitted
        for connection in owners.get(one.account, {}).values()
    ]


def _event(connector: Connector, one: Emitted, connection: Connection, stored: StoredDelivery) -> Event:
    return Event(
        id=new_id("evt"),
        tenant_id=connection.tenant_id,
        source_id=stored.source_id,
        delivery_id=stored.id,
        connector=connector.name,
        type=f"{connector.name}.{one.type}",
        canonical=connector.events[one.type].canonical,
        account=one.account,
        connection_id=connection.id,
        dedup_key=one.dedup_key[:300],
        data=one.data,
        occurred_at=one.occurred_at,
        received_at=stored.received_at,
    )


def _intakes(hub: Hub, stored: StoredDelivery, events: list[Event]) -> list[Intake]:
    # A delivery's events are often alike: who listens is read once per tenant and type.
    listening: dict[tuple[str, str], list[Listener]] = {}
    intakes = []
    for event in events:
        alike = (event.tenant_id, event.type)
        if alike not in listening:
            listening[alike] = _listeners(hub, event)
        started = [started_by_event(event, one, "event") for one in match(event, listening[alike])]
        intakes.append(Intake(delivery=stored, event=event, executions=tuple(started)))
    return intakes


def _listeners(hub: Hub, event: Event) -> list[Listener]:
    names = [event.type, *([event.canonical] if event.canonical else [])]
    with hub.store.read(event.tenant_id) as tx:
        return workflows.list_listeners(tx, names)
