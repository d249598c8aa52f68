"""receive: a provider app's delivery is verified, kept as raw bytes, and starts what listens.

Nothing is answered before it is committed, and nothing is stored before it is verified.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from revolution_hub.bus.attribute import attribute, waiting_for
from revolution_hub.bus.backlog import require_room
from revolution_hub.bus.request import kept_headers
from revolution_hub.crashpoint import reach
from revolution_hub.engine.react import listeners_of, react
from revolution_hub.errors import InputError, LimitError, NotFoundError, PluginError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Intake, Keep
from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.event import DeliveryMark, Event, Listener, StoredDelivery
from revolution_hub.model.ids import new_id
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_hub.store import across
from revolution_hub.store.submit import submit, submit_all
from revolution_hub.vault.apps import app_secrets, app_token, earlier_tokens
from revolution_sdk import AppWebhook, Connector, Delivery, DeliveryError, Emitted, Secret
from revolution_sdk.connector import ChallengeFunction

_log = logging.getLogger("revolution.bus")

LONGEST_ANSWER = 1000
LONGEST_PROBLEM = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of a delivery: how many of its events were new, and what they started."""

    delivery_id: str
    events: int
    new: int
    execution_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A provider asked whether the address is ours; this text is the answer. Nothing was kept."""

    text: str


def receive_app_delivery(
    hub: Hub, connector_name: str, app_key: str, delivery: Delivery
) -> Received | Answered:
    """Take in a delivery for a provider app; each event goes to every tenant connected to its account.

    A question whether the address is ours is answered, and nothing is kept. What is genuine and cannot be
    read is kept as it came. Raises NotFoundError for an unknown URL and DeliveryError for a delivery that is
    not genuine or not fresh; then nothing is stored.
    """
    app = across.find_app_by_key(hub.store, connector_name, app_key)
    connector = hub.catalog.find_connector(connector_name)
    if app is None or connector is None or connector.webhook is None:
        raise NotFoundError("there is no such address")
    if delivery.method != "POST":
        return _asked(hub, connector, connector.webhook, app, delivery)
    read = _read(hub, connector, connector.webhook, app, delivery)
    if isinstance(read, Answered):
        return read
    reach("ingest.after_verify")
    stored = _stored(app, delivery)
    if isinstance(read, DeliveryError):
        return _keep(
            hub, replace(stored, mark=DeliveryMark.UNPARSEABLE, problem=read.message[:LONGEST_PROBLEM])
        )
    attributed = attribute(hub, connector, app, read, stored)
    if not attributed.events:
        problem = attributed.problem or "it reports nothing that the connector knows"
        return _keep(hub, replace(stored, mark=DeliveryMark.NO_EVENT, problem=problem))
    intakes, full = _intakes(hub, replace(stored, problem=attributed.problem), attributed.events)
    return _commit(hub, intakes, full)


def _asked(
    hub: Hub, connector: Connector, webhook: AppWebhook, app: ProviderApp, delivery: Delivery
) -> Answered:
    """Answer a question that nobody has signed: whoever asks it has to show the app's token."""
    with _guarded(connector):
        answer = _answer(hub, webhook, app, delivery)
    if answer is None:
        raise NotFoundError("there is no such address")
    return answer


def _read(
    hub: Hub, connector: Connector, webhook: AppWebhook, app: ProviderApp, delivery: Delivery
) -> list[Emitted] | DeliveryError | Answered:
    """Return the events of a genuine delivery, why it cannot be read, or the answer to a question."""
    with _guarded(connector):
        _verify(webhook, delivery, app_secrets(hub.vault, app, hub.now()))
        answer = _answer(hub, webhook, app, delivery)
        if answer is not None:
            return answer
        try:
            return [_storable(one) for one in webhook.parse(delivery) if one.type in connector.events]
        except DeliveryError as error:
            return error


def _verify(webhook: AppWebhook, delivery: Delivery, secrets: Sequence[Secret]) -> None:
    """Raise DeliveryError unless one of the secrets has signed it; a new one may not be in use yet."""
    *others, last = secrets
    for secret in others:
        with suppress(DeliveryError):
            webhook.verify(delivery, secret)
            return
    webhook.verify(delivery, last)


def _answer(hub: Hub, webhook: AppWebhook, app: ProviderApp, delivery: Delivery) -> Answered | None:
    if webhook.challenge is None:
        return None
    try:
        text = webhook.challenge(delivery, app_token(hub.vault, app))
    except DeliveryError:
        text = _earlier_answer(hub, webhook.challenge, app, delivery)
        if text is None:
            raise
    if text is None:
        return None
    if not 0 < len(text) <= LONGEST_ANSWER or not text.isprintable():
        raise DeliveryError("there is no challenge to answer", code="unreadable")
    return Answered(text=text)


def _earlier_answer(
    hub: Hub, challenge: ChallengeFunction, app: ProviderApp, delivery: Delivery
) -> str | None:
    """Answer whoever shows a token that was made before the data key was rotated; None if nobody does."""
    for token in earlier_tokens(hub.vault, app):
        with suppress(DeliveryError):
            return challenge(delivery, token)
    return None


@contextmanager
def _guarded(connector: Connector) -> Iterator[None]:
    try:
        yield
    except DeliveryError:
        raise
    # A verifier that fails must not let the delivery through; the provider will send it again. What it
    # raises is its own: a thread of the API receives no signals.
    except BaseException as error:
        _log.exception("the connector %s failed to read a delivery", connector.name)
        raise PluginError(f"the connector {connector.name} failed to read the delivery") from error


def _keep(hub: Hub, stored: StoredDelivery) -> Received:
    submit(hub.store, Keep(delivery=stored))
    reach("ingest.after_commit")
    return Received(delivery_id=stored.id, events=0, new=0, execution_ids=())


def _commit(hub: Hub, intakes: Sequence[Intake], full: LimitError | None) -> Received:
    outcomes = submit_all(hub.store, intakes)
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
    if full is not None:
        raise full
    delivery_id = intakes[0].event.delivery_id
    return Received(delivery_id=delivery_id, events=len(intakes), new=len(new), execution_ids=started)


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
        method=delivery.method,
        content_type=delivery.headers.get("content-type", "")[:200],
    )


def _intakes(
    hub: Hub, stored: StoredDelivery, events: Sequence[tuple[Event, Connection | None]]
) -> tuple[list[Intake], LimitError | None]:
    """Return what to keep of a delivery, and why not all of it, if a tenant has no room for its part."""
    # A delivery's events are often alike: who listens is read once per tenant and type.
    listening: dict[tuple[str, str], list[Listener]] = {}
    intakes: list[Intake] = []
    full: LimitError | None = None
    for event, connection in events:
        if connection is None:
            intakes.append(Intake(event=event, delivery=stored))
            continue
        alike = (event.tenant_id, event.type)
        if alike not in listening:
            listening[alike] = listeners_of(hub, event)
        intake = react(hub.catalog, event, listening[alike], delivery=stored)
        try:
            for _ in intake.executions:
                require_room(hub, event.tenant_id)
        except LimitError as error:
            # The others of the delivery are accepted; the provider sends it again, and they are known then.
            full = error
            continue
        intakes.append(waiting_for(intake, connection))
    return intakes, full
