"""hook: a request to a workflow's own URL starts that workflow, once per delivery.

Deliveries are taken in by the batch: one look-up and one commit serve all that arrive together. Whoever
waits for a workflow's result gets it in the same commit, as long as the workflow needs no action.
"""

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from revolution_hub.bus.known import Known, KnownHooks
from revolution_hub.bus.receive import kept_headers
from revolution_hub.crashpoint import reach
from revolution_hub.engine.begin import BUDGET_S, begin
from revolution_hub.engine.start import started_by_event
from revolution_hub.engine.versions import get_version
from revolution_hub.errors import LimitError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Duplicate, Intake, Stale
from revolution_hub.model.event import Event, StoredDelivery
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import new_id, new_key
from revolution_hub.model.strict_json import strict_json
from revolution_hub.store.submit import submit_all
from revolution_hub.store.tx import StoreError
from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import verify_standard

HOOK_EVENT = "webhook.received"
RESULT = "result"

RETRY_AFTER_S = 1.0
_MOST_LOOKS = 8

BATCH_BUDGET_S = 0.1
"""How long the first stretches of a whole batch may take; what comes later is left to the workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One request to a hook: the key in its URL, and what was delivered."""

    key: str
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStarted:
    """What a delivery to a hook started, or had started before. `answer` is `accepted` or `result`.

    `execution` is how it stands after the commit; None for one that was started before.
    """

    tenant_id: str
    execution_id: str
    answer: str
    execution: Execution | None = None


Received = HookStarted | BaseException


def receive_hook(hub: Hub, key: str, delivery: Delivery) -> HookStarted:
    """Take in a delivery for one workflow; the body must be JSON.

    Raises NotFoundError for an unknown URL, DeliveryError if it is not signed as the trigger asks, and
    InputError for a body that is not strict JSON; then nothing is stored.
    """
    (received,) = receive_hooks(hub, [Arrived(key=key, delivery=delivery)])
    if isinstance(received, BaseException):
        raise received
    return received


def receive_hooks(hub: Hub, arrived: Sequence[Arrived]) -> list[Received]:
    """Take in deliveries that belong to different senders; an error is the answer to its own sender only.

    Raises StoreError if the database is away before anything was accepted.
    """
    book = hub.store.companion(KnownHooks)
    received: dict[int, Received] = {}
    waiting = dict(enumerate(arrived))
    give_up_s = time.monotonic() + BATCH_BUDGET_S
    for look in range(_MOST_LOOKS):
        keys = {one.key for one in waiting.values()}
        remembered = {} if look else book.remembered(keys)
        unknown = keys - remembered.keys()
        try:
            read = book.read(unknown) if unknown else {}
        except StoreError as error:
            if not look:
                raise
            # What an earlier look accepted stays accepted, and its senders are told so.
            return [received.get(at, error) for at in range(len(arrived))]
        batch = _Batch(hub=hub, hooks=remembered | read, remembered=remembered.keys(), give_up_s=give_up_s)
        answers = dict(zip(waiting, _take_in(batch, list(waiting.values())), strict=True))
        received |= {at: answer for at, answer in answers.items() if answer is not None}
        waiting = {at: one for at, one in waiting.items() if at not in received}
        if not waiting:
            break
    return [received.get(at, _changing()) for at in range(len(arrived))]


def _take_in(batch: "_Batch", arrived: Sequence[Arrived]) -> "list[Received | None]":
    """Take these in; None for one that has to be looked at again, as its hook is another by now."""
    made = [_made(batch, one) for one in arrived]
    intakes = [one for one in made if isinstance(one, _Made)]
    reach("ingest.after_verify")
    outcomes = iter(submit_all(batch.hub.store, [one.intake for one in intakes]))
    received = [_received(one, next(outcomes)) if isinstance(one, _Made) else one for one in made]
    reach("ingest.after_commit")
    more = any(len(one.intake.executions) > 1 for one in intakes)
    if more or any(isinstance(one, HookStarted) and _has_work(one) for one in received):
        batch.hub.wake()
    reach("ingest.after_enqueue")
    return received


def _changing() -> LimitError:
    return LimitError(
        "the workflow is being changed; nothing was accepted, send it again",
        code="changing",
        retry_after_s=RETRY_AFTER_S,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    intake: Intake
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What the deliveries of a batch share: where they go, what of that is remembered, time for steps."""

    hub: Hub
    hooks: Mapping[str, Known]
    remembered: Collection[str]
    give_up_s: float


def _made(batch: _Batch, arrived: Arrived) -> "_Made | BaseException | None":
    try:
        known = batch.hooks.get(arrived.key)
        if known is None:
            raise NotFoundError("there is no such address")
        settings = known.listener.settings
        dedup_key = _verified(batch.hub, known, str(settings.get("auth")), arrived.delivery)
        intake = _intake(batch, known, arrived.delivery, dedup_key)
        return _Made(intake=intake, answer=str(settings.get("answer", "accepted")))
    except DeliveryError as error:
        # It may be signed with a secret that is newer than what is remembered.
        return None if arrived.key in batch.remembered else error
    except Exception as error:
        # Whatever is wrong with one delivery is told to its sender alone.
        return error


def _intake(batch: _Batch, known: Known, delivery: Delivery, dedup_key: str) -> Intake:
    hub, hook, listener = batch.hub, known.hook, known.listener
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
        data=strict_json(delivery.body, max_bytes=hub.settings.body_bytes),
        received_at=delivery.received_at,
    )
    execution = started_by_event(event, listener, "webhook")
    if listener.settings.get("answer") != RESULT:
        return Intake(delivery=stored, event=event, executions=(execution,), basis=hook.revision)
    budget_s = min(BUDGET_S, batch.give_up_s - time.monotonic())
    begun = begin(hub, execution, get_version(hub.store, execution), budget_s=budget_s)
    return Intake(
        delivery=stored,
        event=event,
        executions=(begun.execution, *begun.starts),
        steps=begun.steps,
        basis=hook.revision,
    )


def _received(made: _Made, outcome: object) -> Received | None:
    execution = made.intake.executions[0]
    if isinstance(outcome, Stale):
        return None
    if isinstance(outcome, BaseException):
        return outcome
    known = outcome.execution_ids if isinstance(outcome, Duplicate | Applied) else ()
    if known and known[0] != execution.id:
        # The event is known, or the workflow says that another one stands for the same.
        first = known[0]
        return HookStarted(tenant_id=execution.tenant_id, execution_id=first, answer=made.answer)
    return HookStarted(
        tenant_id=execution.tenant_id,
        execution_id=execution.id,
        answer=made.answer,
        execution=execution if isinstance(outcome, Applied) else None,
    )


def _has_work(started: HookStarted) -> bool:
    return started.execution is not None and not started.execution.ended


def _verified(hub: Hub, known: Known, auth: str, delivery: Delivery) -> str:
    hook = known.hook
    if auth == "none":
        return _own_key(delivery)
    if hook.secret is None:
        raise DeliveryError("this trigger has no signing secret")
    if known.secret is None:
        document = hub.vault.open(hook.tenant_id, hook.id, hook.secret)
        known.secret = Secret(str(document["signing_secret"]))
    # The signed id may be of any length; its hash is of one, and as unique.
    return hashlib.sha256(verify_standard(delivery, known.secret).encode()).hexdigest()


def _own_key(delivery: Delivery) -> str:
    # Without a signature an id cannot be trusted to be the sender's own, but it may still be offered.
    given = delivery.headers.get("idempotency-key")
    return hashlib.sha256(given.encode()).hexdigest() if given else new_key()
