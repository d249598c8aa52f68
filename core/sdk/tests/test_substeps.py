"""Outside of a hub sub-steps simply work: a test gives what is called, and names may not be used twice."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from revolution_sdk import ActionContext, Connector, RejectedError, Suspended
from revolution_sdk.testing import make_context


@pytest.fixture
def context(acme: Connector) -> Iterator[Callable[..., ActionContext]]:
    made: list[ActionContext] = []

    def make(**calls: Any) -> ActionContext:
        made.append(make_context(acme, calls={name.replace("__", "."): one for name, one in calls.items()}))
        return made[-1]

    yield make
    for one in made:
        one.http.close()


def test_a_call_gets_what_the_test_gives_for_its_input(context: Callable[..., ActionContext]) -> None:
    ctx = context(lab__add_up=lambda value: {"sum": value["a"] + value["b"], "parts": (1, 2)})
    assert ctx.call("lab.add_up", {"a": 1, "b": 2}) == {"sum": 3, "parts": [1, 2]}
    assert ctx.call("lab.add_up", {"a": 2, "b": 2}, name="again", connection="main")["sum"] == 4


def test_a_call_may_be_refused(context: Callable[..., ActionContext]) -> None:
    def refuse(value: Any) -> Any:
        raise RejectedError("no", code="not_there")

    with pytest.raises(RejectedError) as refused:
        context(lab__find=refuse).call("lab.find", {})
    assert refused.value.code == "not_there"


def test_what_the_test_does_not_give_is_told(context: Callable[..., ActionContext]) -> None:
    with pytest.raises(LookupError, match=r"nothing to call lab\.find with; give a test context its `calls`"):
        context().call("lab.find", {})


def test_a_record_runs_its_function_once_and_returns_what_comes_back_from_json(
    context: Callable[..., ActionContext],
) -> None:
    ran: list[int] = []
    assert context().record("plan", lambda: {"pair": (1, 2), "n": ran.append(1)}) == {
        "pair": [1, 2],
        "n": None,
    }
    assert ran == [1]


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), {"at": datetime.now(UTC)}])
def test_what_json_cannot_hold_is_refused(value: Any, context: Callable[..., ActionContext]) -> None:
    with pytest.raises(ValueError, match="'plan' is nothing JSON can hold"):
        context().record("plan", lambda: value)
    with pytest.raises(ValueError, match=r"the input of lab\.find is nothing JSON can hold"):
        context(lab__find=lambda given: given).call("lab.find", {"value": value})


def test_a_name_is_used_once(context: Callable[..., ActionContext]) -> None:
    ctx = context(lab__find=lambda value: {})
    ctx.call("lab.find", {})
    ctx.call("lab.find", {})
    for use in (lambda: ctx.record("lab.find.2", dict), lambda: ctx.call("lab.find", {}, name="lab.find.1")):
        with pytest.raises(ValueError, match="is there twice"):
            use()


def test_a_bare_context_records_nowhere_and_calls_nothing() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    with httpx2.Client() as http:
        ctx = ActionContext(http=http, idempotency_key="k", deadline=now, now=lambda: now)
        assert ctx.record("plan", lambda: [1]) == [1]
        with pytest.raises(LookupError):
            ctx.call("lab.find", {})


def test_what_catches_every_error_lets_suspended_pass() -> None:
    def careless() -> None:
        try:
            raise Suspended("has to wait")
        except Exception:
            pytest.fail("it was caught")

    with pytest.raises(Suspended):
        careless()
