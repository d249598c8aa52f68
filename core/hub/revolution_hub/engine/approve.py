"""approve: the gate before every call of an action and every other step that people have to agree to.

It is here and nowhere else, so no way leads around it. An approval is found by execution, step and
generation, and counts only while its digest is that of what is about to be done. It is used up by the commit
that records the attempt; the automatic retries of that step execution are covered by it, and nothing else is.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from revolution_hub.access.deciders import voters_in
from revolution_hub.engine.approval_content import ControlWord, content_of, rules_for
from revolution_hub.engine.approval_events import tell
from revolution_hub.engine.call import Target
from revolution_hub.engine.run import Run
from revolution_hub.errors import AccessError
from revolution_hub.model import approval as rules
from revolution_hub.model.approval import Approval, ApprovalRule, ApprovalStatus, Demand, Use
from revolution_hub.model.approval_digest import digest_of, is_digest_of
from revolution_hub.model.audit import entry_of_hub
from revolution_hub.model.change import Move
from revolution_hub.model.execution import StepExecution, error_json
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ConnectionStatus, ExecutionStatus, StepStatus, WaitReason
from revolution_hub.model.workflow import Step
from revolution_hub.store import approvals, approvers, audit, details, workflows
from revolution_hub.store.tx import Tx
from revolution_hub.template.document import compile_document
from revolution_sdk.types import JsonObject

PENDING = "approval_pending"
"""The code in a step's error that says that it was stopped at the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the gate says: go on, go on and use this approval up, or wait with this record and move."""

    use: Use | None = None
    record: StepExecution | None = None
    move: Move | None = None


OPEN = Gate()


def gate(run: Run, step: Step, target: Target | ControlWord, record: StepExecution) -> Gate:
    """Decide whether an action may be called now, or another step be done, with exactly this input.

    Raises AccessError if that may not be at all: somebody said no, nobody answered in time, nobody is
    there who could, or what it was approved for is not there any more.
    """
    asked_for = rules_for(run.hub, run.execution.tenant_id, step, critical=target.critical)
    # One that was stopped here before is not let through because the rule is gone meanwhile.
    if not asked_for and (record.error or {}).get("code") != PENDING:
        return OPEN
    return _Question(run, step, target, record).answer(asked_for)


