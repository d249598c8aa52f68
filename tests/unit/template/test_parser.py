"""Tokens to nodes: precedence, the shape of every construct, and what is refused."""

from dataclasses import dataclass

import pytest

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.comparisons import COMPARISONS
from revolution_hub.template.limits import Limits
from revolution_hub.template.nodes import And, Compare, Literal, Node, Not, Or, Path, Piped
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


def parsed(expression: str) -> str:
    (node,) = parse(Source.of("{{" + expression + "}}"), Limits()).parts
    assert not isinstance(node, str)
    return shape(node)


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
    Case("a minus before a name", "-a", "expected a number after -, found a"),
    Case("a minus before a text", "a|-'x'", "expected a number after -, found a text in quotes"),
    Case("an empty pipe", "a |", "expected a filter or a default value, found }}"),
    Case("two pipes", "a || b", "for a choice write or"),
    Case("an unknown filter", "a | uper", "there is no filter uper; did you mean upper?"),
    Case("a default without quotes", "a | Default", "there is no filter Default; a default text stands in"),
    Case("no filter near it", "a | zzz", "there is no filter zzz; a default text stands in quotes"),
    Case("an argument too many", "a | upper:1", "upper takes no arguments, not 1"),
    Case("an argument missing", "a | default", "default takes 1 argument, not 0"),
    Case("two arguments for one", "a | default:1,2", "default takes 1 argument, not 2"),
    Case("a dangling colon", "a | default:", "expected a value, found }}"),
    Case("a dangling comma", "a | default:1,", "expected a value, found }}"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_the_grammar_lacks_is_refused(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        parsed(case.given)
    assert case.expect in caught.value.message


def test_texts_and_expressions_keep_their_order() -> None:
    parts = parse(Source.of("a{{b}}c{{d}}"), Limits()).parts
    assert [part if isinstance(part, str) else shape(part) for part in parts] == ["a", "b", "c", "d"]


def test_every_node_counts_as_a_step() -> None:
    assert parse(Source.of("text {{ a }} {{ not (b == 1) | json }}"), Limits()).steps == 1 + 3 + 1 + 2


@pytest.mark.parametrize("opening", ["(", "not ", "a | default:(", "(not "])
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
