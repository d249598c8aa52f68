"""Filters that take parts of lists or put lists together. Members are passed on as they are."""

from collections.abc import Hashable

from revolution_hub.template.filters.filter import Example, Filter, argument_whole, list_of
from revolution_hub.template.filters.members import values_by
from revolution_hub.template.limits import Run
from revolution_hub.template.output import weigh
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

MOST_MEMBERS = 10**9
"""Counts and positions beyond this mean nothing; no list or text is that long."""


def first(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> Json:
    """Take the first member of a list or character of a text, null if there is none, or the first few."""
    row = _row_of("first", value, place)
    if not arguments:
        return row[0] if row else None
    count = argument_whole("first", "the count", arguments[0], 0, MOST_MEMBERS, place)
    return _cut(row, 0, count, run, place)


def last(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> Json:
    """Take the last member of a list or character of a text, null if there is none, or the last few."""
    row = _row_of("last", value, place)
    if not arguments:
        return row[-1] if row else None
    count = argument_whole("last", "the count", arguments[0], 0, MOST_MEMBERS, place)
    return _cut(row, max(len(row) - count, 0), len(row), run, place)


def slice_row(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> Json:
    """Take a part of a list or a text from a start on, counted from 0, or from the end below 0.

    A count says how many members or characters at most. What lies beyond either end is left out.
    """
    row = _row_of("slice", value, place)
    start = argument_whole("slice", "the start", arguments[0], -MOST_MEMBERS, MOST_MEMBERS, place)
    begin = start if start >= 0 else max(len(row) + start, 0)
    if len(arguments) == 1:
        return _cut(row, begin, len(row), run, place)
    count = argument_whole("slice", "the count", arguments[1], 0, MOST_MEMBERS, place)
    return _cut(row, begin, begin + count, run, place)


def reverse(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> Json:
    """Turn a list or a text round."""
    row = _row_of("reverse", value, place)
    return _cut(row, 0, len(row), run, place)[::-1]


def _row_of(name: str, value: Json, place: Place) -> str | list[Json]:
    if not isinstance(value, str | list):
        raise place.error(f"{name} needs a list or a text, not {kind_of(value)}")
    return value


def _cut(row: str | list[Json], begin: int, end: int, run: Run, place: Place) -> str | list[Json]:
    """Copy a part, which is all that is charged: the first of many costs no more than the first of few."""
    size = max(min(end, len(row)) - begin, 0)
    if isinstance(row, str):
        run.work(size, place)
    else:
        run.look(size, place)
    return row[begin:end]


def concat(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Put another list behind a list."""
    members = list_of("concat", value, run, place)
    other = arguments[0]
    if not isinstance(other, list):
        raise place.error(f"concat needs a list as the other list, not {kind_of(other)}")
    run.look(len(other), place)
    return members + other


def compact(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Drop null and empty texts from a list."""
    return [one for one in list_of("compact", value, run, place) if one is not None and one != ""]


def flatten(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Replace every list within a list by its members, one level deep."""
    members = list_of("flatten", value, run, place)
    run.look(sum(len(one) for one in members if isinstance(one, list)), place)
    flat: list[Json] = []
    for one in members:
        if isinstance(one, list):
            flat.extend(one)
        else:
            flat.append(one)
    return flat


def unique(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Keep the first of equal members of a list, or of members that are equal under a key."""
    members = list_of("unique", value, run, place)
    values = values_by("unique", members, arguments, run, place)
    kept: dict[Hashable, Json] = {}
    for member, one in zip(members, values, strict=True):
        run.work(weigh(one, run.work_left, run, place), place)
        kept.setdefault(canonical(one), member)
    return list(kept.values())


def canonical(value: Json) -> Hashable:
    """Return a form that is equal exactly where the weighed values are equal as JSON.

    Numbers become text, because the hashes of texts cannot be foreseen: numbers chosen to share one hash
    would make looking them up take quadratic time.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, list):
        return ("list", tuple([canonical(one) for one in value]))
    if isinstance(value, dict):
        return ("dict", frozenset([(key, canonical(one)) for key, one in value.items()]))
    if isinstance(value, float) and not value.is_integer():
        return ("float", value.hex())
    return ("whole", hex(int(value)))


LISTS = (
    Filter(
        name="first",
        function=first,
        arguments=("count?",),
        examples=(
            Example("{{ tags | first }}", {"tags": ["a", "b", "c"]}, "a"),
            Example("{{ tags | first:2 }}", {"tags": ["a", "b", "c"]}, ["a", "b"]),
            Example('{{ tags | first | "none" }}', {"tags": []}, "none"),
        ),
    ),
    Filter(
        name="last",
        function=last,
        arguments=("count?",),
        examples=(
            Example("{{ tags | last }}", {"tags": ["a", "b", "c"]}, "c"),
            Example("{{ iban | last:4 }}", {"iban": "DE02120300000000202051"}, "2051"),
        ),
    ),
    Filter(
        name="slice",
        function=slice_row,
        arguments=("start", "count?"),
        examples=(
            Example("{{ tags | slice:1, 2 }}", {"tags": ["a", "b", "c", "d"]}, ["b", "c"]),
            Example("{{ name | slice:-3 }}", {"name": "Grace"}, "ace"),
        ),
    ),
    Filter(
        name="reverse",
        function=reverse,
        examples=(Example("{{ tags | reverse }}", {"tags": ["a", "b"]}, ["b", "a"]),),
    ),
    Filter(
        name="concat",
        function=concat,
        arguments=("other",),
        examples=(Example("{{ new | concat:old }}", {"new": [1], "old": [2, 3]}, [1, 2, 3]),),
    ),
    Filter(
        name="compact",
        function=compact,
        examples=(Example("{{ tags | compact }}", {"tags": ["a", "", None, 0]}, ["a", 0]),),
    ),
    Filter(
        name="flatten",
        function=flatten,
        examples=(Example("{{ pages | flatten }}", {"pages": [[1, 2], [3], 4]}, [1, 2, 3, 4]),),
    ),
    Filter(
        name="unique",
        function=unique,
        arguments=("key?",),
        examples=(
            Example("{{ tags | unique }}", {"tags": ["b", "a", "b"]}, ["b", "a"]),
            Example(
                '{{ people | unique:"email" }}',
                {"people": [{"email": "a@b.de", "id": 1}, {"email": "a@b.de", "id": 2}]},
                [{"email": "a@b.de", "id": 1}],
            ),
        ),
    ),
)
