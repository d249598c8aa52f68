"""plan: which step comes next, from the definition and the records alone."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from revolution_hub.engine.plan import entered, remaining
from revolution_hub.model.execution import StepExecution
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.status import StepStatus
from revolution_hub.model.workflow import Step

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DOCUMENT = {
    "name": "x",
    "steps": [
        {"id": "a", "set": {}},
        {
            "id": "fork",
            "if": "{{ vars.x }}",
            "then": [
                {"id": "t1", "set": {}},
                {"id": "inner", "if": True, "then": [{"id": "deep", "set": {}}]},
            ],
            "else": [{"id": "e1", "set": {}}],
        },
        {"id": "z", "set": {}},
    ],
}
STEPS = parse(DOCUMENT).steps


def next_step(steps: tuple[Step, ...], recorded: dict[str, StepExecution]) -> Step | None:
    return next(remaining(steps, lambda step: recorded.get(step.id)), None)


def record(step_id: str, status: str, branch: str | None = None) -> StepExecution:
    return StepExecution(
        execution_id="exe_1",
        tenant_id="ten_1",
        step_id=step_id,
        position=0,
        kind="set",
        status=StepStatus(status),
        started_at=NOW,
        output={"branch": branch} if branch else {},
    )


@dataclass(frozen=True)
class Case:
    name: str
    expect: str | None
    given: dict[str, Any] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)


DONE = "succeeded"
CASES = [
    Case("nothing recorded", "a"),
    Case("a begun step comes again", "a", {"a": "running"}),
    Case("a waiting step comes again", "a", {"a": "waiting"}),
    Case("an uncertain step comes again", "a", {"a": "uncertain"}),
    Case("a step with a result is passed", "fork", {"a": DONE}),
    Case("a skipped step is passed", "fork", {"a": "skipped"}),
    Case("then is entered", "t1", {"a": DONE}, {"fork": "then"}),
    Case("else is entered", "e1", {"a": DONE}, {"fork": "else"}),
    Case("an inner branch is reached in turn", "inner", {"a": DONE, "t1": DONE}, {"fork": "then"}),
    Case("an inner branch is entered", "deep", {"a": DONE, "t1": DONE}, {"fork": "then", "inner": "then"}),
    Case("an empty else is passed", "z", {"a": DONE, "t1": DONE}, {"fork": "then", "inner": "else"}),
    Case("behind a finished else", "z", {"a": DONE, "e1": DONE}, {"fork": "else"}),
    Case("the other branch does not count", "e1", {"a": DONE, "t1": DONE}, {"fork": "else"}),
    Case("a later result does not hide an open step", "a", {"z": DONE}),
    Case("all done", None, {"a": DONE, "e1": DONE, "z": DONE}, {"fork": "else"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_first_step_without_a_result_is_next(case: Case) -> None:
    recorded = {name: record(name, status) for name, status in case.given.items()}
    recorded |= {name: record(name, DONE, branch) for name, branch in case.branches.items()}
    found = next_step(STEPS, recorded)
    assert (found.id if found else None) == case.expect


def test_a_skipped_fork_leaves_both_branches_alone() -> None:
    recorded = {"a": record("a", DONE), "fork": record("fork", "skipped")}
    found = next_step(STEPS, recorded)
    assert found is not None
    assert found.id == "z"


def test_no_steps_need_nothing() -> None:
    assert next_step((), {}) is None


def test_what_was_taken_is_read_from_the_record() -> None:
    assert [one.id for one in entered(STEPS[1], record("fork", DONE, "then"))] == ["t1", "inner"]
    assert [one.id for one in entered(STEPS[1], record("fork", DONE, "else"))] == ["e1"]


@pytest.mark.parametrize(
    ("case", "inner"), [("de", ["german"]), ("fr", ["french"]), ("at", ["other"]), (None, ["other"])]
)
def test_the_case_that_was_taken_is_entered_else_the_default(case: str | None, inner: list[str]) -> None:
    cases = {"de": [{"id": "german", "set": {}}], "fr": [{"id": "french", "set": {}}]}
    default = [{"id": "other", "set": {}}]
    (step,) = parse(
        {"name": "x", "steps": [{"id": "way", "switch": "{{ vars.x }}", "cases": cases, "default": default}]}
    ).steps
    taken = case if case in cases else None
    found = replace(record("way", DONE), output={"case": taken})
    assert [one.id for one in entered(step, found)] == inner


def test_the_steps_for_a_failure_are_entered_behind_it_alone() -> None:
    (step,) = parse(
        {
            "name": "x",
            "steps": [{"id": "a", "uses": "x.do_it", "on_error": {"steps": [{"id": "b", "set": {}}]}}],
        }
    ).steps
    assert [one.id for one in entered(step, record("a", "failed"))] == ["b"]
    assert entered(step, record("a", DONE)) == ()


def test_a_walk_goes_on_as_the_records_come_in() -> None:
    recorded: dict[str, StepExecution] = {}
    seen = []
    for step in remaining(STEPS, lambda step: recorded.get(step.id)):
        seen.append(step.id)
        recorded[step.id] = record(step.id, DONE, "then" if step.blocks else None)
    assert seen == ["a", "fork", "t1", "inner", "deep", "z"]
