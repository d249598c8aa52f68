"""A drive: steps in order, branches, control words, and what is committed when."""

from typing import Any

import pytest

from revolution_hub.errors import ConflictError
from revolution_hub.model.change import Move, Progress, Start
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.services import starts, versions, workflows
from revolution_hub.services.executions import cancel_execution
from revolution_hub.store import across, endings
from revolution_hub.store.submit import submit

READ = {"id": "page", "uses": "lab.read_page"}
SEND = {"id": "letter", "uses": "lab.send_letter"}


def test_steps_run_in_written_order_and_read_what_came_before(bench: Any, script: Any) -> None:
    script.next("read_page", {"title": "Home", "n": 3})
    seen = bench.run(
        {"id": "count", "set": {"wanted": "{{ inputs.wanted }}"}},
        {**READ, "with": {"number": "{{ vars.wanted }}"}},
        {**SEND, "with": {"text": "{{ steps.page.title }} x{{ steps.page.n }}"}},
        data={"wanted": 7},
    )
    assert (seen.status, seen.order) == ("succeeded", ["count", "page", "letter"])
    assert [(name, value) for name, value, _ in script.calls] == [
        ("read_page", {"number": 7}),
        ("send_letter", {"text": "Home x3"}),
    ]
    assert seen.steps["letter"].output == {"did": "send_letter"}
    assert [one.position for one in seen.steps.values()] == [0, 1, 2]


@pytest.mark.parametrize(("age", "taken"), [(18, "adult"), (17, "minor"), (None, "minor")])
def test_one_branch_is_taken_and_the_other_is_never_reached(age: Any, taken: str, bench: Any) -> None:
    seen = bench.run(
        {
            "id": "fork",
            "if": "{{ inputs.age and inputs.age >= 18 }}",
            "then": [{"id": "adult", "set": {"a": 1}}],
            "else": [{"id": "minor", "set": {"a": 2}}],
        },
        {"id": "after", "set": {"b": "{{ vars.a }}"}},
        data={"age": age},
    )
    assert seen.order == ["fork", taken, "after"]
    assert seen.steps["fork"].output == {"branch": "then" if taken == "adult" else "else"}
    assert seen.steps["after"].output == {"b": 1 if taken == "adult" else 2}


def test_branches_within_branches_come_back_to_the_step_behind_them(bench: Any) -> None:
    inner = {
        "id": "inner",
        "if": "{{ false }}",
        "then": [{"id": "no", "set": {}}],
        "else": [{"id": "deep", "set": {}}],
    }
    outer = {
        "id": "outer",
        "if": True,
        "then": [{"id": "first", "set": {}}, inner, {"id": "last", "set": {}}],
    }
    seen = bench.run(outer, {"id": "end", "set": {}})
    assert seen.order == ["outer", "first", "inner", "deep", "last", "end"]


def test_a_step_whose_if_says_no_is_skipped_and_seen_by_nobody(bench: Any, script: Any) -> None:
    seen = bench.run(
        {**SEND, "if": "{{ inputs.send }}"},
        {"id": "after", "set": {"sent": "{{ steps.letter.did | false }}"}},
        data={"send": False},
    )
    assert (seen.step("letter"), seen.steps["after"].output) == ("skipped", {"sent": False})
    assert script.calls == []
    assert seen.attempts == []


def test_set_steps_add_to_the_variables_and_later_ones_win(bench: Any) -> None:
    seen = bench.run(
        {"set": {"a": "{{ vars.a }}!", "list": ["{{ vars.b }}", 2]}},
        {"set": {"a": "{{ vars.a }}!"}},
        {"id": "all", "set": {"all": "{{ vars }}"}},
        vars={"a": "x", "b": {"deep": True}},
    )
    assert seen.steps["all"].output == {"all": {"a": "x!!", "b": {"deep": True}, "list": [{"deep": True}, 2]}}


def test_finish_ends_at_once_with_its_output_and_reason(bench: Any, script: Any) -> None:
    finish = {
        "id": "end",
        "if": "{{ true }}",
        "finish": {"reason": "no mail of {{ inputs.who }}", "output": {"n": "{{ inputs.n }}"}},
    }
    seen = bench.run(finish, SEND, data={"who": "Ada", "n": 5})
    assert (seen.status, seen.order) == ("succeeded", ["end"])
    assert (seen.execution.reason, seen.execution.output) == ("no mail of Ada", {"n": 5})
    assert seen.execution.error is None
    assert script.calls == []


def test_finish_may_say_failed(bench: Any) -> None:
    seen = bench.run({"finish": {"status": "failed", "reason": "not today"}})
    assert seen.status == "failed"
    assert seen.execution.error["code"] == "finished_failed"
    assert seen.execution.error["message"] == "not today"


