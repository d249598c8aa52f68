"""Templates inside a JSON document: found in every string, rendered together on one account.

Keys are never templates. The shape of the document decides the shape of the result, so data cannot
break out of the string it is put into.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from revolution_hub.errors import DefinitionError, Problem, TemplateError
from revolution_hub.template.limits import DEFAULT, Limits, Run
from revolution_hub.template.render import Template, compile_template
from revolution_hub.template.values import PathUse, part_text
from revolution_sdk.types import Json


class DocumentPath(NamedTuple):
    """One path a document's templates read, and where in the document: `with.to[0]`."""

    where: str
    use: PathUse


@dataclass(frozen=True, slots=True, eq=False)
class _Constant:
    value: Json

    def fill(self, run: Run) -> Json:
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    where: str
    template: Template

    def fill(self, run: Run) -> Json:
        try:
            return self.template.render_in(run)
        except TemplateError as error:
            error.problems = [error.problem(self.where)]
            raise


@dataclass(frozen=True, slots=True, eq=False)
class _Object:
    members: tuple[tuple[str, "_Part"], ...]

    def fill(self, run: Run) -> Json:
        return {key: part.fill(run) for key, part in self.members}


@dataclass(frozen=True, slots=True, eq=False)
class _List:
    members: tuple["_Part", ...]

    def fill(self, run: Run) -> Json:
        return [part.fill(run) for part in self.members]


_Part: TypeAlias = _Constant | _Slot | _Object | _List


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """A compiled document. `paths` lists every path its templates read, in document order."""

    root: _Part
    paths: tuple[DocumentPath, ...]

    def render(
        self, scope: Mapping[str, Json], limits: Limits = DEFAULT, now: datetime | None = None
    ) -> Json:
        """Return the document with every template rendered; `limits` hold for all of them together.

        The result shares nothing that can be changed with the document or the scope. Raises the first
        TemplateError; its `problems` name the place in the document.
        """
        return self.root.fill(Run(scope, limits, now))


def compile_document(value: Json, limits: Limits = DEFAULT, *, at: str = "") -> Document:
    """Compile every template in a JSON value. `at` is the path of the value in a larger document.

    Raises DefinitionError with all problems: templates that cannot be read, and what is not JSON, such as
    a date or a number as a key, which YAML makes of text without quotes.
    """
    compiler = _Compiler(limits)
    root = compiler.part(value, at)
    if compiler.problems:
        count = len(compiler.problems)
        raise DefinitionError(f"{count} problem{'s'[: count > 1]} in templates", compiler.problems)
    return Document(root=root, paths=tuple(compiler.paths))


class _Compiler:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.problems: list[Problem] = []
        self.paths: list[DocumentPath] = []

    def part(self, value: Json, where: str, depth: int = 0) -> _Part:
        if depth >= self.limits.depth:
            self.problem(where, f"this is nested deeper than {self.limits.depth} levels", "template_limit")
        elif isinstance(value, str):
            return self.slot(value, where) if "{{" in value else _Constant(value)
        elif isinstance(value, dict):
            return self.object(value, where, depth)
        elif isinstance(value, list):
            return _List(tuple(self.part(one, f"{where}[{at}]", depth + 1) for at, one in enumerate(value)))
        elif value is not None and not isinstance(value, bool | int | float):
            self.problem(
                where, f"{type(value).__name__} is not JSON; write it as a text in quotes", "invalid"
            )
        return _Constant(value)

    def object(self, value: dict[Json, Json], where: str, depth: int) -> _Object:
        for key in value:
            if not isinstance(key, str):
                self.problem(where, f"the key {key} is not a text; write it in quotes", "invalid")
        texts = {key: one for key, one in value.items() if isinstance(key, str)}
        return _Object(
            tuple((key, self.part(one, where + part_text(key), depth + 1)) for key, one in texts.items())
        )

    def slot(self, source: str, where: str) -> _Part:
        try:
            template = compile_template(source, self.limits)
        except TemplateError as error:
            self.problems.append(error.problem(where.removeprefix(".")))
            return _Constant(source)
        shown = where.removeprefix(".")
        self.paths.extend(DocumentPath(where=shown, use=use) for use in template.paths)
        return _Slot(shown, template)

    def problem(self, where: str, message: str, code: str) -> None:
        self.problems.append(Problem(path=where.removeprefix("."), message=message, code=code))
