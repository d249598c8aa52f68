"""claim: take queued executions with a lease and a fence, and load what is needed to drive one."""

from dataclasses import dataclass
from datetime import timedelta

from revolution_hub.engine.run import Run
from revolution_hub.engine.versions import workflow_version
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Attempt, Execution
from revolution_hub.model.parse_workflow import parse
from revolution_hub.store import across, executions


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimer:
    """Takes executions in the name of one worker process."""

    hub: Hub
    owner: str
    isolated: bool = False

    def take(self, limit: int) -> list[Execution]:
        """Claim up to `limit` executions, oldest first."""
        now = self.hub.now()
        until = now + timedelta(seconds=self.hub.settings.lease_s)
        return across.claim(self.hub.store, self.owner, now, until, limit=limit, isolated=self.isolated)


def load(hub: Hub, execution: Execution) -> Run:
    """Return a Run with everything recorded so far."""
    with hub.store.read(execution.tenant_id) as tx:
        if execution.definition is not None:
            workflow = parse(execution.definition)
        else:
            workflow = workflow_version(tx, execution.workflow_id, execution.version)
        steps = executions.list_steps(tx, execution.id)
        attempts = executions.list_attempts(tx, execution.id)
    tried: dict[str, list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda one: one.number):
        tried.setdefault(attempt.step_id, []).append(attempt)
    return Run(
        hub=hub,
        execution=execution,
        workflow=workflow,
        steps={one.step_id: one for one in steps},
        attempts=tried,
    )
