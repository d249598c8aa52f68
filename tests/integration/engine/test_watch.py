"""Watch: leases are kept alive, and a call that hangs is taken over and its late drive fenced off."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from revolution_hub.engine.recover import sweep
from revolution_hub.engine.watch import GRACE_S
from revolution_hub.services import executions
from revolution_sdk import Found, UnknownOutcomeError

TIMEOUT_S = 20.0
OVERDUE_S = TIMEOUT_S + GRACE_S + 0.001


class Hang:
    """A play that returns only when it is let go."""

    def __init__(self, result: Any = None) -> None:
        self.began = threading.Event()
        self.let_go = threading.Event()
        self.result = result or {"did": "too late"}

    def __call__(self, ctx: Any, value: Any) -> Any:
        self.began.set()
        assert self.let_go.wait(10)
        return self.result


@contextmanager
def hanging(bench: Any, script: Any, action: str) -> Iterator[Callable[[], None]]:
    """Drive what is queued in a thread until its action hangs; call what comes back to end it."""
    hang = Hang()
    script.next(action, hang)
    execution = bench.claim()
    thread = threading.Thread(target=bench.drive, args=(execution,))
    thread.start()
    assert hang.began.wait(10)

    def end() -> None:
        hang.let_go.set()
        thread.join(10)
        assert not thread.is_alive()

    try:
        yield end
    finally:
        end()


def test_leases_are_prolonged_while_a_call_is_under_way(bench: Any, script: Any) -> None:
    execution_id = bench.start({"id": "it", "uses": "lab.read_page"})
    with hanging(bench, script, "read_page"):
        for _ in range(4):
            bench.clock.advance(5)
            assert bench.watch.keep(bench.clock.now) == 0
            assert sweep(bench.hub) == 0
        seen = bench.look(execution_id)
        assert seen.execution.lease_until == bench.clock.now + timedelta(seconds=30)
        assert bench.watch.held() == [execution_id]
    assert bench.look(execution_id).status == "succeeded"
    assert bench.watch.held() == []


def test_only_what_is_held_is_prolonged(bench: Any, script: Any) -> None:
    execution_id = bench.start({"id": "it", "uses": "lab.read_page"})
    bench.claim()
    bench.clock.advance(31)
    assert bench.watch.keep(bench.clock.now) == 0
    assert sweep(bench.hub) == 1
    assert bench.look(execution_id).status == "queued"


def test_a_call_is_left_alone_until_it_is_past_its_deadline_and_grace(bench: Any, script: Any) -> None:
    bench.start({"id": "it", "uses": "lab.read_page"})
    with hanging(bench, script, "read_page"):
        bench.clock.advance(TIMEOUT_S + GRACE_S)
        assert bench.watch.keep(bench.clock.now) == 0
        bench.clock.advance(0.001)
        assert bench.watch.keep(bench.clock.now) == 1
        assert bench.watch.keep(bench.clock.now) == 0


@pytest.mark.parametrize("action", ["read_page", "put_page"])
def test_a_hanging_call_that_may_be_repeated_waits_for_its_retry(
    action: str, bench: Any, script: Any
) -> None:
    execution_id = bench.start({"id": "it", "uses": f"lab.{action}", "retry": {"attempts": 2, "delay": 10}})
    with hanging(bench, script, action) as end:
        bench.clock.advance(OVERDUE_S)
        assert bench.watch.keep(bench.clock.now) == 1
        seen = bench.look(execution_id)
        assert (seen.waits_for, seen.tried("it")) == ("retry", ["failed:timeout"])
        assert bench.watch.held() == []
        bench.as_("wrk_2").pass_time(13)
        finished = bench.look(execution_id)
        assert (finished.status, finished.steps["it"].output) == ("succeeded", {"did": action})
        end()
    assert bench.look(execution_id) == finished


def test_a_hanging_pure_call_is_tried_again_elsewhere_and_given_up_in_the_end(
    bench: Any, script: Any
) -> None:
    step = {"id": "it", "uses": "lab.compute_sum", "retry": {"attempts": 1}}
    execution_id = bench.start({"id": "before", "set": {}}, step)
    with hanging(bench, script, "compute_sum") as end:
        bench.clock.advance(60 + GRACE_S + 0.001)
        assert bench.watch.keep(bench.clock.now) == 1
        seen = bench.look(execution_id)
        assert (seen.status, seen.execution.error["code"], seen.tried("it")) == (
            "failed",
            "timeout",
            ["failed:timeout"],
        )
        end()
    assert bench.look(execution_id) == seen


def test_a_hanging_once_call_asks_a_person_and_its_late_result_changes_nothing(
    bench: Any, script: Any
) -> None:
    execution_id = bench.start({"id": "it", "uses": "lab.send_letter"}, {"id": "after", "set": {}})
    with hanging(bench, script, "send_letter") as end:
        bench.clock.advance(OVERDUE_S)
        bench.watch.keep(bench.clock.now)
        seen = bench.look(execution_id)
        assert (seen.waits_for, seen.step("it"), seen.tried("it")) == (
            "uncertain",
            "uncertain",
            ["unknown:timeout"],
        )
        end()
    assert bench.look(execution_id) == seen
    assert script.count("send_letter") == 1


def test_a_hanging_once_call_is_looked_up_by_another_worker(bench: Any, script: Any) -> None:
    execution_id = bench.start({"id": "it", "uses": "lab.post_letter"})
    with hanging(bench, script, "post_letter") as end:
        bench.clock.advance(OVERDUE_S)
        bench.watch.keep(bench.clock.now)
        assert bench.look(execution_id).status == "queued"
        script.next("confirm", Found.ABSENT, {"n": 1})
        bench.as_("wrk_2").work()
        assert bench.look(execution_id).waits_for == "retry"
        bench.as_("wrk_2").pass_time(60)
        finished = bench.look(execution_id)
        assert (finished.status, finished.steps["it"].output) == ("succeeded", {"n": 1})
        end()
    assert bench.look(execution_id) == finished
    assert script.count("post_letter") == 1


def test_the_late_drive_does_not_begin_the_next_step(bench: Any, script: Any) -> None:
    bench.start({"id": "it", "uses": "lab.read_page"}, {"id": "next", "uses": "lab.send_letter"})
    with hanging(bench, script, "read_page") as end:
        bench.clock.advance(OVERDUE_S)
        bench.watch.keep(bench.clock.now)
        end()
    assert script.names() == ["read_page"]


def test_a_hanging_call_of_a_cancelled_execution_is_reported_and_left_alone(bench: Any, script: Any) -> None:
    execution_id = bench.start({"id": "it", "uses": "lab.send_letter"})
    with hanging(bench, script, "send_letter"):
        executions.cancel_execution(bench.hub, bench.principal, execution_id)
        cancelled = bench.look(execution_id)
        bench.clock.advance(OVERDUE_S)
        assert bench.watch.keep(bench.clock.now) == 1
        assert bench.look(execution_id) == cancelled
    assert bench.look(execution_id) == cancelled


def test_one_hanging_call_leaves_the_leases_of_the_others_alive(bench: Any, script: Any) -> None:
    bench.start({"id": "it", "uses": "lab.read_page"})
    with hanging(bench, script, "read_page"):
        bench.clock.advance(10)
        bench.watch.keep(bench.clock.now)
        other = bench.start({"id": "it", "uses": "lab.put_page"})
        with hanging(bench, script, "put_page"):
            bench.clock.advance(OVERDUE_S - 10)
            assert bench.watch.keep(bench.clock.now) == 1
            assert bench.watch.held() == [other]
            assert bench.look(other).execution.lease_until == bench.clock.now + timedelta(seconds=30)


def test_steps_before_a_hanging_pure_call_keep_their_order(bench: Any, script: Any) -> None:
    steps = [{"id": "one", "set": {"a": 1}}, {"id": "two", "set": {"a": 2}}]
    execution_id = bench.start(*steps, {"id": "it", "uses": "lab.compute_sum", "retry": {"delay": 1}})
    with hanging(bench, script, "compute_sum"):
        bench.clock.advance(60 + GRACE_S + 0.001)
        bench.watch.keep(bench.clock.now)
        bench.as_("wrk_2").pass_time(2)
        seen = bench.look(execution_id)
    assert (seen.status, seen.order) == ("succeeded", ["one", "two", "it"])


def test_a_look_up_that_hangs_is_taken_over_and_a_person_is_asked(bench: Any, script: Any) -> None:
    # Given a `once` call whose outcome is unknown, and a confirm that never returns
    execution_id = bench.start({"id": "it", "uses": "lab.post_letter"})
    script.next("post_letter", UnknownOutcomeError("no answer"))
    with hanging(bench, script, "confirm"):
        # When it is far past the action's deadline
        bench.clock.advance(OVERDUE_S)
        assert bench.watch.keep(bench.clock.now) == 1
        # Then nobody asks again: the step is uncertain
        seen = bench.look(execution_id)
        assert (seen.execution.wait_reason, seen.steps["it"].status) == ("uncertain", "uncertain")
        assert seen.attempts[-1].status == "unknown"
    # And what the look-up says at last comes too late
    assert bench.look(execution_id).execution.wait_reason == "uncertain"
