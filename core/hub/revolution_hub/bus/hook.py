"""hook: a request to a workflow's own URL starts that workflow, once per delivery.

Deliveries are taken in by the batch: one look-up and one commit serve all that arrive together. Whoever
waits for a workflow's result gets it in the same commit, as long as the workflow needs no action.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from revolution_hub.bus.admit import admit
from revolution_hub.bus.backlog import NoRoomError, require_room
from revolution_hub.bus.body import read_body
from revolution_hub.bus.challenge import answer_to_signed
from revolution_hub.bus.known import Known, KnownHooks
from revolution_hub.bus.request import dedup_key, kept_headers, request_of
from revolution_hub.crashpoint import reach
from revolution_hub.engine.begin import BUDGET_S, begin
from revolution_hub.engine.start import started_by_event
from revolution_hub.engine.versions import get_version
from revolution_hub.errors import InputError, LimitError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Duplicate, Intake, Keep, Stale
from revolution_hub.model.event import DeliveryMark, Event, StoredDelivery
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import new_id
from revolution_hub.model.payload import FileRef
from revolution_hub.model.values import quickly_made
from revolution_hub.model.webhook import Webhook
from revolution_hub.store.errors import StoreError
from revolution_hub.store.submit import submit_all
from revolution_sdk import Delivery
from revolution_sdk.types import Json

HOOK_EVENT = "webhook.received"
RESULT = "result"

RETRY_AFTER_S = 1.0
_MOST_LOOKS = 8

BATCH_BUDGET_S = 0.1
"""How long the first stretches of a whole batch may take; what comes later is left to the workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One request to a hook: the key in its URL, what was delivered, and from which address."""

    key: str
    delivery: Delivery
    client: str = ""


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class HookStarted:
    """What a delivery to a hook started, or had started before. `answer` is `accepted` or `result`.

    `execution` is how it stands after the commit; None for one that was started before. After `deadline_s`
    nobody waits for a result any more.
    """

    tenant_id: str
    event_id: str
    execution_id: str
    answer: str
    deadline_s: float
    execution: Execution | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookKept:
    """A genuine delivery that was kept although its body cannot be read. It started nothing."""

    delivery_id: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswered:
    """A provider asked whether the address is ours; this text is the answer. Nothing was kept."""

    text: str


Taken = HookStarted | HookKept | HookAnswered
Received = Taken | BaseException


def receive_hook(hub: Hub, key: str, delivery: Delivery, client: str = "") -> Taken:
    """Take in a delivery for one workflow.

    Raises NotFoundError for an unknown URL, what `admit` raises, and InputError for a body that cannot be
    read where nobody has to sign; then nothing is stored.
    """
    (received,) = receive_hooks(hub, [Arrived(key=key, delivery=delivery, client=client)])
    if isinstance(received, BaseException):
        raise received
    return received


def is_known(hub: Hub, key: str) -> bool:
    """Tell whether this process knows such an address without asking the database."""
    return bool(hub.store.companion(KnownHooks).remembered((key,)))


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
            read = book.read(unknown, hub.now()) if unknown else {}
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
    outcomes = iter(submit_all(batch.hub.store, [one.change for one in intakes]))
    received = [_received(one, next(outcomes)) if isinstance(one, _Made) else one for one in made]
    reach("ingest.after_commit")
    more = any(isinstance(one.change, Intake) and len(one.change.executions) > 1 for one in intakes)
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
    change: Intake | Keep
    webhook: Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What the deliveries of a batch share: where they go, what of that is remembered, time for steps."""

    hub: Hub
    hooks: Mapping[str, Known]
    remembered: Collection[str]
    give_up_s: float


def _made(batch: _Batch, arrived: Arrived) -> "_Made | HookAnswered | BaseException | None":
    known = batch.hooks.get(arrived.key)
    try:
        if known is None or not known.leads_on(arrived.delivery.received_at):
            raise NotFoundError("there is no such address")
        return _read(batch, known, arrived)
    except NoRoomError as error:
        # That is so whatever the hook is by now, and there is much of it just when there is too much to do.
        return error
    except Exception as error:
        # Whatever is wrong with one delivery is told to its sender alone. What is remembered may be out of
        # date: it may be signed with a secret that is newer.
        return None if arrived.key in batch.remembered else error


