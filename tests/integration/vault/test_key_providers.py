"""Where master keys come from: the environment, a key file with several, a store of secrets over HTTP."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.key_store import TOKEN, KeyStoreServer, key_store

from revolution_hub.app import read_key_ring
from revolution_hub.errors import HubError, SettingsError, VaultError
from revolution_hub.settings import Settings
from revolution_hub.vault.key_ring import KeyRing
from revolution_hub.vault.master_key import (
    holding,
    make_master_key,
    mint_master_key,
    read_key_file,
    write_key_file,
)
from revolution_sdk import Secret

KEYS = [make_master_key() for _ in range(8)]
IDS = [one.key_id for one in KEYS]
TEXTS = [base64.b64encode(one.reveal()).decode() for one in KEYS]


@pytest.fixture
def server() -> Iterator[KeyStoreServer]:
    """An empty store of secrets."""
    with key_store() as made:
        yield made


def ring_of(server: KeyStoreServer, **more: str) -> KeyRing:
    """Read the keys as a process with these settings does."""
    given = {"MASTER_KEY_URL": server.address, "MASTER_KEY_TOKEN": TOKEN, **more}
    return read_key_ring(
        Settings.read({f"REVOLUTION_{name}": value for name, value in given.items() if value})
    )


def ids(ring: KeyRing) -> list[str]:
    return [one.key_id for one in ring.keys]


def refused(act: object, kind: type[HubError] = VaultError) -> HubError:
    with pytest.raises(kind) as caught:
        act()  # type: ignore[operator]
    told = f"{caught.value.message} {caught.value.details}"
    assert TOKEN not in told
    assert not any(text in told for text in TEXTS)
    assert "\n" not in told
    return caught.value


def test_the_environment_may_hold_several_keys_the_newest_first() -> None:
    ring = read_key_ring(Settings.read({"REVOLUTION_MASTER_KEY": f"{TEXTS[0]}, {TEXTS[1]}\n{TEXTS[0]}"}))
    assert ids(ring) == IDS[:2]
    assert ring.get(IDS[1]).reveal() == KEYS[1].reveal()
    assert refused(lambda: ring.get(IDS[2])).code == "master_key_gone"


def test_a_key_file_is_read_again_when_an_unknown_key_is_met(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    first = mint_master_key(path)
    ring = read_key_ring(Settings(data_dir=tmp_path))
    assert ids(ring) == [first.key_id]
    write_key_file(path, [KEYS[0], first])
    assert ring.get(IDS[0]).reveal() == KEYS[0].reveal()
    assert ids(ring) == [IDS[0], first.key_id]


def test_a_key_file_is_replaced_whole_and_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    mint_master_key(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    write_key_file(link, KEYS[:3])
    assert link.is_symlink()
    assert [one.key_id for one in read_key_file(path)] == IDS[:3]
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "master.key"]


def test_a_key_file_that_cannot_be_replaced_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    path = tmp_path / "gone" / "no" / "master.key"
    assert refused(lambda: write_key_file(path, KEYS[:1])).code == "master_key_unwritable"


def test_one_process_at_a_time_changes_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "master.key"

    def again() -> None:
        with holding(path):
            pytest.fail("two of them hold it")

    with holding(path):
        assert refused(again).code == "master_key_busy"
    with holding(path):
        pass


def test_the_versions_of_a_secret_are_the_keys(server: KeyStoreServer) -> None:
    server.put(TEXTS[0])
    assert ids(ring_of(server)) == [IDS[0]]
    server.put(TEXTS[1])
    server.versions.append(None)
    server.put(TEXTS[2])
    # Deleted versions are passed over, and the newest version is the newest key.
    ring = ring_of(server)
    assert ids(ring) == [IDS[2], IDS[1], IDS[0]]
    assert server.asked[-4:] == [PATH_OF + query for query in ("", "?version=3", "?version=2", "?version=1")]
    # A version that is written while a process runs is read when it is met.
    server.put(TEXTS[3])
    assert ring.get(IDS[3]).reveal() == KEYS[3].reveal()


PATH_OF = "/v1/secret/data/revolution"


def test_of_many_versions_the_newest_five_are_read(server: KeyStoreServer) -> None:
    for text in TEXTS:
        server.put(text)
    assert ids(ring_of(server)) == IDS[:-6:-1]


def test_another_member_and_a_token_from_a_file_are_taken(server: KeyStoreServer, tmp_path: Path) -> None:
    server.put(TEXTS[0], "key")
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    given = {"MASTER_KEY_FIELD": "key", "MASTER_KEY_TOKEN": "", "MASTER_KEY_TOKEN_FILE": str(file)}
    ring = ring_of(server, **given)
    assert ids(ring) == [IDS[0]]
    # The token is read anew each time: an agent beside the hub may renew it.
    file.write_text("another")
    assert refused(ring.read_again).code == "master_key_unreadable"
    assert ids(ring) == [IDS[0]]


BROKEN = {
    "no token that may read": ((403, b'{"errors":["permission denied"]}'), "master_key_unreadable"),
    "nothing there": ((404, b'{"errors":[]}'), "master_key_missing"),
    "sealed": ((503, b'{"errors":["Vault is sealed"]}'), "key_store_away"),
    "too many": ((429, b""), "key_store_away"),
    "redirect": ((307, b""), "key_store_away"),
    "HTML": ((200, b"<html>"), "master_key_unreadable"),
    "empty": ((200, b""), "master_key_unreadable"),
    "a list": ((200, b"[]"), "master_key_unreadable"),
    "version 1 of the engine": ((200, b'{"data": {"master_key": "x"}}'), "master_key_unreadable"),
    "no such member": ((200, b'{"data": {"data": {}, "metadata": {"version": 1}}}'), "master_key_unreadable"),
    "a number": (
        (200, b'{"data": {"data": {"master_key": 1}, "metadata": {"version": 1}}}'),
        "master_key_unreadable",
    ),
    "no version": (
        (200, b'{"data": {"data": {"master_key": "%s"}, "metadata": {}}}' % TEXTS[0].encode()),
        "master_key_unreadable",
    ),
    "a weak key": (
        (200, b'{"data": {"data": {"master_key": "%s"}, "metadata": {"version": 1}}}' % (b"00" * 32)),
        "master_key_weak",
    ),
    "too large": ((200, b'{"a": "' + b"x" * 100_000 + b'"}'), "key_store_away"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_store_that_gives_no_key_is_refused_in_one_line(server: KeyStoreServer, name: str) -> None:
    server.answer, code = BROKEN[name]
    assert refused(lambda: ring_of(server)).code == code


def test_a_store_that_is_away_says_so_and_the_keys_that_were_read_stay(server: KeyStoreServer) -> None:
    server.put(TEXTS[0])
    ring = ring_of(server)
    server.address = "http://127.0.0.1:1/v1/secret/data/revolution"
    assert refused(lambda: ring_of(server)).code == "key_store_away"
    server.answer = (503, b"")
    assert refused(lambda: ring.get(IDS[1])).code == "key_store_away"
    assert ring.get(IDS[0]).reveal() == KEYS[0].reveal()


def test_wrong_settings_are_told_in_one_line(server: KeyStoreServer, tmp_path: Path) -> None:
    both = refused(lambda: ring_of(server, MASTER_KEY=TEXTS[0]), SettingsError)
    assert "both say where the master key is" in both.message
    assert (
        "needs REVOLUTION_MASTER_KEY_TOKEN"
        in refused(lambda: ring_of(server, MASTER_KEY_TOKEN=""), SettingsError).message
    )
    for path, why in ((tmp_path / "nowhere", "No such file"), (tmp_path / "empty", "it is empty")):
        (tmp_path / "empty").touch()
        told = refused(
            lambda path=path: ring_of(server, MASTER_KEY_TOKEN="", MASTER_KEY_TOKEN_FILE=str(path)),
            SettingsError,
        )
        assert why in told.message
    assert (
        "cannot be used"
        in refused(lambda: ring_of(server, MASTER_KEY_TOKEN="t\u00f6ken"), SettingsError).message
    )
    assert server.asked == []


def test_no_token_is_shown_with_the_settings(server: KeyStoreServer) -> None:
    assert TOKEN not in repr(Settings(master_key_token=Secret(TOKEN)))
