"""rehearsal: what a dry run is given, what it tells, and what it may take. Pure."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from revolution_hub.catalog import Catalog
from revolution_hub.errors import LimitError, Problem
from revolution_hub.model.approval import ApprovalPolicy
from revolution_hub.model.execution import Execution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.strict_json import dump_json
from revolution_hub.model.time import rfc3339
from revolution_hub.model.workflow import Step, Workflow
from revolution_hub.template import limits
from revolution_sdk.types import Json, JsonObject

MOST_STEPS = 500
SECONDS = 2.0
TEMPLATE_SECONDS = 1.0
MOST_CHARS = 4_000_000
ITEMS_SHOWN = 3


class Source(StrEnum):
    """What stands for a step's output."""

    PINNED = "pinned"
    PAST = "past"
    SAMPLE = "sample"
    COMPUTED = "computed"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


@dataclass(slots=True, kw_only=True)
class Planned:
    """One step as it would be done. `within` are the branches, items and calls it is inside of.

    `approval` names the rules by which people would have to agree first: `step`, `critical`, policies' ids.
    `items` counts the list of a `for_each`, of which the first three are walked through.
    """

    step: Step
    within: tuple[str, ...]
    source: Source = Source.NOT_REACHED
    condition: bool | None = None
    effect: str | None = None
    approval: list[str] = field(default_factory=list)
    connection: str | None = None
    input: Json = None
    output: Json = None
    items: int | None = None
    error: JsonObject | None = None
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an execution, a branch or an item would end."""

    status: ExecutionStatus = ExecutionStatus.SUCCEEDED
    output: Json = None
    reason: str | None = None
    error: JsonObject | None = None

    @property
    def failed(self) -> bool:
        """Whether that is a failure."""
        return self.status is ExecutionStatus.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a walk may ask for. `connection_of` names the connection of a connector that would be used."""

    catalog: Catalog
    connection_of: Callable[[str, str | None], str | None]
    find_workflow: Callable[[str], Workflow | None]
    now: datetime
    policies: tuple[ApprovalPolicy, ...] = ()


@dataclass(slots=True)
class Budget:
    """What a whole walk may still take, and the steps it has told of."""

    give_up_s: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    chars_left: int = MOST_CHARS
    told: list[Planned] = field(default_factory=list)

    def limits(self) -> limits.Limits:
        """Return what the next template may take; raises LimitError when the time is up."""
        left_s = self.give_up_s - time.monotonic()
        if left_s <= 0:
            raise too_much(f"more than {SECONDS:g} s")
        return replace(limits.DEFAULT, seconds=min(TEMPLATE_SECONDS, left_s))

    def tell(self, planned: Planned) -> Planned:
        """Take one more step."""
        if len(self.told) >= MOST_STEPS:
            raise too_much(f"more than {MOST_STEPS} steps")
        self.told.append(planned)
        return planned

    def spend(self, value: Json) -> Json:
        """Account for a value that will be shown, and return it."""
        self.chars_left -= len(dump_json(value))
        if self.chars_left < 0:
            raise too_much(f"more than {MOST_CHARS:,} characters to show")
        return value


def too_much(what: str) -> LimitError:
    """Return the error of a dry run that comes to more than it may."""
    return LimitError(f"the dry run comes to {what}", code="dry_run_limit")


def pretended(now: datetime, kind: str, data: Json, workflow_id: str = "", version: int = 0) -> Execution:
    """Return an execution as templates see one, which is nowhere."""
    return Execution(
        id="exe_dry_run",
        tenant_id="",
        workflow_id=workflow_id,
        version=version,
        status=ExecutionStatus.RUNNING,
        trigger={"kind": kind, "data": data, "received_at": rfc3339(now)},
        created_at=now,
    )
