"""refuse: an execution that the hub cannot bring on fails with the hub's own error."""

from revolution_hub.engine.aftermath import aftermath
from revolution_hub.engine.run import Run
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Move, Progress
from revolution_hub.model.execution import Execution, error_json
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store.submit import submit


def refuse(hub: Hub, execution: Execution, error: HubError, run: Run | None = None) -> None:
    """Fail the execution; what was noted and not committed is left out, for it may be what was refused."""
    described = error_json(error.code, error.message, error.details)
    move = Move(status=ExecutionStatus.FAILED, at=hub.now(), error=described)
    started, move = aftermath(run, move) if run is not None else ([], move)
    change = Progress(
        tenant_id=execution.tenant_id,
        execution_id=execution.id,
        fence=execution.fence,
        parent_id=execution.parent_id,
        starts=tuple(started),
        move=move,
    )
    submit(hub.store, change)
    hub.wake()
