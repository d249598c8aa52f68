"""claim: take queued executions with a lease and a fence, and load what is needed to drive one."""

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

from revolution_hub.engine.frame import frame_of
from revolution_hub.engine.lane import Lane
from revolution_hub.engine.run import Run
from revolution_hub.engine.scope import ITEM
from revolution_hub.engine.watch import Watch
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.workflow import Workflow
from revolution_hub.store import executions
from revolution_hub.store.claim import Caps, Turns, claim
from revolution_hub.store.payloads import whole_execution
from revolution_hub.store.plans import running_caps
from revolution_sdk.types import Json

CAPS_S = 10.0


def caps_of(hub: Hub) -> Caps:
    """Read how many executions of each tenant may be driven at a time; never more than the setting says."""
    most = hub.settings.tenant_running
    usual, others = running_caps(hub.store, hub.settings.default_plan)
    by_default = most if usual is None else min(most, int(usual))
    own = {one: most if cap is None else min(most, int(cap)) for one, cap in others.items()}
    return Caps(
        tenant=by_default,
        connection=hub.settings.connection_running,
        tenants={one: cap for one, cap in own.items() if cap != by_default},
    )


@dataclass(slots=True)
class PlanCaps:
    """How many executions of each tenant may be driven at a time, as settings and plans said lately."""

    known: Caps | None = None
    until_s: float = 0.0

    def now(self, hub: Hub) -> Caps:
        """Return what counts now; plans are looked at every few seconds."""
        at_s = time.monotonic()
        if self.known is None or at_s >= self.until_s:
            self.known, self.until_s = caps_of(hub), at_s + CAPS_S
        return self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimer:
    """Takes executions in the name of one worker process, and tells its watch what others use."""

    hub: Hub
    owner: str
    isolated: bool = False
    watch: Watch | None = None
    turns: Turns = field(default_factory=Turns)
    caps: PlanCaps = field(default_factory=PlanCaps)

    def take(self, limit: int, *, among: int = 1) -> list[Execution]:
        """Claim up to `limit` executions, tenants in turn, and of few no more than one of `among` processes'
        share; `turns.left` tells whether it left some. For one thread at a time.
        """
        now = self.hub.now()
        settings = self.hub.settings
        taken = claim(
            self.hub.store,
            self.owner,
            now,
            now + timedelta(seconds=settings.lease_s),
            limit=limit,
            caps=self.caps.now(self.hub),
            turns=self.turns,
            among=among,
            isolated=self.isolated,
        )
        if self.watch is not None:
            self.watch.elsewhere = self.turns.elsewhere
        return taken


def load(hub: Hub, execution: Execution) -> Run:
    """Return a Run with everything recorded so far."""
    execution = whole_execution(hub.store.files, execution)
    frame = frame_of(hub, execution)
    run = Run(
        hub=hub,
        execution=execution,
        workflow=frame.workflow,
        steps={},
        attempts={},
        connection_id=execution.connection_id,
        inherited=frame.scope,
    )
    if frame.items is not None and execution.block is not None:
        run.lane = _lane(execution, frame.workflow, frame.items)
    # The first claim of all: nobody can have recorded anything.
    if execution.fence > 1:
        _load_recorded(run)
    return run


def _lane(execution: Execution, workflow: Workflow, items: list[Json]) -> Lane:
    allotted = execution.allotted or {"round": 0, "items": []}
    lane = Lane(
        step=workflow.by_id[str(execution.block).partition("/")[0]], items=items, round=allotted["round"]
    )
    lane.todo.extend(allotted["items"])
    return lane


def _load_recorded(run: Run) -> None:
    with run.hub.store.read(run.execution.tenant_id) as tx:
        steps = executions.list_steps(tx, run.execution.id)
        attempts = executions.list_attempts(tx, run.execution.id)
    run.position = max((one.position for one in steps), default=-1) + 1
    if run.lane is not None:
        steps = _of_unfinished_items(run.lane, steps)
    run.steps |= {one.step_id: one for one in steps}
    for attempt in sorted(attempts, key=lambda one: one.number):
        if attempt.step_id in run.steps:
            run.attempts.setdefault(attempt.step_id, []).append(attempt)


def _of_unfinished_items(lane: Lane, steps: list[StepExecution]) -> list[StepExecution]:
    """Take what has ended off the lane's list, begin with the item that was under way; return its records."""
    ended = {one.step_id for one in steps if one.kind == ITEM and one.recorded}
    left = [index for index in lane.todo if f"{lane.step.id}#{index}" not in ended]
    begun = {int(one.step_id.partition("#")[2].partition("/")[0]) for one in steps if "#" in one.step_id}
    # At most one can have been begun: items are gone through one after the other.
    lane.todo = deque(sorted(left, key=lambda index: index not in begun))
    if not lane.todo:
        return []
    lane.enter(lane.todo.popleft())
    return [one for one in steps if _index_of(one.step_id) == lane.index]


def _index_of(key: str) -> int | None:
    index = key.partition("#")[2].partition("/")[0]
    return int(index) if index else None
