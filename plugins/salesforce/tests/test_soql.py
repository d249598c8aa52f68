"""Binding values into a query: what is pasted is refused, what is bound stays what it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_salesforce.soql import SoqlError, bind, literal
from revolution_sdk import Json, JsonObject

TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\x7f"))
BACK = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("O'Brien", r"'O\'Brien'"),
        ("a\\' OR Name != null OR Name = 'x", r"'a\\\' OR Name != null OR Name = \'x'"),
        ("two\nlines", r"'two\nlines'"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (7, "7"),
        (-1.5, "-1.500000"),
        (["a", "b'"], r"('a', 'b\'')"),
        ({"date": "2026-11-23"}, "2026-11-23"),
        ({"datetime": "2026-11-23T10:00:00+01:00"}, "2026-11-23T09:00:00.000Z"),
        ({"contains": "50%_'"}, r"'%50\%\_\'%'"),
        ({"starts_with": "A"}, "'A%'"),
    ],
)
def test_a_value_is_written_as_soql_wants_it(value: Json, written: str) -> None:
    assert (
        bind("SELECT Id FROM Lead WHERE A = :v", {"v": value}) == f"SELECT Id FROM Lead WHERE A = {written}"
    )


@given(TEXTS)
def test_a_text_never_ends_before_its_end_and_comes_back_as_it_was(text: str) -> None:
    written = literal(text)
    assert re.fullmatch(r"'(?:\\.|[^'\\])*'", written, re.DOTALL)
    assert re.sub(r"\\(.)", lambda one: BACK.get(one[1], one[1]), written[1:-1]) == text


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_a_value_that_looks_like_a_place_is_not_filled_again(texts: list[str]) -> None:
    soql = bind("SELECT Id FROM Lead WHERE A IN :v AND B = :w", {"v": [*texts, ":w"], "w": ":v"})
    assert soql.endswith("B = ':v'")
    assert soql.count("':w'") >= 1


@pytest.mark.parametrize(
    ("soql", "params", "at"),
    [
        ("SELECT Id FROM Lead WHERE Name = 'x'", {}, "soql"),
        ('SELECT Id FROM Lead WHERE Name = "x"', {}, "soql"),
        ("SELECT Id FROM Lead WHERE Name = \\", {}, "soql"),
        ("DELETE FROM Lead", {}, "soql"),
        ("FIND {x}", {}, "soql"),
        ("SELECT Id FROM Lead WHERE A = :v", {}, "params.v"),
        ("SELECT Id FROM Lead", {"v": 1}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": []}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": [[1]]}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": float("inf")}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": "\x00"}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": "\ud800"}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": {"raw": "1"}}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": {"date": "today"}}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": {"date": 5}}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": {"datetime": "2026-11-23T10:00:00"}}, "params.v"),
        ("SELECT Id FROM Lead WHERE A = :v", {"v": {"contains": "a", "date": "b"}}, "params.v"),
    ],
)
def test_what_cannot_be_bound_is_refused_with_its_place(soql: str, params: JsonObject, at: str) -> None:
    with pytest.raises(SoqlError) as caught:
        bind(soql, params)
    assert caught.value.at == at


def test_moments_and_relative_dates_in_a_query_are_no_places() -> None:
    soql = "SELECT Id FROM Lead WHERE CreatedDate > 2026-11-23T09:00:00Z AND A = LAST_N_DAYS:30"
    assert bind(soql, {}) == soql
