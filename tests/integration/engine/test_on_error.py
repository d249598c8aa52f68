"""What a workflow provides for failure: a value, steps, an execution of its own."""

from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_sdk.errors import CredentialError, RejectedError, RetryableError

NO = RejectedError("there is no such page", code="no_such_page")
PAGE = {"id": "page", "uses": "lab.read_page"}


def executions_of_kind(bench: Any, kind: str) -> list[Any]:
    with bench.hub.store.read("ten_a") as tx:
        rows = tx.conn.execute(sa.select(t.executions).order_by(t.executions.c.id)).mappings()
        return [row for row in rows if row["trigger"].get("kind") == kind]


@pytest.mark.parametrize(
    ("on_error", "output"),
    [
        ("continue", None),
        ({"continue": {"title": "none"}}, {"title": "none"}),
        (
            {"continue": {"why": "{{ error.code }}: {{ error.message }}"}},
            {"why": "no_such_page: there is no such page"},
        ),
    ],
)
def test_a_value_stands_for_the_result_of_a_step_that_failed(
    on_error: Any, output: Any, bench: Any, script: Any
) -> None:
    script.next("read_page", NO)
    seen = bench.run(
        {**PAGE, "on_error": on_error}, {"id": "end", "set": {"got": "{{ steps.page | default: null }}"}}
    )
    assert (seen.status, seen.step("page"), seen.steps["page"].error["code"]) == (
        "succeeded",
        "failed",
        "no_such_page",
    )
    assert seen.steps["end"].output == {"got": output}


def test_steps_are_run_for_a_step_that_failed_and_the_execution_goes_on(bench: Any, script: Any) -> None:
    script.next("read_page", NO)
    step = {
        **PAGE,
        "on_error": {
            "steps": [{"id": "note", "set": {"code": "{{ error.code }}"}}, {"uses": "lab.send_letter"}]
        },
    }
    seen = bench.run(step, {"id": "end", "set": {"code": "{{ vars.code }}"}})
    assert (seen.status, seen.steps["end"].output, script.count("send_letter")) == (
        "succeeded",
        {"code": "no_such_page"},
        1,
    )


def test_steps_for_a_failure_are_not_run_where_there_is_none(bench: Any) -> None:
    seen = bench.run({**PAGE, "on_error": {"steps": [{"id": "note", "set": {}}]}})
    assert (seen.status, seen.order) == ("succeeded", ["page"])


def test_a_failure_within_the_steps_for_a_failure_ends_the_execution(bench: Any, script: Any) -> None:
    script.next("read_page", NO)
    script.next("put_page", RejectedError("not that either", code="refused"))
    seen = bench.run({**PAGE, "on_error": {"steps": [{"id": "put", "uses": "lab.put_page"}]}})
    assert (seen.status, seen.execution.error["code"], seen.execution.error["step"]) == (
        "failed",
        "refused",
        "put",
    )


def test_what_is_provided_counts_only_after_the_last_attempt(bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("busy"), {"title": "here"})
    execution_id = bench.start({**PAGE, "on_error": "continue", "retry": {"delay": 1}})
    bench.work()
    assert bench.look(execution_id).waits_for == "retry"
    bench.pass_time(5)
    assert bench.look(execution_id).steps["page"].output == {"title": "here"}


def test_a_template_that_cannot_be_computed_is_provided_for_as_well(bench: Any) -> None:
    seen = bench.run(
        {"id": "sum", "set": {"n": "{{ inputs.x + 1 }}"}, "on_error": {"continue": {"n": 0}}}, data={"x": "a"}
    )
    assert (seen.status, seen.steps["sum"].output) == ("succeeded", {"n": 0})


def test_an_input_that_is_refused_is_provided_for_as_well(bench: Any, script: Any) -> None:
    seen = bench.run(
        {"id": "there", "uses": "club.invite_member", "on_error": "continue", "with": {"who": 3}}
    )
    assert (seen.status, script.calls) == ("succeeded", [])


