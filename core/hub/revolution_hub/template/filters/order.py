"""Filters that order or add up the members of a list: sort, min, max, sum and average.

Numbers are ordered among numbers, texts among texts without regard to case; other kinds have no order.
"""

import math
from typing import TypeAlias

from revolution_hub.template.filters.filter import LARGEST_NUMBER, Example, Filter, list_of, number_of
from revolution_hub.template.filters.members import values_by
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

Rank: TypeAlias = tuple[int | float, str, str]

DIRECTIONS = ("asc", "desc")
WRONG_DIRECTION = 'sort needs "asc" or "desc" as the direction'


def sort(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Sort a list of numbers or texts, or of objects by a key; "desc" as the second argument turns it round.

    Members that are equal in the order keep the order they had. A null for the key sorts the members.
    """
    members = list_of("sort", value, run, place)
    direction = arguments[1] if len(arguments) > 1 else "asc"
    if direction not in DIRECTIONS:
        raise place.error(WRONG_DIRECTION)
    values = values_by("sort", members, arguments, run, place)
    ranks = _ranks("sort", values, run, place)
    comparisons = len(members).bit_length()
    run.work(len(members) * comparisons, place)
    run.scan(sum(len(one[2]) for one in ranks) * comparisons, place)
    order = sorted(range(len(members)), key=ranks.__getitem__, reverse=direction == "desc")
    return [members[index] for index in order]


def _complain_direction(index: int, value: Json) -> str | None:
    return WRONG_DIRECTION if index == 1 and value not in DIRECTIONS else None


def _ranks(name: str, values: list[Json], run: Run, place: Place) -> list[Rank]:
    """Return what stands for each value in the order; the values must all be numbers or all be texts."""
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise place.error(f"{name} needs numbers or texts, but member [{index}] is {kind_of(value)}")
        if isinstance(value, str) is not isinstance(values[0], str):
            kinds = f"{kind_of(values[0])} and {kind_of(value)}"
            raise place.error(f"{name} cannot order {kinds}; member [{index}] is the first of another kind")
    run.work(sum(len(one) for one in values if isinstance(one, str)), place)
    return [
        (0, one.casefold(), one) if isinstance(one, str) else (number_of(name, one, place), "", "")
        for one in values
    ]


def least(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> Json:
    """Find the smallest number or the first text of a list; null if it is empty."""
    values, ranks = _ranked("min", value, arguments, run, place)
    return values[min(range(len(values)), key=ranks.__getitem__)] if values else None


def most(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> Json:
    """Find the largest number or the last text of a list; null if it is empty."""
    values, ranks = _ranked("max", value, arguments, run, place)
    return values[max(range(len(values)), key=ranks.__getitem__)] if values else None


def _ranked(
    name: str, value: Json, arguments: tuple[Json, ...], run: Run, place: Place
) -> tuple[list[Json], list[Rank]]:
    members = list_of(name, value, run, place)
    values = values_by(name, members, arguments, run, place)
    return values, _ranks(name, values, run, place)


def total(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> int | float:
    """Add up the numbers of a list, or those under a key; 0 if it is empty."""
    return _sum("sum", _numbers("sum", value, arguments, run, place), place)


def average(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> int | float | None:
    """Take the mean of the numbers of a list, or of those under a key; null if it is empty."""
    numbers = _numbers("average", value, arguments, run, place)
    if not numbers:
        return None
    added = _sum("average", numbers, place)
    if isinstance(added, int) and added % len(numbers) == 0:
        return added // len(numbers)
    return added / len(numbers)


def _numbers(
    name: str, value: Json, arguments: tuple[Json, ...], run: Run, place: Place
) -> list[int | float]:
    members = list_of(name, value, run, place)
    values = values_by(name, members, arguments, run, place)
    for index, one in enumerate(values):
        if isinstance(one, bool) or not isinstance(one, int | float):
            raise place.error(f"{name} needs numbers, but member [{index}] is {kind_of(one)}")
    return [number_of(name, one, place) for one in values]


def _sum(name: str, numbers: list[int | float], place: Place) -> int | float:
    """Add exactly: whole numbers stay whole, others are rounded once at the end."""
    if all(isinstance(one, int) for one in numbers):
        whole = sum(numbers)
        if not -LARGEST_NUMBER <= whole < LARGEST_NUMBER:
            raise place.error(f"{name} gives a whole number of more than 64 bits here")
        return whole
    try:
        result = math.fsum(numbers)
    except OverflowError as error:
        raise place.error(f"{name} gives a number without an end here") from error
    return result


_DEALS: list[Json] = [{"id": 1, "amount": 20}, {"id": 2, "amount": 5}]

ORDER = (
    Filter(
        name="sort",
        function=sort,
        arguments=("key?", "direction?"),
        complaint=_complain_direction,
        examples=(
            Example("{{ names | sort }}", {"names": ["bo", "Cy", "Ada"]}, ["Ada", "bo", "Cy"]),
            Example('{{ deals | sort:"amount" }}', {"deals": _DEALS}, _DEALS[::-1]),
            Example('{{ scores | sort:null, "desc" }}', {"scores": [1, 3, 2.5]}, [3, 2.5, 1]),
        ),
    ),
    Filter(
        name="sum",
        function=total,
        arguments=("key?",),
        examples=(
            Example("{{ scores | sum }}", {"scores": [1, 2, 3]}, 6),
            Example('{{ deals | sum:"amount" }}', {"deals": _DEALS}, 25),
        ),
    ),
    Filter(
        name="min",
        function=least,
        arguments=("key?",),
        examples=(Example("{{ scores | min }}", {"scores": [3, 1, 2]}, 1),),
    ),
    Filter(
        name="max",
        function=most,
        arguments=("key?",),
        examples=(Example('{{ deals | max:"amount" }}', {"deals": _DEALS}, 20),),
    ),
    Filter(
        name="average",
        function=average,
        arguments=("key?",),
        examples=(Example("{{ scores | average }}", {"scores": [1, 2]}, 1.5),),
    ),
)
