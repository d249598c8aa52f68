"""Hypothesis strategies: templates from the grammar with every block and filter, broken ones, and scopes."""

import json
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.oracle import CANARY
from revolution_hub.template.filters.filter import Filter
from revolution_hub.template.filters.register import FILTERS, GROUPS
from revolution_sdk.types import Json, JsonObject

NAMES = ("text", "number", "flag", "nothing", "when", "items", "rows", "object", "deep", "absent")
KEYS = ("id", "name", "tags", "home", "odd key", "__class__", "", "constructor")

# Words that some filter or other takes as an argument, besides those that none takes.
WORDS = (
    "de", "en-US", "fr", "ar", "zz", "days", "months", "second", "fortnight", "Europe/Berlin", "UTC",
    "dddd, D. MMMM [at] H:mm z",
    "../../etc/passwd", "EUR", "JPY", "md5", "sha512", "desc", "asc", "YYYY-MM-DD",
    "[a-z]+", "(a+)+$", "(?P<n>.)(x)?", "(?=a)", "", ",", " ", "a", "id", "name", "home.city",
    "{0.__class__}", "%s", "2026-11-23", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
)  # fmt: skip
WHOLE = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.integers(-3, 12) | WHOLE | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.sampled_from(
    [*WORDS, CANARY, "<b>&\"'</b>", "\r\nX: y", "ß", "\ud800", "1e5", "R3LDvMOfZQ=="]
) | st.text(max_size=12)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
KEYS_DRAWN = st.sampled_from(KEYS) | st.text(max_size=4)
VALUES: SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS_DRAWN, inner, max_size=4),
    max_leaves=8,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(-3, 3), "name": TEXTS},
        optional={"home": st.fixed_dictionaries({"city": TEXTS}), "tags": st.lists(TEXTS, max_size=2)},
    ),
    max_size=4,
)
DATES = st.datetimes().map(lambda at: at.isoformat()) | st.sampled_from(WORDS[-3:]) | NUMBERS
SCOPES: SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {
        "text": TEXTS,
        "number": NUMBERS,
        "flag": st.booleans(),
        "nothing": st.none() | VALUES,
        "when": DATES,
        "items": st.lists(NUMBERS, max_size=4) | st.lists(TEXTS, max_size=4) | st.lists(VALUES, max_size=4),
        "rows": ROWS,
        "object": st.dictionaries(KEYS_DRAWN, VALUES, max_size=4),
        "deep": VALUES,
    }
)

BLANKS = st.sampled_from(["", " ", "  ", "\n", "\t"])
OUTSIDE = st.text(st.characters(exclude_characters="{"), max_size=8) | st.sampled_from(["", "\n", " ", "}}"])
COMMENTS = st.sampled_from(["{{! a }}", "{{!-- }} --}}", "{{~! a ~}}", "{{#raw}} {{ a }} {{/raw}}"])


def _quoted(text: str) -> str:
    # Half a surrogate pair is no literal; data may hold one all the same.
    return json.dumps("".join(one for one in text if not "\ud800" <= one <= "\udfff"))


LITERALS = (
    TEXTS.map(_quoted)
    | st.integers(-5, 20).map(str)
    | WHOLE.map(str)
    | st.sampled_from(["true", "false", "null", "1.5", "-0.0", "1e300", "'x'"])
)


@st.composite
def paths(draw: st.DrawFn) -> str:
    """Draw a path into the scope or into what a loop is at."""
    root = draw(st.sampled_from([*NAMES, "this", "one", "at", "@index", "@first", "@last", "@key"]))
    member = st.sampled_from([".id", ".name", ".home.city", ".tags", "[0]", "[-1]", "[7]"]) | KEYS_DRAWN.map(
        lambda key: f"[{_quoted(key)}]"
    )
    parts = [] if root.startswith("@") else draw(st.lists(member, max_size=2))
    maybe = "" if root.startswith("@") else draw(st.sampled_from(["", "", "?"]))
    return root + "".join(parts) + maybe


OPERANDS = LITERALS | paths()


FITTING = {
    one.name: names
    for group, names in {
        "Any value": ("deep",),
        "Text": ("text",),
        "Numbers": ("number",),
        "Dates and times": ("when",),
        "Lists and objects": ("items", "rows", "object"),
    }.items()
    for one in GROUPS[group]
}
"""What the filters of each group are made for."""

ANY_FILTER = st.sampled_from(list(FILTERS.values()))


@st.composite
def _filter_calls(draw: st.DrawFn, operands: SearchStrategy[str], filters: SearchStrategy[Filter]) -> str:
    known = draw(filters)
    count = draw(st.integers(known.least_arguments, min(known.most_arguments, known.least_arguments + 2)))
    arguments = [draw(operands) for _ in range(count)]
    return known.name + (":" if arguments else "") + ", ".join(arguments)


