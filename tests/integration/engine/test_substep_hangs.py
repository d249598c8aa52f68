"""Sub-steps that hang: it is the call that hangs which is settled, and the action is entered again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rig.substeps import PASSES, PLAN

from revolution_hub.engine.recover import sweep
from revolution_hub.engine.watch import GRACE_S
from revolution_sdk import Connector, Found, UnknownOutcomeError
from revolution_sdk.schema import object_

TIMEOUT_S = 20.0
OVERDUE_S = TIMEOUT_S + GRACE_S + 0.001


@contextmanager
def hanging(bench: Any, script: Any, action: str) -> Iterator[Callable[[], None]]:
    """Drive what is queued in a thread until this action hangs; call what comes back to end it."""
    began, let_go = threading.Event(), threading.Event()

    def hang(ctx: Any, value: Any) -> Any:
        began.set()
        assert let_go.wait(10)
        return {"did": "too late"}

    script.next(action, hang)
    thread = threading.Thread(target=bench.drive, args=(bench.claim(),))
    thread.start()
    assert began.wait(10)

    def end() -> None:
        let_go.set()
        thread.join(10)
        assert not thread.is_alive()

    try:
        yield end
    finally:
        end()


def calling(script: Any, action: str, *, slow_s: float = 0.0, clock: Any = None) -> None:
    """Let the action take so long itself, and then make a call and another one behind it."""

    def play(ctx: Any, value: Any) -> Any:
        if slow_s and script.count("put_page") == 1:
            clock.advance(slow_s)
        got = ctx.call(f"lab.{action}", {}, name="one")
        return {"got": got, "sum": ctx.call("lab.compute_sum", {}, name="two")}

    script.next("put_page", *[play] * PASSES)


def test_a_call_is_overdue_when_its_action_is_and_neither_earlier_nor_later(bench: Any, script: Any) -> None:
    calling(script, "read_page", slow_s=12, clock=bench.clock)
    execution_id = bench.start(PLAN)
    with hanging(bench, script, "read_page"):
        bench.clock.advance(OVERDUE_S - 12 - 0.001)
        assert bench.watch.keep(bench.clock.now) == 0
        assert bench.watch.held() == [execution_id]
        bench.clock.advance(0.001)
        assert bench.watch.keep(bench.clock.now) == 1
        assert bench.watch.keep(bench.clock.now) == 0


@pytest.mark.parametrize("outer_attempts", [1, 3])
def test_a_hanging_once_call_asks_a_person_and_its_late_result_changes_nothing(
    outer_attempts: int, bench: Any, script: Any
) -> None:
    calling(script, "send_letter")
    execution_id = bench.start({**PLAN, "retry": {"attempts": outer_attempts}})
    with hanging(bench, script, "send_letter") as end:
        bench.clock.advance(OVERDUE_S)
        bench.watch.keep(bench.clock.now)
        seen = bench.look(execution_id)
        assert (seen.waits_for, seen.execution.wait_on) == ("uncertain", "plan/one")
        assert (seen.tried("plan"), seen.tried("plan/one")) == (["suspended"], ["unknown:timeout"])
        assert (seen.step("plan"), seen.step("plan/one")) == ("waiting", "uncertain")
        end()
    assert bench.look(execution_id) == seen
    assert script.names() == ["put_page", "send_letter"]


def test_a_hanging_once_call_is_looked_up_by_another_worker(bench: Any, script: Any) -> None:
    calling(script, "post_letter")
    execution_id = bench.start(PLAN)
    with hanging(bench, script, "post_letter"):
        bench.clock.advance(OVERDUE_S)
        bench.watch.keep(bench.clock.now)
        assert bench.look(execution_id).status == "queued"
        script.next("confirm", Found.ABSENT, {"n": 1})
        bench.as_("wrk_2").work()
        assert bench.look(execution_id).waits_for == "retry"
        bench.as_("wrk_2").pass_time(60)
        assert bench.look(execution_id).steps["plan"].output["got"] == {"n": 1}
    assert script.count("post_letter") == 1


def test_a_look_up_that_hangs_is_not_made_again(bench: Any, script: Any) -> None:
    calling(script, "post_letter")
    script.next("post_letter", UnknownOutcomeError("no answer"))
    execution_id = bench.start(PLAN)
    with hanging(bench, script, "confirm"):
        bench.clock.advance(OVERDUE_S)
        assert bench.watch.keep(bench.clock.now) == 1
        seen = bench.look(execution_id)
        assert (seen.waits_for, seen.execution.wait_on, seen.tried("plan")) == (
            "uncertain",
            "plan/one",
            ["suspended"],
        )


@pytest.mark.parametrize("action", ["read_page", "compute_sum"])
def test_a_hanging_call_that_may_be_repeated_waits_for_its_own_retry(
    action: str, bench: Any, script: Any
) -> None:
    calling(script, action)
    execution_id = bench.start(PLAN)
    with hanging(bench, script, action) as end:
        bench.clock.advance(OVERDUE_S)
        assert bench.watch.keep(bench.clock.now) == 1
        seen = bench.look(execution_id)
        assert (seen.waits_for, seen.tried("plan"), seen.tried("plan/one")) == (
            "retry",
            ["suspended"],
            ["failed:timeout"],
        )
        assert bench.watch.held() == []
        bench.as_("wrk_2").pass_time(60)
        finished = bench.look(execution_id)
        assert (finished.status, finished.steps["plan"].output["got"]) == ("succeeded", {"did": action})
        end()
        assert bench.watch.held() == []
    assert bench.look(execution_id) == finished


def test_a_call_that_always_hangs_is_given_up_and_the_action_told_so(bench: Any, script: Any) -> None:
    calling(script, "read_page")
    execution_id = bench.start(PLAN)
    for number in range(3):
        worker = bench.as_(f"wrk_{number}")
        with hanging(worker, script, "read_page"):
            bench.clock.advance(OVERDUE_S)
            worker.watch.keep(bench.clock.now)
        bench.clock.advance(100)
        if number < 2:
            assert bench.look(execution_id).waits_for == "retry"
            assert sweep(bench.hub) == 1
    bench.as_("wrk_9").work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.error["code"], seen.step("plan/one")) == (
        "failed",
        "timeout",
        "failed",
    )
    assert seen.tried("plan") == ["suspended"] * 3 + ["failed:timeout"]


def test_an_action_that_hangs_behind_its_calls_keeps_what_they_have_done(bench: Any, script: Any) -> None:
    began, let_go = threading.Event(), threading.Event()

    def play(ctx: Any, value: Any) -> Any:
        got = ctx.call("lab.send_letter", {}, name="one")
        if script.count("put_page") == 1:
            began.set()
            assert let_go.wait(10)
            # It has been taken over meanwhile, so it does nothing more.
            ctx.call("lab.send_letter", {}, name="late")
        return {"got": got}

    script.next("put_page", *[play] * PASSES)
    execution_id = bench.start(PLAN)
    thread = threading.Thread(target=bench.drive, args=(bench.claim(),))
    thread.start()
    assert began.wait(10)
    bench.clock.advance(OVERDUE_S)
    assert bench.watch.keep(bench.clock.now) == 1
    assert bench.look(execution_id).tried("plan") == ["failed:timeout"]
    bench.as_("wrk_2").pass_time(60)
    let_go.set()
    thread.join(10)
    assert bench.look(execution_id).status == "succeeded"
    assert script.count("send_letter") == 1


def test_a_hanging_call_within_a_call_suspends_both(bench: Any, script: Any) -> None:
    script.next("put_page", *[lambda ctx, value: {"in": ctx.call("lab.read_page", {}, name="in")}] * PASSES)
    script.next("read_page", *[lambda ctx, value: ctx.call("lab.send_letter", {}, name="one")] * PASSES)
    execution_id = bench.start(PLAN)
    with hanging(bench, script, "send_letter"):
        bench.clock.advance(OVERDUE_S)
        assert bench.watch.keep(bench.clock.now) == 1
        seen = bench.look(execution_id)
    assert (seen.waits_for, seen.execution.wait_on) == ("uncertain", "plan/in/one")
    assert [seen.tried(key) for key in ("plan", "plan/in", "plan/in/one")] == [
        ["suspended"],
        ["suspended"],
        ["unknown:timeout"],
    ]


def test_a_call_beyond_its_own_time_is_left_alone_while_its_action_has_some(bench: Any, script: Any) -> None:
    crew = Connector("crew", title="Crew")

    @crew.action(input=object_(), output=object_(open_=True), effect="repeatable", timeout_s=100.0)
    def plan_trip(ctx: Any, value: Any) -> Any:
        """Plan a trip."""
        return {"got": ctx.call("lab.read_page", {}, name="one")}

    bench.hub.catalog.add(crew)
    execution_id = bench.start({"id": "plan", "uses": "crew.plan_trip"})
    with hanging(bench, script, "read_page") as end:
        bench.clock.advance(100 + GRACE_S)
        assert bench.watch.keep(bench.clock.now) == 0
        end()
    assert bench.look(execution_id).steps["plan"].output == {"got": {"did": "too late"}}
