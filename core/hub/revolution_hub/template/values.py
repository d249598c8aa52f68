"""Values inside an expression: the JSON types by name, paths, and the value of one that leads nowhere."""

import json
from dataclasses import dataclass

from revolution_hub.errors import TemplateError
from revolution_hub.template.near import did_you_mean
from revolution_hub.template.place import Place, printable
from revolution_sdk.types import Json

LONGEST_KEY_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PathUse:
    """One path a template reads. `defaulted`: a default stands directly behind it, so it may be absent."""

    parts: tuple[str | int, ...]
    line: int
    column: int
    defaulted: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Undefined:
    """The value of a path that leads nowhere. Never leaves this room.

    `parts[missing]` is what `holder` does not have; `place` points at it.
    """

    parts: tuple[str | int, ...]
    missing: int
    holder: Json
    place: Place

    def error(self) -> TemplateError:
        """Make the error that names the path, and a near key if there is one. Quotes no value."""
        return self.place.error(self._message())

    def _message(self) -> str:
        name = path_text(self.parts[: self.missing + 1])
        above = path_text(self.parts[: self.missing])
        part = self.parts[self.missing]
        if isinstance(self.holder, dict) and isinstance(part, str):
            hint = '; if it may be missing, put a ? behind it or add a default: | "…"'
            return f"{name} is not there{did_you_mean(part, self.holder) or hint}"
        if isinstance(self.holder, list) and isinstance(part, int):
            return f"{name} is not there; the list is shorter"
        if isinstance(self.holder, list):
            return f"{name} is not there; {above} is a list, its first member is {above}[0]"
        return f"{name} is not there; {above} is {kind_of(self.holder)}"


def path_text(parts: tuple[str | int, ...]) -> str:
    """Write a path as in a template: `items[0]["odd key"].name`. Long keys are cut."""
    return "".join(part_text(part) for part in parts).removeprefix(".")


def part_text(part: str | int) -> str:
    """Write one part of a path with what joins it to the part before: `.name`, `[0]`, `["odd key"]`."""
    if isinstance(part, int):
        return f"[{part}]"
    shown = part if len(part) <= LONGEST_KEY_SHOWN else part[:LONGEST_KEY_SHOWN] + "…"
    if shown.isascii() and shown.isidentifier():
        return f".{shown}"
    return f"[{printable(json.dumps(shown, ensure_ascii=False))}]"


def kind_of(value: Json) -> str:
    """Name the JSON type of a value with its article, for messages."""
    if value is None or isinstance(value, Undefined):
        return "null"
    for kinds, name in (
        (bool, "true or false"),
        (int | float, "a number"),
        (str, "a text"),
        (list, "a list"),
        (dict, "an object"),
    ):
        if isinstance(value, kinds):
            return name
    return "not a JSON value"


def present(value: Json) -> Json:
    """Return the value, null if it is absent."""
    return None if isinstance(value, Undefined) else value


def required(value: Json) -> Json:
    """Return the value; raise TemplateError if it is absent."""
    if isinstance(value, Undefined):
        raise value.error()
    return value
