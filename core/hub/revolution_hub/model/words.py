"""The words of a workflow document and its limits, for all who read, describe or publish them."""

from typing import Final

from revolution_hub.model.workflow import StepKind, TriggerKind

MOST_STEPS: Final = 2_000
MOST_TRIGGERS: Final = 50
MOST_BRANCHES: Final = 20
MOST_CASES: Final = 100
MOST_CODES: Final = 50
MOST_AT_A_TIME: Final = 1_000
DEEPEST: Final = 12

LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 4_000
LONGEST_CASE: Final = 90
"""A case is part of the key of its block, which the store keeps in 200 characters."""

ID: Final = "[a-z][a-z0-9_]{0,63}"
USES: Final = r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*"

TOP: Final = (
    "name",
    "description",
    "on",
    "inputs",
    "vars",
    "concurrency",
    "idempotency",
    "steps",
    "on_failure",
)

TRIGGERS: Final = {
    TriggerKind.MANUAL: ("manual",),
    TriggerKind.EVENT: ("event", "connection", "where"),
    TriggerKind.WEBHOOK: ("webhook",),
    TriggerKind.SCHEDULE: ("schedule",),
}
"""The words that stand in a trigger of each kind; the first one makes it that kind."""

WEBHOOK: Final = (
    "auth",
    "answer",
    "methods",
    "allow",
    "headers",
    "max_bytes",
    "dedup",
    "deadline",
    "challenge",
)
HMAC: Final = ("header", "algorithm", "encoding", "prefix", "timestamp", "fields", "signed")
JWT: Final = ("algorithm", "issuer", "audience", "header")
SHORTEST_EVERY_S: Final = 60.0
WHEN: Final = ("cron", "every", "at")
POLICIES: Final = ("missed", "catch_up", "most", "overlap", "jitter", "description")
MISSED: Final = ("once", "skip", "all")
OVERLAP: Final = ("allow", "skip", "queue", "cancel_previous")
MOST_MOMENTS: Final = 100
LONGEST_JITTER_S: Final = 86_400.0

WORK: Final = {
    "uses": StepKind.ACTION,
    "switch": StepKind.SWITCH,
    "parallel": StepKind.PARALLEL,
    "for_each": StepKind.FOR_EACH,
    "wait": StepKind.WAIT,
    "call": StepKind.CALL,
    "emit": StepKind.EMIT,
    "set": StepKind.SET,
    "respond": StepKind.RESPOND,
    "finish": StepKind.FINISH,
}
"""The word that says what a step does; without one of these it is an `if` with `then` or `else`."""

EVERYWHERE: Final = ("id", "if", "approval")
BESIDE: Final = {
    StepKind.ACTION: ("with", "connection", "retry", "timeout", "on_error"),
    StepKind.BRANCH: ("then", "else"),
    StepKind.SWITCH: ("cases", "default"),
    StepKind.PARALLEL: ("timeout", "on_error"),
    StepKind.FOR_EACH: ("as", "steps", "concurrency", "on_item_error", "result", "timeout", "on_error"),
    StepKind.WAIT: ("timeout", "on_error"),
    StepKind.CALL: ("with", "timeout", "on_error"),
    StepKind.EMIT: ("on_error",),
    StepKind.SET: ("on_error",),
    StepKind.RESPOND: (),
    StepKind.FINISH: (),
}
"""The words that may stand beside those of EVERYWHERE and the word of the work."""

STEP: Final = tuple(
    dict.fromkeys((*EVERYWHERE, *WORK, *(word for words in BESIDE.values() for word in words)))
)

WAITS: Final = ("for", "until", "callback")
EMIT: Final = ("event", "data", "key")
FINISH: Final = ("status", "reason", "output")
STATUSES: Final = ("succeeded", "failed")
RESPOND: Final = ("status", "headers", "body")
RETRY: Final = ("attempts", "delay", "longest", "backoff", "jitter", "on")
APPROVAL: Final = ("assignees", "quorum", "deadline", "escalate_to", "message")
ASSIGNEE: Final = r"(usr_[0-9a-z]{1,60}|[a-z][a-z0-9_-]{0,39})"
"""A user by its id, or a role by its name."""
SHORTEST_TIMEOUT_S: Final = 0.001
LONGEST_DELAY_S: Final = 86_400.0
LONGEST_GROWN_S: Final = 604_800.0
CONCURRENCY: Final = ("key", "limit", "when_full")
WHEN_FULL: Final = ("queue", "skip")
ON_ITEM_ERROR: Final = ("stop", "continue")
ON_ERROR: Final = ("continue", "steps")
ON_FAILURE_WORDS: Final = ("steps", "workflow")

RESERVED: Final = ("trigger", "inputs", "vars", "steps", "execution", "callbacks", "error", "index")
"""What templates read under these names stays what it is: no `as` may take one of them."""
