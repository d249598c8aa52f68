"""What an expression is made of. Each node evaluates itself over a run and knows its place.

This is the whole list: there is no node that reads an attribute, calls a value or evaluates text.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from revolution_hub.template.arithmetic import calculate
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
        return _followed(run.scope, self, 0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Local:
    """What a loop calls `this`, or by a name of its own: the member under way, and a path into it.

    `level` counts the loops around it from the outermost, 0. The first of `parts` is the name itself.
    """

    level: int
    parts: tuple[str | int, ...]
    places: tuple[Place, ...]

    @property
    def place(self) -> Place:
        """Where the path begins."""
        return self.places[0]

    def evaluate(self, run: Run) -> Json:
        """Return what is there, or Undefined."""
        return _followed(run.loops[self.level].member, self, 1)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LoopFact:
    """`@index`, `@first`, `@last` or `@key` of a loop; `level` counts from the outermost, 0.

    `@position` is the key in an object, else the index: what the second name behind `as` stands for.
    """

    level: int
    fact: str
    place: Place

    def evaluate(self, run: Run) -> Json:
        """Return the fact; a list has no keys."""
        loop = run.loops[self.level]
        if self.fact == "@index" or (self.fact == "@position" and loop.key is None):
            return loop.index
        if self.fact == "@first":
            return loop.index == 0
        if self.fact == "@last":
            return loop.index == loop.count - 1
        if loop.key is None:
            raise self.place.error("@key is for objects; the position in a list is @index")
        return loop.key


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Maybe:
    """A path with a `?` behind it: null if it is not there, and no text if it is null."""

    operand: "Path | Local"
    place: Place

    def evaluate(self, run: Run) -> Json:
        """Return what is there, or null."""
        return present(self.operand.evaluate(run))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fallback:
    """Operands between `??`: the first that is there and not null, or the last."""

    operands: tuple["Node", ...]
    place: Place

    def evaluate(self, run: Run) -> Json:
        """Return the operand that decides; those behind it are not evaluated."""
        value: Json = None
        for operand in self.operands:
            value = operand.evaluate(run)
            if present(value) is not None:
                break
        return value


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Term:
    """An arithmetic sign, where it stands, and the operand behind it."""

    sign: str
    operand: "Node"
    place: Place


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calculate:
    """An operand and the terms behind it, taken from left to right, however many there are."""

    first: "Node"
    terms: tuple[Term, ...]

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.first.place

    def evaluate(self, run: Run) -> Json:
        """Return the number."""
        value = self.first.evaluate(run)
        for term in self.terms:
            value = calculate(term.sign, value, term.operand.evaluate(run), term.place)
        return value


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Negative:
    """A minus before a value."""

    operand: "Node"
    place: Place

    def evaluate(self, run: Run) -> Json:
        """Return the number with the other sign."""
        return calculate("-", 0, self.operand.evaluate(run), self.place)


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
        """Return what the last filter gives. Of a value that may be missing and is, filters see nothing."""
        value = self.operand.evaluate(run)
        may_miss = value is None and isinstance(self.operand, Maybe)
        for call in self.calls:
            if may_miss and not call.filter.takes_absent:
                continue
            value = call.apply(value, run)
            may_miss = may_miss and value is None
        return value


Node: TypeAlias = (
    Literal
    | Path
    | Local
    | LoopFact
    | Maybe
    | Not
    | And
    | Or
    | Fallback
    | Compare
    | Calculate
    | Negative
    | Piped
)


def _followed(holder: Json, path: Path | Local, start: int) -> Json:
    parts = path.parts
    for index in range(start, len(parts)):
        part = parts[index]
        if isinstance(holder, dict):
            found = holder.get(part, _MISSING)
        elif isinstance(holder, list) and isinstance(part, int) and -len(holder) <= part < len(holder):
            found = holder[part]
        else:
            found = _MISSING
        if found is _MISSING:
            return Undefined(parts=parts, missing=index, holder=holder, place=path.places[index])
        holder = found
    return holder
