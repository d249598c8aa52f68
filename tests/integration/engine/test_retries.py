"""Retries are rows: the wait is kept in the database, Retry-After is honored, and they end."""

from datetime import timedelta
from typing import Any

import pytest

from revolution_hub.model.status import WaitReason
from revolution_sdk import RejectedError, RetryableError, UnknownOutcomeError

EVERY = ["compute_sum", "read_page", "put_page", "send_letter", "post_letter"]
REPEATED = ["compute_sum", "read_page", "put_page"]


def step(action: str, **retry: Any) -> dict[str, Any]:
    return {"id": "it", "uses": f"lab.{action}", "retry": retry}


@pytest.mark.parametrize("action", EVERY)
def test_an_attempt_that_did_nothing_is_tried_again_whatever_it_is(
    action: str, bench: Any, script: Any
) -> None:
    script.next(action, RetryableError("busy"))
    execution_id = bench.start(step(action, attempts=2, delay=10))
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.waits_for, seen.step("it")) == ("waiting", "retry", "waiting")
    assert seen.steps["it"].error["code"] == "retryable"
    assert bench.pass_time(13) == 1
    seen = bench.look(execution_id)
    assert (seen.status, seen.tried("it")) == ("succeeded", ["failed:retryable", "succeeded"])
    assert (seen.steps["it"].error, seen.steps["it"].attempts) == (None, 2)
    assert len(script.keys(action)) == 1


def test_the_wait_is_the_policys_and_nobody_is_woken_before(bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("busy"))
    execution_id = bench.run(step("read_page", delay=10)).execution.id
    wake_at = bench.look(execution_id).execution.wake_at
    assert timedelta(seconds=10) <= wake_at - bench.clock.now <= timedelta(seconds=12.5)
    assert bench.look(execution_id).steps["it"].wake_at == wake_at
    assert bench.pass_time(9.9) == 0
    assert script.count("read_page") == 1
    assert bench.pass_time(2.7) == 1
    assert script.count("read_page") == 2


@pytest.mark.parametrize("asked_s", [0.5, 30.0, 4_000.0])
def test_a_wait_the_provider_asks_for_is_never_undercut(asked_s: float, bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("slow down", retry_after_s=asked_s))
    seen = bench.run(step("read_page", delay=10, longest=20))
    wait = seen.execution.wake_at - bench.clock.now
    assert timedelta(seconds=asked_s) <= wait <= timedelta(seconds=asked_s + 1)


@pytest.mark.parametrize("asked_s", [1e15, float("inf"), float("nan"), -1.0])
def test_a_senseless_wait_cannot_lose_the_execution(asked_s: float, bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("slow down", retry_after_s=asked_s))
    seen = bench.run(step("read_page", delay=10))
    assert (seen.status, seen.waits_for) == ("waiting", "retry")
    assert bench.pass_time(86_402) == 1
    assert bench.look(seen.execution.id).status == "succeeded"


def test_a_delay_of_zero_is_tried_again_within_the_same_drive(bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("busy"), RetryableError("busy"))
    seen = bench.run(step("read_page", delay=0))
    assert (seen.status, seen.tried("it")) == (
        "succeeded",
        ["failed:retryable", "failed:retryable", "succeeded"],
    )


@pytest.mark.parametrize("action", EVERY)
def test_retries_end_with_the_last_error_and_keep_the_input(action: str, bench: Any, script: Any) -> None:
    script.next(action, *[RetryableError("busy", code=f"busy_{number}") for number in range(5)])
    given = {**step(action, attempts=3, delay=0), "with": {"keep": "me"}}
    seen = bench.run(given, {"id": "never", "set": {}})
    assert (seen.status, seen.order) == ("failed", ["it"])
    assert seen.tried("it") == ["failed:busy_0", "failed:busy_1", "failed:busy_2"]
    assert (seen.execution.error["code"], seen.execution.error["step"]) == ("busy_2", "it")
    assert seen.steps["it"].input == {"keep": "me"}


@pytest.mark.parametrize("action", REPEATED)
def test_an_unknown_outcome_is_simply_repeated_where_that_is_harmless(
    action: str, bench: Any, script: Any
) -> None:
    script.next(action, UnknownOutcomeError("no answer"))
    seen = bench.run(step(action, delay=0))
    assert (seen.status, seen.tried("it")) == ("succeeded", ["failed:unknown_outcome", "succeeded"])


@pytest.mark.parametrize("action", EVERY)
def test_a_refusal_is_final_at_once(action: str, bench: Any, script: Any) -> None:
    script.next(action, RejectedError("no such page", details={"status": 404}))
    seen = bench.run(step(action, attempts=9, delay=0))
    assert (seen.status, seen.tried("it")) == ("failed", ["failed:rejected"])
    assert seen.execution.error == {
        "code": "rejected",
        "message": "no such page",
        "details": {"status": 404},
        "step": "it",
    }


def test_input_rendered_for_the_first_attempt_serves_them_all(bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("busy"))
    given = {**step("read_page", delay=10), "with": {"n": "{{ inputs.n }}"}}
    execution_id = bench.run(given, data={"n": 1}).execution.id
    bench.pass_time(20)
    assert [value for _, value, _ in script.calls] == [{"n": 1}, {"n": 1}]
    assert bench.look(execution_id).steps["it"].input == {"n": 1}


def test_a_step_with_a_condition_is_tried_again_like_any_other(bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("busy"))
    guarded = {**step("read_page", delay=10), "if": "{{ not vars.done | false }}"}
    seen = bench.run(guarded)
    assert seen.execution.wait_reason is WaitReason.RETRY
    bench.pass_time(20)
    assert bench.look(seen.execution.id).step("it") == "succeeded"


def test_many_waiting_executions_are_all_woken_when_due(bench: Any, script: Any) -> None:
    script.next("read_page", *[RetryableError("busy") for _ in range(5)])
    ids = [bench.run(step("read_page", delay=10)).execution.id for _ in range(5)]
    assert bench.pass_time(13) == 5
    assert {bench.look(one).status for one in ids} == {"succeeded"}