def test_finish_inside_a_branch_ends_the_whole_execution(bench: Any) -> None:
    seen = bench.run({"id": "fork", "if": "{{ true }}", "then": [{"id": "end", "finish": {}}]}, SEND)
    assert (seen.status, seen.order) == ("succeeded", ["fork", "end"])


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        ({"status": 201, "body": {"id": "{{ inputs.n }}"}}, {"status": 201, "body": {"id": 4}}),
        ({"body": None}, {"status": 200, "body": None}),
        ({"status": None}, {"status": 200, "body": None}),
        ({}, {"status": 200, "body": None}),
        (None, {"status": 200, "body": None}),
    ],
)
def test_respond_answers_before_the_next_step_begins(
    given: Any, expect: Any, bench: Any, script: Any
) -> None:
    answered = []
    execution_id = bench.start({"respond": given}, {"uses": "lab.compute_sum"}, data={"n": 4})
    script.next("compute_sum", lambda ctx, value: answered.append(bench.look(execution_id)) or {})
    bench.work()
    assert answered[0].execution.response == expect
    assert answered[0].status == "running"
    assert bench.look(execution_id).execution.response == expect


def test_the_last_of_two_answers_does_not_lose_the_execution(bench: Any) -> None:
    seen = bench.run({"respond": {"body": 1}}, {"respond": {"body": 2}})
    assert (seen.status, seen.execution.response) == ("succeeded", {"status": 200, "body": 2})


def test_a_template_that_cannot_be_rendered_fails_the_step_with_a_caret(bench: Any, script: Any) -> None:
    seen = bench.run({"id": "x", "set": {"a": "{{ inputs.missing.deep }}"}}, SEND)
    assert (seen.status, seen.step("x")) == ("failed", "failed")
    assert seen.execution.error["step"] == "x"
    assert seen.execution.error["code"] == "template_invalid"
    assert "^" in seen.execution.error["message"]
    assert script.calls == []


def test_a_condition_that_cannot_be_evaluated_fails_the_step(bench: Any) -> None:
    seen = bench.run({"id": "x", "if": "{{ inputs.missing.deep }}", "set": {}})
    assert (seen.status, seen.step("x")) == ("failed", "failed")


def test_an_action_whose_input_cannot_be_rendered_is_never_called(bench: Any, script: Any) -> None:
    seen = bench.run({**SEND, "with": {"text": "{{ inputs.missing }}"}})
    assert (seen.status, seen.step("letter"), script.calls) == ("failed", "failed", [])


def test_an_input_that_breaks_the_schema_fails_the_step_with_every_problem(bench: Any, script: Any) -> None:
    bench.connect()
    invite = {"id": "invite", "uses": "club.invite_member", "with": {"who": "{{ inputs.who }}"}}
    seen = bench.run(invite, data={"who": {"not": "a text"}})
    assert (seen.status, script.calls) == ("failed", [])
    assert seen.execution.error["code"] == "input_invalid"
    assert seen.execution.error["details"]["problems"] == [
        {"path": "who", "message": "must be string", "code": "type"}
    ]


def test_what_a_step_was_given_and_gave_is_kept(bench: Any, script: Any) -> None:
    script.next("send_letter", {"n": 1, "odd": [None, {"ü": 1.5}]})
    seen = bench.run({**SEND, "with": {"a": ["{{ execution.version }}"]}})
    step = seen.steps["letter"]
    assert (step.input, step.output, step.uses) == (
        {"a": [1]},
        {"n": 1, "odd": [None, {"ü": 1.5}]},
        "lab.send_letter",
    )
    assert (step.started_at, step.finished_at) == (bench.clock.now, bench.clock.now)
    assert [(one.number, one.worker) for one in seen.attempts] == [(1, "wrk_1")]


def test_nothing_leaves_before_its_attempt_is_committed(bench: Any, script: Any) -> None:
    committed = []
    execution_id = bench.start({"set": {"a": 1}}, SEND)
    script.next("send_letter", lambda ctx, value: committed.append(bench.look(execution_id)) or {})
    bench.work()
    (seen,) = committed
    assert seen.order == ["at_steps_0", "letter"]
    assert (seen.step("letter"), seen.tried("letter")) == ("running", ["started"])
    assert seen.steps["letter"].input == {}


def test_the_result_of_once_is_committed_before_the_next_step_begins(bench: Any, script: Any) -> None:
    committed = []
    execution_id = bench.start(SEND, {"id": "sum", "uses": "lab.compute_sum"})
    script.next("compute_sum", lambda ctx, value: committed.append(bench.look(execution_id)) or {})
    bench.work()
    assert committed[0].step("letter") == "succeeded"
    assert "sum" not in committed[0].steps


def test_a_recorded_step_is_never_run_again(bench: Any, script: Any) -> None:
    script.next("put_page", bench.vanish())
    seen = bench.run({"id": "sum", "uses": "lab.compute_sum"}, SEND, {"id": "put", "uses": "lab.put_page"})
    assert seen.status == "succeeded"
    assert script.names() == ["compute_sum", "send_letter", "put_page", "put_page"]


def test_every_attempt_and_look_up_of_a_step_carries_the_same_key(bench: Any, script: Any) -> None:
    script.next("put_page", bench.vanish())
    execution_id = bench.run({"id": "put", "uses": "lab.put_page"}).execution.id
    assert script.count("put_page") == 2
    assert script.keys("put_page") == {f"{execution_id}.put"}


