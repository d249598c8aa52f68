"""Whatever a connector raises or returns, its step ends with a bounded error and the worker lives."""

from typing import Any

import pytest

from revolution_sdk import ConnectorError, RejectedError, RetryableError

SECRET = "canary-secret"


class Unsayable(Exception):
    """Its text raises."""

    def __str__(self) -> str:
        raise RuntimeError("no text for you")


class Unmade(RejectedError):
    """An author forgot to call the base class."""

    def __init__(self) -> None:
        pass


class Own(BaseException):
    """No Exception at all."""


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def cyclic() -> Any:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def endless(ctx: Any, value: Any) -> Any:
    return endless(ctx, value)


PLAYS: dict[str, Any] = {
    "base exception": Own(SECRET),
    "system exit": SystemExit(SECRET),
    "keyboard interrupt": KeyboardInterrupt(SECRET),
    "generator exit": GeneratorExit(SECRET),
    "stop iteration": StopIteration(SECRET),
    "memory": MemoryError(SECRET),
    "recursion": endless,
    "group": ExceptionGroup(SECRET, [ValueError(SECRET)]),
    "text that raises": Unsayable(),
    "ten megabytes of text": RuntimeError(SECRET * 800_000),
    "connector error of ten megabytes": RejectedError("x" * 10_000_000),
    "connector error without its base": Unmade(),
    "connector error with odd details": RejectedError("x", details={"at": object()}),
    "connector error with endless details": RejectedError("x", details=cyclic()),
    "connector error with a number for message": RejectedError(404),  # type: ignore[arg-type]
    "connector error with half a character": RejectedError("\ud800"),
    "connector error with a nul": RejectedError("a\0b"),
    "connector error with a nul in its details": RejectedError("x", details={"a\0b": ["\0", "\udc00"]}),
    "connector error with numbers no database has": RejectedError("x", details={"n": [10**400, 1e999]}),
    "connector error with an odd code": RejectedError("x", code="c\0\ud800" * 100),
    "plain connector error": ConnectorError("x"),
    "a bare class": lambda ctx, value: RejectedError,
    "a generator": lambda ctx, value: (one for one in [1]),
    "bytes": lambda ctx, value: b"x",
    "a set": {"a": {1, 2}},
    "not a number": {"a": float("nan")},
    "infinity": {"a": float("inf")},
    "a long number": {"a": 2**70},
    "half a character": {"a": "\ud800"},
    "a nul": {"a": "\0"},
    "too deep": nested(100),
    "much too deep": nested(100_000),
    "holds itself": cyclic(),
    "too large by bytes though not by characters": {"a": "ü" * 600_000},
}


@pytest.mark.parametrize("name", PLAYS)
def test_the_step_fails_with_a_bounded_error_and_the_next_execution_runs(
    name: str, bench: Any, script: Any
) -> None:
    script.next("read_page", PLAYS[name])
    step = {"id": "it", "uses": "lab.read_page"}
    seen = bench.run(step)
    assert (seen.status, seen.step("it"), len(seen.attempts)) == ("failed", "failed", 1)
    error = seen.execution.error
    assert len(error["message"]) <= 2_000
    assert SECRET not in str(error)
    assert str(error).encode()
    assert seen.execution.crashes == 0
    assert bench.watch.held() == []
    assert bench.run(step).status == "succeeded"


def test_odd_details_of_a_retryable_error_do_not_cost_the_retry(bench: Any, script: Any) -> None:
    script.next("read_page", RetryableError("busy\0\ud800", details={"at": object()}, code="a\0\ud800"))
    seen = bench.run({"id": "it", "uses": "lab.read_page", "retry": {"delay": 0}})
    assert (seen.status, seen.tried("it")) == ("succeeded", ["failed:a?", "succeeded"])


def test_an_action_that_changes_its_input_does_not_change_the_record(bench: Any, script: Any) -> None:
    def scribble(ctx: Any, value: Any) -> Any:
        value["to"].append("scribbled")
        raise RetryableError("busy")

    script.next("read_page", scribble)
    seen = bench.run({"id": "it", "uses": "lab.read_page", "with": {"to": ["x"]}, "retry": {"delay": 0}})
    assert seen.status == "succeeded"
    assert seen.steps["it"].input == {"to": ["x"]}
    assert script.calls[1][1] == {"to": ["x"]}


def test_a_result_that_is_changed_later_does_not_change_the_record(bench: Any, script: Any) -> None:
    shared = {"list": ["kept"]}
    script.next("read_page", shared)

    def scribble(ctx: Any, value: Any) -> Any:
        shared["list"].append("scribbled")
        return {}

    script.next("compute_sum", scribble)
    steps = [{"id": "it", "uses": "lab.read_page"}, {"id": "sum", "uses": "lab.compute_sum"}]
    seen = bench.run(*steps, {"id": "see", "set": {"list": "{{ steps.it.list }}"}})
    assert seen.steps["see"].output == {"list": ["kept"]}
    assert seen.steps["it"].output == {"list": ["kept"]}
