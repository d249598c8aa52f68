"""Filters: what may stand behind a `|`. Each takes JSON and gives JSON; none formats by a given pattern.

A filter is called with the value, its arguments, the run (for limits) and the place (for errors).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from revolution_hub.template.limits import Run
from revolution_hub.template.output import json_text
from revolution_hub.template.place import Place
from revolution_hub.template.values import Undefined, kind_of
from revolution_sdk.types import Json

FilterFunction: TypeAlias = Callable[[Json, tuple[Json, ...], Run, Place], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A registered filter. `takes_absent` says that it may be given the value of a path that is not there."""

    name: str
    function: FilterFunction
    least_arguments: int = 0
    most_arguments: int = 0
    takes_absent: bool = False


def default(value: Json, arguments: tuple[Json, ...], _run: Run, _place: Place) -> Json:
    """Replace an absent value, null or an empty text: `{{ name | default:"there" }}`, short `| "there"`."""
    if value is None or isinstance(value, Undefined) or (isinstance(value, str) and not value):
        return arguments[0]
    return value


def to_json(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write any value as compact JSON text: `{{ lead | json }}`."""
    text = json_text(value, run.work_left, run, place)
    run.work(len(text), place)
    return text


def length(value: Json, _arguments: tuple[Json, ...], _run: Run, place: Place) -> int:
    """Count the characters of a text, the members of a list or the keys of an object."""
    if not isinstance(value, str | list | dict):
        raise place.error(f"length needs a text, a list or an object, not {kind_of(value)}")
    return len(value)


def lower(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text in small letters."""
    return _text("lower", value, run, place).lower()


def upper(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text in capital letters."""
    return _text("upper", value, run, place).upper()


def trim(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Remove white space at both ends of a text."""
    return _text("trim", value, run, place).strip()


def _text(name: str, value: Json, run: Run, place: Place) -> str:
    if not isinstance(value, str):
        raise place.error(f"{name} needs a text, not {kind_of(value)}")
    run.work(len(value), place)
    return value


DEFAULT_FILTER = Filter(
    name="default", function=default, least_arguments=1, most_arguments=1, takes_absent=True
)

FILTERS: Mapping[str, Filter] = MappingProxyType(
    {
        one.name: one
        for one in (
            DEFAULT_FILTER,
            Filter(name="json", function=to_json),
            Filter(name="length", function=length),
            Filter(name="lower", function=lower),
            Filter(name="upper", function=upper),
            Filter(name="trim", function=trim),
        )
    }
)
