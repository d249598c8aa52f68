"""Arguments that several filters check alike, when a template is compiled and again when it is rendered."""

from revolution_hub.template.filters.filter import argument_text
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json


def complain_text(name: str, what: str, value: Json) -> str | None:
    """Return what is wrong with a written argument that must be a text, or None."""
    return None if isinstance(value, str) else f"{name} needs a text as {what}, not {kind_of(value)}"


def complain_filled(name: str, what: str, value: Json) -> str | None:
    """Return what is wrong with a written argument that must be a text with something in it, or None."""
    return complain_text(name, what, value) or (None if value else _empty(name, what))


def complain_whole(name: str, what: str, value: Json, least: int, most: int) -> str | None:
    """Return what is wrong with a written argument that must be a whole number in a range, or None."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return None
    return f"{name} needs a whole number from {least:,} to {most:,} as {what}"


def argument_filled(name: str, what: str, value: Json, run: Run, place: Place) -> str:
    """Return the argument called `what` of filter `name`, a text with something in it; charges for it."""
    text = argument_text(name, what, value, run, place)
    if not text:
        raise place.error(_empty(name, what))
    return text


def _empty(name: str, what: str) -> str:
    return f"{name} needs a text as {what}, not an empty one"
