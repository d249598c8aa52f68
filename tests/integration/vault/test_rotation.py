"""Rotation of keys: everything ends up under the newest one, whoever is killed or writes at the same time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rig.house import SECRET, House

from revolution_hub.errors import NotFoundError, VaultError
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import audit, connections, hooks, sealed, tenants
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_hub.store.sealed import INSTALLATION, PLACES, owner_column, tenant_column
from revolution_hub.store.tx import Store
from revolution_hub.vault.key_providers import KeyFile
from revolution_hub.vault.key_ring import KeyRing
from revolution_hub.vault.master_key import write_key_file
from revolution_hub.vault.rotation import (
    find_unfinished,
    is_under_way,
    rotate_data_keys,
    rotate_master_key,
)
from revolution_hub.vault.vault import Vault, require_right_master_key
from revolution_hub.vault.verify import status_of, verify

NO_SECRETS = {
    "installation.value": "facts: the master key's mark, and when a rotation began",
    "data_keys.wrapped": "the data keys themselves, which a rotation of the master key wraps anew",
    "deliveries.body": "what a provider sent, as it came",
    "app_deliveries.body": "what a provider sent, as it came",
}
"""Columns of bytes that hold nothing sealed."""

Open = Callable[..., Store]


@pytest.fixture
def house(open_store: Open, tmp_path: Path, clock: Any, make: Any) -> House:
    """A database with everything sealed in it."""
    made = House(open_store, tmp_path, clock, make)
    made.fill()
    return made


def test_every_place_that_keeps_sealed_bytes_is_known_and_filled_here(house: House) -> None:
    # A table that keeps secrets in other columns would be forgotten by a rotation.
    binary = {
        f"{table.name}.{column.name}"
        for table in t.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
    }
    assert binary - NO_SECRETS.keys() == {f"{name}.sealed" for name in PLACES}
    for table in PLACES.values():
        assert {"sealed_key_id", "sealed_version"} <= set(table.columns.keys())
        assert tenant_column(table).name in ("tenant_id", "owner_tenant_id")
        assert owner_column(table).name
    # Whoever adds such a table adds a row of it to `fill`, and with it to every test below.
    assert all(house.keys_in_rows().values()), house.keys_in_rows()


def test_data_keys_are_rotated_in_every_place_and_tenant(house: House) -> None:
    before = house.keys_in_rows()
    house.clock.advance(60)
    running = house.process()[1]
    done = rotate_data_keys(house.rotator())
    # Then no secret is under an old key, all open, here and in a process that ran meanwhile
    assert (done.tenants, done.done, done.broken) == (3, 8, [])
    assert all(not before[name] & now for name, now in house.keys_in_rows().items())
    assert house.is_clean()
    with house.store.read("ten_a") as tx:
        connection, hook = connections.get(tx, "con_1"), hooks.find(tx, "wf_1")
    assert running.open("ten_a", "con_1", connection.credential) == SECRET
    assert hook is not None
    assert hook.secret is not None
    assert running.open("ten_a", "hok_1", hook.secret) == SECRET
    # And versions are what they were, and what is sealed from now on is under the new key
    assert connection.credential.version == 3
    assert running.seal("ten_a", "con_9", SECRET).key_id == house.newest("ten_a")


def test_one_tenant_alone_is_rotated_and_an_unknown_one_is_refused(house: House) -> None:
    others = house.newest("ten_b"), house.newest(INSTALLATION)
    house.clock.advance(60)
    done = rotate_data_keys(house.rotator(), "ten_a")
    assert (done.tenants, done.done) == (1, 6)
    assert (house.newest("ten_b"), house.newest(INSTALLATION)) == others
    with pytest.raises(NotFoundError, match="nothing is sealed for a tenant ten_x"):
        rotate_data_keys(house.rotator(), "ten_x")
    assert find_unfinished(house.store) is None
    assert house.is_clean()


def test_a_rotation_that_was_broken_off_goes_on_with_the_key_it_has_made(house: House) -> None:
    house.clock.advance(60)

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_data_keys(replace(house.rotator(), tell=stop))
    made = house.newest(INSTALLATION)
    assert find_unfinished(house.store) is not None
    assert not house.is_clean()
    house.clock.advance(60)
    done = rotate_data_keys(house.rotator())
    assert done.continued
    # What has its new key already gets no other.
    assert house.newest(INSTALLATION) == made
    for owner in (INSTALLATION, "ten_a"):
        with house.store.read(owner) as tx:
            assert len(tenants.list_data_keys(tx)) == 2
    assert house.is_clean()


def test_what_somebody_renews_meanwhile_is_never_overwritten(house: House) -> None:
    house.clock.advance(60)
    renewed = {"access_token": "renewed"}
    with house.store.read("ten_a") as tx:
        stale = connections.get(tx, "con_1")

    class Meanwhile(Vault):
        """Lets somebody renew a credential between reading it and storing it anew."""

        def reseal(self, *given: Any) -> Any:
            made = super().reseal(*given)
            if given[1] == "con_1":
                with house.store.begin("ten_a") as tx:
                    connections.replace_credential(
                        tx, stale, fresh, status=ConnectionStatus.CONNECTED, reason=None, now=house.clock()
                    )
            return made

    fresh = house.vault.seal("ten_a", "con_1", renewed, version=4)
    rotator = replace(house.rotator(), vault=Meanwhile(house.ring, house.store, house.clock))
    rotate_data_keys(rotator)
    with house.store.read("ten_a") as tx:
        now = connections.get(tx, "con_1")
    # The second look has sealed what was renewed under the newest key, too.
    assert house.vault.open("ten_a", "con_1", now.credential) == renewed
    assert (now.credential.version, now.credential.key_id) == (4, house.newest("ten_a"))


def test_a_renewal_that_was_under_way_is_stored_over_what_was_sealed_anew(house: House) -> None:
    with house.store.read("ten_a") as tx:
        before = connections.get(tx, "con_1")
    fresh = house.vault.seal("ten_a", "con_1", {"access_token": "renewed"}, version=4)
    house.clock.advance(60)
    rotate_data_keys(house.rotator())
    with house.store.begin("ten_a") as tx:
        assert connections.replace_credential(
            tx, before, fresh, status=ConnectionStatus.CONNECTED, reason=None, now=house.clock()
        )
        assert house.vault.open("ten_a", "con_1", connections.get(tx, "con_1").credential) == {
            "access_token": "renewed"
        }
    # It is under the older key, which is kept, and verify says so.
    ring, vault = house.process()
    found = verify(house.store, vault, ring, lambda _: None)
    assert not found.faults
    assert [one.split(" is sealed")[0] for one in found.left] == ["connections con_1 of ten_a"]


def test_a_broken_secret_is_left_and_named_and_the_others_are_rotated(house: House) -> None:
    with house.store.begin("ten_a") as tx:
        table = t.connections
        tx.conn.execute(sa.update(table).where(table.c.id == "con_1").values(sealed=b"\x01" * 80))
    house.clock.advance(60)
    done = rotate_data_keys(house.rotator())
    assert done.done == 7
    assert done.broken == ["connections con_1: a sealed value does not open"]
    ring, vault = house.process()
    found = verify(house.store, vault, ring, lambda _: None)
    assert found.faults == ["connections con_1 of ten_a: a sealed value does not open"]


def test_marks_and_tokens_from_before_a_rotation_are_still_known(house: House) -> None:
    mark = house.vault.stamp("ten_a", "callback", "exe_1")
    running = house.process()[1]
    running.stamp("ten_a", "callback", "exe_1")
    house.clock.advance(60)
    rotate_data_keys(house.rotator())
    house.new_master_key()
    rotate_master_key(house.rotator())
    fresh = house.process()[1]
    anew = fresh.stamp("ten_a", "callback", "exe_1")
    assert anew != mark
    for vault in (fresh, running, house.vault):
        assert vault.is_stamp("ten_a", "callback", "exe_1", mark)
        assert vault.is_stamp("ten_a", "callback", "exe_1", anew)
        assert not vault.is_stamp("ten_a", "callback", "exe_2", mark)
        assert not vault.is_stamp("ten_b", "callback", "exe_1", mark)
    assert fresh.stamps("ten_a", "callback", "exe_1") == [anew, mark]


def test_the_master_key_is_rotated_while_other_processes_run(house: House) -> None:
    old_ring, running = house.process()
    newest = house.new_master_key()
    assert is_under_way(house.store, KeyRing(KeyFile(house.path)))
    done = rotate_master_key(house.rotator())
    # Then all data keys are under it, and it is not under way any more; the old key is not needed
    assert (done.tenants, done.done, done.broken) == (3, 3, [])
    assert not is_under_way(house.store, KeyRing(KeyFile(house.path)))
    write_key_file(house.path, [newest])
    assert house.is_clean()
    # And a process that has not heard of it opens what it never opened, and makes keys under the new one
    assert old_ring.newest.key_id != newest.key_id
    with house.store.read("ten_b") as tx:
        connection = connections.get(tx, "con_b")
    assert running.open("ten_b", "con_b", connection.credential) == SECRET
    running.seal("ten_new", "con_1", SECRET)
    assert sealed.count_by_master_key(house.store) == {newest.key_id: 4}


def test_a_process_that_cannot_read_anew_wraps_nothing_with_a_key_that_is_out_of_use(house: House) -> None:
    given = KeyRing.of(*house.ring.keys)
    frozen = Vault(given, house.store, house.clock)
    house.new_master_key()
    rotate_master_key(house.rotator())
    with pytest.raises(VaultError) as refused:
        frozen.seal("ten_new", "con_1", SECRET)
    assert refused.value.code == "master_key_wrong"
    with house.store.read("ten_new") as tx:
        assert tenants.list_data_keys(tx) == []


def test_a_master_key_rotation_that_was_broken_off_goes_on_without_another_key(house: House) -> None:
    newest = house.new_master_key()

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_master_key(replace(house.rotator(), tell=stop))
    # Both keys are needed now: with one of them no process starts, with both all of them do
    old = house.ring.newest
    for keys, code in ((KeyRing.of(newest), "master_key_gone"), (KeyRing.of(old), "master_key_wrong")):
        with pytest.raises(VaultError) as refused:
            require_right_master_key(house.store, keys)
        assert refused.value.code == code
    house.process()
    assert is_under_way(house.store, KeyRing(KeyFile(house.path)))
    rotate_master_key(house.rotator())
    assert sealed.count_by_master_key(house.store) == {newest.key_id: 3}
    assert house.is_clean()


def test_rotating_twice_leaves_one_key_in_use(house: House) -> None:
    for _ in range(2):
        newest = house.new_master_key()
        rotate_master_key(house.rotator())
        house.clock.advance(60)
        rotate_data_keys(house.rotator())
    assert set(sealed.count_by_master_key(house.store)) == {newest.key_id}
    assert house.is_clean()


def test_data_keys_of_an_older_release_are_wrapped_anew_and_then_say_by_what(house: House) -> None:
    with house.store.begin_across() as tx:
        tx.conn.execute(sa.update(t.data_keys).values(master_key_id=None))
    assert not house.is_clean()
    rotate_master_key(house.rotator())
    assert sealed.count_by_master_key(house.store) == {house.ring.newest.key_id: 3}
    assert house.is_clean()


def test_status_counts_and_opens_nothing(house: House) -> None:
    house.clock.advance(60)
    rotate_data_keys(house.rotator(), "ten_b")
    # Given secrets that would not open
    with house.store.begin_across() as tx:
        tx.conn.execute(sa.update(t.connections).values(sealed=b"\x01" * 80))
    found = status_of(house.store, house.ring)
    assert found.held == (house.ring.newest.key_id,)
    assert found.in_use == house.ring.newest.key_id
    assert found.wrapped_with == {house.ring.newest.key_id: 4}
    assert {one.tenant_id: (one.data_keys, one.sealed, one.under_older) for one in found.owners} == {
        INSTALLATION: (1, 1, 0),
        "ten_a": (1, 6, 0),
        "ten_b": (2, 1, 0),
    }


def test_rotations_are_entered_in_the_logs(house: House) -> None:
    house.clock.advance(60)
    rotate_data_keys(house.rotator())
    newest = house.new_master_key()
    rotate_master_key(house.rotator())

    def log(tenant_id: str) -> list[tuple[str, str]]:
        with house.store.read(tenant_id) as tx:
            entries, _ = audit.list_page(tx, Page(limit=50, newest_first=False), audit.AuditFilter())
        return [(one.action, one.target) for one in entries]

    assert log("ten_b") == [("vault.rotate_data_key", house.newest("ten_b"))]
    # What is the installation's is in the log of its first tenant.
    assert sorted(log("ten_a")) == sorted(
        [
            ("vault.rotate_data_key", house.newest("ten_a")),
            ("vault.rotate_data_key", house.newest(INSTALLATION)),
            ("vault.rotate_master_key", newest.key_id),
        ]
    )
