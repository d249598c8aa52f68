"""The master key: what is taken for one, what is refused, and how one is made."""

import base64
import os
import pickle
import stat
from pathlib import Path

import pytest

from revolution_hub.errors import VaultError
from revolution_hub.vault.master_key import MasterKey, mint_master_key, read_master_key
from revolution_sdk.secret import Secret

GOOD = bytes.fromhex("fb1d77c0ffee5ca1ab1e0123456789abcdeff0e1d2c3b4a5968778695a4b3c2d")


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "master.key"
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(value: str | None = None, path: Path | None = None) -> VaultError:
    with pytest.raises(VaultError) as refused:
        read_master_key(None if value is None else Secret(value), path)
    return refused.value


SPELLINGS = {
    "base64": base64.b64encode(GOOD).decode(),
    "base64 without padding": base64.b64encode(GOOD).decode().rstrip("="),
    "URL base64": base64.urlsafe_b64encode(GOOD).decode(),
    "URL base64 without padding": base64.urlsafe_b64encode(GOOD).decode().rstrip("="),
    "hex": GOOD.hex(),
    "upper-case hex": GOOD.hex().upper(),
    "blanks around": f"  {GOOD.hex()}\n",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_key_gives_the_same_key(spelling: str, tmp_path: Path) -> None:
    assert read_master_key(Secret(SPELLINGS[spelling]), None).reveal() == GOOD
    assert read_master_key(None, key_file(tmp_path, SPELLINGS[spelling])).reveal() == GOOD


WEAK = {
    "all zero": bytes(32),
    "all ones": b"\xff" * 32,
    "one letter repeated": b"a" * 32,
    "two bytes in turn": b"\x00\x01" * 16,
    "15 distinct bytes": bytes(range(15)) + bytes(17),
    "eight bytes four times": b"12345678" * 4,
    "31 bytes": GOOD[:31],
    "16 bytes": GOOD[:16],
    "33 bytes": GOOD + b"\x01",
    "64 bytes": GOOD + GOOD,
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weak_key_is_refused_in_every_spelling(name: str, tmp_path: Path) -> None:
    for text in [base64.b64encode(WEAK[name]).decode(), base64.urlsafe_b64encode(WEAK[name]).decode()]:
        assert refusal(text).code == "master_key_weak"
        assert refusal(path=key_file(tmp_path, text)).code == "master_key_weak"
    with pytest.raises(VaultError, match="not safe"):
        MasterKey(WEAK[name])


def test_weak_hex_is_refused() -> None:
    assert refusal("00" * 32).code == "master_key_weak"
    assert refusal("deadbeef" * 8).code == "master_key_weak"


def test_sixteen_distinct_bytes_are_enough() -> None:
    assert MasterKey(bytes(range(16)) * 2).reveal() == bytes(range(16)) * 2


@pytest.mark.parametrize(
    "text", ["changeme!", "ü" * 32, "{}", "a b c", "abc=def", "A" * 45, GOOD.hex() + " " + GOOD.hex()]
)
def test_what_is_no_key_text_is_unreadable(text: str, tmp_path: Path) -> None:
    assert refusal(text).code == "master_key_unreadable"
    assert refusal(path=key_file(tmp_path, text)).code == "master_key_unreadable"


def test_no_refusal_quotes_the_key(tmp_path: Path) -> None:
    text = base64.b64encode(GOOD[:31]).decode()
    told = str(refusal(text)) + str(refusal("changeme!")) + str(refusal(path=key_file(tmp_path, text)))
    assert text not in told
    assert "changeme!" not in told


def test_without_key_or_file_it_is_missing(tmp_path: Path) -> None:
    assert refusal().code == "master_key_missing"
    assert refusal("", tmp_path / "master.key").code == "master_key_missing"
    assert refusal(path=tmp_path / "nowhere" / "master.key").code == "master_key_missing"


def test_the_value_wins_over_the_file(tmp_path: Path) -> None:
    other = bytes(reversed(GOOD))
    assert read_master_key(Secret(GOOD.hex()), key_file(tmp_path, other.hex())).reveal() == GOOD


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
def test_a_file_others_may_touch_is_refused(mode: int, tmp_path: Path) -> None:
    error = refusal(path=key_file(tmp_path, GOOD.hex(), mode))
    assert error.code == "master_key_weak"
    assert "chmod 600" in error.message


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_read(mode: int, tmp_path: Path) -> None:
    assert read_master_key(None, key_file(tmp_path, GOOD.hex(), mode)).reveal() == GOOD


def test_a_link_is_judged_by_its_target(tmp_path: Path) -> None:
    target = key_file(tmp_path, GOOD.hex())
    link = tmp_path / "link"
    link.symlink_to(target)
    assert read_master_key(None, link).reveal() == GOOD
    target.chmod(0o644)
    assert refusal(path=link).code == "master_key_weak"


def test_what_is_not_a_regular_file_is_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refusal(path=tmp_path / "pipe").code == "master_key_unreadable"
    assert refusal(path=tmp_path).code == "master_key_unreadable"
    assert refusal(path=key_file(tmp_path, "A" * 10_000)).code == "master_key_unreadable"


def test_a_minted_key_is_private_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "data" / "master.key"
    minted = mint_master_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_master_key(None, path).reveal() == minted.reveal()


def test_a_minted_key_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        mint_master_key(tmp_path / "data" / "master.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "master.key").stat().st_mode) == 0o600


def test_minting_never_replaces_anything(tmp_path: Path) -> None:
    path = key_file(tmp_path, "precious")
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "elsewhere")
    for taken in [path, dangling]:
        with pytest.raises(VaultError) as refused:
            mint_master_key(taken)
        assert refused.value.code == "master_key_exists"
    assert path.read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()


def test_minting_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in [tmp_path / "file" / "master.key", tmp_path / "file" / "deeper" / "master.key"]:
        with pytest.raises(VaultError) as refused:
            mint_master_key(path)
        assert refused.value.code == "master_key_unwritable"


def test_two_minted_keys_differ(tmp_path: Path) -> None:
    one, other = mint_master_key(tmp_path / "one"), mint_master_key(tmp_path / "other")
    assert one.reveal() != other.reveal()
    assert one.key_id != other.key_id


def test_the_key_id_is_stable_and_tells_nothing() -> None:
    assert MasterKey(GOOD).key_id == "910b7264b35716c0"
    assert MasterKey(GOOD).key_id not in GOOD.hex()


def test_a_key_never_shows_itself() -> None:
    key = MasterKey(GOOD)
    shown = f"{key} {key!r} {[key]}"
    assert GOOD.hex() not in shown
    assert repr(GOOD)[2:20] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(key)
