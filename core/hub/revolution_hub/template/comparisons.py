"""Comparisons of JSON values: equality, membership and order.

What could take long is charged to the run, so values of any size end in a result or an error.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of, present, required
from revolution_sdk.types import Json

Comparison: TypeAlias = Callable[[Json, Json, Run, Place], bool]


def equal(left: Json, right: Json, run: Run, place: Place) -> bool:
    """Compare as JSON does: 1 equals 1.0, true does not equal 1, objects ignore order. Absent is null."""
    pairs = [(present(left), present(right))]
    while pairs:
        one, other = pairs.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            run.look(len(one) + 1, place)
            if one.keys() != other.keys():
                return False
            pairs.extend((one[key], other[key]) for key in one)
        elif isinstance(one, list) and isinstance(other, list):
            run.look(len(one) + 1, place)
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif not _same_scalar(one, other, run, place):
            return False
    return True


def _same_scalar(one: Json, other: Json, run: Run, place: Place) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str) and isinstance(other, str):
        run.scan(min(len(one), len(other)), place)
    return bool(one == other)


def unequal(left: Json, right: Json, run: Run, place: Place) -> bool:
    """Tell the opposite of `equal`."""
    return not equal(left, right, run, place)


def contains(left: Json, right: Json, run: Run, place: Place) -> bool:
    """Tell whether a list has a member, an object a key, a text a part. An absent or null side: no."""
    left, right = present(left), present(right)
    if right is None:
        return False
    if isinstance(right, list):
        run.look(len(right), place)
        return any(equal(left, one, run, place) for one in right)
    if not isinstance(right, str | dict):
        raise place.error(f"in needs a list, an object or a text on its right, not {kind_of(right)}")
    if left is None:
        return False
    if not isinstance(left, str):
        raise place.error(f"{kind_of(left)} cannot be in {kind_of(right)}; only a text can")
    if isinstance(right, str):
        run.scan(len(right), place)
    return left in right


def lacks(left: Json, right: Json, run: Run, place: Place) -> bool:
    """Tell the opposite of `contains`."""
    return not contains(left, right, run, place)


def before(left: Json, right: Json, run: Run, place: Place) -> bool:
    """Tell whether left < right, for two numbers or two texts (by code point); else raise TemplateError."""
    left, right = _ordered(left, right, run, place)
    return bool(left < right)


def after(left: Json, right: Json, run: Run, place: Place) -> bool:
    """Tell whether left > right; see `before`."""
    left, right = _ordered(left, right, run, place)
    return bool(left > right)


def not_before(left: Json, right: Json, run: Run, place: Place) -> bool:
    """Tell whether left >= right; see `before`."""
    left, right = _ordered(left, right, run, place)
    return bool(left >= right)


def not_after(left: Json, right: Json, run: Run, place: Place) -> bool:
    """Tell whether left <= right; see `before`."""
    left, right = _ordered(left, right, run, place)
    return bool(left <= right)


def _ordered(left: Json, right: Json, run: Run, place: Place) -> tuple[Json, Json]:
    left, right = required(left), required(right)
    if isinstance(left, str) and isinstance(right, str):
        run.scan(min(len(left), len(right)), place)
        return left, right
    if _is_number(left) and _is_number(right):
        return left, right
    kinds = f"{kind_of(left)} and {kind_of(right)} have no order"
    if left is None or right is None:
        raise place.error(f"{kinds}; say what counts instead of null: a ?? 0")
    mixed = (_is_number(left) and isinstance(right, str)) or (_is_number(right) and isinstance(left, str))
    raise place.error(kinds + ("; to_number makes a number of a text" if mixed else ""))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


COMPARISONS: Mapping[str, Comparison] = MappingProxyType(
    {
        "==": equal,
        "!=": unequal,
        "<": before,
        "<=": not_after,
        ">": after,
        ">=": not_before,
        "in": contains,
        "not in": lacks,
    }
)
