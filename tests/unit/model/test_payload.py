"""What stands in a row for a value: every value comes back, and none is taken for a reference to a file."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from revolution_hub.model.payload import Filed, FileRef, from_stored, to_stored

REF = FileRef(tenant="ten_a", owner="exe_1", bytes=300_000, sha256="ab" * 32)
WRITTEN = {"$file": {"tenant": "ten_a", "owner": "exe_1", "bytes": 300_000, "sha256": "ab" * 32}}

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
names = st.sampled_from(["$file", "value", "tenant", "owner", "bytes", "sha256", "other"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)
)


@given(values)
@example(WRITTEN)
@example({"$file": {"value": 1}})
@example({"$file": {"value": {"$file": {"value": None}}}})
@example({"$file": None})
def test_no_value_is_taken_for_something_else(value: Any) -> None:
    stored = to_stored(value)
    assert from_stored(json.loads(json.dumps(stored))) == value
    assert not isinstance(from_stored(stored), Filed)


def test_a_reference_is_read_as_what_it_was() -> None:
    assert to_stored(Filed(REF)) == WRITTEN
    found = from_stored(WRITTEN)
    assert isinstance(found, Filed)
    assert found.ref == REF
    assert to_stored(Filed(REF, "payload_missing")) == WRITTEN


def test_a_reference_shows_only_how_large_the_payload_is() -> None:
    assert json.loads(json.dumps(Filed(REF))) == {"$file": {"bytes": 300_000}}
    assert Filed(REF, "payload_missing") == {"$file": {"bytes": 300_000, "error": "payload_missing"}}


@pytest.mark.parametrize("stored", [{"$file": 1}, {"$file": {}}, {"$file": {"value": 1, "more": 2}}])
def test_what_an_older_release_has_written_is_read_as_it_is(stored: Any) -> None:
    assert from_stored(stored) == stored


def test_ordinary_values_are_stored_as_they_are() -> None:
    for value in (None, 1, "$file", ["$file"], {"$file": 1, "more": 2}, {"file": {"$file": 1}}):
        assert to_stored(value) is value
        assert from_stored(value) is value
