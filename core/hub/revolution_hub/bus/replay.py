"""replay: events of the log are repeated many at a time, in the background, batch by batch.

How far a replay is stands in its row. A batch that was started and not noted is started again, under the
same keys, so that it starts nothing twice.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from revolution_hub.engine.repeat import Repeat, Target, repeated
from revolution_hub.engine.versions import workflow_version
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Duplicate, Start
from revolution_hub.model.event import Event
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.payload import Filed
from revolution_hub.store import event_replays, events
from revolution_hub.store.errors import StoreError
from revolution_hub.store.event_replays import EventReplay, ReplayStatus, filter_of
from revolution_hub.store.paging import Page
from revolution_hub.store.submit import submit_all
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject

BATCH = 100
AT_ONCE = 4
"""So many replays are brought on by one tick, each by one batch: the others wait for the next."""


def advance_replays(hub: Hub, *, batch: int = BATCH) -> int:
    """Bring on the replays that are under way by one batch each; returns how many executions were started.

    One that cannot be brought on keeps none of the others from it: its error is raised at the end.
    """
    started, errors = 0, list[Exception]()
    for replay in event_replays.list_running(hub.store, AT_ONCE):
        try:
            started += _advance(hub, replay, batch)
        except Exception as error:
            error.add_note(f"the replay {replay.id}")
            errors.append(error)
    if started:
        hub.wake()
    if errors:
        raise errors[0]
    return started


def key_of(principal_id: str, name: str, event_id: str, workflow_id: str) -> str:
    """Return the key under which an event is repeated to a workflow once: by a replay, or a caller's key."""
    text = f"{principal_id} {name} {event_id} {workflow_id}"
    return f"event-replay:{hashlib.sha256(text.encode()).hexdigest()}"


def _advance(hub: Hub, replay: EventReplay, batch: int) -> int:
    try:
        found, after, target = _next(hub, replay, batch)
    except StoreError:
        raise
    except HubError as error:
        # The workflow is gone, or cannot be read any more.
        _note(hub, replay, _ended(hub, replay, ReplayStatus.FAILED, _told(error)))
        return 0
    started, problem = _start(hub, replay, target, found)
    moved = replace(
        replay,
        position=after or replay.position,
        looked_at=replay.looked_at + len(found),
        started=replay.started + started,
        problem=replay.problem or problem,
    )
    _note(hub, replay, moved if after else _ended(hub, moved, ReplayStatus.DONE, moved.problem))
    return started


def _next(hub: Hub, replay: EventReplay, batch: int) -> tuple[list[Event], str | None, Target]:
    """Return the next events, where the replay stands behind them, None at the end, and where they go."""
    with hub.store.read(replay.tenant_id) as tx:
        if replay.definition is not None:
            workflow = parse(replay.definition)
        else:
            workflow = workflow_version(tx, replay.workflow_id, replay.version)
        target = Target(
            workflow_id=replay.workflow_id,
            version=replay.version,
            workflow=workflow,
            definition=replay.definition,
        )
        found, after = _found(tx, replay, batch)
    return found, after, target


def _found(tx: Tx, replay: EventReplay, batch: int) -> tuple[list[Event], str | None]:
    ids = replay.wanted.get("ids")
    if ids is None:
        wanted = replace(filter_of(replay.wanted["filter"]), before_id=replay.until)
        page = Page(limit=batch, after=replay.position or None, newest_first=False)
        return events.list_page(tx, page, wanted)
    behind = [one for one in sorted(ids) if one > replay.position]
    there = events.list_by_ids(tx, behind[:batch])
    after = behind[batch - 1] if len(behind) > batch else None
    return [there[one] for one in behind[:batch] if one in there], after


def _start(
    hub: Hub, replay: EventReplay, target: Target, found: Sequence[Event]
) -> tuple[int, JsonObject | None]:
    """Start the executions; returns how many there are, and the first problem."""
    problem: JsonObject | None = None
    starts: list[Start] = []
    for event in found:
        how = Repeat(
            made_by=replay.made_by,
            now=hub.now(),
            key=key_of(replay.made_by, replay.id, event.id, replay.workflow_id),
        )
        try:
            starts.append(Start(execution=repeated(hub.catalog, _whole(hub, event), target, how)))
        except StoreError:
            raise
        except HubError as error:
            # What cannot be repeated keeps none of the others from it.
            problem = problem or {"event_id": event.id, **_told(error)}
    outcomes = submit_all(hub.store, starts)
    for one in outcomes:
        if isinstance(one, BaseException):
            raise one
    return sum(isinstance(one, Applied | Duplicate) for one in outcomes), problem


def _whole(hub: Hub, event: Event) -> Event:
    if not isinstance(event.data, Filed):
        return event
    with hub.store.read(event.tenant_id) as tx:
        return events.get(tx, event.id)


def _ended(hub: Hub, replay: EventReplay, status: ReplayStatus, problem: JsonObject | None) -> EventReplay:
    return replace(replay, status=status, problem=problem, finished_at=hub.now())


def _note(hub: Hub, known: EventReplay, changed: EventReplay) -> None:
    with hub.store.begin(known.tenant_id) as tx:
        event_replays.note(tx, known, changed)


def _told(error: HubError) -> JsonObject:
    return {"code": error.code, "message": error.message}
