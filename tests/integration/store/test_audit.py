"""The audit log in the database: it refuses every change, finds those a superuser made, and never forks."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.engine.retain import Rounds, retain_audit
from revolution_hub.model.audit import entry_of_hub
from revolution_hub.model.audit_chain import Checked, Head
from revolution_hub.model.change import Start
from revolution_hub.model.time import utc_now
from revolution_hub.store import across, audit
from revolution_hub.store import tables as t
from revolution_hub.store.audit import AuditFilter
from revolution_hub.store.paging import Page
from revolution_hub.store.submit import submit_all
from revolution_hub.store.tx import Store

Open = Callable[..., Store]
WRITERS = 50


def add(store: Store, count: int = 1, *, tenant: str = "ten_a", at: datetime | None = None) -> None:
    with store.begin(tenant) as tx:
        for number in range(count):
            audit.append(tx, entry_of_hub(tenant, "key.create", f"key_{number}", at or utc_now()))


def checked(store: Store, *heads: Head, tenant: str = "ten_a") -> Checked:
    with store.read(tenant) as tx:
        return audit.check(tx, list(heads))


def fault(store: Store, *heads: Head, tenant: str = "ten_a") -> int | None:
    found = checked(store, *heads, tenant=tenant).fault
    return found and found.number


def head(store: Store, tenant: str = "ten_a") -> Head:
    with store.read(tenant) as tx:
        found = audit.find_head(tx)
    assert found is not None
    return found


@pytest.fixture
def superuser(database: str, backend: str, request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Run statements as whoever owns the server or the file does it: no trigger stops them."""
    if backend == "postgresql":
        server = request.getfixturevalue("any_postgres")
        name = database.partition("?")[0].rpartition("/")[2]
        return lambda sql: server.execute(f"SET session_replication_role = replica; {sql}", name)

    def run(sql: str) -> None:
        engine = sa.create_engine(database)
        with engine.begin() as conn:
            for name in ("stay", "go", "come"):
                conn.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_entries_{name}")
            for one in sql.split(";"):
                conn.exec_driver_sql(one)
        engine.dispose()

    return run


COLUMNS = (
    "at, principal_id, principal_kind, principal_name, action, target, fields, address, agent, request_id"
)
REFUSED = (
    "UPDATE audit_entries SET action = 'nothing'",
    "UPDATE audit_entries SET hash = hash",
    "DELETE FROM audit_entries",
    "DELETE FROM audit_entries WHERE number = 3",
    *(
        f"INSERT INTO audit_entries SELECT tenant_id, {number}, {COLUMNS}, {through}, hash "
        "FROM audit_entries WHERE number = 1"
        for number, through in (("1 + number", "through"), ("9", "through"), ("4", "2"))
    ),
)


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_refuses_to_change_what_is_written(store: Store, statement: str) -> None:
    add(store, 3, at=utc_now() - timedelta(days=400))
    with pytest.raises(sa.exc.IntegrityError), store.begin("ten_a") as tx:
        tx.conn.exec_driver_sql(statement)
    assert (fault(store), head(store).number) == (None, 3)


def test_an_entry_is_not_replaced_by_inserting_it_again(store: Store, database_file: Any) -> None:
    add(store, 3)
    again = "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE number = 2"
    with pytest.raises(sa.exc.IntegrityError), store.begin("ten_a") as tx:
        tx.conn.exec_driver_sql(again)
    assert fault(store) is None


def test_the_table_is_not_emptied(store: Store, postgres: Any, database: str) -> None:
    add(store, 3)
    name = database.partition("?")[0].rpartition("/")[2]
    with pytest.raises(Exception, match="never removed all at once"):
        postgres.execute("TRUNCATE audit_entries", name)
    with pytest.raises(sa.exc.DBAPIError), store.begin("ten_a") as tx:
        tx.conn.exec_driver_sql("TRUNCATE audit_entries")
    assert head(store).number == 3


def test_a_transaction_that_fails_leaves_neither_the_change_nor_its_entry(store: Store) -> None:
    add(store)

    def fail() -> None:
        with store.begin("ten_a") as tx:
            audit.append(tx, entry_of_hub("ten_a", "key.create", "key_9", utc_now()))
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        fail()
    add(store)
    assert (fault(store), head(store).number) == (None, 2)


