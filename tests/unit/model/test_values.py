"""Values that are made quickly are the same as those the library makes."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from datetime import UTC, datetime

import pytest

from revolution_hub.model.execution import Execution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.values import changed, quickly_made


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """A value as the library makes it."""

    id: str
    number: int = 3
    more: tuple[str, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    """The same, made quickly."""

    id: str
    number: int = 3
    more: tuple[str, ...] = ()


@pytest.mark.parametrize("given", [{"id": "a"}, {"id": "a", "number": 4}, {"id": "b", "more": ("x",)}])
def test_a_value_has_what_it_was_given_and_else_its_defaults(given: dict[str, object]) -> None:
    made = Quick(**given)  # type: ignore[arg-type]
    assert type(made) is Quick
    assert repr(made) == repr(Slow(**given)).replace("Slow", "Quick")  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{}, {"id": "a", "color": "red"}, {"number": 4}])
def test_what_is_missing_or_unknown_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        Quick(**given)  # type: ignore[arg-type]


def test_a_value_stays_as_it_is() -> None:
    made = Quick(id="a")
    with pytest.raises(FrozenInstanceError):
        made.id = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.id  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        changed(made, number=4).number = 5  # type: ignore[misc]
    assert made == Quick(id="a")


def test_equal_values_are_equal_and_have_one_hash() -> None:
    assert Quick(id="a") == Quick(id="a", number=3)
    assert Quick(id="a") != Quick(id="b")
    assert len({Quick(id="a"), Quick(id="a"), Quick(id="b")}) == 2


def test_a_changed_value_is_the_one_the_library_makes() -> None:
    first = Execution(
        id="exe_1",
        tenant_id="ten_1",
        workflow_id="wf_1",
        version=1,
        status=ExecutionStatus.QUEUED,
        trigger={"kind": "webhook"},
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        depth=2,
    )
    ended = changed(first, status=ExecutionStatus.SUCCEEDED, output={"n": 1})
    assert type(ended) is Execution
    assert ended == replace(first, status=ExecutionStatus.SUCCEEDED, output={"n": 1})
    assert first.status is ExecutionStatus.QUEUED
    with pytest.raises(AttributeError):
        changed(first, color="red")


def test_a_value_can_be_copied_and_sent() -> None:
    made = Quick(id="a", more=("x",))
    assert copy.copy(made) == copy.deepcopy(made) == made
    assert replace(made, number=7) == Quick(id="a", number=7, more=("x",))
    module = Execution(
        id="exe_1",
        tenant_id="ten_1",
        workflow_id="wf_1",
        version=1,
        status=ExecutionStatus.QUEUED,
        trigger={},
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    assert pickle.loads(pickle.dumps(module)) == module


def test_fields_that_are_made_anew_for_each_value_are_refused() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Holder:
        held: list[str] = field(default_factory=list)

    with pytest.raises(TypeError, match="Holder"):
        quickly_made(Holder)
