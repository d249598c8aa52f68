"""Workflow: the definition a person writes, parsed into values that are valid.

`parse` looks at the document alone; whether a connector, an action or a template exists is for
`engine/check.py`. A word that is not known here is refused, so that a misspelling never waits to be
found at run time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from revolution_hub.model.approval import ApprovalRule
from revolution_hub.model.schedule import Schedule
from revolution_hub.model.webhook import Webhook
from revolution_sdk.types import Json, JsonObject

ON_FAILURE = "on_failure"
"""The key of the block that is run, as an execution of its own, when an execution has failed."""


class TriggerKind(StrEnum):
    """What can start a workflow."""

    MANUAL = "manual"
    EVENT = "event"
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"


class StepKind(StrEnum):
    """What a step does: call an action, or one of the control words."""

    ACTION = "action"
    BRANCH = "if"
    SWITCH = "switch"
    PARALLEL = "parallel"
    FOR_EACH = "for_each"
    WAIT = "wait"
    CALL = "call"
    EMIT = "emit"
    SET = "set"
    FINISH = "finish"
    RESPOND = "respond"


BRANCHING = frozenset({StepKind.BRANCH, StepKind.SWITCH})
"""One of their blocks is entered where the step stands, in the same execution."""
SPREADING = frozenset({StepKind.PARALLEL, StepKind.FOR_EACH, StepKind.CALL})
"""Their work is done by child executions, which are joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One way to start the workflow.

    `event` is an event type or a wildcard such as `crm.contact.*`, `connection` the name of the connection it
    must come from, `where` a condition over `trigger` that has to hold.
    `webhook` is how the workflow's own address is asked.
    """

    kind: TriggerKind
    path: str
    event: str | None = None
    connection: str | None = None
    where: str | None = None
    webhook: Webhook | None = None
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a failed attempt is repeated.

    `attempts` counts the first one. The wait before attempt n+1 is `delay_s` times `backoff` to the power
    of n-1, at most `longest_s`, with up to the share `jitter` of it added; both times are seconds. With
    `only`, no error but those of these codes is tried again.
    """

    attempts: int = 3
    delay_s: float = 2.0
    longest_s: float = 300.0
    backoff: float = 2.0
    jitter: float = 0.25
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Steps under one name: `then` and `else` of an `if`, a switch's case, a parallel's branch.

    A switch's cases are named `case:<value>`, its default `default`; the body of a `for_each` is `steps`,
    the steps of an `on_error` are `on_error`.
    """

    name: str
    path: str
    steps: "tuple[Step, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """How a `for_each` goes through its items.

    `variable` is the name templates read an item by. At most `concurrency` items are under way at a time.
    With `stop` an item that fails is the last that is begun, and the step fails; without it the others go on.
    """

    variable: str = "item"
    concurrency: int = 1
    stop: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OnError:
    """What follows when a step has failed for good: `value` stands for its result, or `block` is run."""

    path: str
    value: Json = None
    block: Block | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One element of a workflow. `path` is its place in the document, such as `steps[2].then[0]`.

    `condition` guards the step: a template, or true; of a BRANCH it is what decides. `body` is what the
    step's kind needs, as written: the inputs under `with` of an ACTION and a CALL, what is under the control
    word of SET, FINISH, RESPOND, EMIT and WAIT, `{"value"}` of a SWITCH, `{"items", "result"}` of a FOR_EACH.
    `target` is the name of the workflow a CALL calls, `event` the type of what an EMIT reports. `timeout_s`
    is how long the step may take in all, its retries and waits included. `approval` says who has to agree
    before the step is done.
    """

    id: str
    path: str
    kind: StepKind
    condition: str | bool = True
    uses: str | None = None
    connection: str | None = None
    target: str | None = None
    event: str | None = None
    body: JsonObject = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    loop: Loop = field(default_factory=Loop)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout_s: float | None = None
    on_error: OnError | None = None
    approval: ApprovalRule | None = None

    @property
    def connector(self) -> str:
        """The connector of `uses`, empty for control words."""
        return (self.uses or "").partition(".")[0]

    @property
    def action(self) -> str:
        """The action's local name, empty for control words."""
        return (self.uses or "").partition(".")[2]

    def block(self, name: str) -> "Steps":
        """Return the steps of the block of this name, none if there is no such block."""
        return next((one.steps for one in self.blocks if one.name == name), ())

    def all_blocks(self) -> tuple[Block, ...]:
        """Return every block of the step, that of its `on_error` included."""
        if self.on_error is None or self.on_error.block is None:
            return self.blocks
        return (*self.blocks, self.on_error.block)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """At most `limit` executions with the same rendered `key` are under way; the others wait, or are skipped.

    The key is a template over `trigger`.
    """

    key: str = ""
    limit: int = 1
    skip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFailure:
    """What is started when an execution has failed: a `block` of the same definition, or a workflow."""

    path: str
    block: Block | None = None
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A valid definition. `vars` are initial values templates read as `vars`.

    `inputs` is the JSON Schema of what a person or a calling workflow hands in, None if anything may be.
    `idempotency` is a template over `trigger`: what renders to the same text starts once.
    """

    name: str
    triggers: tuple[Trigger, ...]
    steps: tuple[Step, ...]
    description: str = ""
    inputs: JsonObject | None = None
    vars: JsonObject = field(default_factory=dict)
    concurrency: Concurrency | None = None
    idempotency: str | None = None
    on_failure: OnFailure | None = None

    def walk(self) -> "Steps":
        """Return every step in written order, nested ones and those of `on_failure` included."""
        after = self._after()
        return tuple(_walk((*self.steps, *(after.steps if after else ()))))

    @cached_property
    def blocks(self) -> "dict[str, Steps]":
        """The steps a child execution may be told to run, by key: `block_key`, or ON_FAILURE."""
        found = {block_key(step.id, one.name): one.steps for step in self.walk() for one in step.all_blocks()}
        after = self._after()
        return found | ({ON_FAILURE: after.steps} if after else {})

    @cached_property
    def by_id(self) -> "dict[str, Step]":
        """Every step by its id."""
        return {step.id: step for step in self.walk()}

    @cached_property
    def has_callbacks(self) -> bool:
        """Whether any step waits for a callback."""
        return any(step.kind is StepKind.WAIT and "callback" in step.body for step in self.walk())

    def _after(self) -> Block | None:
        return self.on_failure.block if self.on_failure else None


Steps: TypeAlias = tuple[Step, ...]


def block_key(step_id: str, name: str) -> str:
    """Return the key of a step's block within its workflow."""
    return f"{step_id}/{name}"


def _walk(steps: Steps) -> Iterator[Step]:
    for step in steps:
        yield step
        for block in step.all_blocks():
            yield from _walk(block.steps)
