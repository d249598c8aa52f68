"""Approvals: a person's yes to exactly one step, what has to be fulfilled for it, and how it ends.

A demand is one rule as it was when the approval was asked for; all demands of an approval hold together.
Everything here is pure: who is a member, and what the time is, are arguments.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from revolution_hub.model.time import parse_moment, rfc3339
from revolution_sdk.types import Json, JsonObject

USER = "usr_"
"""What the id of a user begins with; any other assignee is the name of a role."""
DEADLINE_S = 7 * 86_400.0
"""How long an approval is waited for where no rule says anything else."""
SHORTEST_DEADLINE_S = 1.0
LONGEST_DEADLINE_S = 90 * 86_400.0
MOST_ASSIGNEES = 50
MOST_QUORUM = 20
LONGEST_COMMENT = 2_000
LONGEST_MESSAGE = 1_000
USE_WITHIN = timedelta(hours=1)
"""So long an approval that was given late counts even behind its deadline."""


class ApprovalStatus(StrEnum):
    """pending → approved → used; pending → rejected; pending | approved → expired | cancelled."""

    PENDING = "pending"
    APPROVED = "approved"
    USED = "used"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)
"""Nothing was executed by it yet, and something still may be."""


class Decision(StrEnum):
    """What a person says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """Who has to agree: `quorum` different ones of the assignees, users by id or roles by name.

    Without assignees it is whoever has the permission `approval:decide`. Who was not heard of within
    `deadline_s` is joined by those of `escalate_to` for as long again; without them it is a no.
    """

    assignees: tuple[str, ...] = ()
    quorum: int = 1
    deadline_s: float = DEADLINE_S
    escalate_to: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """A rule of a tenant for every action that its pattern names: `acme.send_mail`, `acme.*` or `*`."""

    id: str
    tenant_id: str
    pattern: str
    assignees: tuple[str, ...]
    quorum: int
    deadline_s: float
    escalate_to: tuple[str, ...]
    created_by: str
    created_at: datetime

    def covers(self, uses: str) -> bool:
        """Tell whether an action is named by the pattern."""
        connector = uses.partition(".")[0]
        return self.pattern in ("*", uses, f"{connector}.*")

    def rule(self) -> ApprovalRule:
        """Return what it asks for."""
        return ApprovalRule(
            assignees=self.assignees,
            quorum=self.quorum,
            deadline_s=self.deadline_s,
            escalate_to=self.escalate_to,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A rule as it holds for one approval. `source` says whose it is: `step`, `critical` or a policy's id."""

    source: str
    assignees: tuple[str, ...]
    quorum: int
    deadline_s: float
    deadline_at: datetime
    escalate_to: tuple[str, ...] = ()
    escalated: bool = False

    def as_json(self) -> JsonObject:
        """Return the demand as it is stored and shown."""
        return {
            "source": self.source,
            "assignees": list(self.assignees),
            "quorum": self.quorum,
            "deadline_s": self.deadline_s,
            "deadline_at": rfc3339(self.deadline_at),
            "escalate_to": list(self.escalate_to),
            "escalated": self.escalated,
        }

    @classmethod
    def of_json(cls, value: JsonObject) -> "Demand":
        """Return the demand that was stored as this."""
        return cls(
            source=value["source"],
            assignees=tuple(value["assignees"]),
            quorum=value["quorum"],
            deadline_s=value["deadline_s"],
            deadline_at=parse_moment(value["deadline_at"]),
            escalate_to=tuple(value["escalate_to"]),
            escalated=value["escalated"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Voter:
    """A member of the tenant who is not disabled, and whether the member's role may decide at all."""

    user_id: str
    role: str
    may_decide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one person has said to one approval, and by which way: `api` or `link`."""

    approval_id: str
    tenant_id: str
    user_id: str
    decision: Decision
    comment: str
    way: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A question to people: may this step be done with exactly this?

    `uses` is the action that is to be called, or the control word. `content` is what the digest was made
    of. `generation` counts how often it was asked for the same step; a `closed` one covers nothing any
    more, not even the retries of what it was used for. `requesters` are the people who asked for the
    execution, and can therefore not agree to it. `valid_until` is when an approval that was given and not
    used is void.
    """

    id: str
    tenant_id: str
    execution_id: str
    root_id: str
    workflow_id: str
    step_id: str
    uses: str
    generation: int
    status: ApprovalStatus
    digest: str
    content: Json
    demands: tuple[Demand, ...]
    requesters: tuple[str, ...]
    created_at: datetime
    deadline_at: datetime
    message: str = ""
    connection_id: str | None = None
    closed: bool = False
    reason: str | None = None
    decided_at: datetime | None = None
    valid_until: datetime | None = None
    used_at: datetime | None = None
    used_attempt: int | None = None
    used_fence: int | None = None
    votes: tuple[Vote, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An approval that is used up by the commit of this attempt, unless it is not what it was any more."""

    approval_id: str
    digest: str
    attempt: int
    at: datetime


def demands_of(rules: Iterable[tuple[str, ApprovalRule]], now: datetime) -> tuple[Demand, ...]:
    """Return the rules, each with its source, as demands that begin now."""
    return tuple(
        Demand(
            source=source,
            assignees=rule.assignees,
            quorum=rule.quorum,
            deadline_s=rule.deadline_s,
            deadline_at=now + timedelta(seconds=rule.deadline_s),
            escalate_to=rule.escalate_to,
        )
        for source, rule in rules
    )


def may_vote(demand: Demand, voter: Voter, requesters: Collection[str]) -> bool:
    """Tell whether a member may fulfill a demand: an assignee who may decide and has not asked for it."""
    if not voter.may_decide or voter.user_id in requesters:
        return False
    return not demand.assignees or voter.user_id in demand.assignees or voter.role in demand.assignees


def unfulfilled(approval: Approval, voters: Iterable[Voter]) -> list[Demand]:
    """Return the demands that the votes so far do not fulfill.

    A yes counts for every demand its voter could fulfill at this moment, whatever was true when it was said.
    """
    said_yes = {one.user_id for one in approval.votes if one.decision is Decision.APPROVE}
    known = [one for one in voters if one.user_id in said_yes]
    return [
        one
        for one in approval.demands
        if sum(may_vote(one, voter, approval.requesters) for voter in known) < one.quorum
    ]


def orphaned(
    demands: Sequence[Demand], requesters: Collection[str], voters: Sequence[Voter]
) -> Demand | None:
    """Return the first demand for which there are too few people to fulfill it, None if there are enough."""
    for one in demands:
        # Whoever joins in later counts: a rule may name somebody to escalate to for just this case.
        widest = escalated(one, one.deadline_at) if one.escalate_to else one
        if sum(may_vote(widest, voter, requesters) for voter in voters) < one.quorum:
            return one
    return None


def escalated(demand: Demand, now: datetime) -> Demand:
    """Return the demand with those it escalates to among its assignees, and as much time again."""
    # Without assignees everybody may answer already; naming some must not narrow that.
    assignees = tuple(dict.fromkeys((*demand.assignees, *demand.escalate_to))) if demand.assignees else ()
    return replace(
        demand,
        assignees=assignees,
        escalate_to=(),
        escalated=True,
        deadline_at=now + timedelta(seconds=demand.deadline_s),
    )


def after_deadline(approval: Approval, open_: Sequence[Demand], now: datetime) -> tuple[Demand, ...] | None:
    """Return the demands behind a deadline that has passed, None if that is the end of the approval.

    `open_` are those that are not fulfilled. Fulfilled ones wait for the others.
    """
    changed = []
    for one in approval.demands:
        late = one in open_ and now >= one.deadline_at
        if late and not one.escalate_to:
            return None
        changed.append(escalated(one, now) if late else one)
    return tuple(changed)


def earliest(demands: Sequence[Demand], open_: Sequence[Demand]) -> datetime:
    """Return the next deadline: of the demands that are open, or of all if none is."""
    return min(one.deadline_at for one in (open_ or demands))
