"""Workers that vanish: what is repeated, what is looked up, and when it ends."""

from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.engine.claim import Claimer
from revolution_hub.engine.recover import sweep
from revolution_hub.model.change import Move, Progress, Start
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.services import connections, executions
from revolution_hub.services.executions import Verdict
from revolution_hub.store import tables as t
from revolution_hub.store.submit import submit
from revolution_sdk import Found, RetryableError

SEND = {"id": "it", "uses": "lab.send_letter"}
POST = {"id": "it", "uses": "lab.post_letter"}
AFTER = {"id": "after", "set": {}}


def crash(bench: Any, times: int, action: str, script: Any) -> None:
    """Drive what is queued and let the worker vanish during the action, so many times."""
    for _ in range(times):
        script.next(action, bench.vanish())
        bench.drive(bench.claim() or bench.claim(isolated=True))


@pytest.mark.parametrize("action", ["compute_sum", "read_page", "put_page"])
def test_a_call_whose_worker_vanished_is_repeated_at_once_and_costs_no_attempt(
    action: str, bench: Any, script: Any
) -> None:
    execution_id = bench.start({"id": "it", "uses": f"lab.{action}", "retry": {"attempts": 1}}, AFTER)
    crash(bench, 1, action, script)
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.crashes) == ("queued", 1)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, script.count(action), seen.execution.crashes) == ("succeeded", 2, 0)
    assert seen.steps["it"].output == {"did": action}
    assert len(script.keys(action)) == 1


@pytest.mark.parametrize("action", ["read_page", "put_page"])
def test_the_vanished_attempt_stays_on_record(action: str, bench: Any, script: Any) -> None:
    execution_id = bench.start({"id": "it", "uses": f"lab.{action}"})
    crash(bench, 1, action, script)
    assert bench.look(execution_id).tried("it") == ["started"]
    bench.work()
    assert bench.look(execution_id).tried("it") == ["failed:worker_vanished", "succeeded"]


def test_a_once_call_whose_worker_vanished_is_never_repeated(bench: Any, script: Any) -> None:
    execution_id = bench.start(SEND, AFTER)
    crash(bench, 1, "send_letter", script)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.waits_for, seen.step("it"), seen.tried("it")) == (
        "uncertain",
        "uncertain",
        ["unknown:worker_vanished"],
    )
    assert script.count("send_letter") == 1
    assert "after" not in seen.steps


def test_a_once_call_whose_worker_vanished_is_looked_up_if_it_can_be(bench: Any, script: Any) -> None:
    execution_id = bench.start(POST, AFTER)
    crash(bench, 1, "post_letter", script)
    script.next("confirm", {"n": 5})
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["it"].output, seen.order) == ("succeeded", {"n": 5}, ["it", "after"])
    assert script.names() == ["post_letter", "confirm"]


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_vanished_worker_uses_up_no_attempt_of_what_is_certainly_absent(
    attempts: int, bench: Any, script: Any
) -> None:
    execution_id = bench.start({**POST, "retry": {"attempts": attempts}})
    crash(bench, 1, "post_letter", script)
    script.next("confirm", Found.ABSENT)
    bench.clock.advance(60)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.tried("it")) == ("succeeded", ["failed:worker_vanished", "succeeded"])
    assert script.count("post_letter") == 2


def test_absent_right_after_a_crash_is_not_believed_yet(bench: Any, script: Any) -> None:
    execution_id = bench.start(POST)
    crash(bench, 1, "post_letter", script)
    script.next("confirm", Found.ABSENT, {"n": 1})
    bench.work()
    assert bench.look(execution_id).waits_for == "retry"
    bench.pass_time(60)
    assert bench.look(execution_id).status == "succeeded"
    assert script.count("post_letter") == 1


def test_a_worker_that_vanishes_during_the_look_up_leaves_it_to_the_next(bench: Any, script: Any) -> None:
    execution_id = bench.start(POST)
    crash(bench, 1, "post_letter", script)
    script.next("confirm", bench.vanish(Found.UNKNOWN), {"n": 1})
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["it"].output) == ("succeeded", {"n": 1})
    assert (script.count("post_letter"), script.count("confirm")) == (1, 2)


def test_a_worker_that_vanished_before_the_call_left_nothing_to_look_up(bench: Any, script: Any) -> None:
    execution_id = bench.start(SEND)
    bench.claim()
    bench.clock.advance(31)
    assert sweep(bench.hub) == 1
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.tried("it"), script.count("send_letter")) == ("succeeded", ["succeeded"], 1)


def test_a_worker_that_vanished_between_two_steps_left_the_second_to_the_next(
    bench: Any, script: Any
) -> None:
    execution_id = bench.start(SEND, {"id": "page", "uses": "lab.read_page"})
    crash(bench, 1, "read_page", script)
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert script.names() == ["send_letter", "read_page", "read_page"]


def test_retries_already_used_are_remembered_over_a_crash(bench: Any, script: Any) -> None:
    execution_id = bench.start({"id": "it", "uses": "lab.read_page", "retry": {"attempts": 2, "delay": 10}})
    script.next("read_page", RetryableError("busy"))
    bench.work()
    bench.clock.advance(20)
    sweep(bench.hub)
    crash(bench, 1, "read_page", script)
    script.next("read_page", RetryableError("still busy"))
    bench.work()
    seen = bench.look(execution_id)
    assert seen.status == "failed"
    assert seen.tried("it") == ["failed:retryable", "failed:worker_vanished", "failed:retryable"]


