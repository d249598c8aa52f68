"""Ids sort by the time they were made, and never meet."""

import re
import time

import pytest

from revolution_hub.model.ids import new_id, new_key


def at(monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> str:
    monkeypatch.setattr(time, "time_ns", lambda: milliseconds * 1_000_000)
    return new_id("exe")


def test_an_id_is_its_prefix_and_26_plain_characters() -> None:
    for _ in range(100):
        assert re.fullmatch(r"exe_[0-9a-hjkmnp-tv-z]{26}", new_id("exe"))


def test_ids_of_later_milliseconds_sort_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 2_000_000_000_000, 2**48 - 1]
    made = [at(monkeypatch, one) for one in moments]
    assert made == sorted(made)


def test_ids_made_in_one_instant_all_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [at(monkeypatch, 1_700_000_000_000) for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert len({one[:14] for one in made}) == 1


def test_a_key_is_unguessable_and_safe_in_an_address() -> None:
    made = {new_key("rev_") for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(re.fullmatch(r"rev_[A-Za-z0-9_-]{43}", one) for one in made)
