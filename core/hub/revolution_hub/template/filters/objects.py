"""Filters for objects. Values are passed on as they are."""

from revolution_hub.template.filters.filter import Example, Filter, argument_text, object_of
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

MOST_KEYS = 8
"""How many keys pick and omit take."""

WORK_PER_ENTRY = 16
"""An object of two members takes about as long to make as this many characters."""


def keys(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """List the keys of an object."""
    return list(object_of("keys", value, run, place))


def values(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """List the values of an object."""
    return list(object_of("values", value, run, place).values())


def entries(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """List the members of an object as objects of a key and a value."""
    members = object_of("entries", value, run, place)
    run.work(len(members) * WORK_PER_ENTRY, place)
    return [{"key": key, "value": one} for key, one in members.items()]


def merge(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> dict[str, Json]:
    """Put the members of another object over those of an object, one level deep."""
    members = object_of("merge", value, run, place)
    other = arguments[0]
    if not isinstance(other, dict):
        raise place.error(f"merge needs an object as the other object, not {kind_of(other)}")
    run.look(len(other), place)
    return members | other


def pick(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> dict[str, Json]:
    """Keep only the named keys of an object, in the order they are named; those it lacks are left out."""
    if not isinstance(value, dict):
        raise place.error(f"pick needs an object, not {kind_of(value)}")
    named = [argument_text("pick", "a key", one, run, place) for one in arguments]
    return {key: value[key] for key in named if key in value}


def omit(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> dict[str, Json]:
    """Drop the named keys of an object."""
    members = object_of("omit", value, run, place)
    named = [argument_text("omit", "a key", one, run, place) for one in arguments]
    return {key: one for key, one in members.items() if key not in named}


_KEYS = ("key", *[f"key_{number}?" for number in range(2, MOST_KEYS + 1)])
_LEAD: dict[str, Json] = {"name": "Ada", "email": "ada@example.org", "score": 7}

OBJECTS = (
    Filter(
        name="keys", function=keys, examples=(Example("{{ v | keys }}", {"v": {"b": 1, "a": 2}}, ["b", "a"]),)
    ),
    Filter(
        name="values",
        function=values,
        examples=(Example("{{ v | values }}", {"v": {"b": 1, "a": 2}}, [1, 2]),),
    ),
    Filter(
        name="entries",
        function=entries,
        examples=(Example("{{ v | entries }}", {"v": {"a": 1}}, [{"key": "a", "value": 1}]),),
    ),
    Filter(
        name="merge",
        function=merge,
        arguments=("other",),
        examples=(
            Example("{{ old | merge:new }}", {"old": {"a": 1, "b": 1}, "new": {"b": 2}}, {"a": 1, "b": 2}),
        ),
    ),
    Filter(
        name="pick",
        function=pick,
        arguments=_KEYS,
        examples=(
            Example('{{ lead | pick:"name", "score" }}', {"lead": _LEAD}, {"name": "Ada", "score": 7}),
        ),
    ),
    Filter(
        name="omit",
        function=omit,
        arguments=_KEYS,
        examples=(Example('{{ lead | omit:"email" }}', {"lead": _LEAD}, {"name": "Ada", "score": 7}),),
    ),
)
