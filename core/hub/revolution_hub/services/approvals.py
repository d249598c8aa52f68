"""Approvals: seeing what people are asked, and answering it. Only people answer, never their own requests."""

from dataclasses import dataclass, replace
from datetime import datetime

from revolution_hub.access.deciders import voters_in
from revolution_hub.access.rbac import require
from revolution_hub.errors import AccessError, ConflictError, HubError
from revolution_hub.hub import Hub
from revolution_hub.model.approval import (
    USE_WITHIN,
    Approval,
    ApprovalStatus,
    Decision,
    Vote,
    Voter,
    may_vote,
    unfulfilled,
)
from revolution_hub.model.audit import entry_of
from revolution_hub.model.principal import Kind, Principal
from revolution_hub.model.status import ENDED, ExecutionStatus
from revolution_hub.store import approvals, audit
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx

API = "api"
LINK = "link"
"""The ways an answer comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody says, why, and by which way."""

    decision: Decision
    comment: str = ""
    way: str = API


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which approvals are looked for. `mine` are those that wait for an answer of who asks."""

    status: str | None = None
    execution_id: str | None = None
    mine: bool = False


def list_approvals(
    hub: Hub, principal: Principal, page: Page, wanted: Wanted
) -> tuple[list[Approval], str | None]:
    """Return one page of approvals and the cursor for the next."""
    require(principal, "approval:read")
    with hub.store.read(principal.tenant_id) as tx:
        if not wanted.mine:
            return approvals.list_page(tx, page, status=wanted.status, execution_id=wanted.execution_id)
        return _page(_mine(tx, principal, wanted), page)


def get_approval(hub: Hub, principal: Principal, approval_id: str) -> Approval:
    """Return an approval with everything it is bound to, or raise NotFoundError."""
    require(principal, "approval:read")
    with hub.store.read(principal.tenant_id) as tx:
        return approvals.get(tx, approval_id)


def decide_approval(hub: Hub, principal: Principal, approval_id: str, answer: Answer) -> Approval:
    """Say yes or no to what an approval asks for.

    The first no ends it, and so does the last yes that is needed; the execution then goes on. Raises
    AccessError for whoever is no person, is not asked, or has asked for it; ConflictError where there is
    nothing to decide any more. Both leave their entry in the audit log.
    """
    require(principal, "approval:decide")
    with hub.store.begin(principal.tenant_id) as tx:
        told = take_answer(tx, principal, approval_id, answer, hub.now())
    if isinstance(told, HubError):
        raise told
    hub.wake()
    return told


def take_answer(
    tx: Tx, principal: Principal, approval_id: str, answer: Answer, now: datetime
) -> Approval | HubError:
    """Write an answer with its audit entry; returns the approval then, or why the answer does not count."""
    require(principal, "approval:decide")
    execution_id = approvals.get(tx, approval_id).execution_id
    status = approvals.lock_execution(tx, execution_id)
    # Read again behind the lock: of two who answer at once the second one sees what the first one said.
    approval = approvals.get(tx, approval_id)
    voter = next((one for one in voters_in(tx) if one.user_id == principal.id), None)
    refused = _refusal(principal, voter, approval, status, now)
    said = {"decision": str(answer.decision), "way": answer.way} | (
        {"comment": answer.comment} if answer.comment else {}
    )
    action = "approval.refuse" if refused is not None else f"approval.{answer.decision}"
    audit.append(tx, entry_of(principal, action, approval.id, now, after=said))
    return refused or _counted(tx, principal, approval, answer, now)


def _refusal(
    principal: Principal,
    voter: Voter | None,
    approval: Approval,
    status: ExecutionStatus | None,
    now: datetime,
) -> HubError | None:
    """Return why an answer does not count, None if it does."""
    if principal.kind is not Kind.USER:
        return AccessError(
            "only a person answers an approval, signed in or by a link; a key or a service never does",
            code="person_needed",
        )
    if principal.id in approval.requesters:
        return AccessError("who asked for the execution cannot agree to it", code="own_request")
    if voter is None or not any(may_vote(one, voter, approval.requesters) for one in approval.demands):
        return AccessError("this approval is not yours to answer", code="not_assigned")
    if approval.status is not ApprovalStatus.PENDING:
        details = {"status": str(approval.status)}
        return ConflictError(f"it is {approval.status} already", code="already_decided", details=details)
    if now >= approval.deadline_at:
        return ConflictError("its deadline has passed", code="approval_expired")
    if status is None or status in ENDED:
        return ConflictError("the execution has ended", code="not_waiting")
    if any(one.user_id == principal.id for one in approval.votes):
        return ConflictError("you have answered it already; others are still asked", code="already_voted")
    return None


def _counted(tx: Tx, principal: Principal, approval: Approval, answer: Answer, now: datetime) -> Approval:
    vote = Vote(
        approval_id=approval.id,
        tenant_id=approval.tenant_id,
        user_id=principal.id,
        decision=answer.decision,
        comment=answer.comment,
        way=answer.way,
        at=now,
    )
    approvals.add_vote(tx, vote)
    voted = replace(approval, votes=(*approval.votes, vote))
    settled = True
    if answer.decision is Decision.REJECT:
        settled = approvals.move(tx, voted, ApprovalStatus.REJECTED, now, reason=answer.comment or None)
    elif unfulfilled(voted, voters_in(tx)):
        return voted
    else:
        until = max(voted.deadline_at, now + USE_WITHIN)
        settled = approvals.move(tx, voted, ApprovalStatus.APPROVED, now, valid_until=until)
    if not settled:
        raise ConflictError("somebody else has decided it at this moment", code="already_decided")
    approvals.resume_decided(tx.conn, [approval.execution_id])
    return approvals.get(tx, approval.id)


def _mine(tx: Tx, principal: Principal, wanted: Wanted) -> list[Approval]:
    """Return what waits for an answer of this principal, oldest first."""
    voter = next((one for one in voters_in(tx) if one.user_id == principal.id), None)
    if voter is None or wanted.status not in (None, str(ApprovalStatus.PENDING)):
        return []
    return [
        one
        for one in approvals.list_pending(tx)
        if any(may_vote(demand, voter, one.requesters) for demand in one.demands)
        and all(vote.user_id != voter.user_id for vote in one.votes)
        and wanted.execution_id in (None, one.execution_id)
    ]


def _page(found: list[Approval], page: Page) -> tuple[list[Approval], str | None]:
    if page.newest_first:
        found = found[::-1]
    if page.after is not None:
        behind = page.after
        found = [one for one in found if (one.id < behind if page.newest_first else one.id > behind)]
    shown = found[: page.limit]
    return shown, shown[-1].id if len(found) > page.limit else None
