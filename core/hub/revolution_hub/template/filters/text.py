"""Filters that take and give text."""

from revolution_hub.template.filters.filter import Example, Filter, text_of
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_sdk.types import Json


def lower(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text in small letters."""
    return text_of("lower", value, run, place).lower()


def upper(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text in capital letters."""
    return text_of("upper", value, run, place).upper()


def trim(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Remove white space at both ends of a text."""
    return text_of("trim", value, run, place).strip()


TEXT = (
    Filter(name="lower", function=lower, examples=(Example("{{ v | lower }}", {"v": "ÄB"}, "äb"),)),
    Filter(name="upper", function=upper, examples=(Example("{{ v | upper }}", {"v": "äb"}, "ÄB"),)),
    Filter(name="trim", function=trim, examples=(Example("{{ v | trim }}", {"v": " a b "}, "a b"),)),
)
