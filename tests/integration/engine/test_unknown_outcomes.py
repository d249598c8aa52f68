"""The honest once: what may have happened is looked up, and else asked of a person, but never repeated."""

from dataclasses import dataclass
from typing import Any

import pytest

from revolution_sdk import CredentialError, Found, RejectedError, RetryableError, UnknownOutcomeError

DARK = UnknownOutcomeError("the answer was lost", code="no_answer")
SEND = {"id": "it", "uses": "lab.send_letter"}
POST = {"id": "it", "uses": "lab.post_letter"}
CONFIRM_AFTER_S = 60.0


def test_without_a_look_up_a_person_is_asked_and_nothing_is_repeated(bench: Any, script: Any) -> None:
    script.next("send_letter", DARK)
    seen = bench.run(SEND, {"id": "never", "set": {}})
    assert (seen.status, seen.waits_for, seen.execution.wait_on) == ("waiting", "uncertain", "it")
    assert (seen.step("it"), seen.tried("it")) == ("uncertain", ["unknown:no_answer"])
    assert seen.order == ["it"]
    for _ in range(3):
        assert bench.pass_time(100_000) == 0
    assert script.count("send_letter") == 1


def test_what_the_look_up_finds_is_the_result_and_the_drive_goes_on(bench: Any, script: Any) -> None:
    script.next("post_letter", DARK)
    script.next("confirm", {"n": 7})
    seen = bench.run({**POST, "with": {"to": "x"}}, {"id": "after", "set": {"n": "{{ steps.it.n }}"}})
    assert (seen.status, seen.steps["it"].output, seen.steps["after"].output) == (
        "succeeded",
        {"n": 7},
        {"n": 7},
    )
    assert (seen.tried("it"), seen.steps["it"].checks) == (["succeeded"], 1)
    assert script.names() == ["post_letter", "confirm"]
    assert script.calls[0][1:] == script.calls[1][1:]


def test_absent_before_it_must_show_is_looked_up_again_and_then_tried_again(bench: Any, script: Any) -> None:
    script.next("post_letter", DARK)
    script.next("confirm", Found.ABSENT, Found.ABSENT)
    seen = bench.run(POST)
    assert (seen.waits_for, seen.tried("it")) == ("retry", ["unknown:no_answer"])
    assert (seen.execution.wake_at - bench.clock.now).total_seconds() == CONFIRM_AFTER_S
    assert bench.pass_time(CONFIRM_AFTER_S - 1) == 0
    assert bench.pass_time(1) == 1
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.tried("it")) == ("succeeded", ["failed:no_answer", "succeeded"])
    assert script.names() == ["post_letter", "confirm", "confirm", "post_letter"]
    assert len({key for _, _, key in script.calls}) == 1


def test_found_at_the_second_look_is_not_done_twice(bench: Any, script: Any) -> None:
    script.next("post_letter", DARK)
    script.next("confirm", Found.ABSENT, {"n": 1})
    seen = bench.run(POST)
    bench.pass_time(CONFIRM_AFTER_S)
    assert bench.look(seen.execution.id).status == "succeeded"
    assert script.count("post_letter") == 1


def test_absent_after_the_last_attempt_is_a_failure_with_the_first_error(bench: Any, script: Any) -> None:
    script.next("post_letter", DARK)
    script.next("confirm", Found.ABSENT, Found.ABSENT)
    seen = bench.run({**POST, "retry": {"attempts": 1}})
    bench.pass_time(CONFIRM_AFTER_S)
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.execution.error["code"]) == ("failed", "no_answer")
    assert script.count("post_letter") == 1


def test_attempts_that_are_absent_each_time_end(bench: Any, script: Any) -> None:
    script.next("post_letter", DARK, DARK, DARK)
    script.next("confirm", *[Found.ABSENT] * 6)
    seen = bench.run({**POST, "retry": {"attempts": 3}})
    for _ in range(3):
        bench.pass_time(CONFIRM_AFTER_S)
    seen = bench.look(seen.execution.id)
    assert (seen.status, seen.tried("it")) == ("failed", ["failed:no_answer"] * 3)
    assert (script.count("post_letter"), script.count("confirm")) == (3, 6)


def test_a_release_without_the_look_up_leaves_what_was_in_the_dark_to_a_person(
    bench: Any, script: Any
) -> None:
    script.next("post_letter", DARK)
    script.next("confirm", Found.ABSENT)
    execution_id = bench.run(POST).execution.id
    later = bench.without("confirm")
    later.pass_time(CONFIRM_AFTER_S)
    seen = bench.look(execution_id)
    assert (seen.waits_for, seen.step("it"), seen.tried("it")) == (
        "uncertain",
        "uncertain",
        ["unknown:no_answer"],
    )
    assert (script.count("post_letter"), script.count("confirm")) == (1, 1)


