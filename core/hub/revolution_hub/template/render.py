"""Compile a template and render it. Compiled templates are values; short ones are cached and shared."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from revolution_hub.template.lexer import BLANKS
from revolution_hub.template.limits import DEFAULT, Limits, Run
from revolution_hub.template.nodes import Node, Path
from revolution_hub.template.output import copied, json_text, scalar_text, weigh
from revolution_hub.template.parser import parse
from revolution_hub.template.place import Place, Source
from revolution_hub.template.values import PathUse, path_text, required
from revolution_sdk.types import Json

MOST_CACHED = 4096
LONGEST_CACHED_CHARS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """A compiled template. `lone` is its expression if there is nothing else but white space around it.

    `paths` lists every path the template reads, in order.
    """

    source: str
    parts: tuple[str | Node, ...]
    lone: Node | None
    paths: tuple[PathUse, ...]
    steps: int
    text_chars: int
    start: Place

    def render(self, scope: Mapping[str, Json], limits: Limits = DEFAULT) -> Json:
        """Return the value of a lone expression with its JSON type, otherwise text.

        The result shares nothing that can be changed with the scope. Raises TemplateError for a path that
        is not there or a value that an operation does not fit, TemplateLimitError beyond `limits`.
        """
        return self.render_in(Run(scope, limits))

    def render_in(self, run: Run) -> Json:
        """Render as one of several templates that share the scope and the limits of `run`."""
        run.spend(self.steps, self.start)
        if self.lone is not None:
            return _value(self.lone, run)
        run.write(self.text_chars, self.start)
        return "".join([part if isinstance(part, str) else _text(part, run) for part in self.parts])


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
    place = Place(Source.of(source if isinstance(source, str) else ""), 0)
    template = compile_template(source, limits) if isinstance(source, str) else None
    if template is None or template.lone is None:
        raise place.error("a condition is true, false or one {{ expression }} and nothing else")
    return template


def evaluate_condition(template: Template, scope: Mapping[str, Json], limits: Limits = DEFAULT) -> bool:
    """Tell whether a compiled condition holds: null, false, 0, "", [] and {} do not.

    A path that is not there raises TemplateError like everywhere else; `not`, `and`, `or` and defaults
    take it.
    """
    run = Run(scope, limits)
    run.spend(template.steps, template.start)
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
    texts = [part for part in tree.parts if isinstance(part, str)]
    nodes = [part for part in tree.parts if not isinstance(part, str)]
    is_lone = len(nodes) == 1 and not "".join(texts).strip(BLANKS)
    return Template(
        source=source,
        parts=tree.parts,
        lone=nodes[0] if is_lone else None,
        paths=tree.paths,
        steps=tree.steps,
        text_chars=sum(map(len, texts)),
        start=start,
    )


def _value(node: Node, run: Run) -> Json:
    """Evaluate a lone expression to a value of the caller's own."""
    value = required(node.evaluate(run))
    if isinstance(value, str):
        run.write(len(value), node.place)
        return value
    run.write(weigh(value, run.chars_left, run, node.place), node.place)
    return copied(value)


def _text(node: Node, run: Run) -> str:
    """Evaluate an expression within text."""
    value = required(node.evaluate(run))
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool | int | float):
        text = scalar_text(value, node.place)
    elif value is None:
        name = path_text(node.parts) if isinstance(node, Path) else "this"
        raise node.place.error(f'{name} is null, which has no text; add a default: | "…"')
    else:
        text = json_text(value, run.chars_left, run, node.place)
    run.write(len(text), node.place)
    return text
