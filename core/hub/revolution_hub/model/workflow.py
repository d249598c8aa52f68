"""Workflow: the definition a person writes, parsed into values that are valid.

`parse` looks at the document alone; whether a connector, an action or a template exists is for
`engine/check.py`. A word that is not known here is refused, so that a misspelling never waits to be
found at run time.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from revolution_sdk.types import JsonObject


class TriggerKind(StrEnum):
    """What can start a workflow."""

    MANUAL = "manual"
    EVENT = "event"
    WEBHOOK = "webhook"


class StepKind(StrEnum):
    """What a step does: call an action, or one of the control words."""

    ACTION = "action"
    BRANCH = "if"
    SET = "set"
    FINISH = "finish"
    RESPOND = "respond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One way to start the workflow.

    `event` is an event type, `connection` the name of the connection it must come from. A webhook's
    `auth` is `standard-webhooks` or `none`, its `answer` `accepted` or `result`.
    """

    kind: TriggerKind
    path: str
    event: str | None = None
    connection: str | None = None
    auth: str = "standard-webhooks"
    answer: str = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a failed attempt is repeated.

    `attempts` counts the first one. The wait before attempt n+1 is `delay_s` doubled n-1 times, at most
    `longest_s`, with jitter; both are seconds.
    """

    attempts: int = 3
    delay_s: float = 2.0
    longest_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One element of a workflow. `path` is its place in the document, such as `steps[2].then[0]`.

    `condition` guards the step: a template, or true. A BRANCH has `then` and `otherwise` instead of work
    of its own. `body` is what the step's kind needs: `with`, `set`, `finish` or `respond` as written.
    """

    id: str
    path: str
    kind: StepKind
    condition: str | bool = True
    uses: str | None = None
    connection: str | None = None
    body: JsonObject = field(default_factory=dict)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    then: "tuple[Step, ...]" = ()
    otherwise: "tuple[Step, ...]" = ()

    @property
    def connector(self) -> str:
        """The connector of `uses`, empty for control words."""
        return (self.uses or "").partition(".")[0]

    @property
    def action(self) -> str:
        """The action's local name, empty for control words."""
        return (self.uses or "").partition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A valid definition. `vars` are initial values templates read as `vars`."""

    name: str
    triggers: tuple[Trigger, ...]
    steps: tuple[Step, ...]
    description: str = ""
    vars: JsonObject = field(default_factory=dict)

    def walk(self) -> tuple[Step, ...]:
        """Return every step, nested ones included, in the order they are written."""
        return _walk(self.steps)


Steps: TypeAlias = tuple[Step, ...]


def _walk(steps: Steps) -> Steps:
    found: list[Step] = []
    for step in steps:
        found += [step, *_walk(step.then), *_walk(step.otherwise)]
    return tuple(found)
