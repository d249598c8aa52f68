"""Changes: recorded facts handed to the store as values, and what came of them.

A change is complete in itself and independent of every other one, so that the store may put many into
one transaction, split them again, and tell each submitter its own outcome.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from revolution_hub.model.approval import Use
from revolution_hub.model.audit import AuditEntry
from revolution_hub.model.event import Event, StoredDelivery
from revolution_hub.model.execution import Attempt, Execution, StepExecution
from revolution_hub.model.fire import StoredFire
from revolution_hub.model.schedule import Overlap
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.model.values import quickly_made
from revolution_sdk.types import Json, JsonObject


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An execution's new status. Whoever moves it lets go of the lease."""

    status: ExecutionStatus
    at: datetime
    wait_reason: WaitReason | None = None
    wait_on: str | None = None
    wake_at: datetime | None = None
    output: Json = None
    error: JsonObject | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A child wants further items of its parent's `for_each`, at most so many.

    It has the items of hand-out number `round`. Of those it keeps some, and may give others back that it has
    not begun.
    """

    round: int
    most: int = 0
    kept: tuple[int, ...] = ()
    given_back: tuple[int, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a drive has done since its last change. Counts only while `fence` is still the newest claim.

    `connection_id` is the connection the step under way uses, or the one the execution needs a turn of.
    `starts` are executions that begin with this change, `emitted` events that come with it. `joins` replaces
    what is known of the children.
    With `use` an approval is used up by it, or nothing is recorded at all because that one is void.
    With `ends_children` every descendant that has not ended is cancelled for this reason. If `take` brings
    further items, `move` is not made.
    """

    tenant_id: str
    execution_id: str
    fence: int
    steps: tuple[StepExecution, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    response: JsonObject | None = None
    connection_id: str | None = None
    parent_id: str | None = None
    starts: tuple[Execution, ...] = ()
    emitted: "tuple[Intake, ...]" = ()
    joins: JsonObject | None = None
    ends_children: str | None = None
    take: Take | None = None
    use: Use | None = None
    move: Move | None = None


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """An event, the delivery it came in, if any, and the executions it starts; the event decides.

    If the event is already known, nothing of the rest is kept but the delivery, as another report of it.
    `steps` are what was already done in the executions before anybody outside could notice. With a `basis`,
    the hook it came by must still be at that revision.
    """

    event: Event
    delivery: StoredDelivery | None = None
    executions: tuple[Execution, ...] = ()
    steps: tuple[StepExecution, ...] = ()
    basis: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """A verified delivery in which there is no event for anybody. It was accepted, so it is kept.

    Its `mark` says why there is none.
    """

    delivery: StoredDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One execution started by hand. Its idempotency key decides if it has one.

    `steps` are what it need not do again. An `entry` goes into the audit log if it is new.
    """

    execution: Execution
    steps: tuple[StepExecution, ...] = ()
    entry: AuditEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One instant of a schedule, and the execution it is to start."""

    fire: StoredFire
    execution: Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """What one look at a schedule found: the instants to fire, and those that passed and start nothing.

    The schedule moves on from `basis`, its earliest instant, to `next_at`, at which it is looked at again at
    `wake_at`, or never. Nothing is kept if it has moved on, or was changed or paused, since. Which of the
    instants start an execution is for `overlap` to say.
    """

    tenant_id: str
    schedule_id: str
    version: int
    basis: datetime
    next_at: datetime
    wake_at: datetime | None
    at: datetime
    overlap: Overlap = Overlap.ALLOW
    firings: tuple[Firing, ...] = ()
    passed: StoredFire | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one look of a poll: the events it found, and where and when it goes on.

    Counts only while `fence` is the newest claim of the poll. With an `error` the look has failed; then, and
    if it is `idle` because nobody listens, nothing was found. An idle poll forgets its cursor.
    """

    tenant_id: str
    poll_id: str
    fence: int
    at: datetime
    next_at: datetime | None
    cursor: Json = None
    found: tuple[Intake, ...] = ()
    error: JsonObject | None = None
    failures: int = 0
    idle: bool = False


Change: TypeAlias = Progress | Intake | Keep | Start | Fire | Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The change is committed.

    `allotted` are the indexes of the items that were taken. `woke` says that it queued other executions.
    """

    execution_ids: tuple[str, ...] = ()
    allotted: tuple[int, ...] = ()
    woke: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """The same happening was recorded before; nothing new was. `of` is the id of the first record."""

    of: str
    execution_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced:
    """Somebody else holds the execution now, or it has ended; nothing was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """What the change was made from has changed since; nothing was recorded."""


Outcome: TypeAlias = Applied | Duplicate | Fenced | Stale