@dataclass(frozen=True)
class Answer:
    name: str
    play: Any


CANNOT_TELL = [
    Answer("the provider cannot tell", Found.UNKNOWN),
    Answer("the look-up is refused", RejectedError("you may not search")),
    Answer("the credential is refused", CredentialError("no")),
    Answer("the look-up has a bug", KeyError("id")),
    Answer("the look-up exits", SystemExit(1)),
    Answer("the look-up answers nonsense", "yes"),
    Answer("the look-up answers nothing", lambda ctx, value: None),
    Answer("the look-up answers yes or no", lambda ctx, value: True),
    Answer("what was found breaks the schema", {"n": "seven"}),
]


@pytest.mark.parametrize("answer", CANNOT_TELL, ids=lambda one: one.name)
def test_a_look_up_that_decides_nothing_leaves_it_to_a_person(
    answer: Answer, bench: Any, script: Any
) -> None:
    script.next("post_letter", DARK)
    script.next("confirm", answer.play)
    seen = bench.run(POST)
    assert (seen.status, seen.waits_for, seen.step("it")) == ("waiting", "uncertain", "uncertain")
    assert seen.tried("it") == ["unknown:no_answer"]
    assert script.count("post_letter") == 1


@pytest.mark.parametrize("error", [RetryableError("busy"), UnknownOutcomeError("no answer")])
def test_a_look_up_that_cannot_be_made_now_is_repeated_six_times_and_then_a_person_is_asked(
    error: Exception, bench: Any, script: Any
) -> None:
    script.next("post_letter", DARK)
    script.next("confirm", *[error] * 6)
    execution_id = bench.run(POST).execution.id
    for wait_s in (5, 10, 20, 40, 80):
        seen = bench.look(execution_id)
        assert (seen.execution.wake_at - bench.clock.now).total_seconds() == wait_s
        assert bench.pass_time(wait_s) == 1
    seen = bench.look(execution_id)
    assert (seen.waits_for, seen.steps["it"].checks) == ("uncertain", 6)
    assert (script.count("confirm"), script.count("post_letter")) == (6, 1)


def test_a_look_up_that_succeeds_late_still_counts(bench: Any, script: Any) -> None:
    script.next("post_letter", DARK)
    script.next("confirm", RetryableError("busy"), RetryableError("busy"), {"n": 1})
    execution_id = bench.run(POST).execution.id
    bench.pass_time(5)
    bench.pass_time(10)
    assert bench.look(execution_id).status == "succeeded"


BROKEN = [
    Answer("an exception", RuntimeError("x")),
    Answer("an exit", SystemExit(3)),
    Answer("an interrupt", KeyboardInterrupt()),
    Answer("no object", ["a list"]),
    Answer("nothing", lambda ctx, value: None),
    Answer("something JSON cannot hold", {"at": object()}),
    Answer("what its own schema refuses", {"n": "seven"}),
    Answer("two megabytes", {"text": "x" * 2_000_000}),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
def test_a_once_action_that_breaks_may_have_acted_so_a_person_is_asked(
    broken: Answer, bench: Any, script: Any
) -> None:
    script.next("send_letter", broken.play)
    seen = bench.run(SEND)
    assert (seen.waits_for, seen.step("it")) == ("uncertain", "uncertain")
    assert script.count("send_letter") == 1


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
def test_a_once_action_that_breaks_is_looked_up_first(broken: Answer, bench: Any, script: Any) -> None:
    script.next("post_letter", broken.play)
    script.next("confirm", {"n": 1})
    seen = bench.run(POST)
    assert (seen.status, seen.steps["it"].output) == ("succeeded", {"n": 1})
    assert script.names() == ["post_letter", "confirm"]


@pytest.mark.parametrize("action", ["compute_sum", "read_page", "put_page"])
@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
def test_any_other_action_that_breaks_fails_its_step(
    broken: Answer, action: str, bench: Any, script: Any
) -> None:
    script.next(action, broken.play)
    seen = bench.run({"id": "it", "uses": f"lab.{action}"}, {"id": "never", "set": {}})
    assert (seen.status, seen.step("it"), seen.order) == ("failed", "failed", ["it"])
    assert seen.execution.error["code"] in ("plugin_failed", "output_invalid", "limit_exceeded")
    assert len(seen.attempts) == 1


def test_an_output_of_a_megabyte_is_kept(bench: Any, script: Any) -> None:
    script.next("read_page", {"text": "x" * 1_000_000})
    seen = bench.run({"id": "it", "uses": "lab.read_page"})
    assert (seen.status, len(seen.steps["it"].output["text"])) == ("succeeded", 1_000_000)
