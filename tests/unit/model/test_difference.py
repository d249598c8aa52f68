"""Differences: nothing for equal documents, every changed value told, one inserted step one change."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.model.difference import Kind, differences
from revolution_hub.model.strict_json import canonical_json

SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"]) | st.just(1.0)
KEYS = st.sampled_from(["id", "set", "with", "a", "b"])
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=5) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=25,
)
STEPS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value that holds no other one, with the key it stands under."""
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from leaves(one, name)
    elif isinstance(value, list) and value:
        for one in value:
            yield from leaves(one, key)
    else:
        yield key, canonical_json(value)


def last_key(path: str) -> str:
    return path.partition("[")[0] if "." not in path else path.rpartition(".")[2].partition("[")[0]


def told(changes: Any, side: str, kinds: tuple[Kind, ...]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for one in changes:
        if one.kind in kinds:
            found.update(leaves(getattr(one, side), last_key(one.path)))
    return found


@given(VALUES)
def test_equal_documents_have_no_difference(value: Any) -> None:
    assert differences(value, value) == []


@given(VALUES, VALUES)
def test_there_is_a_difference_whenever_documents_differ(before: Any, after: Any) -> None:
    assert (differences(before, after) == []) == (canonical_json(before) == canonical_json(after))


@given(VALUES, VALUES)
def test_every_value_that_came_or_went_is_told_and_no_other(before: Any, after: Any) -> None:
    changes = differences(before, after)
    gone = told(changes, "before", (Kind.REMOVED, Kind.CHANGED))
    came = told(changes, "after", (Kind.ADDED, Kind.CHANGED))
    first, second = Counter(leaves(before)), Counter(leaves(after))
    # A container that was emptied or filled is itself a value on one side only.
    empty = {key for key in first | second if key[1] in ("{}", "[]")}
    kept, stayed = first - gone, second - came
    for key in empty:
        kept.pop(key, None)
        stayed.pop(key, None)
    assert kept == stayed


@given(STEPS, STEPS)
def test_steps_are_told_apart_by_their_ids(before: list[str], after: list[str]) -> None:
    changes = differences(*({"steps": [{"id": one, "set": {}} for one in ids]} for ids in (before, after)))
    by_kind = {kind: [one for one in changes if one.kind is kind] for kind in Kind}
    assert {one.after["id"] for one in by_kind[Kind.ADDED]} == set(after) - set(before)
    assert {one.before["id"] for one in by_kind[Kind.REMOVED]} == set(before) - set(after)
    assert by_kind[Kind.CHANGED] == []
    common = [one for one in before if one in after]
    assert bool(by_kind[Kind.MOVED]) == (common != [one for one in after if one in before])


def test_a_step_put_in_is_one_change_and_the_others_keep_their_own() -> None:
    before = {"steps": [{"id": "a", "set": {"n": 1}}, {"id": "b", "with": {"to": "x"}}]}
    after = {
        "steps": [{"id": "new", "set": {}}, {"id": "a", "set": {"n": 1}}, {"id": "b", "with": {"to": "y"}}]
    }
    assert [one.as_json() for one in differences(before, after)] == [
        {"path": "steps[0]", "kind": "added", "before": None, "after": {"id": "new", "set": {}}},
        {"path": "steps[2].with.to", "kind": "changed", "before": "x", "after": "y"},
    ]


def test_a_step_that_changed_places_has_moved_and_nothing_else() -> None:
    steps = [{"id": name, "set": {}} for name in "abcd"]
    assert [one.as_json() for one in differences(steps, [steps[3], *steps[:3]])] == [
        {"path": "[0]", "kind": "moved", "before": "[3]", "after": "[0]"}
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (["a", "b"], ["a", "x", "b"], [("added", "l[1]")]),
        (["a", "b", "c"], ["a", "c"], [("removed", "l[1]")]),
        (["a", "b"], ["a", "x"], [("changed", "l[1]")]),
        ([{"set": {"n": 1}}], [{"set": {"n": 2}}], [("changed", "l[0].set.n")]),
        ([{"set": 1}, {"set": 2}], [{"set": 2}], [("removed", "l[0]")]),
        ([1], [True], [("removed", "l[0]"), ("added", "l[0]")]),
        ([], [[]], [("added", "l[0]")]),
    ],
)
def test_members_without_an_id_are_told_apart_by_what_they_are(before: Any, after: Any, told: Any) -> None:
    found = differences({"l": before}, {"l": after})
    assert sorted((str(one.kind), one.path) for one in found) == sorted(told)
