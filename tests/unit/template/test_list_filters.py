"""The filters for lists: what each gives, what it refuses, what it costs, and the laws it keeps."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.comparisons import equal
from revolution_hub.template.filters.lists import canonical
from revolution_hub.template.limits import DEFAULT, Limits, Run
from revolution_hub.template.place import Place, Source
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json

LAW = settings(derandomize=True, deadline=None)
CANARY = "tok_live_canary"
PEOPLE: Json = [
    {"name": "Ada", "age": 36, "home": {"city": "Ulm"}, "paid": True},
    {"name": "bo", "age": 20.5, "home": {"city": "Bonn"}, "paid": 0},
    {"name": "Cy", "age": 36, "home": None},
]


def render(pipe: str, value: Json, limits: Limits = DEFAULT) -> Json:
    return compile_template("{{ v | " + pipe + " }}").render({"v": value, "people": PEOPLE}, limits)


@dataclass(frozen=True)
class Case:
    name: str
    pipe: str
    value: Json
    expect: Json


GIVES = [
    Case("first member", "first", [1, 2], 1),
    Case("first character", "first", "äb", "ä"),
    Case("first of nothing is null", "first", [], None),
    Case("first of an empty text is null", "first", "", None),
    Case("first of nothing takes a default", 'first | "none"', [], "none"),
    Case("first two", "first:2", [1, 2, 3], [1, 2]),
    Case("first two characters", "first:2", "😀äb", "😀ä"),
    Case("first more than there are", "first:9", [1], [1]),
    Case("first none", "first:0", [1], []),
    Case("first two of nothing", "first:2", [], []),
    Case("last member", "last", [1, 2], 2),
    Case("last of nothing is null", "last", [], None),
    Case("last two", "last:2", [1, 2, 3], [2, 3]),
    Case("last none", "last:0", [1, 2], []),
    Case("last more than there are", "last:9", "ab", "ab"),
    Case("slice from a start", "slice:1", [1, 2, 3], [2, 3]),
    Case("slice with a count", "slice:1, 1", [1, 2, 3], [2]),
    Case("slice from the end", "slice:-2, 1", "abc", "b"),
    Case("slice from before the beginning", "slice:-9, 2", [1, 2, 3], [1, 2]),
    Case("slice beyond the end", "slice:9", [1, 2], []),
    Case("slice with a count of none", "slice:0, 0", [1, 2], []),
    Case("reverse a list", "reverse", [1, "a", None], [None, "a", 1]),
    Case("reverse a text", "reverse", "ab😀", "😀ba"),
    Case("concat", "concat:v", [1, 2], [1, 2, 1, 2]),
    Case("compact keeps zero, false and empty lists", "compact", [0, None, "", False, []], [0, False, []]),
    Case("flatten one level only", "flatten", [[1, [2]], 3, [], "ab"], [1, [2], 3, "ab"]),
    Case("unique tells true from 1", "unique", [1, True, 1.0, "1", 0, False, -0.0], [1, True, "1", 0, False]),
    Case("unique of objects ignores their order", "unique", [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}],
         [{"a": 1, "b": [2]}]),
    Case("unique tells kinds of empty apart", "unique", [None, "", [], {}, None], [None, "", [], {}]),
    Case("unique by a key", "unique:'age' | map:'name'", PEOPLE, ["Ada", "bo"]),
    Case("unique by a path", "unique:'a.b'", [{"a": {"b": 1}}, {"a": {"b": 1}}], [{"a": {"b": 1}}]),
    Case("map", "map:'name'", PEOPLE, ["Ada", "bo", "Cy"]),
    Case("map of nothing", "map:'name'", [], []),
    Case("map along a path with a default", "map:'home.city', '?'", PEOPLE, ["Ulm", "Bonn", "?"]),
    Case("map with a default of null", "map:'x', null", [{}], [None]),
    Case("map keeps null that is there", "map:'home', 1", [{"home": None}], [None]),
    Case("map by a key that is no plain path", "map:'odd key.'", [{"odd key.": 1}], [1]),
    Case("pluck", "pluck:'paid', null", PEOPLE, [True, 0, None]),
    Case("where true", "where:'paid' | map:'name'", PEOPLE, ["Ada"]),
    Case("where equal", "where:'age', 36.0 | map:'name'", PEOPLE, ["Ada", "Cy"]),
    Case("where absent is null", "where:'paid', null | map:'name'", PEOPLE, ["Cy"]),
    Case("where along a path", "where:'home.city', 'Ulm' | length", PEOPLE, 1),
    Case("where an object is equal", "where:'home', people[0].home | length", PEOPLE, 1),
    Case("where true is not 1", "where:'a', true", [{"a": 1}], []),
    Case("where not true", "where_not:'paid' | map:'name'", PEOPLE, ["bo", "Cy"]),
    Case("where not equal", "where_not:'age', 36 | map:'name'", PEOPLE, ["bo"]),
    Case("group by", "group_by:'k'", [{"k": "b"}, {"k": "a"}, {"k": "b", "n": 1}],
         {"b": [{"k": "b"}, {"k": "b", "n": 1}], "a": [{"k": "a"}]}),
    Case("group nothing", "group_by:'k'", [], {}),
    Case("sort numbers", "sort", [3, 1.5, -2], [-2, 1.5, 3]),
    Case("sort texts without case, then by code point", "sort", ["b", "a", "B", "A", "ä"],
         ["A", "a", "B", "b", "ä"]),
    Case("sort nothing", "sort", [], []),
    Case("sort downwards", "sort:null, 'desc'", [1, 3, 2], [3, 2, 1]),
    Case("sort by a key is stable", "sort:'age' | map:'name'", PEOPLE, ["bo", "Ada", "Cy"]),
    Case("sort downwards is stable", "sort:'age','desc' | map:'name'", PEOPLE, ["Ada", "Cy", "bo"]),
    Case("sum of whole numbers", "sum", [2**62, -1], 2**62 - 1),
    Case("sum of nothing", "sum", [], 0),
    Case("sum is rounded once", "sum", [0.1] * 10, 1.0),
    Case("sum of whole and other numbers", "sum", [1, 0.5], 1.5),
    Case("sum by a key", "sum:'age'", PEOPLE, 92.5),
    Case("the least 64-bit sum", "sum", [-(2**63), 0], -(2**63)),
    Case("min", "min", [2, 1.0, 1], 1.0),
    Case("min of texts", "min", ["b", "A"], "A"),
    Case("min of nothing", "min", [], None),
    Case("max by a key", "max:'age'", PEOPLE, 36),
    Case("max of nothing takes a default", "max | 0", [], 0),
    Case("average that is whole", "average", [1, 3], 2),
    Case("average", "average", [1, 2], 1.5),
    Case("average of nothing", "average", [], None),
    Case("average by a key", "average:'n'", [{"n": 0.5}, {"n": 1.5}], 1.0),
]  # fmt: skip


@pytest.mark.parametrize("case", GIVES, ids=lambda case: case.name)
def test_a_list_filter_gives(case: Case) -> None:
    rendered = render(case.pipe, case.value)
    assert (type(rendered), rendered) == (type(case.expect), case.expect)


REFUSES = [
    Case("first of an object", "first", {}, "first needs a list or a text, not an object"),
    Case("first below none", "first:-1", [1], "first needs a whole number from 0"),
    Case("last with a count of text", "last:'1'", [1], "last needs a whole number from 0"),
    Case("slice from half", "slice:0.5", [1], "slice needs a whole number"),
    Case("slice of a number", "slice:0", 12, "slice needs a list or a text, not a number"),
    Case("reverse of null", "reverse", None, "reverse needs a list or a text, not null"),
    Case("concat to a text", "concat:v", CANARY, "concat needs a list, not a text"),
    Case("concat of a text", "concat:'x'", [], "concat needs a list as the other list, not a text"),
    Case("compact of an object", "compact", {}, "compact needs a list, not an object"),
    Case("flatten of a text", "flatten", CANARY, "flatten needs a list, not a text"),
    Case("unique of a text", "unique", CANARY, "unique needs a list, not a text"),
    Case("unique without the key", "unique:'a'", [{"a": 1}, {"b": CANARY}], "member [1] does not have it"),
    Case(
        "map without the key", "map:'a'", [{"a": 1}, {"b": CANARY}], "member [1] does not have it; a default"
    ),
    Case("map of texts", "map:'a'", [CANARY], "map by a key needs objects, but member [0] is a text"),
    Case("map by a number", "map:1", [{}], "map needs a text as the key, not a number"),
    Case("pluck names itself", "pluck:'a'", [{}], "pluck:key, default"),
    Case("where of an object", "where:'a'", {}, "where needs a list, not an object"),
    Case("where of lists", "where:'a'", [{}, []], "member [1] is a list"),
    Case("where_not by null", "where_not:null", [{}], "where_not needs a text as the key, not null"),
    Case("group by a number", "group_by:'a'", [{"a": "x"}, {"a": 5}], "member [1] has a number"),
    Case("group without the key", "group_by:'a'", [{}], "member [0] does not have it"),
    Case("group by null", "group_by:null", [{}], "group_by needs a text as the key, not null"),
    Case("sort mixed kinds", "sort", [1, CANARY], "sort cannot order a number and a text; member [1]"),
    Case("sort null", "sort", [1, None], "sort needs numbers or texts, but member [1] is null"),
    Case("sort true", "sort", [True], "member [0] is true or false"),
    Case("sort lists", "sort", [[1]], "member [0] is a list"),
    Case("sort without the key", "sort:'a'", [{}], "member [0] does not have it"),
    Case("sort no number", "sort", [float("nan")], "sort needs a number of ordinary size"),
    Case("sort to the side", "sort:'a','up'", [], 'sort needs "asc" or "desc" as the direction'),
    Case("sort by a direction from data", "sort:null, v[0]", [CANARY], 'sort needs "asc" or "desc"'),
    Case("sum of texts", "sum", [1, "2"], "sum needs numbers, but member [1] is a text"),
    Case("sum of truths", "sum", [True], "member [0] is true or false"),
    Case("sum beyond 64 bits", "sum", [2**62, 2**62], "more than 64 bits"),
    Case("sum beyond floats", "sum", [1e308, 1e308], "sum gives a number without an end"),
    Case("sum of infinity", "sum", [float("inf")], "sum needs a number of ordinary size"),
    Case("min of kinds", "min", ["a", 1], "min cannot order a text and a number"),
    Case("max of null", "max", [None], "max needs numbers or texts, but member [0] is null"),
    Case("average of null", "average", [1, None], "average needs numbers, but member [1] is null"),
    Case("average of an object", "average", {}, "average needs a list, not an object"),
]


@pytest.mark.parametrize("case", REFUSES, ids=lambda case: case.name)
def test_a_list_filter_refuses_and_tells_no_data(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        render(case.pipe, case.value)
    assert str(case.expect) in caught.value.message
    assert CANARY not in caught.value.pointed()


def test_a_written_direction_is_refused_before_anything_is_rendered() -> None:
    with pytest.raises(TemplateError, match='"asc" or "desc"'):
        compile_template("{{ v | sort:'a', 'down' }}")


MEMBERS = st.lists(
    st.recursive(
        st.sampled_from([None, True, False, 0, 1, 1.0, -0.0, 2.5, 2**70, float(2**70), "", "1", "a"]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        max_leaves=4,
    ),
    max_size=12,
)


def same(left: Json, right: Json) -> bool:
    return equal(left, right, Run({}, DEFAULT), Place(Source.of(""), 0))


@LAW
@given(MEMBERS)
def test_unique_keeps_the_first_of_each_in_order(members: list[Json]) -> None:
    expected: list[Json] = []
    for one in members:
        if not any(same(one, kept) for kept in expected):
            expected.append(one)
    assert repr(render("unique", members)) == repr(expected)


@LAW
@given(st.lists(st.tuples(st.sampled_from(["a", "A", "b", "ß", "SS"]), st.integers()), max_size=20))
def test_sort_is_a_stable_permutation_in_both_directions(pairs: list[tuple[str, int]]) -> None:
    members = [{"k": key, "n": number} for key, number in pairs]
    upwards = render("sort:'k'", members)
    assert upwards == sorted(members, key=lambda one: (one["k"].casefold(), one["k"]))
    downwards = render("sort:'k', 'desc'", members)
    assert downwards == sorted(members, key=lambda one: (one["k"].casefold(), one["k"]), reverse=True)


@LAW
@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from([None, 0, 1, True, "x"])), max_size=9))
def test_where_and_where_not_part_the_list(members: list[Json]) -> None:
    for call in ["'a'", "'a', 1", "'a', null"]:
        kept, dropped = render(f"where:{call}", members), render(f"where_not:{call}", members)
        left = list(members)
        for one in members:
            if kept and repr(kept[0]) == repr(one):
                left.remove(kept.pop(0))
            elif dropped and repr(dropped[0]) == repr(one):
                left.remove(dropped.pop(0))
        assert (kept, dropped, left) == ([], [], [])


@LAW
@given(MEMBERS, MEMBERS)
def test_concat_has_the_members_of_both(one: list[Json], other: list[Json]) -> None:
    joined = compile_template("{{ a | concat:b }}").render({"a": one, "b": other})
    assert repr(joined) == repr(one + other)


@LAW
@given(MEMBERS)
def test_what_is_given_is_never_changed(members: list[Json]) -> None:
    before = repr(members)
    for pipe in ["reverse", "unique", "flatten", "compact", "concat:v", "first:2", "slice:1"]:
        render(pipe, members)
    assert repr(members) == before


COSTLY = [
    "sort", "unique", "sum", "min", "max", "average", "reverse", "compact", "flatten", "concat:v",
    "first:100", "last:100", "slice:0",
]  # fmt: skip


@pytest.mark.parametrize("pipe", COSTLY)
def test_a_list_of_a_hundred_members_is_charged(pipe: str) -> None:
    with pytest.raises(TemplateLimitError, match="handles more data than 700 characters"):
        render(pipe + " | json | length", [1] * 100, Limits(output_chars=700))


@pytest.mark.parametrize("pipe", ["map:'a'", "pluck:'a'", "where:'a'", "where_not:'a'", "group_by:'a'"])
def test_a_list_of_a_hundred_objects_is_charged(pipe: str) -> None:
    with pytest.raises(TemplateLimitError, match="handles more data"):
        render(pipe + " | length", [{"a": "x"}] * 100, Limits(output_chars=1_500))


def test_a_long_path_is_charged_for_every_member() -> None:
    with pytest.raises(TemplateLimitError, match="handles more data"):
        compile_template("{{ v | map:k, 1 }}").render({"v": [{}] * 1_000, "k": ".".join(["a"] * 1_000)})


def test_the_first_of_many_costs_no_more_than_the_first_of_few() -> None:
    assert render("first", [1] * 100_000, Limits(output_chars=50)) == 1
    assert render("last:2", "x" * 100_000, Limits(output_chars=50)) == "xx"


def test_long_texts_are_charged_when_they_are_sorted() -> None:
    with pytest.raises(TemplateLimitError, match="handles more data"):
        render("sort | length", ["x" * 10_000] * 100)
    with pytest.raises(TemplateLimitError, match="handles more data"):  # comparing them is charged, too
        render("sort | length", ["x" * 10_000] * 30, Limits(output_chars=350_000))


def doubled(times: int) -> Json:
    value: Json = ["x"]
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize("pipe", ["unique", "where:'a', v[0].a"])
def test_members_that_unfold_are_refused(pipe: str) -> None:
    with pytest.raises(TemplateLimitError):
        render(pipe + " | length", [{"a": doubled(60)}, {"a": doubled(60)}])


def test_lists_that_double_with_each_filter_are_refused() -> None:
    with pytest.raises(TemplateLimitError):
        render("concat:v" + " | concat:v" * 200 + " | length", [1] * 1_000)
    with pytest.raises(TemplateLimitError):
        render("flatten | length", [[1] * 1_000] * 1_000)


def test_numbers_chosen_to_share_one_hash_are_told_apart_in_linear_time() -> None:
    members = [at * (2**61 - 1) for at in range(1_000)]
    assert {hash(one) for one in members} == {0}
    assert len({hash(canonical(one)) for one in members}) == 1_000
    assert render("unique | length", members) == 1_000


def test_unique_refuses_what_is_nested_too_deeply() -> None:
    value: Json = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(TemplateLimitError, match="nested deeper than 64 levels"):
        render("unique | length", [value])
