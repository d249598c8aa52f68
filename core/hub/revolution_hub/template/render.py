"""Compile a template and render it. Compiled templates are values; short ones are cached and shared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from revolution_hub.template.blocks import Body, Shown
from revolution_hub.template.lexer import BLANKS
from revolution_hub.template.limits import DEFAULT, Limits, Run
from revolution_hub.template.nodes import Node
from revolution_hub.template.output import copied, weigh
from revolution_hub.template.parser import parse
from revolution_hub.template.place import Place, Source
from revolution_hub.template.values import PathUse, required
from revolution_sdk.types import Json

MOST_CACHED = 4096
LONGEST_CACHED_CHARS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """A compiled template. `lone` is its expression if there is nothing else but white space around it.

    `paths` lists every path the template reads, in order.
    """

    source: str
    body: Body
    lone: Node | None
    paths: tuple[PathUse, ...]

    @property
    def start(self) -> Place:
        """Where it begins."""
        return self.body.place

    def render(
        self, scope: Mapping[str, Json], limits: Limits = DEFAULT, now: datetime | None = None
    ) -> Json:
        """Return the value of a lone expression with its JSON type, otherwise text.

        `now` is the moment that filters such as `relative` count from.

        The result shares nothing that can be changed with the scope. Raises TemplateError for a path that
        is not there or a value that an operation does not fit, TemplateLimitError beyond `limits`.
        """
        return self.render_in(Run(scope, limits, now))

    def render_in(self, run: Run) -> Json:
        """Render as one of several templates that share the scope and the limits of `run`."""
        if self.lone is not None:
            run.spend(self.body.steps, self.body.place)
            return _value(self.lone, run)
        out: list[str] = []
        self.body.write(run, out)
        # Until here the texts were only collected, so the size is known before anything is made of it.
        run.write(sum(map(len, out)), self.body.place)
        return "".join(out)


def compile_template(source: str, limits: Limits = DEFAULT) -> Template:
    """Compile a template, or take it from the cache. Raises TemplateError, pointing at the place.

    Only `depth` and `source_chars` of the limits count here.
    """
    if len(source) > LONGEST_CACHED_CHARS:
        return _compiled(source, limits)
    return _cached(source, limits)


def compile_condition(source: Json, limits: Limits = DEFAULT) -> Template:
    """Compile what stands behind `if:`, a lone expression or plain true or false."""
    if isinstance(source, bool):
        return compile_template("{{ true }}" if source else "{{ false }}", limits)
    template = compile_template(source, limits) if isinstance(source, str) else None
    if template is None or template.lone is None:
        place = Place(Source.of(source if isinstance(source, str) else ""), 0)
        raise place.error("a condition is true, false or one {{ expression }} and nothing else")
    return template


def evaluate_condition(
    template: Template, scope: Mapping[str, Json], limits: Limits = DEFAULT, now: datetime | None = None
) -> bool:
    """Tell whether a compiled condition holds: null, false, 0, "", [] and {} do not.

    A path that is not there raises TemplateError like everywhere else; `not`, `and`, `or` and defaults
    take it.
    """
    run = Run(scope, limits, now)
    run.spend(template.body.steps, template.start)
    if template.lone is None:
        raise template.start.error("a condition is one {{ expression }} and nothing else")
    return bool(required(template.lone.evaluate(run)))


@lru_cache(maxsize=MOST_CACHED)
def _cached(source: str, limits: Limits) -> Template:
    return _compiled(source, limits)


def _compiled(source: str, limits: Limits) -> Template:
    indexed = Source.of(source)
    start = Place(indexed, 0)
    if len(source) > limits.source_chars:
        raise start.limit(f"the template has more than {limits.source_chars:,} characters")
    tree = parse(indexed, limits)
    return Template(source=source, body=tree.body, lone=_lone(tree.body), paths=tree.paths)


def _lone(body: Body) -> Node | None:
    """Return the only expression, if there is nothing else but white space around it."""
    written = [part for part in body.parts if not isinstance(part, str)]
    texts = "".join([part for part in body.parts if isinstance(part, str)])
    only = written[0] if len(written) == 1 else None
    return only.node if isinstance(only, Shown) and not texts.strip(BLANKS) else None


def _value(node: Node, run: Run) -> Json:
    """Evaluate a lone expression to a value of the caller's own."""
    value = required(node.evaluate(run))
    if isinstance(value, str):
        run.write(len(value), node.place)
        return value
    run.write(weigh(value, run.chars_left, run, node.place), node.place)
    return copied(value)
