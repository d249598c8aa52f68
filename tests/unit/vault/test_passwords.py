"""Passwords: kept as argon2id, compared in one form, and never more than a few hashed at a time."""

import threading
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.errors import InputError
from revolution_hub.settings import Settings
from revolution_hub.vault.passwords import AT_A_TIME, LONGEST, Passwords

CHEAP = Settings(password_memory_kib=8_192, password_rounds=1)
PASSWORDS = Passwords(CHEAP)
EMAIL = "ada@example.com"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=12, max_size=60)


@settings(max_examples=25, deadline=None)
@given(TEXT, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_a_password_is_itself_in_every_form_and_no_other_one(text: str, form: str) -> None:
    try:
        kept = PASSWORDS.hash_new(text, email=EMAIL)
    except InputError:
        return
    assert kept.startswith("$argon2id$v=19$m=8192,t=1,p=1$")
    assert PASSWORDS.verify(kept, unicodedata.normalize(form, text))
    assert not PASSWORDS.verify(kept, text + "x")
    assert not PASSWORDS.verify(kept, text[:-1])
    assert PASSWORDS.hash_new(text, email=EMAIL) != kept


@pytest.mark.parametrize("kept", ["", "plain", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", "x" * 1000])
def test_a_hash_that_is_none_lets_nobody_in(kept: str) -> None:
    assert not PASSWORDS.verify(kept, kept)
    assert not PASSWORDS.verify(None, "anything")


def test_what_lies_behind_the_longest_password_is_not_cut_off_silently() -> None:
    longest = "abcd" * (LONGEST // 4)
    kept = PASSWORDS.hash_new(longest, email=EMAIL)
    assert PASSWORDS.verify(kept, longest)
    assert not PASSWORDS.verify(kept, longest + "x")


def test_a_new_hash_is_made_only_where_the_settings_ask_for_more() -> None:
    kept = PASSWORDS.hash_new("correct horse battery", email=EMAIL)
    assert PASSWORDS.renewed(kept, "correct horse battery") is None
    stronger = Passwords(Settings(password_memory_kib=9_216, password_rounds=2))
    renewed = stronger.renewed(kept, "correct horse battery")
    assert renewed is not None
    assert stronger.verify(renewed, "correct horse battery")


def test_whoever_comes_while_all_places_are_taken_waits_and_is_served() -> None:
    kept = PASSWORDS.hash_new("correct horse battery", email=EMAIL)
    right: list[bool] = []
    threads = [
        threading.Thread(target=lambda: right.append(PASSWORDS.verify(kept, "correct horse battery")))
        for _ in range(4 * AT_A_TIME)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert right == [True] * len(threads)