class _Question:
    """One step's question whether it may go on."""

    def __init__(self, run: Run, step: Step, target: Target | ControlWord, record: StepExecution) -> None:
        self.run = run
        self.step = step
        self.target = target
        self.record = record
        self.tenant_id = run.execution.tenant_id

    def answer(self, asked_for: list[tuple[str, ApprovalRule]]) -> Gate:
        """Look at what was asked for last, and ask if that does not say anything about this call."""
        with self.run.hub.store.read(self.tenant_id) as tx:
            last = approvals.find_last(tx, self.record.execution_id, self.record.step_id)
        if not asked_for and (last is None or last.closed):
            # It was a part of it that was stopped here.
            return OPEN
        generation = 1 if last is None else last.generation + last.closed
        content = self._content(generation)
        if last is None or last.closed:
            return self._ask(asked_for, generation, content)
        if not is_digest_of(last.digest, content):
            return self._ask_anew(asked_for, last)
        match last.status:
            case ApprovalStatus.USED:
                return OPEN
            case ApprovalStatus.PENDING:
                return self._still_pending(last)
            case ApprovalStatus.APPROVED:
                return self._go_on(last)
            case _:
                raise self._refused(last, last.status, last.reason)

    def _content(self, generation: int) -> JsonObject:
        return content_of(self.run.hub, self.run.execution, self.target, self.record, generation)

    def _ask_anew(self, asked_for: list[tuple[str, ApprovalRule]], last: Approval) -> Gate:
        """Ask again because what would be called is not what was asked for before."""
        if last.status in rules.OPEN:
            self._end(last, ApprovalStatus.CANCELLED, "what was to be approved has changed")
        # The rules of the first question hold on where those of now ask for nothing.
        asked_again = asked_for or [
            (one.source, ApprovalRule(assignees=one.assignees, quorum=one.quorum, deadline_s=one.deadline_s))
            for one in last.demands
        ]
        generation = last.generation + 1
        return self._ask(asked_again, generation, self._content(generation))

    def _ask(self, asked_for: list[tuple[str, ApprovalRule]], generation: int, content: JsonObject) -> Gate:
        now, message = self.run.now, self._message()
        demands = rules.demands_of(asked_for, now)
        approval = Approval(
            id=new_id("apr"),
            tenant_id=self.tenant_id,
            execution_id=self.record.execution_id,
            root_id="",
            workflow_id=self.run.execution.workflow_id,
            step_id=self.record.step_id,
            uses=self.target.name,
            generation=generation,
            status=ApprovalStatus.PENDING,
            digest=digest_of(content),
            content=content,
            demands=demands,
            requesters=(),
            message=message,
            connection_id=self.record.connection_id,
            created_at=now,
            deadline_at=rules.earliest(demands, demands),
        )
        with self.run.hub.store.begin(self.tenant_id) as tx:
            last = approvals.find_last(tx, approval.execution_id, approval.step_id)
            overtaken = last is not None and last.generation >= generation
            approval, lonely = self._addressed(tx, approval)
            if lonely is None and not overtaken:
                approvals.add(tx, approval)
                self._note(tx, "approval.request", approval.id)
        if overtaken:
            # Another worker believes to hold the execution, too, and has asked; the commit says which does.
            return self.answer(asked_for)
        if lonely is not None:
            raise _orphaned(lonely)
        return self._wait(approval, approval.deadline_at)

    def _addressed(self, tx: Tx, approval: Approval) -> tuple[Approval, Demand | None]:
        """Return the approval with who asks, and the demand that too few people could fulfill, or None."""
        root_id = details.root_of(tx, approval.execution_id)
        requesters = approvers.requesters_of(tx, root_id)
        lonely = rules.orphaned(approval.demands, requesters, voters_in(tx))
        return replace(approval, root_id=root_id, requesters=requesters), lonely

    def _message(self) -> str:
        written = self.step.approval.message if self.step.approval is not None else ""
        shown = compile_document(written).render(self.run.scope(), now=self.run.now) if written else ""
        return str(shown)[: rules.LONGEST_MESSAGE]

    def _still_pending(self, last: Approval) -> Gate:
        if self.run.now < last.deadline_at:
            return self._wait(last, last.deadline_at)
        with self.run.hub.store.begin(self.tenant_id) as tx:
            open_ = rules.unfulfilled(last, voters_in(tx))
            changed = rules.after_deadline(last, open_, self.run.now)
            if changed is None:
                over = approvals.move(
                    tx, last, ApprovalStatus.EXPIRED, self.run.now, reason="nobody answered in time"
                )
                self._note(tx, "approval.expire", last.id, happened=over)
            else:
                left = [one for one in changed if one.source in {each.source for each in open_}]
                deadline_at = rules.earliest(changed, left)
                over = approvals.prolong(tx, last, changed, deadline_at)
                self._note(tx, "approval.escalate", last.id, happened=over)
        if not over:
            # Somebody was quicker; the next look finds what came of it.
            return self._wait(last, last.deadline_at)
        if changed is None:
            raise self._refused(last, ApprovalStatus.EXPIRED, "nobody answered in time")
        return self._wait(last, deadline_at)

    def _go_on(self, last: Approval) -> Gate:
        """Look once more whether everything is as it was when people agreed, and use the approval up."""
        run = self.run
        with run.hub.store.read(self.tenant_id) as tx:
            because = self._void(tx, last)
        if because is not None:
            ended = ApprovalStatus.CANCELLED if because else ApprovalStatus.EXPIRED
            reason = because or "it was not used in time"
            self._end(last, ended, reason)
            raise self._refused(last, ended, reason)
        tried = run.last_attempt(self.record.step_id)
        number = tried.number + 1 if tried else 1
        tell(run, last, ApprovalStatus.APPROVED)
        return Gate(use=Use(approval_id=last.id, digest=last.digest, attempt=number, at=run.now))

    def _void(self, tx: Tx, last: Approval) -> str | None:
        """Return why an approval counts no more, empty if it is only too old, None if it counts."""
        execution, connection = self.run.execution, self.target.connection
        if last.valid_until is None or self.run.now > last.valid_until:
            return ""
        if execution.version > 0 and not workflows.is_published(tx, execution.workflow_id):
            return "the workflow is not published any more"
        if connection is not None and connection.status is not ConnectionStatus.CONNECTED:
            return f"the connection is {connection.status}"
        if rules.unfulfilled(last, voters_in(tx)):
            return "who approved it may not do so any more"
        return None

    def _end(self, last: Approval, status: ApprovalStatus, reason: str) -> None:
        with self.run.hub.store.begin(self.tenant_id) as tx:
            if approvals.move(tx, last, status, self.run.now, reason=reason):
                self._note(tx, "approval.cancel", last.id)

    def _note(self, tx: Tx, action: str, approval_id: str, *, happened: bool = True) -> None:
        if happened:
            audit.append(tx, entry_of_hub(self.tenant_id, action, approval_id, self.run.now))

    def _refused(self, last: Approval, status: ApprovalStatus, reason: str | None) -> AccessError:
        tell(self.run, last, status)
        told = f"{_TOLD[status]}: {reason}" if reason else _TOLD[status]
        return AccessError(told, code=f"approval_{status}")

    def _wait(self, approval: Approval, deadline_at: datetime) -> Gate:
        approval_id = approval.id
        tell(self.run, approval, ApprovalStatus.PENDING)
        told = f"waits for the approval {approval_id}"
        waiting = replace(
            self.record,
            status=StepStatus.WAITING,
            error=error_json(PENDING, told, {"approval_id": approval_id}),
            wake_at=deadline_at,
        )
        move = Move(
            status=ExecutionStatus.WAITING,
            at=self.run.now,
            wait_reason=WaitReason.APPROVAL,
            wait_on=approval_id,
            wake_at=deadline_at,
        )
        return Gate(record=waiting, move=move)


def _orphaned(lonely: Demand) -> AccessError:
    named = ", ".join(lonely.assignees) or "those who may decide"
    return AccessError(
        f"too few people may approve this: {lonely.quorum} of {named} are needed, and who asked for the "
        "execution does not count",
        code="approval_orphaned",
        details={"rule": lonely.source},
    )


_TOLD = {
    ApprovalStatus.REJECTED: "somebody said no",
    ApprovalStatus.EXPIRED: "the approval has expired",
    ApprovalStatus.CANCELLED: "the approval was cancelled",
}
