"""hook: a request to a workflow's own URL starts that workflow, once per delivery."""

import hashlib
from dataclasses import dataclass

from revolution_hub.bus.receive import kept_headers
from revolution_hub.engine.start import started_by_event
from revolution_hub.errors import NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Intake
from revolution_hub.model.connection import Hook
from revolution_hub.model.event import Event, StoredDelivery
from revolution_hub.model.ids import new_id, new_key
from revolution_hub.model.strict_json import strict_json
from revolution_hub.store import across, workflows
from revolution_hub.store.submit import submit
from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import verify_standard

HOOK_EVENT = "webhook.received"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStarted:
    """What a delivery to a hook started, or had started before. `answer` is `accepted` or `result`."""

    tenant_id: str
    execution_id: str
    answer: str


def receive_hook(hub: Hub, key: str, delivery: Delivery) -> HookStarted:
    """Take in a delivery for one workflow; the body must be JSON.

    Raises NotFoundError for an unknown URL, DeliveryError if it is not signed as the trigger asks, and
    InputError for a body that is not strict JSON; then nothing is stored.
    """
    hook = across.find_hook_by_key(hub.store, key)
    if hook is None:
        raise NotFoundError("there is no such address")
    with hub.store.read(hook.tenant_id) as tx:
        listener = workflows.webhook_listener(tx, hook.workflow_id)
    if listener is None:
        raise NotFoundError("there is no such address")
    dedup_key = _verified(hub, hook, str(listener.settings.get("auth")), delivery)
    data = strict_json(delivery.body, max_bytes=hub.settings.body_bytes)
    stored = StoredDelivery(
        id=new_id("dlv"),
        source_id=hook.id,
        tenant_id=hook.tenant_id,
        body=delivery.body,
        headers=kept_headers(delivery.headers),
        received_at=delivery.received_at,
    )
    event = Event(
        id=new_id("evt"),
        tenant_id=hook.tenant_id,
        source_id=hook.id,
        delivery_id=stored.id,
        connector="",
        type=HOOK_EVENT,
        canonical=None,
        dedup_key=dedup_key,
        data=data,
        received_at=delivery.received_at,
    )
    execution = started_by_event(event, listener, "webhook")
    outcome = submit(hub.store, Intake(delivery=stored, event=event, executions=(execution,)))
    hub.wake()
    ids = getattr(outcome, "execution_ids", ())
    return HookStarted(
        tenant_id=hook.tenant_id,
        execution_id=ids[0] if ids else execution.id,
        answer=str(listener.settings.get("answer", "accepted")),
    )


def _verified(hub: Hub, hook: Hook, auth: str, delivery: Delivery) -> str:
    if auth == "none":
        return _own_key(delivery)
    if hook.secret is None:
        raise DeliveryError("this trigger has no signing secret")
    secret = Secret(str(hub.vault.open(hook.tenant_id, hook.id, hook.secret)["signing_secret"]))
    # The signed id may be of any length; its hash is of one, and as unique.
    return hashlib.sha256(verify_standard(delivery, secret).encode()).hexdigest()


def _own_key(delivery: Delivery) -> str:
    # Without a signature an id cannot be trusted to be the sender's own, but it may still be offered.
    given = delivery.headers.get("idempotency-key")
    return hashlib.sha256(given.encode()).hexdigest() if given else new_key()
