"""What is asked of an action with sub-steps, what it is told, and how much time it has."""

import threading
from typing import Any

import pytest
from rig.substeps import PLAN, one, plan

from revolution_hub.services.executions import Verdict, resolve_step
from revolution_sdk import Found, RejectedError, RetryableError, UnknownOutcomeError

DARK = UnknownOutcomeError("the answer was lost", code="no_answer")


def wrong_uses(ctx: Any, second: bool) -> Any:
    return ctx.call("lab.compute_sum" if second else "lab.send_letter", {}, name="x")


def wrong_input(ctx: Any, second: bool) -> Any:
    return ctx.call("lab.send_letter", {"n": True if second else 1}, name="x")


def wrong_kind(ctx: Any, second: bool) -> Any:
    return ctx.record("x", lambda: 1) if second else ctx.call("lab.send_letter", {}, name="x")


def other_wrong_kind(ctx: Any, second: bool) -> Any:
    return ctx.call("lab.send_letter", {}, name="x") if second else ctx.record("x", lambda: 1)


@pytest.mark.parametrize("differing", [wrong_uses, wrong_input, wrong_kind, other_wrong_kind])
def test_an_action_that_does_something_else_when_entered_again_is_told_where(
    differing: Any, bench: Any, script: Any
) -> None:
    def play(ctx: Any, value: Any) -> Any:
        differing(ctx, script.count("put_page") > 1)
        return ctx.call("lab.read_page", {}, name="page")

    plan(script, play)
    script.next("read_page", RetryableError("later", retry_after_s=5))
    execution_id = bench.run(PLAN).execution.id
    before = script.count("send_letter")
    bench.pass_time(6)
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.error["code"]) == ("failed", "not_deterministic")
    assert "plan/x" in seen.execution.error["message"]
    assert (script.count("send_letter"), script.count("compute_sum")) == (before, 0)


REFUSED = {
    "name_taken": lambda ctx: (ctx.record("x", lambda: 1), ctx.call("lab.send_letter", {}, name="x")),
    "name_invalid": lambda ctx: ctx.record("a/b", lambda: 1),
    "unknown_action": lambda ctx: ctx.call("lab.fly_away", {}),
    "input_invalid": lambda ctx: ctx.call("club.invite_member", {"who": 7}),
    "output_invalid": lambda ctx: ctx.record("x", lambda: {1, 2}),
    "one_at_a_time": lambda ctx: ctx.record("x", lambda: ctx.record("y", lambda: 1)),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_wrong_with_a_sub_step_fails_the_step_and_says_so(code: str, bench: Any, script: Any) -> None:
    plan(script, lambda ctx, value: REFUSED[code](ctx))
    seen = bench.run(PLAN)
    assert (seen.status, seen.execution.error["code"], seen.tried("plan")) == (
        "failed",
        code,
        [f"failed:{code}"],
    )
    assert script.names() == ["put_page"]
    if code == "input_invalid":
        assert [one["path"] for one in seen.execution.error["details"]["problems"]] == ["who"]


def test_an_action_that_is_no_name_at_all_is_unknown(bench: Any, script: Any) -> None:
    plan(script, lambda ctx, value: ctx.call("fly away", {}))
    assert bench.run(PLAN).execution.error["code"] == "unknown_action"


@pytest.mark.parametrize("name", ["", ".x", "a b", "a#1", "ü", "x" * 200, None, 7])
def test_names_that_could_be_mistaken_are_refused(name: Any, bench: Any, script: Any) -> None:
    plan(script, lambda ctx, value: ctx.record(name, lambda: 1))
    assert bench.run(PLAN).execution.error["code"] == "name_invalid"


def test_a_record_beyond_the_limit_is_refused_and_so_is_an_input(bench: Any, script: Any) -> None:
    small = bench.with_settings(payload_bytes=1000)
    for wrong in (
        lambda ctx, value: ctx.record("x", lambda: "x" * 2000),
        lambda ctx, value: ctx.call("lab.read_page", {"text": "x" * 2000}),
    ):
        script.next("put_page", wrong)
        error = small.run(PLAN).execution.error
        assert (error["code"], error["details"]["setting"]) == ("limit_exceeded", "REVOLUTION_PAYLOAD_BYTES")
    assert script.count("read_page") == 0


def test_what_the_function_of_a_record_raises_is_the_actions_own_and_not_recorded(
    bench: Any, script: Any
) -> None:
    def play(ctx: Any, value: Any) -> Any:
        return {"n": ctx.record("x", lambda: script.play("drawn", ctx, {}))}

    plan(script, play)
    script.next("drawn", RetryableError("busy", retry_after_s=5), 7)
    seen = bench.run(PLAN)
    assert (seen.waits_for, seen.order, seen.tried("plan")) == ("retry", ["plan"], ["failed:retryable"])
    bench.pass_time(6)
    assert bench.look(seen.execution.id).steps["plan"].output == {"n": 7}


@pytest.mark.parametrize(
    ("outer", "ends"), [("compute_sum", ("failed", None)), ("send_letter", ("waiting", "uncertain"))]
)
@pytest.mark.parametrize("word", ["call", "record"])
def test_an_action_that_may_not_be_entered_again_has_no_sub_steps(
    outer: str, ends: Any, word: str, bench: Any, script: Any
) -> None:
    def play(ctx: Any, value: Any) -> Any:
        return ctx.call("lab.read_page", {}) if word == "call" else ctx.record("x", dict)

    script.next(outer, play)
    seen = bench.run({"id": "plan", "uses": f"lab.{outer}"})
    assert (seen.status, seen.waits_for) == ends
    error = seen.steps["plan"].error
    assert (error["code"], "repeatable or read" in error["message"]) == ("not_reentrant", True)
    assert script.count("read_page") == 0


def test_a_look_up_has_no_sub_steps(bench: Any, script: Any) -> None:
    codes = []

    def look(ctx: Any, value: Any) -> Any:
        for use in (lambda: ctx.call("lab.read_page", {}), lambda: ctx.record("x", lambda: 1)):
            with pytest.raises(Exception, match="confirm only looks up") as refused:
                use()
            codes.append(refused.value.code)
        return {"n": 1}

    script.next("post_letter", DARK)
    script.next("confirm", look)
    assert bench.run({"id": "it", "uses": "lab.post_letter"}).status == "succeeded"
    assert codes == ["not_reentrant"] * 2


def test_sub_steps_are_for_the_actions_own_thread_and_time(bench: Any, script: Any) -> None:
    kept, codes = [], []

    def ask(ctx: Any) -> None:
        try:
            ctx.call("lab.send_letter", {})
        except Exception as error:
            codes.append(error.code)

    def play(ctx: Any, value: Any) -> Any:
        kept.append(ctx)
        thread = threading.Thread(target=ask, args=(ctx,))
        thread.start()
        thread.join()
        return {}

    plan(script, play)
    assert bench.run(PLAN).status == "succeeded"
    ask(kept[0])
    assert (codes, script.count("send_letter")) == (["one_at_a_time"] * 2, 0)


def test_a_call_gets_no_more_time_than_its_caller_has_left(bench: Any, script: Any) -> None:
    left = []

    def look(ctx: Any, value: Any) -> Any:
        left.append((ctx.deadline - bench.clock.now).total_seconds())
        return {"n": 1}

    def play(ctx: Any, value: Any) -> Any:
        for at in range(3):
            ctx.call("lab.read_page", {"at": at})
            bench.clock.advance(8)
        return {"n": script.count("put_page")}

    plan(script, play)
    script.next("read_page", look, look, look)
    seen = bench.run(PLAN)
    assert left == [20.0, 12.0, 4.0]
    assert (seen.status, seen.steps["plan"].output) == ("succeeded", {"n": 1})


def test_without_time_left_nothing_is_called_and_the_next_attempt_goes_on_there(
    bench: Any, script: Any
) -> None:
    def play(ctx: Any, value: Any) -> Any:
        for at in range(2):
            ctx.call("lab.send_letter", {"at": at})
            if script.count("put_page") == 1:
                bench.clock.advance(21)
        return {"n": 1}

    plan(script, play)
    seen = bench.run(PLAN)
    assert (seen.waits_for, seen.tried("plan"), script.count("send_letter")) == (
        "retry",
        ["failed:timeout"],
        1,
    )
    bench.pass_time(60)
    assert (bench.look(seen.execution.id).status, script.count("send_letter")) == ("succeeded", 2)


def test_a_step_whose_time_is_over_does_not_wait_for_a_sub_step(bench: Any, script: Any) -> None:
    plan(script, one("lab.read_page"))
    script.next("read_page", RetryableError("later", retry_after_s=600))
    seen = bench.run({**PLAN, "timeout": "60s"})
    bench.pass_time(61)
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.execution.error["code"], script.count("read_page")) == ("failed", "timeout", 1)


