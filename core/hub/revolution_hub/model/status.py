"""The statuses things go through, as the glossary names them, and who brings each one on."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ExecutionStatus(StrEnum):
    """queued → running → succeeded | failed | cancelled, and running → waiting → queued."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})


class WaitReason(StrEnum):
    """Why an execution waits. `timer` and `retry` end by themselves, the others by what others do."""

    TIMER = "timer"
    RETRY = "retry"
    CALLBACK = "callback"
    CHILDREN = "children"
    TURN = "turn"
    CONNECTION = "connection"
    UNCERTAIN = "uncertain"
    APPROVAL = "approval"


class Owner(StrEnum):
    """Who brings an execution on that has not ended."""

    CLAIM = "a worker takes it when it is its tenant's turn"
    LEASE = "its worker keeps the lease; without one, or when it has run out, it is queued again"
    CLOCK = "it is queued at `wake_at`, at once without one"
    CALLER = "it is queued when its callback comes, and at `wake_at` if it has one"
    CHILDREN = "it is queued when the last of its children has ended, and at `wake_at` if it has one"
    HOLDER = "it is queued when one before it with the same concurrency key has ended"
    CONNECTION = "it is queued when the connection is there, and when it will never be"
    PERSON = "a person says what happened"
    APPROVER = "it is queued when its approval is decided, and at `wake_at`, the deadline"


OWNERS: Mapping[tuple[ExecutionStatus, WaitReason | None], Owner] = MappingProxyType(
    {
        (ExecutionStatus.QUEUED, None): Owner.CLAIM,
        (ExecutionStatus.RUNNING, None): Owner.LEASE,
        (ExecutionStatus.WAITING, WaitReason.TIMER): Owner.CLOCK,
        (ExecutionStatus.WAITING, WaitReason.RETRY): Owner.CLOCK,
        (ExecutionStatus.WAITING, WaitReason.CALLBACK): Owner.CALLER,
        (ExecutionStatus.WAITING, WaitReason.CHILDREN): Owner.CHILDREN,
        (ExecutionStatus.WAITING, WaitReason.TURN): Owner.HOLDER,
        (ExecutionStatus.WAITING, WaitReason.CONNECTION): Owner.CONNECTION,
        (ExecutionStatus.WAITING, WaitReason.UNCERTAIN): Owner.PERSON,
        (ExecutionStatus.WAITING, WaitReason.APPROVAL): Owner.APPROVER,
    }
)
"""Every state that is not an end, and its owner; a new reason to wait is entered here with its own.

Whatever waits in a way that is not entered has no owner, so the sweep queues it. A reason counts only while
an execution waits.
"""

CRASHES_BEFORE_ISOLATION = 2
"""After so many vanished workers an execution is driven alone."""
CRASHES_BEFORE_FAILURE = 3
"""After so many it has failed."""


def reasons_of(owner: Owner) -> list[str]:
    """Return what executions of this owner wait for."""
    return [str(reason) for (_, reason), one in OWNERS.items() if one is owner and reason is not None]


class StepStatus(StrEnum):
    """running → succeeded | failed | skipped | waiting | uncertain."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    WAITING = "waiting"
    UNCERTAIN = "uncertain"


RECORDED = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED})
"""A step with one of these is never run again."""


class AttemptStatus(StrEnum):
    """`started` is all that is known until an answer came; a worker that vanished leaves it so.

    `suspended` is one whose action waits for a sub-step; the next attempt goes on where it stood.
    """

    STARTED = "started"
    SUSPENDED = "suspended"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ConnectionStatus(StrEnum):
    """connected until the provider refuses the credential; disabled by a person."""

    CONNECTED = "connected"
    NEEDS_REAUTH = "needs_reauth"
    DISABLED = "disabled"
