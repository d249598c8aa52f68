"""The schema helpers write JSON Schema that means what their arguments say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from revolution_sdk import Json, JsonObject
from revolution_sdk.auth import ApiKey, NoAuth, OAuth2
from revolution_sdk.schema import anything, array, boolean, integer, nullable, number, object_, string


def fits(schema: JsonObject, value: Json) -> bool:
    Draft202012Validator.check_schema(schema)
    return bool(Draft202012Validator(schema).is_valid(value))


def test_an_object_is_closed_and_wants_everything() -> None:
    lead = object_(email=string(), score=integer(), optional=["score"], describe="A lead")
    assert fits(lead, {"email": "a@example.com"})
    assert not fits(lead, {"score": 3})
    assert not fits(lead, {"email": "a@example.com", "emial": "typo"})
    assert lead["description"] == "A lead"


def test_an_open_object_takes_unnamed_fields() -> None:
    assert fits(object_(open_=True, id=string()), {"id": "1", "more": True})


def test_optional_may_name_only_what_is_there() -> None:
    with pytest.raises(ValueError, match="properties that are not there: emial, nmae"):
        object_(optional=["nmae", "emial", "id"], id=string())


CASES = [
    (string(min_length=1, max_length=3), ["a", "äöü"], ["", "abcd", 1, None]),
    (string(enum=["a", "b"]), ["a"], ["c"]),
    (string(pattern="^[a-z]+$"), ["abc"], ["ABC"]),
    (integer(minimum=0, maximum=100), [0, 100], [-1, 101, 1.5, "1"]),
    (number(minimum=0, maximum=1), [0, 0.5, 1], [-0.1, 1.1, "1"]),
    (boolean(), [True, False], [0, "true", None]),
    (array(integer(), min_items=1, max_items=2), [[1], [1, 2]], [[], [1, 2, 3], ["a"]]),
    (nullable(string(enum=["a"])), ["a", None], ["b", 1]),
    (nullable(object_(id=string())), [{"id": "1"}, None], [{}, "1"]),
    (nullable(anything()), [1, None], []),
    (nullable({"enum": ["a"]}), ["a", None], ["b"]),
    (anything(), [None, 1, "a", {}, []], []),
]


@pytest.mark.parametrize(("schema", "good", "bad"), CASES)
def test_a_helper_takes_and_refuses_what_it_says(
    schema: JsonObject, good: list[Json], bad: list[Json]
) -> None:
    assert [value for value in good if not fits(schema, value)] == []
    assert [value for value in bad if fits(schema, value)] == []


def test_bounds_and_defaults_of_zero_are_kept() -> None:
    assert integer(minimum=0, maximum=0, default=0) == {
        "type": "integer",
        "minimum": 0,
        "maximum": 0,
        "default": 0,
    }
    assert boolean(default=False)["default"] is False
    assert string(min_length=0, default="") == {"type": "string", "minLength": 0, "default": ""}


def test_making_something_nullable_leaves_the_original_alone() -> None:
    original = string(enum=["a"])
    nullable(original)
    assert original == {"type": "string", "enum": ["a"]}


def test_every_auth_says_what_a_tenant_hands_in() -> None:
    assert fits(NoAuth().credential_schema, {})
    assert fits(ApiKey().credential_schema, {"api_key": "k"})
    assert not fits(ApiKey().credential_schema, {"api_key": ""})
    grant = OAuth2(authorize_url="https://a", token_url="https://t").credential_schema
    assert fits(grant, {"refresh_token": "r"})
    assert not fits(grant, {"refresh_token": "r", "access_token": "a"})


NAMES = st.text(alphabet="abcdefghij", min_size=1, max_size=6)
LEAVES = st.one_of(
    st.builds(string, min_length=st.integers(0, 3), describe=st.text(max_size=5)),
    st.builds(integer, minimum=st.integers(-5, 5)),
    st.builds(boolean, default=st.booleans()),
    st.builds(anything),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(array), inner.map(nullable), st.dictionaries(NAMES, inner).map(lambda all_: object_(**all_))
    ),
    max_leaves=12,
)


@given(TREES)
def test_whatever_is_put_together_is_json_schema(schema: JsonObject) -> None:
    Draft202012Validator.check_schema(schema)
