"""What an expression is made of. Each node evaluates itself over a run and knows its place.

This is the whole list: there is no node that reads an attribute, calls a value or evaluates text.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from revolution_hub.template.comparisons import Comparison
from revolution_hub.template.filters.filter import Filter
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import Undefined, present, required
from revolution_sdk.types import Json

_MISSING: Final = object()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Literal:
    """A text, number, true, false or null written in the template."""

    value: Json
    place: Place

    def evaluate(self, run: Run) -> Json:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Path:
    """A way into the scope through object keys and list indexes; `places` holds the place of each part."""

    parts: tuple[str | int, ...]
    places: tuple[Place, ...]

    @property
    def place(self) -> Place:
        """Where the path begins."""
        return self.places[0]

    def evaluate(self, run: Run) -> Json:
        """Return what is there, or Undefined. A text has no members, and a list no names."""
        holder: Json = run.scope
        for index, part in enumerate(self.parts):
            if isinstance(holder, dict):
                found = holder.get(part, _MISSING)
            elif isinstance(holder, list) and isinstance(part, int) and -len(holder) <= part < len(holder):
                found = holder[part]
            else:
                found = _MISSING
            if found is _MISSING:
                return Undefined(parts=self.parts, missing=index, holder=holder, place=self.places[index])
            holder = found
        return holder


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Not:
    """The opposite truth of a value; an absent one counts as null."""

    operand: "Node"
    place: Place

    def evaluate(self, run: Run) -> bool:
        """Return true or false."""
        return not present(self.operand.evaluate(run))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class And:
    """Two or more operands; the first false one, or the last, is the value."""

    operands: tuple["Node", ...]
    place: Place

    def evaluate(self, run: Run) -> Json:
        """Return the operand that decides; those behind it are not evaluated."""
        value: Json = None
        for operand in self.operands:
            value = present(operand.evaluate(run))
            if not value:
                break
        return value


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Or:
    """Two or more operands; the first true one, or the last, is the value."""

    operands: tuple["Node", ...]
    place: Place

    def evaluate(self, run: Run) -> Json:
        """Return the operand that decides; those behind it are not evaluated."""
        value: Json = None
        for operand in self.operands:
            value = present(operand.evaluate(run))
            if value:
                break
        return value


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Compare:
    """Two operands and the comparison between them; `place` is that of its sign."""

    left: "Node"
    right: "Node"
    comparison: Comparison
    place: Place

    def evaluate(self, run: Run) -> bool:
        """Return true or false; operands without an order raise TemplateError."""
        return self.comparison(self.left.evaluate(run), self.right.evaluate(run), run, self.place)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FilterCall:
    """One filter behind a `|` with its arguments."""

    filter: Filter
    arguments: tuple["Node", ...]
    place: Place

    def apply(self, value: Json, run: Run) -> Json:
        """Return the filtered value."""
        arguments = tuple([argument.evaluate(run) for argument in self.arguments])
        if not self.filter.takes_absent:
            for given in (value, *arguments):
                required(given)
        return self.filter.function(value, arguments, run, self.place)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Piped:
    """A value that passes through one filter after another."""

    operand: "Node"
    calls: tuple[FilterCall, ...]
    place: Place

    def evaluate(self, run: Run) -> Json:
        """Return what the last filter gives."""
        value = self.operand.evaluate(run)
        for call in self.calls:
            value = call.apply(value, run)
        return value


Node: TypeAlias = Literal | Path | Not | And | Or | Compare | Piped
