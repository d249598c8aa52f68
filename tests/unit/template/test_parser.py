"""Tokens to nodes: precedence, the shape of every construct, and what is refused."""

from dataclasses import dataclass

import pytest

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.blocks import Body, Each, If, Part, Shown
from revolution_hub.template.comparisons import COMPARISONS
from revolution_hub.template.limits import Limits
from revolution_hub.template.nodes import (
    And,
    Calculate,
    Compare,
    Fallback,
    Literal,
    Local,
    LoopFact,
    Maybe,
    Negative,
    Node,
    Not,
    Or,
    Path,
    Piped,
)
from revolution_hub.template.parser import parse
from revolution_hub.template.place import Source
from revolution_hub.template.values import path_text

SIGNS = {function: sign for sign, function in COMPARISONS.items()}


@dataclass(frozen=True)
class Case:
    name: str
    given: str
    expect: str


def shape(node: Node) -> str:
    """Write a tree with every grouping made visible."""
    match node:
        case Literal(value=value):
            return repr(value)
        case Path(parts=parts):
            return path_text(parts)
        case Not(operand=operand):
            return f"(not {shape(operand)})"
        case And(operands=operands):
            return f"({' and '.join(map(shape, operands))})"
        case Or(operands=operands):
            return f"({' or '.join(map(shape, operands))})"
        case Compare(left=left, right=right, comparison=comparison):
            return f"({shape(left)} {SIGNS[comparison]} {shape(right)})"
        case Piped(operand=operand, calls=calls):
            filters = [" ".join([call.filter.name, *map(shape, call.arguments)]) for call in calls]
            return f"({' | '.join([shape(operand), *filters])})"
        case Local(level=level, parts=parts):
            return f"{level}:{path_text(parts)}"
        case LoopFact(level=level, fact=fact):
            return f"{level}:{fact}"
        case Maybe(operand=operand):
            return f"{shape(operand)}?"
        case Fallback(operands=operands):
            return f"({' ?? '.join(map(shape, operands))})"
        case Calculate(first=first, terms=terms):
            behind = [f"{term.sign} {shape(term.operand)}" for term in terms]
            return f"({' '.join([shape(first), *behind])})"
        case Negative(operand=operand):
            return f"(- {shape(operand)})"


def parsed(expression: str) -> str:
    (part,) = parse(Source.of("{{" + expression + "}}"), Limits()).body.parts
    assert isinstance(part, Shown)
    return shape(part.node)