def _read(batch: _Batch, known: Known, arrived: Arrived) -> "_Made | HookAnswered | None":
    hub, webhook, delivery = batch.hub, known.webhook, arrived.delivery
    admitted = admit(hub, known, delivery, arrived.client)
    if admitted.answer is not None:
        return HookAnswered(text=admitted.answer)
    event_id = new_id("evt")

    def keep_file(content: bytes) -> str:
        return _kept_file(hub, known, event_id, content)

    try:
        data = read_body(delivery, keep_file, max_bytes=admitted.max_bytes)
    except InputError as error:
        if not webhook.auth.needs_secret:
            # Anybody could fill the log with this.
            raise
        if arrived.key in batch.remembered:
            # Nothing below asks for the revision, so what it was let in by must be the newest.
            return None
        stored = _stored(known, delivery, mark=DeliveryMark.UNPARSEABLE, problem=error.message)
        return _Made(change=Keep(delivery=stored), webhook=webhook)
    answer = answer_to_signed(webhook, data)
    if answer is not None:
        return HookAnswered(text=answer)
    require_room(hub, known.hook.tenant_id)
    key = dedup_key(webhook, delivery, admitted.proven, data)
    return _Made(change=_intake(batch, known, delivery, event_id, key, data), webhook=webhook)


def _kept_file(hub: Hub, known: Known, event_id: str, content: bytes) -> str:
    """Keep a file beside the event it comes with, and go when that goes; returns its id."""
    if hub.store.files is None:
        raise LimitError("this hub has no folder for files", code="files_unavailable")
    ref: FileRef = hub.store.files.keep(known.hook.tenant_id, event_id, content)
    return f"{event_id}.{ref.sha256}"


def _stored(
    known: Known, delivery: Delivery, *, mark: DeliveryMark | None = None, problem: str | None = None
) -> StoredDelivery:
    return StoredDelivery(
        id=new_id("dlv"),
        source_id=known.hook.id,
        tenant_id=known.hook.tenant_id,
        body=delivery.body,
        headers=kept_headers(delivery.headers),
        received_at=delivery.received_at,
        method=delivery.method,
        content_type=delivery.headers.get("content-type", "")[:200],
        mark=mark,
        problem=problem,
    )


def _intake(batch: _Batch, known: Known, delivery: Delivery, event_id: str, key: str, data: Json) -> Intake:
    hub, hook, webhook, listener = batch.hub, known.hook, known.webhook, known.listener
    stored = _stored(known, delivery)
    event = Event(
        id=event_id,
        tenant_id=hook.tenant_id,
        source_id=hook.id,
        delivery_id=stored.id,
        connector="",
        type=HOOK_EVENT,
        canonical=None,
        dedup_key=key,
        data=data,
        received_at=delivery.received_at,
        request=request_of(webhook, delivery),
    )
    execution = started_by_event(event, listener, "webhook", request=event.request)
    if webhook.answer != RESULT:
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
    if isinstance(outcome, Stale):
        return None
    if isinstance(outcome, BaseException):
        return outcome
    change, webhook = made.change, made.webhook
    if isinstance(change, Keep):
        return HookKept(delivery_id=change.delivery.id, problem=change.delivery.problem or "")
    first = change.executions[0]
    known = outcome.execution_ids if isinstance(outcome, Duplicate | Applied) else ()
    # The event is known, or the workflow says that another one stands for the same.
    instead = known[0] if known and known[0] != first.id else None
    return HookStarted(
        tenant_id=first.tenant_id,
        event_id=outcome.of if isinstance(outcome, Duplicate) else change.event.id,
        execution_id=instead or first.id,
        answer=webhook.answer,
        deadline_s=webhook.deadline_s,
        execution=first if isinstance(outcome, Applied) and instead is None else None,
    )


def _has_work(started: HookStarted) -> bool:
    return started.execution is not None and not started.execution.ended
