"""Sealing: what opens, and that everything else does not."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.errors import VaultError
from revolution_hub.vault import sealing
from revolution_hub.vault.master_key import MasterKey

MASTER = MasterKey(bytes(range(100, 132)))
OTHER_MASTER = MasterKey(bytes(range(50, 82)))
DATA_KEY = bytes(range(32))
PLACE: dict[str, Any] = {
    "tenant_id": "ten_1",
    "credential_id": "crd_1",
    "field": "refresh_token",
    "version": 3,
    "key_id": "key_1",
}
SECRET = b"refresh-me"


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(VaultError) as error:
        act()
    assert SECRET.decode() not in str(error.value)
    return error.value.code


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000))
def test_what_was_sealed_opens_again(plaintext: bytes) -> None:
    blob = sealing.seal(DATA_KEY, plaintext, **PLACE)
    assert sealing.open_sealed(DATA_KEY, blob, **PLACE) == plaintext
    assert len(blob) == len(plaintext) + 61


def test_a_changed_bit_in_any_byte_is_refused() -> None:
    blob = sealing.seal(DATA_KEY, SECRET, **PLACE)
    for index in range(len(blob)):
        for bit in (1, 128):
            changed = bytearray(blob)
            changed[index] ^= bit
            code = refused(lambda blob=bytes(changed): sealing.open_sealed(DATA_KEY, blob, **PLACE))  # type: ignore[misc]
            assert code == ("seal_unknown_format" if index == 0 else "seal_broken")


def test_every_truncation_and_every_extension_is_refused() -> None:
    blob = sealing.seal(DATA_KEY, SECRET, **PLACE)
    for length in range(len(blob)):
        cut = blob[:length]
        assert refused(lambda cut=cut: sealing.open_sealed(DATA_KEY, cut, **PLACE)) == "seal_broken"  # type: ignore[misc]
    assert refused(lambda: sealing.open_sealed(DATA_KEY, blob + b"\0", **PLACE)) == "seal_broken"


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("tenant_id", "ten_2"),
        ("credential_id", "crd_2"),
        ("field", "access_token"),
        ("version", 4),
        ("key_id", "key_2"),
        ("tenant_id", ""),
    ],
)
def test_a_blob_opens_in_its_own_place_only(part: str, other: Any) -> None:
    blob = sealing.seal(DATA_KEY, SECRET, **PLACE)
    assert refused(lambda: sealing.open_sealed(DATA_KEY, blob, **{**PLACE, part: other})) == "seal_broken"


def test_parts_of_the_place_do_not_run_into_each_other() -> None:
    blob = sealing.seal(DATA_KEY, SECRET, **{**PLACE, "tenant_id": "a", "credential_id": "bc"})
    shifted = {**PLACE, "tenant_id": "ab", "credential_id": "c"}
    assert refused(lambda: sealing.open_sealed(DATA_KEY, blob, **shifted)) == "seal_broken"
    swapped = {**PLACE, "tenant_id": "bc", "credential_id": "a"}
    assert refused(lambda: sealing.open_sealed(DATA_KEY, blob, **swapped)) == "seal_broken"


@pytest.mark.parametrize("key", [bytes(range(1, 33)), bytes(32), b"", b"short", DATA_KEY * 2])
def test_another_key_does_not_open(key: bytes) -> None:
    blob = sealing.seal(DATA_KEY, SECRET, **PLACE)
    assert refused(lambda: sealing.open_sealed(key, blob, **PLACE)) == "seal_broken"


@pytest.mark.parametrize("blob", [b"\x00" * 100, b"\x02" * 100, b"\xff", b"refresh-me"])
def test_an_unknown_format_is_never_passed_through(blob: bytes) -> None:
    assert refused(lambda: sealing.open_sealed(DATA_KEY, blob, **PLACE)) == "seal_unknown_format"


def test_the_commitment_is_checked_before_decrypting() -> None:
    """A valid ciphertext with a foreign commitment must not reach the cipher."""
    one, other = (sealing.seal(DATA_KEY, SECRET, **PLACE) for _ in range(2))
    crossed = one[:1] + other[1:33] + one[33:]
    assert refused(lambda: sealing.open_sealed(DATA_KEY, crossed, **PLACE)) == "seal_broken"


def test_the_commitment_differs_with_key_nonce_and_place() -> None:
    blobs = [
        sealing.seal(DATA_KEY, SECRET, **PLACE),
        sealing.seal(DATA_KEY, SECRET, **PLACE),
        sealing.seal(bytes(reversed(DATA_KEY)), SECRET, **PLACE),
        sealing.seal(DATA_KEY, SECRET, **{**PLACE, "field": "other"}),
    ]
    assert len({blob[1:33] for blob in blobs}) == 4


def test_ten_thousand_nonces_and_blobs_are_unique() -> None:
    blobs = [sealing.seal(DATA_KEY, b"", **PLACE) for _ in range(10_000)]
    assert len({blob[33:45] for blob in blobs}) == 10_000
    assert len({blob[45:] for blob in blobs}) == 10_000


def test_the_plaintext_is_not_in_the_blob_and_the_data_key_is_not_the_cipher_key() -> None:
    blob = sealing.seal(DATA_KEY, SECRET * 10, **PLACE)
    assert SECRET not in blob
    with pytest.raises(InvalidTag):
        AESGCM(DATA_KEY).decrypt(blob[33:45], blob[45:], None)


def test_a_data_key_is_random_and_survives_wrapping() -> None:
    keys = {sealing.new_data_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {32}
    for key in list(keys)[:3]:
        blob = sealing.wrap_data_key(MASTER, key, tenant_id="ten_1", key_id="key_1")
        assert sealing.unwrap_data_key(MASTER, blob, tenant_id="ten_1", key_id="key_1") == key


def test_a_wrapped_data_key_opens_for_its_tenant_its_id_and_its_master_only() -> None:
    blob = sealing.wrap_data_key(MASTER, DATA_KEY, tenant_id="ten_1", key_id="key_1")
    for master, tenant_id, key_id in [
        (OTHER_MASTER, "ten_1", "key_1"),
        (MASTER, "ten_2", "key_1"),
        (MASTER, "ten_1", "key_2"),
    ]:
        with pytest.raises(VaultError) as error:
            sealing.unwrap_data_key(master, blob, tenant_id=tenant_id, key_id=key_id)
        assert error.value.code == "seal_broken"


def test_a_data_key_of_another_length_is_not_wrapped() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sealing.wrap_data_key(MASTER, b"short", tenant_id="ten_1", key_id="key_1")


def test_purposes_are_kept_apart() -> None:
    wrapped = sealing.wrap_data_key(MASTER, DATA_KEY, tenant_id="ten_1", key_id="key_1")
    assert refused(lambda: sealing.check_canary(MASTER, wrapped)) == "master_key_wrong"
    assert refused(lambda: sealing.open_sealed(MASTER.reveal(), wrapped, **PLACE)) == "seal_broken"


def test_the_canary_knows_its_master_key() -> None:
    blob = sealing.canary(MASTER)
    sealing.check_canary(MASTER, blob)
    assert refused(lambda: sealing.check_canary(OTHER_MASTER, blob)) == "master_key_wrong"
    assert refused(lambda: sealing.check_canary(MASTER, blob[:-1])) == "master_key_wrong"
    assert refused(lambda: sealing.check_canary(MASTER, b"")) == "master_key_wrong"
    assert refused(lambda: sealing.check_canary(MASTER, b"\x09" + blob[1:])) == "seal_unknown_format"


GOLDEN = bytes.fromhex(
    "010c08f362139053c808317f342c37e029a0d539e006d68514f082866215edf49fb886f8028826932353f72418"
    "a452041a177f8fd0c697ef93b4d8345e244b00305b71e401ea41"
)
GOLDEN_WRAP = bytes.fromhex(
    "01e8d5c50b6f0dfb19855535fe540ed71df41675f94a1b65a5d9eb0a1fb4282ceac34d89854521afacdcab5617"
    "0f41621af0a9c0df08482aa1a09bc169e23868677312089aaaa3cf9fed1d238bfd87cb6b1b533b03ac7ea69307"
    "65c70c"
)
GOLDEN_CANARY = bytes.fromhex(
    "0146a2b25ccd775f794bdf7d288112dac4705678b0702ad13c937b521504acd70282730930bdae86d0aa0a7c65"
    "db7d02d6aa5423dfd1bea21c6f1d405144e16b6864551f6166d291b0c0eea5d4a3a7d41179"
)


def test_blobs_sealed_by_the_first_release_still_open() -> None:
    """These were sealed once and kept. If this fails, stored credentials would be lost."""
    assert sealing.open_sealed(DATA_KEY, GOLDEN, **PLACE) == SECRET
    assert sealing.unwrap_data_key(MASTER, GOLDEN_WRAP, tenant_id="ten_1", key_id="key_1") == DATA_KEY
    sealing.check_canary(MASTER, GOLDEN_CANARY)
