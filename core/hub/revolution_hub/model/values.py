"""values: frozen dataclasses of many fields that are made by the thousand, made in a third of the time."""

from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")

_COPIED: dict[type[Any], Any] = {}
"""For each class of `quickly_made` what makes a copy without the lock."""


def quickly_made(kind: type[T]) -> type[T]:
    """Give a frozen dataclass an `__init__` that does the same in less time, and let `changed` know it.

    The one it has goes past its own lock with a call for each field, which was a tenth of what a delivery
    takes in all. This one lets the value be of a class without the lock while nobody has seen it yet, so that
    setting a field is just that, and then locks it.
    """
    known = fields(kind)  # type: ignore[arg-type]  # it says itself that it is a dataclass
    if any(one.default_factory is not MISSING or not one.init for one in known):
        raise TypeError(f"{kind.__name__} has fields that are more than what is handed in")
    names = [one.name for one in known]
    space: dict[str, Any] = {
        "locked": kind,
        # Of the same base and slots, and so of the same form: a value may change from one to the other.
        "unlocked": type(kind.__name__, kind.__bases__, {"__slots__": tuple(names)}),
        "set_past_lock": object.__setattr__,
    }
    lines = [
        f"def made(self, *, {', '.join(names)}):",
        "    set_past_lock(self, '__class__', unlocked)",
        *(f"    self.{name} = {name}" for name in names),
        "    self.__class__ = locked",
        "def copied(value):",
        "    copy = unlocked()",
        *(f"    copy.{name} = value.{name}" for name in names),
        "    return copy",
    ]
    # As the library itself does it. There is nothing in the text but names of fields.
    exec("\n".join(lines), space)  # noqa: S102
    made, before = space["made"], vars(kind)["__init__"]
    made.__name__, made.__qualname__, made.__module__ = "__init__", before.__qualname__, before.__module__
    made.__kwdefaults__, made.__annotations__ = before.__kwdefaults__, before.__annotations__
    type.__setattr__(kind, "__init__", made)
    _COPIED[kind] = space["copied"]
    return kind


def changed(value: T, **instead: Any) -> T:
    """Return a value of a `quickly_made` class with other fields, as `dataclasses.replace` does."""
    kind = type(value)
    copy = _COPIED[kind](value)
    for name, given in instead.items():
        setattr(copy, name, given)
    copy.__class__ = kind
    made: T = copy
    return made