def _wider(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    grouped = inner.map(lambda one: f"({one})")
    operand = OPERANDS | grouped
    call = _filter_calls(operand, ANY_FILTER) | LITERALS
    piped = st.tuples(operand, st.lists(call, min_size=1, max_size=3)).map(
        lambda one: " | ".join([one[0], *one[1]])
    )
    signs = (
        st.sampled_from(["+", "-", "*", "/", "%"])
        | st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
        | st.sampled_from(["and", "or", "??"])
    )
    joined = st.tuples(inner, signs, inner).map(lambda one: f"({one[0]}) {one[1]} ({one[2]})")
    signed = st.tuples(st.sampled_from(["not ", "-", "- "]), grouped).map("".join)
    return piped | piped | joined | signed | grouped


_EXPRESSIONS = st.recursive(OPERANDS, _wider, max_leaves=6)


# A strategy is named by all that it is made of, which is a book here; a drawn one has a short name.
@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Draw what may stand between braces, of any depth."""
    return draw(_EXPRESSIONS)


@st.composite
def tags(draw: st.DrawFn, inside: SearchStrategy[str]) -> str:
    """Draw what stands between two braces and two braces, now and then with `~`."""
    before, after = draw(st.sampled_from([("{{", "}}"), ("{{ ", " }}"), ("{{~ ", " }}"), ("{{ ", " ~}}")]))
    return before + draw(inside) + after


OF_LOOPS = st.sampled_from(
    ["{{ this }}", "{{ @index }}", "{{ @key }}", "{{#unless @last}}, {{/unless}}", "{{ at }}{{ one.name? }}"]
)


def _blocks(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    otherwise = st.just("") | inner.map(lambda one: "{{else}}" + one)
    another = st.just("") | st.tuples(tags(expressions().map("else if {}".format)), inner).map("".join)
    names = st.sampled_from(["", " as one", " as one, at"])
    choice = st.tuples(
        tags(expressions().map("#if {}".format)), inner, another, otherwise, st.just("{{/if}}")
    )
    unless = st.tuples(tags(expressions().map("#unless {}".format)), inner, otherwise, st.just("{{/unless}}"))
    members = st.sampled_from(["items", "rows", "object", "deep", "rows[0].tags?"]) | expressions()
    each = st.tuples(
        tags(st.tuples(members, names).map(lambda one: f"#each {one[0]}{one[1]}")),
        inner | OF_LOOPS, otherwise, st.just("{{/each}}"),
    )  # fmt: skip
    return (
        choice.map("".join)
        | unless.map("".join)
        | each.map("".join)
        | st.lists(inner, max_size=3).map("".join)
    )


@st.composite
def pipes(draw: st.DrawFn, filters: SearchStrategy[Filter] = ANY_FILTER) -> str:
    """Draw a value and one filter with likely arguments, so that each filter is met often."""
    names = st.sampled_from(NAMES)
    known = draw(filters)
    value = draw(names | st.sampled_from(FITTING[known.name]) | st.sampled_from(FITTING[known.name]))
    argument = st.sampled_from(WORDS).map(_quoted) | st.integers(-2, 12).map(str) | names | names
    return f"{value} | {draw(_filter_calls(argument, st.just(known)))}"


_LONE = tags(expressions()) | tags(_wider(expressions())) | tags(pipes())


@st.composite
def lone(draw: st.DrawFn) -> str:
    """Draw one expression in its braces."""
    return draw(_LONE)


_MIXED = st.recursive(OUTSIDE | lone() | COMMENTS, _blocks, max_leaves=4)
_TEMPLATES = lone() | _blocks(lone()) | _MIXED


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Draw a template that follows the grammar."""
    return draw(_TEMPLATES)


SPLINTERS: Sequence[str] = (
    "{{", "}}", "{{#", "{{/", "{{else}}", "{{/if}}", "{{/each}}", "{{#each items}}", "{{~", "~}}", "|", ":",
    ",", "(", ")", "[", "]", ".", "?", "??", "not ", " in ", "'", '"', "\\", "\n", "\x00", "\ud800", "@", "!",
    "--", "{", "}", "9" * 20, "__class__", "()", "=",
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> str:
    """Draw a template in which a few places were cut out, doubled or overwritten."""
    text = draw(templates())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 4)))
        put = draw(st.sampled_from(SPLINTERS) | st.text(max_size=2) | st.just(text[start:end] * 2))
        text = text[:start] + put + text[end:]
    return text
