"""Wherever a workflow fails: retried after the fault is gone, it comes to what a run without it does."""

import itertools
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.services.retries import retry_execution
from revolution_sdk.errors import RejectedError

MOST_RETRIES = 10


class Always(list[Any]):
    """A script's plays of which the first is played again and again."""

    def pop(self, _: Any = 0) -> Any:
        """Return the play, and keep it."""
        return self[0]


def _named(shape: Any, numbers: Any, items: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return the steps of a shape, each with an id of its own; every call says for which items it is."""
    steps = []
    for kind, inner in shape:
        step_id = f"s{next(numbers)}"
        call = {"id": step_id, "uses": "lab.put_page", "with": {"step": step_id, "items": list(items)}}
        if kind == "call":
            steps.append(call)
        elif kind == "if":
            steps.append({"id": step_id, "if": "{{ true }}", "then": _named(inner, numbers, items)})
        elif kind == "parallel":
            branches = {"a": _named(inner, numbers, items), "b": [call | {"id": f"{step_id}_b"}]}
            steps.append({"id": step_id, "parallel": branches})
        else:
            inside = _named(inner, numbers, (*items, f"{{{{ {step_id}_item }}}}"))
            loop = {"id": step_id, "for_each": [1, 2, 3], "as": f"{step_id}_item", "steps": inside}
            loop["concurrency"] = 2
            steps.append(loop | {"on_item_error": kind})
    return steps


LEAF = st.tuples(st.just("call"), st.just(()))
SHAPES = st.recursive(
    st.lists(LEAF, min_size=1, max_size=2),
    lambda inner: st.lists(
        st.one_of(LEAF, st.tuples(st.sampled_from(["if", "parallel", "stop", "continue"]), inner)),
        min_size=1,
        max_size=3,
    ),
    max_leaves=6,
)


def _outputs(bench: Any, execution_id: str) -> dict[str, Any]:
    seen = bench.look(execution_id)
    assert seen.status == "succeeded", seen.execution.error
    return {key: one.output for key, one in seen.steps.items()}


def _doing(fails: set[int], counts: Counter[str]) -> Any:
    """Return what every call does: it answers what it was asked, but those of these numbers fail."""
    numbers = itertools.count()

    def play(ctx: Any, value: Any) -> Any:
        if next(numbers) in fails:
            raise RejectedError("not now")
        counts[str(sorted(value.items()))] += 1
        return {"was": value}

    return play


def _compare(bench: Any, script: Any, shape: Any, fails: set[int]) -> None:
    steps = _named(shape, itertools.count())
    # An item that failed is not begun again where the workflow goes on without it, so there nothing fails.
    if "'continue'" in str(steps):
        fails = set()
    whole: Counter[str] = Counter()
    script.plays["put_page"] = Always([_doing(set(), whole)])
    wanted = _outputs(bench, bench.run(*steps).execution.id)
    counts: Counter[str] = Counter()
    script.plays["put_page"] = Always([_doing(fails, counts)])
    execution_id = bench.run(*steps).execution.id
    for _ in range(MOST_RETRIES):
        if bench.look(execution_id).status != "failed":
            break
        retry_execution(bench.hub, bench.principal, execution_id)
        bench.work()
    assert _outputs(bench, execution_id) == wanted
    # What has succeeded was called once, and nothing was left out.
    assert counts == whole


def test_a_retry_comes_to_what_a_run_without_fault_does(bench: Any, script: Any) -> None:
    @settings(max_examples=12, deadline=None, derandomize=True, database=None)
    @given(shape=SHAPES, fails=st.sets(st.integers(0, 12), min_size=1, max_size=3))
    def comes_to_the_same(shape: Any, fails: set[int]) -> None:
        _compare(bench, script, shape, fails)

    comes_to_the_same()
