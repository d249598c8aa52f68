"""API keys: unguessable, and kept only as a hash."""

import re

from revolution_hub.access.api_keys import mint_api_key
from revolution_hub.access.tokens import hash_token


def test_a_key_carries_its_prefix_and_256_random_bits() -> None:
    made = {mint_api_key() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(re.fullmatch(r"rev_[A-Za-z0-9_-]{43}", one) for one in made)


def test_the_hash_is_the_same_each_time_and_shows_nothing_of_the_key() -> None:
    key = mint_api_key()
    assert re.fullmatch(r"[0-9a-f]{64}", hash_token(key))
    assert hash_token(key) == hash_token(key)
    assert hash_token(key) != hash_token(key + "x")
    assert key[4:12] not in hash_token(key)