@pytest.mark.parametrize("action", ["compute_sum", "read_page", "put_page"])
def test_the_third_crash_fails_the_step_and_the_execution_as_crashed(
    action: str, bench: Any, script: Any
) -> None:
    execution_id = bench.start({"id": "it", "uses": f"lab.{action}"}, AFTER)
    crash(bench, 3, action, script)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.step("it"), script.count(action)) == ("failed", "failed", 3)
    assert (seen.execution.error["code"], seen.execution.error["step"]) == ("crashed", "it")
    assert "after" not in seen.steps


def test_a_pure_call_that_crashes_is_blamed_itself_and_not_the_step_before_it(
    bench: Any, script: Any
) -> None:
    execution_id = bench.start({"id": "before", "set": {}}, {"id": "it", "uses": "lab.compute_sum"})
    # The first crash loses the uncommitted step as well; it is recorded on the way to the second.
    crash(bench, 4, "compute_sum", script)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.step("before"), seen.step("it"), seen.execution.error["step"]) == (
        "succeeded",
        "failed",
        "it",
    )


def test_the_third_try_is_left_to_the_isolated_worker(bench: Any, script: Any) -> None:
    execution_id = bench.start({"id": "it", "uses": "lab.read_page"})
    crash(bench, 2, "read_page", script)
    assert Claimer(hub=bench.hub, owner="wrk_1").take(10) == []
    (taken,) = Claimer(hub=bench.hub, owner="wrk_alone", isolated=True).take(10)
    assert (taken.id, taken.crashes) == (execution_id, 2)
    bench.as_("wrk_alone").drive(taken)
    assert bench.look(execution_id).status == "succeeded"


def test_a_crash_forgotten_with_each_recorded_step_lets_long_workflows_survive(
    bench: Any, script: Any
) -> None:
    steps = [{"id": f"s{number}", "uses": "lab.put_page"} for number in range(5)]
    for _ in steps:
        script.next("put_page", bench.vanish(), {"n": 1})
    seen = bench.run(*steps)
    assert (seen.status, script.count("put_page")) == ("succeeded", 10)


def test_crashes_behind_the_last_step_do_not_undo_what_succeeded(bench: Any, make: Any) -> None:
    definition = {"name": "x", "steps": [{"id": "it", "set": {}}]}
    done = make.execution(definition=definition, crashes=3, status=ExecutionStatus.RUNNING, fence=1)
    submit(bench.hub.store, Start(execution=done))
    step = make.step(done, "it", kind="set", status=StepStatus.SUCCEEDED, output={})
    queued = Move(status=ExecutionStatus.QUEUED, at=bench.clock.now)
    submit(
        bench.hub.store,
        Progress(tenant_id="ten_a", execution_id=done.id, fence=1, steps=(step,), move=queued),
    )
    with bench.hub.store.begin("ten_a") as tx:
        tx.conn.execute(sa.update(t.executions).values(crashes=3))
    bench.work()
    assert bench.look(done.id).status == "succeeded"


def crashing_look_ups(bench: Any, script: Any) -> str:
    """Leave a `once` call in the dark, and lose three workers over it."""
    execution_id = bench.start(POST, AFTER)
    crash(bench, 1, "post_letter", script)
    script.next("confirm", bench.vanish(Found.UNKNOWN), bench.vanish(Found.UNKNOWN))
    bench.work()
    return str(execution_id)


def test_three_crashes_over_a_once_call_in_the_dark_ask_a_person(bench: Any, script: Any) -> None:
    seen = bench.look(crashing_look_ups(bench, script))
    assert (seen.waits_for, seen.step("it")) == ("uncertain", "uncertain")
    assert seen.steps["it"].error["code"] == "crashed"
    assert (script.count("post_letter"), script.count("confirm")) == (1, 2)


def test_after_a_person_has_said_what_happened_a_crashed_execution_goes_on(bench: Any, script: Any) -> None:
    execution_id = crashing_look_ups(bench, script)
    executions.resolve_step(bench.hub, bench.principal, execution_id, "it", Verdict.HAPPENED, {"n": 9})
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.step("it"), seen.step("after")) == ("succeeded", "succeeded", "succeeded")
    assert script.count("post_letter") == 1


def test_after_a_person_has_said_it_did_not_happen_it_is_done_once_more(bench: Any, script: Any) -> None:
    execution_id = crashing_look_ups(bench, script)
    executions.resolve_step(bench.hub, bench.principal, execution_id, "it", Verdict.DID_NOT_HAPPEN, None)
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert script.count("post_letter") == 2


@pytest.mark.parametrize("loss", ["connection", "plugin"])
def test_a_once_call_in_the_dark_stays_uncertain_when_it_can_no_longer_be_looked_up(
    loss: str, bench: Any, script: Any
) -> None:
    if loss == "plugin":
        execution_id = bench.start(POST)
        crash(bench, 1, "post_letter", script)
        bench.without("post_letter").work()
    else:
        connection_id = bench.connect()
        execution_id = bench.start({"id": "it", "uses": "club.invite_member"})
        crash(bench, 1, "invite_member", script)
        connections.delete_connection(bench.hub, bench.principal, "club", connection_id, force=True)
        bench.work()
    seen = bench.look(execution_id)
    assert (seen.waits_for, seen.step("it"), len(seen.attempts)) == ("uncertain", "uncertain", 1)
    assert seen.attempts[0].status == "unknown"


def test_cancel_works_wherever_an_execution_stands_after_a_crash(bench: Any, script: Any) -> None:
    execution_id = bench.start(SEND)
    crash(bench, 1, "send_letter", script)
    ended = executions.cancel_execution(bench.hub, bench.principal, execution_id).execution
    assert (ended.status, ended.reason) == ("cancelled", "cancelled by Ada")
    bench.work()
    assert bench.look(execution_id).status == "cancelled"
    assert script.count("send_letter") == 1