def test_a_stopping_worker_hands_back_after_the_step_it_is_at(bench: Any, script: Any) -> None:
    execution_id = bench.start(READ, SEND)

    def stop(ctx: Any, value: Any) -> Any:
        bench.watch.stopping = True
        return {}

    script.next("read_page", stop)
    bench.drive(bench.claim())
    seen = bench.look(execution_id)
    assert (seen.status, seen.step("page"), seen.execution.crashes) == ("queued", "succeeded", 0)
    bench.as_("wrk_2").work()
    assert bench.look(execution_id).status == "succeeded"
    assert script.names() == ["read_page", "send_letter"]


def test_cancelling_while_a_call_runs_fences_the_drive_off(bench: Any, script: Any) -> None:
    execution_id = bench.start({**READ, "uses": "lab.put_page"}, SEND)

    def cancelled(ctx: Any, value: Any) -> Any:
        with bench.hub.store.begin("ten_a") as tx:
            assert endings.cancel(tx, execution_id, bench.clock.now, "enough")
        return {"late": True}

    script.next("put_page", cancelled)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.reason) == ("cancelled", "enough")
    assert (seen.step("page"), seen.steps["page"].output) == ("running", None)
    assert script.names() == ["put_page"]


def test_an_execution_is_cancelled_once(bench: Any, script: Any) -> None:
    execution_id = bench.start(READ)
    ended = cancel_execution(bench.hub, bench.principal, execution_id).execution
    assert ended.status == "cancelled"
    with pytest.raises(ConflictError) as caught:
        cancel_execution(bench.hub, bench.principal, execution_id)
    assert caught.value.code == "already_ended"
    bench.work()
    assert (bench.look(execution_id).status, script.calls) == ("cancelled", [])


def test_the_late_finish_of_a_sleeper_changes_nothing(bench: Any, script: Any) -> None:
    execution_id = bench.start(READ)
    execution = bench.claim()
    bench.clock.advance(31)
    other = bench.as_("wrk_2")
    script.next("read_page", {"from": "other"}, {"from": "sleeper"})
    assert other.pass_time(0) == 1
    finished = bench.look(execution_id)
    bench.drive(execution)
    assert bench.look(execution_id) == finished
    assert (finished.status, finished.steps["page"].output) == ("succeeded", {"from": "other"})
    late = Move(status=ExecutionStatus.FAILED, at=bench.clock.now)
    submit(
        bench.hub.store,
        Progress(tenant_id="ten_a", execution_id=execution_id, fence=execution.fence, move=late),
    )
    assert bench.look(execution_id) == finished


def test_a_definition_that_is_gone_fails_the_execution_with_the_reason(bench: Any, make: Any) -> None:
    lost = make.execution(workflow_id="wf_gone", version=9)
    broken = make.execution(definition={"steps": "none"})
    for one in (lost, broken):
        submit(bench.hub.store, Start(execution=one))
    bench.work()
    assert bench.look(lost.id).execution.error["code"] == "not_found"
    assert bench.look(broken.id).execution.error["code"] == "definition_invalid"


def test_a_running_execution_keeps_its_version_when_a_newer_one_is_published(bench: Any, script: Any) -> None:
    published = bench.publish({"id": "old", "uses": "lab.read_page"}, {"id": "two", "set": {}})
    started, _ = starts.execute_workflow(bench.hub, bench.principal, published.workflow.id, {}, None)
    newer = {"name": "newer", "steps": [{"id": "new", "set": {}}]}
    revision = published.workflow.revision
    workflows.replace_workflow(bench.hub, bench.principal, published.workflow.id, newer, revision)
    versions.publish_workflow(bench.hub, bench.principal, published.workflow.id)
    bench.work()
    assert bench.look(started).order == ["old", "two"]
    again, _ = starts.execute_workflow(bench.hub, bench.principal, published.workflow.id, {}, None)
    bench.work()
    assert bench.look(again).order == ["new"]


def test_an_action_that_is_no_longer_installed_fails_with_that_reason(bench: Any) -> None:
    execution_id = bench.start(READ, SEND)
    bench.without("send_letter").work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.step("page"), seen.execution.error["code"]) == (
        "failed",
        "succeeded",
        "action_missing",
    )


def test_when_everything_is_done_nothing_is_left_held(bench: Any) -> None:
    bench.run(READ, SEND)
    assert bench.watch.held() == []
    assert across.count_queued(bench.hub.store, 10, isolated=False) == 0


def test_an_execution_of_too_many_steps_ends_with_the_limit_and_its_setting(bench: Any) -> None:
    few = bench.with_settings(execution_steps=5)
    seen = few.run(*[{"id": f"s{number}", "set": {"n": number}} for number in range(8)])
    error = seen.execution.error
    assert (seen.status, error["code"], error["details"]["setting"]) == (
        "failed",
        "limit_exceeded",
        "REVOLUTION_EXECUTION_STEPS",
    )
    assert few.run(*[{"set": {}} for _ in range(5)]).status == "succeeded"
