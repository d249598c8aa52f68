"""settle: what a failed attempt or a look-up means for step, attempt and execution."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from revolution_hub.engine.retry import VANISHED, Again, GiveUp, Reconnect, Unsure
from revolution_hub.engine.settle import (
    CHECK_DELAY_S,
    MOST_CHECKS,
    Settled,
    failed_attempt,
    looked_up,
    suspended,
    tries_of,
)
from revolution_hub.model.change import Move
from revolution_hub.model.execution import Attempt, StepExecution, error_json
from revolution_hub.model.status import AttemptStatus, ExecutionStatus, StepStatus, WaitReason
from revolution_sdk.connector import Found
from revolution_sdk.errors import RetryableError, UnknownOutcomeError

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ERROR = error_json("busy", "later")
STEP = StepExecution(
    execution_id="exe_1",
    tenant_id="ten_1",
    step_id="send",
    position=0,
    kind="action",
    status=StepStatus.RUNNING,
    started_at=NOW,
    uses="acme.send_mail",
    connection_id="con_1",
    input={"to": "x"},
    attempts=1,
)
ATTEMPT = Attempt(
    execution_id="exe_1",
    tenant_id="ten_1",
    step_id="send",
    number=1,
    status=AttemptStatus.STARTED,
    started_at=NOW,
    worker="wrk_1",
)


def failed(decision: Any, *, can_confirm: bool = False, step: StepExecution = STEP) -> Settled:
    return failed_attempt(decision, step, ATTEMPT, ERROR, NOW, can_confirm=can_confirm)


def asked(answer: Any, step: StepExecution = STEP, **more: Any) -> Settled:
    defaults = {"settled_at": NOW, "exhausted": False}
    return looked_up(
        answer, step, replace(ATTEMPT, status=AttemptStatus.UNKNOWN), NOW, **{**defaults, **more}
    )


def test_again_at_once_lets_the_drive_go_on_with_the_step() -> None:
    settled = failed(Again(0.0))
    assert settled.move is None
    assert (settled.step.status, settled.step.error) == (StepStatus.RUNNING, ERROR)
    assert (settled.attempt.status, settled.attempt.finished_at) == (AttemptStatus.FAILED, NOW)


def test_again_later_waits_as_a_row() -> None:
    settled = failed(Again(7.5))
    at = NOW + timedelta(seconds=7.5)
    assert (settled.step.status, settled.step.wake_at) == (StepStatus.WAITING, at)
    assert settled.move is not None
    assert settled.move.status is ExecutionStatus.WAITING
    assert (settled.move.wait_reason, settled.move.wake_at) == (WaitReason.RETRY, at)
    assert settled.attempt.status is AttemptStatus.FAILED


def test_a_refused_credential_waits_for_its_connection_and_for_no_time() -> None:
    settled = failed(Reconnect())
    assert settled.step.status is StepStatus.WAITING
    assert settled.move is not None
    assert (settled.move.wait_reason, settled.move.wait_on) == (WaitReason.CONNECTION, "con_1")
    assert settled.move.wake_at is None


def test_without_a_connection_the_wait_is_for_one_of_the_connector() -> None:
    settled = failed(Reconnect(), step=replace(STEP, connection_id=None))
    assert settled.move is not None
    assert settled.move.wait_on == "acme"


def test_giving_up_fails_step_and_execution_and_names_the_step() -> None:
    settled = failed(GiveUp())
    assert (settled.step.status, settled.step.finished_at) == (StepStatus.FAILED, NOW)
    assert settled.move is not None
    assert settled.move.status is ExecutionStatus.FAILED
    assert settled.move.error == {**ERROR, "step": "send"}


def test_an_unknown_outcome_asks_a_person_if_nobody_else_can_be_asked() -> None:
    settled = failed(Unsure())
    assert settled.step.status is StepStatus.UNCERTAIN
    assert settled.attempt.status is AttemptStatus.UNKNOWN
    assert settled.move is not None
    assert (settled.move.wait_reason, settled.move.wait_on) == (WaitReason.UNCERTAIN, "send")


def test_an_unknown_outcome_goes_on_to_be_looked_up_where_that_can_be_done() -> None:
    settled = failed(Unsure(), can_confirm=True)
    assert settled.move is None
    assert (settled.step.status, settled.attempt.status) == (StepStatus.RUNNING, AttemptStatus.UNKNOWN)


def test_what_was_found_is_the_result() -> None:
    settled = asked({"id": 7}, replace(STEP, error=ERROR))
    assert settled.move is None
    assert (settled.step.status, settled.step.output, settled.step.error) == (
        StepStatus.SUCCEEDED,
        {"id": 7},
        None,
    )
    assert (settled.step.checks, settled.step.finished_at) == (1, NOW)
    assert (settled.attempt.status, settled.attempt.error) == (AttemptStatus.SUCCEEDED, None)


def test_an_empty_result_is_a_result() -> None:
    assert asked({}).step.status is StepStatus.SUCCEEDED


def test_absent_when_it_must_show_by_now_allows_another_attempt() -> None:
    settled = asked(Found.ABSENT)
    assert settled.move is None
    assert (settled.step.status, settled.attempt.status) == (StepStatus.RUNNING, AttemptStatus.FAILED)


def test_absent_after_the_last_attempt_is_a_failure() -> None:
    settled = asked(Found.ABSENT, replace(STEP, error=ERROR), exhausted=True)
    assert settled.step.status is StepStatus.FAILED
    assert settled.attempt.status is AttemptStatus.FAILED
    assert settled.move is not None
    assert settled.move.error == {**ERROR, "step": "send"}


def test_absent_too_early_is_looked_up_again_when_it_counts() -> None:
    at = NOW + timedelta(seconds=30)
    settled = asked(Found.ABSENT, settled_at=at, exhausted=True)
    assert settled.attempt.status is AttemptStatus.UNKNOWN
    assert (settled.step.status, settled.step.wake_at) == (StepStatus.WAITING, at)
    assert settled.move is not None
    assert (settled.move.wait_reason, settled.move.wake_at) == (WaitReason.RETRY, at)


def test_a_provider_that_cannot_tell_leaves_it_to_a_person() -> None:
    settled = asked(Found.UNKNOWN)
    assert (settled.step.status, settled.attempt.status) == (StepStatus.UNCERTAIN, AttemptStatus.UNKNOWN)
    assert settled.step.error == error_json("unknown_outcome", "nobody knows whether it was done")


@pytest.mark.parametrize("error", [RetryableError("busy"), UnknownOutcomeError("no answer")])
def test_a_look_up_that_failed_is_repeated_five_seconds_apart_and_doubling(error: Exception) -> None:
    waits = []
    step = STEP
    for _ in range(MOST_CHECKS - 1):
        settled = asked(error, step)
        step = settled.step
        assert settled.move is not None
        assert settled.move.wake_at is not None
        assert settled.attempt.status is AttemptStatus.UNKNOWN
        waits.append((settled.move.wake_at - NOW).total_seconds())
    assert waits == [CHECK_DELAY_S * factor for factor in (1, 2, 4, 8, 16)]
    assert asked(error, step).step.status is StepStatus.UNCERTAIN


def test_a_sixth_look_up_may_still_find_it_or_find_it_absent() -> None:
    tired = replace(STEP, checks=MOST_CHECKS - 1)
    assert asked({"id": 7}, tired).step.status is StepStatus.SUCCEEDED
    assert asked(Found.ABSENT, tired).attempt.status is AttemptStatus.FAILED


def test_the_sixth_look_up_that_comes_too_early_asks_a_person() -> None:
    tired = replace(STEP, checks=MOST_CHECKS - 1)
    assert asked(Found.ABSENT, tired, settled_at=NOW + timedelta(1)).step.status is StepStatus.UNCERTAIN


def test_a_look_up_keeps_when_the_attempt_itself_ended() -> None:
    earlier = NOW - timedelta(minutes=1)
    ended = replace(ATTEMPT, status=AttemptStatus.UNKNOWN, finished_at=earlier)
    settled = looked_up(Found.ABSENT, STEP, ended, NOW, settled_at=NOW, exhausted=False)
    assert settled.attempt.finished_at == earlier


def test_vanished_workers_use_up_no_attempt() -> None:
    gone = replace(ATTEMPT, error=error_json(VANISHED, "gone"))
    real = replace(ATTEMPT, error=ERROR)
    assert tries_of([gone, real, gone, ATTEMPT]) == 2
    assert tries_of([]) == 0


def test_attempts_that_waited_for_a_sub_step_use_up_none() -> None:
    waited = replace(ATTEMPT, status=AttemptStatus.SUSPENDED)
    assert tries_of([waited, replace(ATTEMPT, error=ERROR), waited]) == 1


def test_a_step_waits_as_its_sub_step_does_and_else_is_entered_again() -> None:
    later = NOW + timedelta(minutes=1)
    waiting = Move(status=ExecutionStatus.WAITING, at=NOW, wait_reason=WaitReason.RETRY, wake_at=later)
    settled = suspended(STEP, ATTEMPT, waiting, ERROR, NOW)
    assert (settled.move, settled.step.status, settled.step.wake_at) == (waiting, StepStatus.WAITING, later)
    assert (settled.attempt.status, settled.attempt.finished_at) == (AttemptStatus.SUSPENDED, NOW)
    failed = Move(status=ExecutionStatus.FAILED, at=NOW, error=ERROR)
    for move in (None, failed, Move(status=ExecutionStatus.QUEUED, at=NOW)):
        settled = suspended(STEP, ATTEMPT, move, None, NOW)
        assert settled.move == Move(status=ExecutionStatus.QUEUED, at=NOW)
        assert settled.step.status is StepStatus.RUNNING