CASES = [
    Case("a name", "a", "a"),
    Case("a path", "a.b.c", "a.b.c"),
    Case("indexes", 'a[0][-1]["odd key"].b', 'a[0][-1]["odd key"].b'),
    Case("a plain key in brackets is the same path", "a['b']", "a.b"),
    Case("words are keys behind a dot", "a.not.in.true", "a.not.in.true"),
    Case("underscores and digits", "__a1._b2", "__a1._b2"),
    Case("literals", "true and false and null and -1 and 'x'", "(True and False and None and -1 and 'x')"),
    Case("and binds tighter than or", "a or b and c or d", "(a or (b and c) or d)"),
    Case("not binds tighter than and", "not a and b", "((not a) and b)"),
    Case("not binds looser than a comparison", "not a == b", "(not (a == b))"),
    Case("not twice", "not not a", "(not (not a))"),
    Case("a pipe binds tightest", 'a == b|"x" and c', "((a == (b | default 'x')) and c)"),
    Case("parentheses group", "(a or b) and (c)", "((a or b) and c)"),
    Case("comparison of groups", "(a == b) != (c < d)", "((a == b) != (c < d))"),
    Case("not in", "a not in b", "(a not in b)"),
    Case("in behind not", "not a in b", "(not (a in b))"),
    Case("bare defaults of every type", "a|'x'|1|-2|true|null", "(a | default 'x' | default 1 | default -2"),
    Case("filters chain", "a | trim | upper | length", "(a | trim | upper | length)"),
    Case("an argument", 'a|default:"x"', "(a | default 'x')"),
    Case("a path as argument", "a|default: b.c[0] | upper", "(a | default b.c[0] | upper)"),
    Case("a group as argument", "a|default:(b or c)", "(a | default (b or c))"),
    Case("a sum from left to right", "a + b - c", "(a + b - c)"),
    Case("products bind tighter than sums", "a + b * c / d % e", "(a + (b * c / d % e))"),
    Case("a sum in a comparison", "a + 1 >= b", "((a + 1) >= b)"),
    Case("a minus before a value", "-a * -(b)", "((- a) * (- b))"),
    Case("a minus before a number belongs to it", "-1 | json", "(-1 | json)"),
    Case("a number behind a minus is subtracted", "a -1", "(a - 1)"),
    Case("a pipe binds tighter than arithmetic", "a + b | length", "(a + (b | length))"),
    Case("a fallback binds looser than a sum", "a ?? b + 1", "(a ?? (b + 1))"),
    Case("a fallback binds tighter than a comparison", "a ?? 0 >= 5", "((a ?? 0) >= 5)"),
    Case("fallbacks chain", "a ?? b ?? c", "(a ?? b ?? c)"),
    Case("a path that may be missing", "a.b[0]? and c?", "(a.b[0]? and c?)"),
    Case("this outside a loop is a name", "this.a", "this.a"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_expression_is_grouped_by_the_grammar(case: Case) -> None:
    assert parsed(case.given).startswith(case.expect)


@pytest.mark.parametrize("sign", sorted(COMPARISONS))
def test_every_comparison_sign_is_read(sign: str) -> None:
    assert parsed(f"a {sign} b") == f"(a {sign} b)"


REFUSED = [
    Case("nothing", "", "expected a value, found }}"),
    Case("two values", "a b", "expected an operator, | or }}, found b"),
    Case("a value and a text", "a 'b'", "found a text in quotes"),
    Case("a value and a number", "a 1", "found a number"),
    Case("a long word is cut", "a " + "b" * 90, "found " + "b" * 40 + "…"),
    Case("a call", "a.items()", "values cannot be called"),
    Case("a hyphen in a key", "steps.my-step", 'a key with a hyphen is written ["my-key"]'),
    Case("a colon without a filter", "a:1", "arguments stand behind the name of a filter"),
    Case("a dangling and", "a and", "expected a value, found }}"),
    Case("a dangling not", "not", "expected a value, found }}"),
    Case("a dangling sign", "a ==", "expected a value, found }}"),
    Case("a leading sign", "== a", "expected a value, found =="),
    Case("a word as a value", "and", "expected a value, found and"),
    Case("not behind a sign", "a == not b", "expected a value, found not"),
    Case("not without in", "a not b", "expected an operator, | or }}, found not"),
    Case("a chain of comparisons", "1 < a < 3", "comparisons do not chain"),
    Case("an open parenthesis", "(a", "expected ), found }}"),
    Case("a closing parenthesis", "a)", "expected an operator, | or }}, found )"),
    Case("a dot at the end", "a.", "expected a name after the dot, found }}"),
    Case("a number behind a dot", "a.0", "a list index is written [0]"),
    Case("a text behind a dot", "a.'b'", "expected a name after the dot, found a text in quotes"),
    Case("an empty index", "a[]", "expected a whole number or a text in quotes, found ]"),
    Case("a decimal index", "a[1.5]", "expected a whole number or a text in quotes, found a number"),
    Case("a path as index", "a[b]", "expected a whole number or a text in quotes, found b"),
    Case("true as index", "a[true]", "expected a whole number or a text in quotes, found true"),
    Case("an open index", "a[0", "expected ], found }}"),
    Case("a minus at the end", "a -", "expected a value, found }}"),
    Case("a plus before a value", "+a", "expected a value, found +"),
    Case("a question mark within a path", "a?.b", "the ? stands at the end of a path"),
    Case("a question mark behind a value", "'a'?", "expected an operator, | or }}, found ?"),
    Case("two question marks behind a path", "a??", "expected a value, found }}"),
    Case("a fact outside a loop", "@index", "@index is only there inside {{#each}}"),
    Case("an unknown fact", "@odd", "there is no @odd; a loop has @index, @first, @last, @key"),
    Case("else as a value", "a == else", "expected a value, found else"),
    Case("else alone", "else", "else stands only inside {{#if}}, {{#unless}} and {{#each}}"),
    Case("a whole number of 65 bits", "a + 9223372036854775808", "at most 64 bits"),
    Case("a minus before 65 bits", "-9223372036854775809", "at most 64 bits"),
    Case("a minus before a text", "a|-'x'", "expected a number after -, found a text in quotes"),
    Case("an empty pipe", "a |", "expected a filter or a default value, found }}"),
    Case("two pipes", "a || b", "for a choice write or"),
    Case("an unknown filter", "a | uper", "there is no filter uper; did you mean upper?"),
    Case("a default without quotes", "a | Default", "there is no filter Default; a default text stands in"),
    Case("no filter near it", "a | zzz", "there is no filter zzz; a default text stands in quotes"),
    Case("an argument too many", "a | upper:1", "upper takes no arguments, not 1"),
    Case("an argument missing", "a | default", "default takes 1 argument, not 0"),
    Case("two arguments for one", "a | default:1,2", "default takes 1 argument, not 2"),
    Case("arguments as a call", "a | default('x')", "not 0; arguments stand behind a colon: default:…"),
    Case("an argument behind a blank", "a | truncate 5", "not 0; arguments stand behind a colon: truncate:…"),
    Case(
        "a choice with a question mark",
        "a == 1 ? 'b' : 'c'",
        "a choice is written {{#if a}}b{{else}}c{{/if}}",
    ),
    Case("a dangling colon", "a | default:", "expected a value, found }}"),
    Case("a dangling comma", "a | default:1,", "expected a value, found }}"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_the_grammar_lacks_is_refused(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        parsed(case.given)
    assert case.expect in caught.value.message


def test_texts_and_expressions_keep_their_order() -> None:
    assert written("a{{b}}c{{d}}") == "a[b]c[d]"


def written(source: str) -> str:
    """Write a whole template with every expression and block made visible."""

    def body(one: Body) -> str:
        return "".join(map(part, one.parts))

    def part(one: Part) -> str:
        match one:
            case Shown(node=node):
                return f"[{shape(node)}]"
            case If(branches=branches):
                return "".join(
                    f"<{'else' if condition is None else shape(condition)}: {body(inner)}>"
                    for condition, inner in branches
                )
            case Each(members=members, body=inner, otherwise=otherwise, level=level):
                rest = "" if otherwise is None else f"<else: {body(otherwise)}>"
                return f"<{level} each {shape(members)}: {body(inner)}>{rest}"
            case _:
                return str(one)

    return body(parse(Source.of(source), Limits()).body)


BLOCKS = [
    Case("if", "{{#if a}}b{{/if}}", "<a: b>"),
    Case("else", "{{#if a}}b{{else}}c{{/if}}d", "<a: b><else: c>d"),
    Case("else if", "{{#if a}}b{{else if c}}d{{else}}e{{/if}}", "<a: b><c: d><else: e>"),
    Case("unless", "{{#unless a}}b{{else}}c{{/unless}}", "<(not a): b><else: c>"),
    Case("each", "{{#each a.b}}{{this.c}}{{@index}}{{/each}}", "<0 each a.b: [0:this.c][0:@index]>"),
    Case("each with else", "{{#each a}}b{{else}}c{{/each}}", "<0 each a: b><else: c>"),
    Case(
        "each in each",
        "{{#each a as x, i}}{{#each x.b}}{{this}}{{x.c}}{{i}}{{@first}}{{/each}}{{/each}}",
        "<0 each a: <1 each 0:x.b: [1:this][0:x.c][0:@position][1:@first]>>",
    ),
    Case("a name of a loop ends with it", "{{#each a as x}}{{/each}}{{x}}", "<0 each a: >[x]"),
    Case(
        "the else of a loop is outside of it",
        "{{#each a}}{{else}}{{this}}{{/each}}",
        "<0 each a: ><else: [this]>",
    ),
    Case("a block in a block", "{{#if a}}{{#if b}}c{{/if}}{{else}}d{{/if}}", "<a: <b: c>><else: d>"),
    Case("blanks in the braces", "{{ # if a }}b{{ else }}c{{ / if }}", "<a: b><else: c>"),
    Case("raw", "{{#raw}}{{ a }} {{#if}}{{/raw}}", "{{ a }} {{#if}}"),
    Case("comments", "a{{! b }}{{!-- }} {{ c --}}d", "ad"),
    Case("a path that begins with a block's name", "{{ if_any }}{{ each.a }}", "[if_any][each.a]"),
]


@pytest.mark.parametrize("case", BLOCKS, ids=lambda case: case.name)
def test_blocks_hold_what_stands_between_their_braces(case: Case) -> None:
    assert written(case.given) == case.expect


TORN = [
    Case("if without a condition", "{{#if}}a{{/if}}", "expected a value, found }}"),
    Case("an open if", "{{#if a}}b", "this {{#if}} has no {{/if}}"),
    Case("an open each in an if", "{{#if a}}{{#each b}}{{/if}}", "expected /each, found /if"),
    Case("an open raw", "{{#raw}} {{ a }}", "this {{#raw}} has no {{/raw}}"),
    Case("raw with something behind it", "{{#raw a}}{{/raw}}", "{{#raw}} takes nothing behind its name"),
    Case("an open comment", "a {{! b", "this comment has no }}"),
    Case("an open long comment", "a {{!-- b }}", "this comment has no --}}"),
    Case("an end too many", "a{{/if}}", "there is no block open that /if could close"),
    Case("an end that says more", "{{#if a}}{{/if a}}", "expected an operator, | or }}, found a"),
    Case("two else", "{{#if a}}{{else}}{{else}}{{/if}}", "nothing comes behind else in {{#if}} but its end"),
    Case("else if behind else", "{{#if a}}{{else}}{{else if b}}{{/if}}", "nothing comes behind else"),
    Case("else if in each", "{{#each a}}{{else if b}}{{/each}}", "expected }}, found if"),
    Case("else with a value", "{{#if a}}{{else b}}{{/if}}", "expected if or }}, found b"),
    Case("else outside", "a{{else}}b", "else stands only inside"),
    Case("an unknown block", "{{#iff a}}{{/iff}}", "there is no block #iff; did you mean if?"),
    Case("a block nobody knows", "{{#with a}}{{/with}}", "there are if, unless, each, raw"),
    Case("a block without a name", "{{# a}}{{/}}", "there is no block #a"),
    Case("a loop's name that is none", "{{#each a as 1}}{{/each}}", "expected a name, found a number"),
    Case("this as a loop's name", "{{#each a as this}}{{/each}}", "expected a name, found this"),
    Case(
        "a part of a position", "{{#each a as x, i}}{{i.b}}{{/each}}", "i is a position, which has no parts"
    ),
]


@pytest.mark.parametrize("case", TORN, ids=lambda case: case.name)
def test_a_block_that_is_torn_is_refused_where_it_is(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        written(case.given)
    assert case.expect in caught.value.message
    assert caught.value.line == 1


def test_every_node_counts_as_a_step_where_it_is_evaluated() -> None:
    source = "text {{ a }} {{ not (b == 1 + 2) | json }}{{#if c}}{{ d }}{{/if}}"
    body = parse(Source.of(source), Limits()).body
    assert body.steps == 1 + (1 + 1 + 2 + 1 + 1 + 2) + 1
    block = body.parts[-1]
    assert isinstance(block, If)
    assert block.branches[0][1].steps == 1


@pytest.mark.parametrize("opening", ["(", "not ", "-", "a | default:(", "(not "])
def test_ten_thousand_levels_are_refused_and_do_not_exhaust_the_stack(opening: str) -> None:
    with pytest.raises(TemplateLimitError, match="nested deeper than 64 levels"):
        parsed(opening * 10_000 + "a")


def test_the_deepest_nesting_allowed_is_read() -> None:
    assert parsed("(" * 64 + "a" + ")" * 64) == "a"
    assert parsed("a|default:(" * 64 + "a" + ")" * 64).count("default") == 64


def test_width_is_not_depth() -> None:
    assert parsed(" or ".join(["(a)"] * 5_000)).count("or") == 4_999
    assert parsed(" and ".join(["not a"] * 5_000)).count("not") == 5_000
    assert parsed("a" + "|trim" * 5_000).count("trim") == 5_000
    assert parsed(" + ".join(["a"] * 5_000)).count("+") == 4_999
    assert parsed(" ?? ".join(["a"] * 5_000)).count("??") == 4_999
    assert written("{{#if a}}{{/if}}" * 5_000).count("<a: >") == 5_000
