"""Blocks, loops, arithmetic and white space: what a whole template writes."""

from dataclasses import dataclass

import pytest

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.limits import Limits
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject

SCOPE: JsonObject = {
    "premium": True,
    "trial": False,
    "nothing": None,
    "score": 70,
    "price": 19.5,
    "name": "Eva",
    "items": [{"name": "Tea", "n": 2}, {"name": "Jam", "n": 1}],
    "tags": ["vip", "new"],
    "none": [],
    "matrix": [[1, 2], [3]],
    "shelf": {"a": 1, "b": 2},
    "hook": "{{#if premium}}{{ name }}{{/if}}",
}


@dataclass(frozen=True)
class Case:
    name: str
    given: str
    expect: Json


def rendered(source: str, limits: Limits | None = None) -> Json:
    return compile_template(source).render(SCOPE, limits or Limits())


CONDITIONS = [
    Case("a condition that holds", "{{#if premium}}VIP{{/if}}!", "VIP!"),
    Case("one that does not", "{{#if trial}}VIP{{/if}}!", "!"),
    Case("else", "{{#if trial}}a{{else}}b{{/if}}", "b"),
    Case("else if", "{{#if trial}}a{{else if score >= 60}}b{{else}}c{{/if}}", "b"),
    Case("the first that holds", "{{#if premium}}a{{else if score}}b{{/if}}", "a"),
    Case("unless", "{{#unless trial}}a{{else}}b{{/unless}}", "a"),
    Case("a value that may be missing", "{{#if nobody?}}a{{else}}b{{/if}}", "b"),
    Case("unless there is one", "{{#unless nobody}}a{{/unless}}", "a"),
    Case("an empty list does not hold", "{{#if none}}a{{else}}b{{/if}}", "b"),
    Case("what is not taken is not evaluated", "{{#if trial}}{{ nobody }}{{else}}b{{/if}}", "b"),
    Case("a text all the same", "{{#if premium}}{{ score }}{{/if}}", "70"),
]

LOOPS = [
    Case("members", "{{#each tags}}{{ this }};{{/each}}", "vip;new;"),
    Case("members' members", "{{#each items}}{{ this.n }} {{ this.name }} {{/each}}", "2 Tea 1 Jam "),
    Case(
        "positions",
        "{{#each tags}}{{ @index }}{{ @first }}{{ @last }} {{/each}}",
        "0truefalse 1falsetrue ",
    ),
    Case("between members", "{{#each tags}}{{ this }}{{#unless @last}}, {{/unless}}{{/each}}", "vip, new"),
    Case("nothing", "{{#each none}}a{{/each}}", ""),
    Case("nothing and else", "{{#each none}}a{{else}}none{{/each}}", "none"),
    Case("a list that may be missing", "{{#each nobody?}}a{{else}}none{{/each}}", "none"),
    Case("null that may be", "{{#each nothing?}}a{{else}}none{{/each}}", "none"),
    Case("an object", "{{#each shelf}}{{ @key }}={{ this }} {{/each}}", "a=1 b=2 "),
    Case(
        "names of one's own",
        "{{#each items as one, at}}{{ at + 1 }}. {{ one.name }} {{/each}}",
        "1. Tea 2. Jam ",
    ),
    Case("the key as position", "{{#each shelf as v, k}}{{ k }}{{ v }}{{/each}}", "a1b2"),
    Case(
        "a loop in a loop",
        "{{#each matrix as row, r}}{{#each row}}{{ r }}{{ @index }}:{{ this }} {{/each}}{{/each}}",
        "00:1 01:2 10:3 ",
    ),
    Case("the scope inside", "{{#each tags}}{{ name }}{{/each}}", "EvaEva"),
    Case(
        "this in a condition",
        "{{#each matrix}}{{#if this[1]?}}{{ this[1] }}{{else}}-{{/if}}{{/each}}",
        "2-",
    ),
    Case("a filtered list", "{{#each tags | json | default:'x'}}{{/each}}", None),
    Case("a name hides the scope's", "{{#each tags as name}}{{ name }}{{/each}}{{ name }}", "vipnewEva"),
]