def test_a_provision_that_cannot_be_computed_fails_the_step(bench: Any, script: Any) -> None:
    script.next("read_page", NO)
    seen = bench.run({**PAGE, "on_error": {"continue": "{{ inputs.x + 1 }}"}}, data={"x": "a"})
    assert (seen.status, seen.execution.error["code"]) == ("failed", "template_invalid")


def test_waiting_for_a_connection_is_no_failure(bench: Any, script: Any) -> None:
    script.next("read_page", CredentialError("expired"))
    execution_id = bench.start({**PAGE, "on_error": "continue"})
    bench.work()
    assert bench.look(execution_id).waits_for == "connection"


def test_a_step_that_kills_its_workers_is_provided_for(bench: Any, script: Any) -> None:
    def die(ctx: Any, value: Any) -> Any:
        bench.die()
        return {}

    script.next("put_page", die, die, die)
    execution_id = bench.start(
        {"id": "put", "uses": "lab.put_page", "on_error": {"continue": "{{ error.code }}"}},
        {"id": "end", "set": {}},
    )
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["put"].output, seen.execution.crashes) == ("succeeded", "crashed", 0)


def test_only_the_errors_that_are_named_are_tried_again(bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("busy", code="busy"))
    retry = {"on": ["rate_limited"], "delay": 1}
    seen = bench.run({**PAGE, "retry": retry})
    assert (seen.status, script.count("read_page")) == ("failed", 1)
    script.next("read_page", RetryableError("busy", code="rate_limited"))
    execution_id = bench.start({**PAGE, "retry": retry})
    bench.work()
    assert bench.look(execution_id).waits_for == "retry"


def test_a_failed_execution_starts_the_steps_for_it_in_an_execution_of_its_own(
    bench: Any, script: Any
) -> None:
    script.next("read_page", NO)
    letter = {
        "uses": "lab.send_letter",
        "with": {"text": "{{ trigger.data.workflow }}: {{ trigger.data.error.code }}"},
    }
    seen = bench.run(PAGE, on_failure={"steps": [letter]}, name="pages", data={"a": 1})
    bench.work()
    assert seen.status == "failed"
    (after,) = executions_of_kind(bench, "failure")
    assert (after["status"], after["parent_id"], after["block"]) == ("succeeded", None, "on_failure")
    assert after["trigger"]["data"]["execution_id"] == seen.execution.id
    assert after["trigger"]["data"]["trigger"]["data"] == {"a": 1}
    assert script.calls[-1][1] == {"text": "pages: no_such_page"}


def test_another_workflow_is_started_by_a_failure(bench: Any, script: Any) -> None:
    bench.publish(
        {"uses": "lab.send_letter", "with": {"about": "{{ trigger.data.execution_id }}"}}, name="alarm"
    )
    script.next("read_page", NO)
    seen = bench.run(PAGE, on_failure={"workflow": "alarm"})
    bench.work()
    assert script.calls[-1][1] == {"about": seen.execution.id}


def test_a_failure_of_what_a_failure_started_starts_nothing(bench: Any, script: Any) -> None:
    script.next("read_page", NO, NO)
    bench.run(PAGE, on_failure={"steps": [{"id": "again", "uses": "lab.read_page"}]})
    bench.work()
    assert [row["status"] for row in executions_of_kind(bench, "failure")] == ["failed"]


def test_success_and_cancellation_start_nothing(bench: Any) -> None:
    bench.run(PAGE, on_failure={"steps": [{"set": {}}]})
    assert executions_of_kind(bench, "failure") == []


def test_a_failure_in_a_branch_starts_what_is_provided_once(bench: Any, script: Any) -> None:
    script.next("read_page", NO)
    bench.run({"parallel": {"a": [PAGE], "b": [{"set": {}}]}}, on_failure={"steps": [{"set": {}}]})
    bench.work()
    assert len(executions_of_kind(bench, "failure")) == 1
