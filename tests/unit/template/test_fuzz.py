"""The gate's share of the fuzzing, and whether its oracle would notice. `make fuzz` tries many more."""

import json
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime

import pytest
from fuzz.__main__ import draw_for
from fuzz.grammar import DATES, SCOPES, VALUES, broken, pipes, templates
from fuzz.oracle import CANARY, LIMITS, Finding, Render, examine, rendered
from fuzz.seeds import SCOPE, dictionary, packed, seeds, unpacked
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from revolution_hub.errors import TemplateError
from revolution_hub.template import blocks, nodes
from revolution_hub.template.filters.filter import Filter
from revolution_hub.template.filters.register import FILTERS
from revolution_hub.template.parser import parse
from revolution_hub.template.place import Place, Source
from revolution_sdk.types import Json, JsonObject

# The same drawings on every run, and no clock: a busy machine is no failure.
LAW = settings(
    derandomize=True, deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow]
)


def test_the_templates_of_the_grammar_keep_every_promise_and_leave_out_no_part_of_it() -> None:
    reached = set[object]()

    def drawn_from(number: int) -> None:
        @seed(number)
        @settings(LAW, derandomize=False, database=None)
        @given(templates(), SCOPES)
        def law(source: str, scope: JsonObject) -> None:
            examine(source, scope)
            reached.update(parts_of(source))

        law()

    whole = {*nodes.Node.__args__, blocks.Shown, blocks.If, blocks.Each}
    drawn_from(0)
    # Which drawings a number gives differs with the modules that are loaded; a rare part may need another.
    for number in range(1, 6):
        if whole - reached:
            drawn_from(number)
    assert whole - reached == set()


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_keeps_every_promise_whatever_it_is_given(name: str) -> None:
    # What can be compiled in any case; what is drawn differs with the modules that are loaded.
    for example in FILTERS[name].examples:
        examine(example.template, {**SCOPE, **example.data})
        assert name in set(parts_of(example.template))

    @settings(LAW, max_examples=30)
    @given(pipes(st.just(FILTERS[name])).map("{{{{ {} }}}}".format), VALUES, DATES)
    def law(source: str, value: Json, when: Json) -> None:
        examine(source, {**SCOPE, "deep": value, "when": when})

    law()


def parts_of(source: str) -> Iterator[object]:
    """Yield the types of a template's parts, and the names of the filters it calls."""
    try:
        left: list[object] = [parse(Source.of(source), LIMITS).body]
    except TemplateError:
        return
    while left:
        part = left.pop()
        if isinstance(part, tuple):
            left.extend(part)
        elif isinstance(part, Filter):
            yield part.name
        elif is_dataclass(part) and not isinstance(part, Place):
            yield type(part)
            left.extend(getattr(part, field.name) for field in fields(part))


@LAW
@given(broken(), SCOPES)
def test_a_broken_template_gives_json_or_a_template_error(source: str, scope: JsonObject) -> None:
    examine(source, scope)


def test_whatever_the_search_begins_with_keeps_every_promise() -> None:
    begun = sorted(set(seeds()))
    for one in begun:
        examine(*unpacked(one))
    assert len(begun) > 300


def returning(value: Callable[[JsonObject], Json]) -> Render:
    return lambda _, scope: value(scope)


def raising(error: Exception) -> Render:
    def render(_source: str, _scope: JsonObject) -> Json:
        raise error

    return render


def changing(_source: str, scope: JsonObject) -> Json:
    scope["items"] = "changed"
    return None


def alternating() -> Render:
    results: list[Json] = [1, 1.0]
    return lambda _source, _scope: results.pop()


def told(message: str, line: int = 1, column: int = 1, source_line: str = "{{ a }}") -> Render:
    return raising(TemplateError(message, line=line, column=column, source_line=source_line))


FAULTS = [
    (returning(lambda _: (1, 2)), "tuple is not JSON"),
    (returning(lambda _: {"a": [datetime.now(UTC)]}), "datetime is not JSON"),
    (returning(lambda _: {1: 2}), "a key that is not a text"),
    (returning(lambda _: float("nan")), "not finite"),
    (returning(lambda _: [float("-inf")]), "not finite"),
    (returning(lambda _: 2**63), "more than 64 bits"),
    (returning(lambda _: "<class 'str'>"), "only Python writes"),
    (returning(lambda _: "<Run object at 0x7f00>"), "only Python writes"),
    (returning(lambda _: "x" * 30_000), "longer than the limit"),
    (returning(lambda scope: scope["object"]), "shares a list or an object"),
    (returning(lambda scope: [{"a": scope["items"]}]), "shares a list or an object"),
    (changing, "changed the scope"),
    (alternating(), "something else than the first"),
    (raising(KeyError("a")), "KeyError instead of a TemplateError"),
    (raising(RecursionError()), "RecursionError instead"),
    (told(f"{CANARY} is not there"), "tells data"),
    (told("Undefined(parts=…)"), "only Python writes"),
    (told("wrong", line=2), "an error in line 2 of 1"),
    (told("wrong", column=0), "an error in column 0"),
    (told("wrong", column=9), "an error in column 9 of 7"),
    (told("wrong", source_line="{{ b }}"), "another line than its own"),
    (told("\ud800"), "cannot be shown"),
]


@pytest.mark.parametrize(("render", "finding"), FAULTS)
def test_the_oracle_notices(render: Render, finding: str) -> None:
    scope = json.loads(json.dumps(SCOPE))
    with pytest.raises(Finding, match=finding):
        examine("{{ a }}", scope, render)


def test_the_oracle_lets_pass_what_is_right() -> None:
    examine("{{ a }}", SCOPE, rendered)
    examine("{{ a }}", SCOPE, told("wrong", column=8))
    examine("{{ '<class ' }}", SCOPE)


def test_a_finding_in_the_drawings_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def planted(_turn: int) -> Callable[[], None]:
        return lambda: examine("{{ a }}", dict(SCOPE), changing)

    assert draw_for(0, [planted]) is None
    assert "FINDING rendering changed the scope" in capsys.readouterr().out


def test_what_was_packed_is_unpacked() -> None:
    assert unpacked(packed("{{ ä }}", {"a": [1, None]})) == ("{{ ä }}", {"a": [1, None]})


@pytest.mark.parametrize(
    "scope", [b"", b"[]", b"{", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": 9223372036854775808}']
)
def test_what_is_no_scope_is_replaced(scope: bytes) -> None:
    assert unpacked(b"{{ a \x80}}\xff" + scope) == ("{{ a �}}", SCOPE)


def test_the_dictionary_has_a_word_a_line_and_every_filter() -> None:
    lines = dictionary().splitlines()
    assert all(line[0] == line[-1] == '"' for line in lines)
    assert {f'"|{name}:"' for name in FILTERS} <= set(lines)
