"""claim: take queued executions with a lease and a fence, and load what is needed to drive one."""

from dataclasses import dataclass, field
from datetime import timedelta

from revolution_hub.engine.run import Run
from revolution_hub.engine.versions import get_version
from revolution_hub.engine.watch import Watch
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution
from revolution_hub.model.parse_workflow import parse
from revolution_hub.store import executions
from revolution_hub.store.claim import Caps, Turns, claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimer:
    """Takes executions in the name of one worker process, and tells its watch what others use."""

    hub: Hub
    owner: str
    isolated: bool = False
    watch: Watch | None = None
    turns: Turns = field(default_factory=Turns)

    def take(self, limit: int) -> list[Execution]:
        """Claim up to `limit` executions, tenants in turn. For one thread at a time."""
        now = self.hub.now()
        settings = self.hub.settings
        taken = claim(
            self.hub.store,
            self.owner,
            now,
            now + timedelta(seconds=settings.lease_s),
            limit=limit,
            caps=Caps(tenant=settings.tenant_running, connection=settings.connection_running),
            turns=self.turns,
            isolated=self.isolated,
        )
        if self.watch is not None:
            self.watch.elsewhere = self.turns.elsewhere
        return taken


def load(hub: Hub, execution: Execution) -> Run:
    """Return a Run with everything recorded so far."""
    workflow = (
        parse(execution.definition) if execution.definition is not None else get_version(hub.store, execution)
    )
    run = Run(
        hub=hub,
        execution=execution,
        workflow=workflow,
        steps={},
        attempts={},
        connection_id=execution.connection_id,
    )
    # The first claim of all: nobody can have recorded anything.
    if execution.fence > 1:
        _load_recorded(run)
    return run


def _load_recorded(run: Run) -> None:
    with run.hub.store.read(run.execution.tenant_id) as tx:
        run.steps |= {one.step_id: one for one in executions.list_steps(tx, run.execution.id)}
        attempts = executions.list_attempts(tx, run.execution.id)
    for attempt in sorted(attempts, key=lambda one: one.number):
        run.attempts.setdefault(attempt.step_id, []).append(attempt)
