"""The statuses things go through, as the glossary names them."""

from enum import StrEnum


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
    """Why an execution waits. `timer` and `retry` end by themselves, the others by somebody's act."""

    TIMER = "timer"
    RETRY = "retry"
    CONNECTION = "connection"
    UNCERTAIN = "uncertain"


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
    """`started` is all that is known until an answer came; a worker that vanished leaves it so."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ConnectionStatus(StrEnum):
    """connected until the provider refuses the credential; disabled by a person."""

    CONNECTED = "connected"
    NEEDS_REAUTH = "needs_reauth"
    DISABLED = "disabled"
