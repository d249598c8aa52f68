"""Approvals on the bus, so that a workflow can tell people that they are asked, and what came of it."""

from revolution_hub.engine.emit import note
from revolution_hub.engine.run import Run
from revolution_hub.model.approval import Approval, ApprovalStatus
from revolution_hub.model.event import Event, EventSource
from revolution_hub.model.hub_events import APPROVAL_DECIDED, APPROVAL_REQUESTED
from revolution_hub.model.ids import new_id
from revolution_hub.model.time import rfc3339

SOURCE = "hub"


def tell(run: Run, approval: Approval, status: ApprovalStatus) -> None:
    """Note the event of an approval's status, which is kept with the next commit, and once.

    Raises LimitError if too many events have led to it: who is told would be asked, and told, for ever.
    """
    assignees = [one for demand in approval.demands for one in demand.assignees]
    pending = status is ApprovalStatus.PENDING
    event = Event(
        id=new_id("evt"),
        tenant_id=approval.tenant_id,
        source_id=SOURCE,
        source=EventSource.STEP,
        connector="",
        type=APPROVAL_REQUESTED if pending else APPROVAL_DECIDED,
        canonical=None,
        dedup_key=f"{approval.id}:{status}",
        data={
            "approval_id": approval.id,
            "status": str(status),
            "execution_id": approval.execution_id,
            "workflow_id": approval.workflow_id,
            "step_id": approval.step_id,
            "uses": approval.uses,
            "message": approval.message,
            "assignees": sorted(set(assignees)),
            "deadline_at": rfc3339(approval.deadline_at),
        },
        received_at=run.now,
    )
    note(run, event)
