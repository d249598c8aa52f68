"""What a template is made of between its texts: expressions shown as text, and the blocks around more of it.

Each part writes itself into a list of texts, which are joined at the end.
"""

from dataclasses import dataclass
from typing import TypeAlias

from revolution_hub.template.limits import Loop, Run
from revolution_hub.template.nodes import Local, Maybe, Node, Path, Piped
from revolution_hub.template.output import json_text, scalar_text
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of, path_text, required
from revolution_sdk.types import Json

LOOKS_PER_CLOCK = 64


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shown:
    """An expression within text. `optional`: it may be null, and then shows nothing."""

    node: Node
    optional: bool

    def write(self, run: Run, out: list[str]) -> None:
        """Write the value as text."""
        value = self.node.evaluate(run)
        if value.__class__ is not str:
            value = self._text(value, run)
        out.append(value)

    def _text(self, value: Json, run: Run) -> str:
        place = self.node.place
        value = required(value)
        if isinstance(value, str):
            return str(value)
        if isinstance(value, bool | int | float):
            return scalar_text(value, place)
        if value is not None:
            text = json_text(value, run.chars_left, run, place)
            # It is longer than what it was made from, and counts at once.
            run.work(len(text), place)
            return text
        if self.optional:
            return ""
        name = path_text(self.node.parts) if isinstance(self.node, Path | Local) else "this"
        raise place.error(f'{name} is null, which has no text; add a default: | "…"')


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Body:
    """Parts in a row. `steps` is what evaluating them takes once, without what stands in their blocks."""

    parts: tuple["Part", ...]
    steps: int
    place: Place

    def write(self, run: Run, out: list[str]) -> None:
        """Write every part."""
        run.spend(self.steps, self.place)
        for part in self.parts:
            if part.__class__ is str:
                out.append(part)
            else:
                part.write(run, out)  # type: ignore[union-attr]  # whatever is no text writes itself


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class If:
    """Conditions, each with what is written if it is the first that holds; None always does."""

    branches: tuple[tuple[Node | None, Body], ...]

    def write(self, run: Run, out: list[str]) -> None:
        """Write the branch that is taken, if one is."""
        for condition, body in self.branches:
            if condition is None or required(condition.evaluate(run)):
                body.write(run, out)
                return


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Each:
    """A loop over the members of a list or an object; `otherwise` is written if there are none.

    `level` counts the loops around it.
    """

    members: Node
    body: Body
    otherwise: Body | None
    level: int

    def write(self, run: Run, out: list[str]) -> None:
        """Write the body once for each member."""
        members = required(self.members.evaluate(run))
        if members is None and may_be_null(self.members):
            members = []
        if not isinstance(members, list | dict):
            raise self.members.place.error(f"each needs a list or an object, not {kind_of(members)}")
        if not members:
            if self.otherwise is not None:
                self.otherwise.write(run, out)
            return
        loop = Loop(len(members))
        run.loops.append(loop)
        body = self.body
        pairs = members.items() if isinstance(members, dict) else ((None, one) for one in members)
        for index, (loop.key, loop.member) in enumerate(pairs):
            loop.index = index
            if not index % LOOKS_PER_CLOCK:
                run.check_time(body.place)
            run.spend(1, body.place)
            body.write(run, out)
        run.loops.pop()


Part: TypeAlias = str | Shown | If | Each


def may_be_null(node: Node) -> bool:
    """Tell whether a `?` says that this expression may have no value."""
    return isinstance(node, Maybe) or (isinstance(node, Piped) and isinstance(node.operand, Maybe))