def test_an_entry_of_another_tenant_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="its transaction"), store.begin("ten_a") as tx:
        audit.append(tx, entry_of_hub("ten_b", "key.create", "key_9", utc_now()))


SWAP = (
    "UPDATE audit_entries SET number = -2 WHERE number = 2 AND tenant_id = 'ten_a';"
    "UPDATE audit_entries SET number = 2 WHERE number = 4 AND tenant_id = 'ten_a';"
    "UPDATE audit_entries SET number = 4 WHERE number = -2 AND tenant_id = 'ten_a'"
)
TENANTS = (
    "UPDATE audit_entries SET tenant_id = 'ten_x' WHERE tenant_id = 'ten_a';"
    "UPDATE audit_entries SET tenant_id = 'ten_a' WHERE tenant_id = 'ten_b';"
    "UPDATE audit_entries SET tenant_id = 'ten_b' WHERE tenant_id = 'ten_x'"
)
INSERT = (
    "UPDATE audit_entries SET number = -number WHERE number > 2 AND tenant_id = 'ten_a';"
    "UPDATE audit_entries SET number = 1 - number WHERE number < 0;"
    f"INSERT INTO audit_entries SELECT tenant_id, 3, {COLUMNS}, through, hash FROM audit_entries "
    "WHERE number = 2 AND tenant_id = 'ten_a'"
)
FORGERIES = {
    **{
        f"change of {name}": (f"UPDATE audit_entries SET {name} = {value} WHERE number = 3", 3, 3)
        for name, value in {
            "at": "'2020-01-01 00:00:00.000000'",
            "action": "'key.revoke'",
            "target": "'key_9'",
            "principal_id": "'key_9'",
            "principal_kind": "'user'",
            "principal_name": "'Eve'",
            "fields": """'{"name": "added"}'""",
            "address": "'192.0.2.9'",
            "agent": "'curl'",
            "request_id": "'req_9'",
            "hash": f"'{'a' * 64}'",
        }.items()
    },
    "removal in the middle": ("DELETE FROM audit_entries WHERE number = 3", 3, 3),
    "removal of the first": ("DELETE FROM audit_entries WHERE number = 1", 1, 1),
    "removal of the end": ("DELETE FROM audit_entries WHERE number > 3", None, 4),
    "removal of all": ("DELETE FROM audit_entries", None, 1),
    "another order": (SWAP, 2, 2),
    "one more in between": (INSERT, 3, 3),
    "tenants that changed places": (TENANTS, 1, 1),
    "a checkpoint that nobody made": (
        "UPDATE audit_entries SET through = 2, target = hash WHERE number = 4;"
        "DELETE FROM audit_entries WHERE number < 3",
        3,
        3,
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_a_superuser_changed_is_found_at_the_first_entry(
    store: Store, superuser: Callable[[str], Any], name: str
) -> None:
    statement, alone, with_head = FORGERIES[name]
    add(store, 5)
    add(store, 5, tenant="ten_b")
    kept = head(store)
    assert fault(store, kept) is None
    superuser(statement)
    assert fault(store) == alone
    assert fault(store, kept) == with_head


@pytest.mark.parametrize("rubbish", ["at = 'yesterday'", "fields = 'no json'", "fields = x'ff'"])
def test_a_row_that_cannot_be_read_is_the_first_wrong_entry(
    store: Store, superuser: Callable[[str], Any], database_file: Any, rubbish: str
) -> None:
    add(store, 5)
    superuser(f"UPDATE audit_entries SET {rubbish} WHERE number = 3")
    assert fault(store) == 3


def test_fifty_writers_make_one_chain(open_store: Open, store: Store, make: Any) -> None:
    stores = [store, open_store()]
    barrier = threading.Barrier(WRITERS)

    def write(number: int) -> None:
        mine = stores[number % 2]
        barrier.wait(30)
        entry = entry_of_hub("ten_a", "key.create", f"key_{number}", utc_now())
        if number % 5 == 0:
            (outcome,) = submit_all(mine, [Start(execution=make.execution(), entry=entry)])
            assert not isinstance(outcome, BaseException), outcome
        elif number % 5 == 1:
            with mine.begin_across() as across_tx:
                audit.append(across_tx.of("ten_a"), entry)
        else:
            with mine.begin("ten_a") as tx:
                audit.append(tx, entry)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    found = checked(store)
    assert (found.fault, found.count) == (None, WRITERS)
    with store.read("ten_a") as tx:
        written = {one.target for one in audit.list_page(tx, Page(limit=100), AuditFilter())[0]}
    assert written == {f"key_{number}" for number in range(WRITERS)}


def test_the_same_start_is_entered_once(store: Store, make: Any) -> None:
    entry = entry_of_hub("ten_a", "execution.replay", "exe_1", utc_now())
    start = Start(execution=make.execution(idempotency_key="k"), entry=entry)
    again = replace(start, execution=make.execution(idempotency_key="k"))
    submit_all(store, [start])
    submit_all(store, [start, again])
    assert head(store).number == 1


def prune(store: Store, days: int = 30, *, most: int = audit.MOST_REMOVED) -> int:
    with store.begin("ten_a") as tx:
        checkpoint = entry_of_hub("ten_a", audit.PRUNE, "", utc_now())
        return audit.prune(tx, checkpoint, audit.before_of(days, utc_now()), most=most)


def test_old_entries_go_behind_a_checkpoint_and_the_rest_still_fits(store: Store) -> None:
    for days in (90, 60, 40, 20, 10):
        add(store, at=utc_now() - timedelta(days=days))
    kept = head(store)
    assert prune(store, 50) == 2
    assert prune(store, 50) == 0
    assert prune(store) == 1
    found = checked(store, kept)
    assert (found.fault, found.count) == (None, 4)
    with store.read("ten_a") as tx:
        newest = audit.list_page(tx, Page(limit=1), AuditFilter())[0][0]
    assert (newest.action, newest.through, newest.number) == (audit.PRUNE, 3, 7)


def test_of_very_many_so_many_go_at_a_time(store: Store) -> None:
    add(store, 25, at=utc_now() - timedelta(days=90))
    assert [prune(store, most=10) for _ in range(4)] == [10, 10, 5, 0]
    assert (fault(store), checked(store).count) == (None, 3)


def test_checkpoints_alone_call_for_no_further_one(store: Store) -> None:
    long_ago = utc_now() - timedelta(days=90)
    add(store, 3, at=long_ago)
    with store.begin("ten_a") as tx:
        assert audit.prune(tx, entry_of_hub("ten_a", audit.PRUNE, "", long_ago), utc_now()) == 3
    assert prune(store) == 0
    assert head(store).number == 4


def test_nothing_younger_than_thirty_days_goes_whatever_is_asked(store: Store) -> None:
    add(store, 2, at=utc_now() - timedelta(days=29))
    with pytest.raises(sa.exc.IntegrityError, match="thirty days"), store.begin("ten_a") as tx:
        audit.prune(tx, entry_of_hub("ten_a", audit.PRUNE, "", utc_now()), utc_now())
    assert (fault(store), head(store).number) == (None, 2)


def test_what_lies_behind_no_checkpoint_does_not_go_however_old(store: Store) -> None:
    add(store, 3, at=utc_now() - timedelta(days=90))
    with store.begin("ten_a") as tx:
        audit.prune(tx, entry_of_hub("ten_a", audit.PRUNE, "", utc_now()), utc_now() - timedelta(days=60))
    add(store, at=utc_now() - timedelta(days=90))
    with pytest.raises(sa.exc.IntegrityError, match="checkpoint"), store.begin("ten_a") as tx:
        tx.conn.execute(sa.delete(t.audit_entries).where(t.audit_entries.c.number == 5))


def test_retention_goes_through_every_tenant(store: Store) -> None:
    for tenant in ("ten_a", "ten_b"):
        add(store, 3, tenant=tenant, at=utc_now() - timedelta(days=90))
    assert across.audited_tenants(store) == ["ten_a", "ten_b"]
    before = audit.before_of(30, utc_now())
    assert retain_audit(store, before, utc_now(), threading.Event()) == 6
    assert [fault(store, tenant=one) for one in ("ten_a", "ten_b")] == [None, None]
    assert Rounds().audit_at is None


@contextmanager
def second_net(store: Store) -> Iterator[sa.Connection]:
    with store.begin("ten_a") as tx:
        yield tx.conn


def test_the_second_net_holds_for_entries(store: Store, postgres: Any) -> None:
    add(store, 2)
    add(store, 3, tenant="ten_b")
    with second_net(store) as conn:
        count = sa.select(sa.func.count()).select_from(t.audit_entries)
        assert conn.execute(count).scalar_one() == 2