NUMBERS = [
    Case("a sum", "{{ score + 1 }}", 71),
    Case("a difference", "{{ score - 80 }}", -10),
    Case("a product with a decimal number", "{{ price * 2 }}", 39.0),
    Case("a quotient without rest stays whole", "{{ score / 7 }}", 10),
    Case("a quotient with one", "{{ 7 / 2 }}", 3.5),
    Case("a rest", "{{ score % 8 }}", 6),
    Case("a rest has the divisor's sign", "{{ -1 % 3 }}", 2),
    Case("from left to right", "{{ 10 - 3 - 2 }}", 5),
    Case("points before lines", "{{ 2 + 3 * 4 }}", 14),
    Case("parentheses", "{{ (2 + 3) * 4 }}", 20),
    Case("a minus", "{{ -score + 1 }}", -69),
    Case("in text", "{{ 1 + 1 }} and {{ price / 2 }}", "2 and 9.75"),
    Case("the largest whole number", "{{ 9223372036854775806 + 1 }}", 9223372036854775807),
]

MISSING = [
    Case("a ? in text", "Hallo {{ nobody? }}!", "Hallo !"),
    Case("a ? far down", "{{ nobody.at.all[0]? }}.", "."),
    Case("a ? of null", "{{ nothing? }}.", "."),
    Case("a ? alone", "{{ nobody? }}", None),
    Case("a ? and a filter", "{{ nobody? | upper }}.", "."),
    Case("a ?, a filter and a default", "{{ nobody? | upper | 'x' }}", "x"),
    Case("a ? of a value", "{{ name? | upper }}", "EVA"),
    Case("?? of nothing", "{{ nobody ?? 'x' }}", "x"),
    Case("?? of null", "{{ nothing ?? 'x' }}", "x"),
    Case("?? of an empty list", "{{ none ?? 'x' }}", []),
    Case("?? of several", "{{ nobody ?? nothing ?? score }}", 70),
    Case("?? in a comparison", "{{ nobody ?? 0 >= 5 }}", False),
]

SPACE = [
    Case("a line of its own goes", "a\n{{#if premium}}\nb\n{{/if}}\nc", "a\nb\nc"),
    Case("with blanks around it", "a\n  {{#if premium}} \r\nb\n\t{{/if}}\nc", "a\nb\nc"),
    Case("else too", "{{#if trial}}\na\n{{else}}\nb\n{{/if}}\n", "b\n"),
    Case("a loop's lines", "{{#each tags}}\n- {{ this }}\n{{/each}}\n.", "- vip\n- new\n."),
    Case("a comment's line", "a\n{{! b }}\nc", "a\nc"),
    Case("a line with more on it stays", "a {{#if premium}}\nb{{/if}} c", "a \nb c"),
    Case("an expression's line stays", "a\n{{ name }}\nc", "a\nEva\nc"),
    Case("~ before", "a \n {{~ name }} c", "aEva c"),
    Case("~ behind", "a {{ name ~}} \n c", "a Evac"),
    Case("~ of a block", "a {{~#if premium~}} b {{~/if~}} c", "abc"),
    Case("~ of a comment", "a {{~! b ~}} c", "ac"),
    Case("raw lines", "a\n{{#raw}}\n{{ b }}\n{{/raw}}\nc", "a\n{{ b }}\nc"),
    Case("a value keeps its white space", "{{ '  x  ' ~}} y", "  x  y"),
]


@pytest.mark.parametrize(
    "case",
    [*CONDITIONS, *(one for one in LOOPS if one.expect is not None), *NUMBERS, *MISSING, *SPACE],
    ids=lambda case: case.name,
)
def test_a_template_writes(case: Case) -> None:
    assert repr(rendered(case.given)) == repr(case.expect)


