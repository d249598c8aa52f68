"""The second net: with the first one removed, the database itself keeps tenants apart.

Every test here connects as a role that owns nothing, and none of its statements names a tenant.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.change import Applied, Intake, Keep, Move, Progress, Start
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.prepare import prepare
from revolution_hub.settings import Settings
from revolution_hub.store import connections, tenants
from revolution_hub.store import tables as t
from revolution_hub.store.migrate import migrate
from revolution_hub.store.second_net import excused_role
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store
from revolution_hub.store.types import Moment, Payload

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TENANTS = ("ten_a", "ten_b", "ten_c")
Open = Callable[..., Store]


@pytest.fixture
def filled(store: Store, postgres: Any, make: Any) -> dict[str, str]:
    """Give each of three tenants one of most things; return their running executions."""
    made = {}
    for tenant in TENANTS:
        make.tenant = tenant
        with store.begin_across() as across:
            tenants.add_tenant(across, tenant, tenant, NOW)
            tenants.add_api_key(
                across.of(tenant), f"key_{tenant}", name="k", key_hash=tenant, role="owner", now=NOW
            )
            tenants.add_data_key(across.of(tenant), f"dek_{tenant}", b"x", NOW)
            connections.add(across.of(tenant), make.connection())
        execution = make.execution(status=ExecutionStatus.RUNNING, fence=1, workflow_id=f"wf_{tenant}")
        started = Intake(delivery=make.delivery(), event=make.event(), executions=(execution,))
        assert isinstance(submit(store, started), Applied)
        step = make.step(execution, status=StepStatus.SUCCEEDED)
        moved = Progress(
            tenant_id=tenant,
            execution_id=execution.id,
            fence=1,
            steps=(step,),
            attempts=(make.attempt(execution),),
        )
        assert isinstance(submit(store, moved), Applied)
        made[tenant] = execution.id
    return made


def seen(conn: sa.Connection, table: str = "executions") -> set[str]:
    return set(conn.execute(sa.text(f"SELECT tenant_id FROM {table}")).scalars())


FILLED = ("api_keys", "attempts", "connections", "data_keys", "deliveries", "events")
FILLED += ("executions", "step_executions")


@pytest.mark.parametrize("table", FILLED)
def test_a_statement_that_forgets_the_tenant_sees_only_its_own_rows(
    table: str, store: Store, filled: dict[str, str]
) -> None:
    for door in (store.begin, store.read):
        with door("ten_a") as tx:
            assert seen(tx.conn, table) == {"ten_a"}
    with store.read_across() as tx:
        assert seen(tx.conn, table) == set(TENANTS)


NEVER_CHANGED = {"audit_entries"}
"""Tables whose rows nobody may change, whatever tenant they are of."""

GIVEN: dict[str, dict[str, Any]] = {"audit_entries": {"number": 1, "through": None}}
"""What a row must hold to be taken at all: an audit entry comes at the end of its chain."""


def anything_in(table: sa.Table, tenant: str, number: int) -> dict[str, Any]:
    """Return a row of a table that holds something in every column, and is of this tenant."""
    row: dict[str, Any] = {}
    for column in table.columns:
        kind = {Payload: dict, Moment: datetime}.get(type(column.type)) or column.type.python_type
        row[column.name] = {
            str: f"{tenant}_{number}"[-(getattr(column.type, "length", None) or 40) :],
            int: number,
            bool: True,
            bytes: b"x",
            dict: {},
            datetime: NOW,
        }.get(kind, 0)
    return row | {"tenant_id": tenant} | GIVEN.get(table.name, {})


@pytest.mark.parametrize("table", t.TENANT_TABLES, ids=lambda one: one.name)
def test_no_table_shows_or_takes_what_is_another_tenants_without_the_first_net(
    table: sa.Table, store: Store, postgres: Any
) -> None:
    with store.begin_across() as across:
        for number, tenant in enumerate(TENANTS):
            across.conn.execute(sa.insert(table).values(anything_in(table, tenant, number)))
    with store.begin("ten_a") as tx:
        assert seen(tx.conn, table.name) == {"ten_a"}
    planted = anything_in(table, "ten_b", 7)
    refused = pytest.raises(sa.exc.ProgrammingError, match="violates row-level security")
    with refused, store.begin("ten_a") as tx:
        tx.conn.execute(sa.insert(table).values(planted))
    if table.name not in NEVER_CHANGED:
        with store.begin("ten_a") as tx:
            assert tx.conn.execute(sa.update(table).values(tenant_id="ten_a")).rowcount == 1
            assert tx.conn.execute(sa.delete(table)).rowcount == 1
        with store.read_across() as everywhere:
            assert seen(everywhere.conn, table.name) == {"ten_b", "ten_c"}


def test_a_grouped_transaction_sees_exactly_the_tenants_it_names(
    store: Store, filled: dict[str, str]
) -> None:
    with store.begin_across(["ten_b", "ten_a"]) as tx:
        assert seen(tx.conn) == {"ten_a", "ten_b"}
        named = sa.update(t.executions).values(reason="swept")
        assert tx.conn.execute(named).rowcount == 2
    with store.begin_across([]) as tx:
        assert seen(tx.conn) == set()
    with store.read_across() as tx:
        found = tx.conn.execute(sa.select(t.executions.c.tenant_id, t.executions.c.reason))
        assert {row.tenant_id for row in found if row.reason == "swept"} == {"ten_a", "ten_b"}


def test_rows_of_another_tenant_are_neither_changed_nor_deleted(store: Store, filled: dict[str, str]) -> None:
    with store.begin("ten_a") as tx:
        mine = tx.conn.execute(sa.update(t.executions).values(reason="mine")).rowcount
        theirs = tx.conn.execute(
            sa.update(t.executions).where(t.executions.c.id == filled["ten_b"]).values(reason="stolen")
        ).rowcount
        gone = tx.conn.execute(sa.delete(t.connections)).rowcount
    assert (mine, theirs, gone) == (1, 0, 1)
    with store.read_across() as tx:
        assert seen(tx.conn, "connections") == {"ten_b", "ten_c"}


def test_a_row_is_not_written_for_another_tenant(store: Store, filled: dict[str, str], make: Any) -> None:
    with (
        pytest.raises(sa.exc.ProgrammingError, match="violates row-level security"),
        store.begin("ten_a") as tx,
    ):
        tx.conn.execute(sa.update(t.executions).values(tenant_id="ten_b"))
    with (
        pytest.raises(sa.exc.ProgrammingError, match="violates row-level security"),
        store.begin("ten_a") as tx,
    ):
        connections.add(tx, make.connection(tenant_id="ten_b", name="planted"))
    with (
        pytest.raises(sa.exc.ProgrammingError, match="violates row-level security"),
        store.begin_across(["ten_a", "ten_b"]) as grouped,
    ):
        connections.add(grouped.of("ten_c"), make.connection(tenant_id="ten_c", name="planted"))


def test_a_connection_that_names_no_tenant_sees_and_writes_nothing(
    store: Store, filled: dict[str, str]
) -> None:
    with store.begin("ten_a") as tx:
        assert seen(tx.conn) == {"ten_a"}
    # The same pooled connection, as a program other than the hub would use it.
    with store.engine.connect() as conn:
        assert seen(conn) == set()
        assert conn.execute(sa.delete(t.executions)).rowcount == 0


def test_the_owner_of_the_tables_is_not_excused(
    open_store: Open, empty_database: str, postgres: Any, make: Any
) -> None:
    name = empty_database.partition("?")[0].rpartition("/")[2]
    owner = f"owner_{name}"
    postgres.execute(f"CREATE ROLE {owner} LOGIN PASSWORD 'owner-password'")
    postgres.execute(f'ALTER DATABASE "{name}" OWNER TO {owner}')
    try:
        store = open_store(postgres.url(name, f"{owner}:owner-password"))
        migrate(store)
        assert excused_role(store) is None
        submit(store, Start(execution=make.execution()))
        with store.begin("ten_b") as tx:
            assert seen(tx.conn) == set()
        store.close()
    finally:
        postgres.drop(name)
        postgres.execute(f"DROP ROLE {owner}")


def test_no_table_of_a_tenant_is_without_the_net(store: Store, postgres: Any) -> None:
    query = """
        SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
            (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname AND p.cmd = 'ALL'
                AND p.permissive = 'PERMISSIVE' AND p.roles = '{public}' AND p.qual = p.with_check
                AND p.qual LIKE '%revolution.tenants%'),
            (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'alembic_version'
    """
    with store.read_across() as tx:
        found = {row[0]: tuple(row[1:]) for row in tx.conn.execute(sa.text(query))}
    wanted = {table.name: (True, 1, 1) for table in t.TENANT_TABLES}
    assert found == wanted | dict.fromkeys(t.GLOBAL_TABLES, (False, 0, 0))


def test_the_tenants_are_worked_out_once_per_statement(store: Store, filled: dict[str, str]) -> None:
    with store.read("ten_a") as tx:
        plan = "\n".join(tx.conn.execute(sa.text("EXPLAIN SELECT * FROM executions")).scalars())
    assert plan.count("InitPlan") >= 2
    assert "SubPlan" not in plan


def test_the_changes_of_several_tenants_are_written_by_the_role_that_owns_nothing(
    store: Store, filled: dict[str, str], make: Any
) -> None:
    assert excused_role(store) is None
    moves = [
        Progress(
            tenant_id=tenant,
            execution_id=execution_id,
            fence=1,
            move=Move(status=ExecutionStatus.SUCCEEDED, at=NOW + timedelta(1), output={"n": 1}),
        )
        for tenant, execution_id in filled.items()
    ]
    assert all(isinstance(submit(store, one), Applied) for one in moves)
    assert submit(store, Keep(delivery=make.delivery(tenant_id=None))) == Applied()


def test_a_superuser_is_told_apart(open_store: Open, empty_database: str, postgres: Any) -> None:
    assert [(excused_role(open_store(empty_database)),)] == postgres.execute("SELECT current_user")


def test_an_embedded_database_has_no_roles(store: Store, database_file: Any) -> None:
    assert excused_role(store) is None


@pytest.mark.parametrize("superuser", [True, False])
def test_a_start_warns_of_a_role_that_the_second_net_does_not_hold(
    superuser: bool, postgres: Any, database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = database.partition("?")[0].rpartition("/")[2]
    url = postgres.url(name) if superuser else database
    with caplog.at_level(logging.WARNING, logger="revolution"):
        prepare(Settings(data_dir=tmp_path, database_url=url), lambda _: None)
    assert ("row-level security" in caplog.text) is superuser


def test_a_transaction_over_no_tenant_sees_nobodys_rows(store: Store, filled: dict[str, str]) -> None:
    for door in (store.begin_global, store.read_global):
        with door() as tx:
            for table in FILLED:
                assert seen(tx.conn, table) == set()
            assert tx.conn.execute(sa.select(t.users)).all() == []
