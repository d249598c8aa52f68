"""The filters every kind of value passes through."""

from revolution_hub.template.filters.filter import Example, Filter
from revolution_hub.template.limits import Run
from revolution_hub.template.output import json_text
from revolution_hub.template.place import Place
from revolution_hub.template.values import Undefined, kind_of
from revolution_sdk.types import Json


def default(value: Json, arguments: tuple[Json, ...], _run: Run, _place: Place) -> Json:
    """Replace an absent value, null or an empty text; `| "there"` is short for it."""
    if value is None or isinstance(value, Undefined) or (isinstance(value, str) and not value):
        return arguments[0]
    return value


def to_json(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write any value as compact JSON text."""
    text = json_text(value, run.work_left, run, place)
    run.work(len(text), place)
    return text


def length(value: Json, _arguments: tuple[Json, ...], _run: Run, place: Place) -> int:
    """Count the characters of a text, the members of a list or the keys of an object."""
    if not isinstance(value, str | list | dict):
        raise place.error(f"length needs a text, a list or an object, not {kind_of(value)}")
    return len(value)


DEFAULT_FILTER = Filter(
    name="default",
    function=default,
    arguments=("replacement",),
    takes_absent=True,
    examples=(
        Example('{{ name | default:"there" }}', {}, "there"),
        Example('{{ name | "there" }}', {"name": ""}, "there"),
        Example("{{ score | 5 }}", {"score": 0}, 0),
    ),
)

BASIC = (
    DEFAULT_FILTER,
    Filter(
        name="json", function=to_json, examples=(Example("{{ lead | json }}", {"lead": {"a": 1}}, '{"a":1}'),)
    ),
    Filter(
        name="length", function=length, examples=(Example("{{ tags | length }}", {"tags": ["a", "b"]}, 2),)
    ),
)