def test_a_question_stays_open_beyond_the_time_of_the_step(bench: Any, script: Any) -> None:
    plan(script, one("lab.post_letter"))
    script.next("post_letter", DARK)
    script.next("confirm", Found.ABSENT, {"n": 6})
    seen = bench.run({**PLAN, "timeout": "30s"})
    assert bench.pass_time(31) == 0
    bench.pass_time(30)
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.steps["plan"].output) == ("succeeded", {"got": {"n": 6}})


@pytest.mark.parametrize("end", ["returns", "raises", "is gone", "crashes"])
def test_a_question_is_asked_even_if_the_action_comes_to_another_end(
    end: str, bench: Any, script: Any
) -> None:
    # Given an action whose worker vanished in the midst of a call that must not be repeated
    plan(script, one("lab.send_letter"))
    script.next("send_letter", bench.vanish())
    execution_id = bench.start(PLAN)
    bench.drive(bench.claim())
    # When it is entered again and does not come by there
    script.plays["put_page"] = {
        "returns": [{"n": 1}],
        "raises": [RejectedError("no")],
        "is gone": [],
        "crashes": [bench.vanish(), bench.vanish()],
    }[end]
    later = bench.without("put_page") if end == "is gone" else bench
    later.work()
    # Then a person is asked first, and only then it ends
    seen = bench.look(execution_id)
    assert (seen.waits_for, seen.execution.wait_on) == ("uncertain", "plan/one")
    assert (seen.step("plan"), seen.step("plan/one")) == ("waiting", "uncertain")
    resolve_step(bench.hub, bench.principal, execution_id, "plan/one", Verdict.HAPPENED, {"n": 4})
    plan(script, one("lab.send_letter"))
    bench.work()
    if end == "is gone":
        resolve_step(bench.hub, bench.principal, execution_id, "plan", Verdict.DID_NOT_HAPPEN, None)
        bench.work()
    assert bench.look(execution_id).steps["plan"].output == {"got": {"n": 4}}
    assert script.count("send_letter") == 1
