"""Replays of events: one at once, or many in the background, to a workflow and version of choice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from revolution_hub.access.rbac import require
from revolution_hub.bus.quota import require_quota
from revolution_hub.bus.replay import key_of
from revolution_hub.engine.repeat import Repeat, Target, repeated
from revolution_hub.engine.versions import workflow_version
from revolution_hub.errors import ConflictError, LimitError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.change import Duplicate, Start
from revolution_hub.model.ids import new_id
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.principal import Principal
from revolution_hub.services.guard import require_on_workflow
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.services.starts import DRAFT_VERSION
from revolution_hub.store import audit, event_replays, events, workflows
from revolution_hub.store.event_replays import EventReplay, ReplayStatus, filter_json
from revolution_hub.store.events import EventFilter
from revolution_hub.store.paging import Page
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Tx

Which = int | Literal["published", "draft"]
MOST_IDS = 500
MOST_RUNNING = 10
"""So many replays of a tenant may be under way at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Which workflow events are repeated to, and which version of it."""

    workflow_id: str
    version: Which = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which events are repeated: these, or those a filter finds."""

    ids: Sequence[str] = ()
    wanted: EventFilter | None = None


def replay_event(
    hub: Hub, principal: Principal, event_id: str, goal: Goal, once: Once | None = None
) -> tuple[str, bool]:
    """Start a workflow with an event of the log; returns the execution's id and whether it is new.

    Who may replay must be allowed to start the workflow as well, and for a draft to use connections.
    """
    require(principal, "event:replay")
    _require_on(hub, principal, goal)
    with hub.store.begin(principal.tenant_id) as tx:
        event = events.get(tx, event_id)
        target = _target(tx, goal)
        if first_made(tx, principal, once) is None:
            remember(tx, principal, once, event_id, hub.now())
    require_quota(hub, principal.tenant_id, principal.id)
    key = key_of(principal.id, once.key, event_id, goal.workflow_id) if once else None
    execution = repeated(hub.catalog, event, target, Repeat(made_by=principal.id, now=hub.now(), key=key))
    entry = entry_of(principal, "event.replay", event_id, hub.now(), after={goal.workflow_id: True})
    outcome = submit(hub.store, Start(execution=execution, entry=entry))
    hub.wake()
    return (outcome.of, False) if isinstance(outcome, Duplicate) else (execution.id, True)


def replay_events(
    hub: Hub, principal: Principal, chosen: Chosen, goal: Goal, once: Once | None = None
) -> tuple[EventReplay, bool]:
    """Begin to repeat many events, the oldest first; returns the replay and whether it is new.

    What comes in from now on is not looked at. The same key begins it once. Raises LimitError
    `too_many_replays` if as many as may be are under way.
    """
    require(principal, "event:replay")
    _require_on(hub, principal, goal)
    with hub.store.begin(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is not None:
            return event_replays.get(tx, made), False
        if event_replays.count_running(tx) >= MOST_RUNNING:
            raise LimitError("wait until another replay is done", code="too_many_replays")
        target = _target(tx, goal)
        replay = EventReplay(
            id=new_id("rpl"),
            tenant_id=principal.tenant_id,
            workflow_id=goal.workflow_id,
            version=target.version,
            definition=target.definition,
            wanted=_wanted(chosen),
            made_by=principal.id,
            created_at=hub.now(),
            until=new_id("evt"),
        )
        event_replays.add(tx, replay)
        remember(tx, principal, once, replay.id, hub.now())
        after = {goal.workflow_id: True}
        audit.append(tx, entry_of(principal, "event_replay.create", replay.id, hub.now(), after=after))
    return replay, True


def list_event_replays(hub: Hub, principal: Principal, page: Page) -> tuple[list[EventReplay], str | None]:
    """Return one page of replays of many events, and the cursor for the next."""
    require(principal, "event:read")
    with hub.store.read(principal.tenant_id) as tx:
        return event_replays.list_page(tx, page)


def get_event_replay(hub: Hub, principal: Principal, replay_id: str) -> EventReplay:
    """Return a replay and how far it is, or raise NotFoundError."""
    require(principal, "event:read")
    with hub.store.read(principal.tenant_id) as tx:
        return event_replays.get(tx, replay_id)


def cancel_event_replay(hub: Hub, principal: Principal, replay_id: str) -> EventReplay:
    """End a replay. What it has started goes on. Raises ConflictError if it has ended."""
    require(principal, "event:replay")
    with hub.store.begin(principal.tenant_id) as tx:
        known = event_replays.get(tx, replay_id)
        ended = replace(known, status=ReplayStatus.CANCELLED, finished_at=hub.now())
        if known.status is not ReplayStatus.RUNNING or not event_replays.note(tx, known, ended):
            raise ConflictError("the replay has ended", code="already_ended")
        audit.append(tx, entry_of(principal, "event_replay.cancel", replay_id, hub.now()))
    return ended


def _require_on(hub: Hub, principal: Principal, goal: Goal) -> None:
    require_on_workflow(hub, principal, "execution:start", goal.workflow_id)
    if goal.version == "draft":
        require(principal, "connection:use")


def _target(tx: Tx, goal: Goal) -> Target:
    stored = workflows.get(tx, goal.workflow_id)
    if goal.version == "draft":
        return Target(
            workflow_id=stored.id,
            version=DRAFT_VERSION,
            workflow=parse(stored.document),
            definition=stored.document,
        )
    version = stored.published_version if goal.version == "published" else goal.version
    if version is None:
        raise ConflictError("the workflow has no published version", code="not_published")
    return Target(workflow_id=stored.id, version=version, workflow=workflow_version(tx, stored.id, version))


def _wanted(chosen: Chosen) -> dict[str, object]:
    if chosen.wanted is None:
        return {"ids": sorted(set(chosen.ids))}
    return {"filter": filter_json(chosen.wanted)}
