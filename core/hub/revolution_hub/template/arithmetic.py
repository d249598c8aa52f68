"""Arithmetic on numbers. Whole numbers stay whole as far as they can, and within 64 bits."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from revolution_hub.template.place import Place
from revolution_hub.template.values import Undefined, kind_of, required
from revolution_sdk.types import Json

Number: TypeAlias = int | float
Operation: TypeAlias = Callable[[Number, Number, Place], Number]

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


def add(left: Number, right: Number, _place: Place) -> Number:
    """Return the sum."""
    return left + right


def subtract(left: Number, right: Number, _place: Place) -> Number:
    """Return the difference."""
    return left - right


def multiply(left: Number, right: Number, _place: Place) -> Number:
    """Return the product."""
    return left * right


def divide(left: Number, right: Number, place: Place) -> Number:
    """Return the quotient, whole if two whole numbers divide without a rest."""
    if right == 0:
        raise place.error("nothing can be divided by 0")
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


def remain(left: Number, right: Number, place: Place) -> Number:
    """Return what a division leaves, with the sign of the divisor: -1 % 3 is 2."""
    if right == 0:
        raise place.error("nothing can be divided by 0")
    return left % right


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {"+": add, "-": subtract, "*": multiply, "/": divide, "%": remain}
)


def calculate(sign: str, left: Json, right: Json, place: Place) -> Number:
    """Return the result of `left sign right`; raises TemplateError for anything but two numbers."""
    one, other = operand(sign, left, place), operand(sign, right, place)
    try:
        return bounded(OPERATIONS[sign](one, other, place), place)
    except OverflowError:
        raise place.error("the result is too large") from None


def operand(sign: str, value: Json, place: Place) -> Number:
    """Return the value as an operand of `sign`."""
    if isinstance(value, Undefined):
        required(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = (
            "; texts are joined by writing them side by side"
            if sign == "+" and isinstance(value, str)
            else ""
        )
        raise place.error(f"{sign} needs two numbers, not {kind_of(value)}{hint}")
    return bounded(value, place)


def bounded(value: Number, place: Place) -> Number:
    """Return the number; raises TemplateError if JSON or the databases have no place for it."""
    if isinstance(value, int):
        if not _LOWEST <= value <= _HIGHEST:
            raise place.error("the result is too large: whole numbers have at most 64 bits")
    elif not math.isfinite(value):
        raise place.error("the result is not a finite number")
    return value