REFUSED = [
    Case(
        "a condition that is not there",
        "{{#if nobody}}a{{/if}}",
        "nobody is not there; if it may be missing, put a ? behind it",
    ),
    Case("a loop over a text", "{{#each name}}{{/each}}", "each needs a list or an object, not a text"),
    Case("a loop over null", "{{#each nothing}}{{/each}}", "each needs a list or an object, not null"),
    Case("a loop over nothing", "{{#each nobody}}{{/each}}", "nobody is not there"),
    Case(
        "a member's member that is not there",
        "{{#each items}}{{ this.nam }}{{/each}}",
        "this.nam is not there; did you mean name?",
    ),
    Case("a key in a list", "{{#each tags}}{{ @key }}{{/each}}", "@key is for objects"),
    Case("null in a loop", "{{#each items}}{{ nothing }}{{/each}}", "nothing is null, which has no text"),
    Case(
        "a sum of texts",
        "{{ name + name }}",
        "+ needs two numbers, not a text; texts are joined by writing them",
    ),
    Case("a sum with true", "{{ premium + 1 }}", "+ needs two numbers, not true or false"),
    Case("a difference with a list", "{{ 1 - tags }}", "- needs two numbers, not a list"),
    Case("a product with null", "{{ nothing * 2 }}", "* needs two numbers, not null"),
    Case("a sum with nothing", "{{ nobody + 1 }}", "nobody is not there"),
    Case("a division by zero", "{{ score / 0 }}", "nothing can be divided by 0"),
    Case("a rest of zero", "{{ score % 0.0 }}", "nothing can be divided by 0"),
    Case("more than 64 bits", "{{ 9223372036854775807 + 1 }}", "whole numbers have at most 64 bits"),
    Case("more than a decimal number holds", "{{ 1e308 * 10 }}", "the result is not a finite number"),
    Case("a hyphen in a name", "{{ first-name }}", 'a key with a hyphen is written ["my-key"]'),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_cannot_be_written_is_an_error_that_quotes_no_value(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(case.given)
    assert str(case.expect) in caught.value.message
    assert "Eva" not in caught.value.pointed().replace(case.given, "")


def test_an_error_in_a_block_points_into_it() -> None:
    with pytest.raises(TemplateError) as caught:
        rendered("a\n{{#each items}}\n  {{ this.name | upper }} {{ this.nobody }}\n{{/each}}")
    assert (caught.value.line, caught.value.column) == (3, 35)


def test_a_value_with_blocks_in_it_stays_text() -> None:
    assert rendered("{{#each tags}}{{ hook }}{{/each}}") == "{{#if premium}}{{ name }}{{/if}}" * 2


def test_the_paths_of_a_loop_are_those_of_its_first_member() -> None:
    source = "{{#each a.items as one}}{{ one.b }}{{#each this.c}}{{ this.d? }}{{ x }}{{/each}}{{/each}}"
    found = [(use.parts, use.defaulted) for use in compile_template(source).paths]
    assert found == [
        (("a", "items"), False),
        (("a", "items", 0, "b"), False),
        (("a", "items", 0, "c"), False),
        (("a", "items", 0, "c", 0, "d"), True),
        (("x",), False),
    ]


LARGE: JsonObject = {"rows": list(range(3_000)), "text": "x" * 1_000_000, "deep": [[0] * 100] * 100}

TOO_MUCH = [
    Case("members", "{{#each rows}}{{ this }} {{ @index }} {{ @first }}{{/each}}", "more than 10,000 steps"),
    Case(
        "members of members",
        "{{#each rows}}{{#each rows}}{{#each rows}}a{{/each}}{{/each}}{{/each}}",
        "more than 10,000 steps",
    ),
    Case("output", "{{#each rows}}{{ text }}{{/each}}", "more than 1,000,000 characters"),
    Case("output of lists", "{{#each rows}}{{ rows }}{{/each}}", "characters"),
]


@pytest.mark.parametrize("case", TOO_MUCH, ids=lambda case: case.name)
def test_a_loop_that_takes_too_much_ends_in_the_limit(case: Case) -> None:
    with pytest.raises(TemplateLimitError) as caught:
        compile_template(case.given).render(LARGE)
    assert str(case.expect) in caught.value.message


def test_rendering_ends_when_its_time_is_over() -> None:
    limits = Limits(steps=10**9, seconds=1e-9)
    with pytest.raises(TemplateLimitError, match="takes more than 1e-09 seconds"):
        compile_template("{{#each rows}}a{{/each}}").render(LARGE, limits)


def test_blocks_nest_as_deep_as_everything_else_and_no_deeper() -> None:
    deepest = "{{#if premium}}" * 64 + "a" + "{{/if}}" * 64
    assert rendered(deepest) == "a"
    with pytest.raises(TemplateLimitError, match="nested deeper than 64 levels"):
        rendered("{{#if premium}}" + deepest + "{{/if}}")
    loops = "{{#each tags}}" * 64 + "{{/each}}" * 64
    with pytest.raises(TemplateLimitError, match="steps"):
        rendered(loops)
