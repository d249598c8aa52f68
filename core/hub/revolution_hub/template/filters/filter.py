"""What a filter is, and what filters ask of the values they are given.

A filter is called with the value, its arguments, the run (for limits) and the place (for errors). It charges
the run for what it handles, so that no value makes it take long, and its errors never quote a value.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

FilterFunction: TypeAlias = Callable[[Json, tuple[Json, ...], Run, Place], Json]
Complaint: TypeAlias = Callable[[int, Json], str | None]

LARGEST_NUMBER = 2**63
"""The first whole number of more than 64 bits; its negative is the last one below 0 that still fits."""

EXAMPLES_AT = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
"""The present moment of every example."""


class Example(NamedTuple):
    """A template, the data it reads and what it gives. Documented, and run by the tests."""

    template: str
    data: Mapping[str, Json]
    gives: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A registered filter.

    `arguments` names them in order; those that end in `?` may be left out. `takes_absent` says that it may
    be given the value of a path that is not there. `complaint` is asked about an argument that is written
    in the template, by its index, when the template is compiled; it returns what is wrong with it, or None.
    """

    name: str
    function: FilterFunction
    examples: tuple[Example, ...]
    arguments: tuple[str, ...] = ()
    takes_absent: bool = False
    complaint: Complaint | None = None
    least_arguments: int = field(init=False)

    def __post_init__(self) -> None:
        required = [one for one in self.arguments if not one.endswith("?")]
        object.__setattr__(self, "least_arguments", len(required))

    @property
    def most_arguments(self) -> int:
        """How many arguments it may be given."""
        return len(self.arguments)

    @property
    def purpose(self) -> str:
        """The first line of its function's docstring."""
        return (self.function.__doc__ or "").partition("\n")[0]


def text_of(name: str, value: Json, run: Run, place: Place) -> str:
    """Return the value of filter `name`, which must be a text; charges for handling it once."""
    if not isinstance(value, str):
        raise place.error(f"{name} needs a text, not {kind_of(value)}")
    run.work(len(value), place)
    return value


def list_of(name: str, value: Json, run: Run, place: Place) -> list[Json]:
    """Return the value of filter `name`, which must be a list; charges for looking at each member."""
    if not isinstance(value, list):
        raise place.error(f"{name} needs a list, not {kind_of(value)}")
    run.look(len(value), place)
    return value


def object_of(name: str, value: Json, run: Run, place: Place) -> dict[str, Json]:
    """Return the value of filter `name`, which must be an object; charges for looking at each member."""
    if not isinstance(value, dict):
        raise place.error(f"{name} needs an object, not {kind_of(value)}")
    run.look(len(value), place)
    return value


def number_of(name: str, value: Json, place: Place) -> int | float:
    """Return the value of filter `name`, which must be a finite number of at most 64 bits if it is whole.

    A text that looks like a number is none: whoever means one writes it as one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise place.error(f"{name} needs a number, not {kind_of(value)}")
    if not is_ordinary(value):
        raise place.error(f"{name} needs a number of ordinary size")
    return value


def is_ordinary(value: int | float) -> bool:
    """Tell whether a number is finite and, if it is whole, of at most 64 bits."""
    # A whole number may be too long for isfinite, which would turn it into a float.
    if isinstance(value, int):
        return -LARGEST_NUMBER <= value < LARGEST_NUMBER
    return math.isfinite(value)


def argument_text(name: str, what: str, value: Json, run: Run, place: Place) -> str:
    """Return the argument called `what` of filter `name`, which must be a text; charges for it."""
    if not isinstance(value, str):
        raise place.error(f"{name} needs a text as {what}, not {kind_of(value)}")
    run.work(len(value), place)
    return value


def argument_whole(name: str, what: str, value: Json, least: int, most: int, place: Place) -> int:
    """Return the argument called `what` of filter `name`: a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise place.error(f"{name} needs a whole number from {least:,} to {most:,} as {what}")
    return value
