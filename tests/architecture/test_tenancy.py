"""A tenant cannot be forgotten: its column on every table, and one file that looks across tenants."""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

from revolution_hub.store import across
from revolution_hub.store.tables import GLOBAL_TABLES, TENANT_TABLES, metadata

UNGUESSABLE = {
    "api_keys.key_hash": "the hash of 256 random bits",
    "invitations.link_hash": "the hash of 256 random bits",
    "hook_addresses.key": "256 random bits in a URL",
    "hooks.key": "256 random bits in a URL",
    "pending_authorizations.state_hash": "the hash of 256 random bits",
    "provider_apps.app_key": "256 random bits in a URL",
}
"""Columns unique over all tenants that nobody can probe."""

ACROSS_ELSEWHERE = {
    "store/claim.py claim": "a worker takes the next execution of any tenant",
    "store/sweep.py wake_connected": "executions of any tenant wait for connections",
    "store/sweep.py wake_in_line": "executions of any tenant wait for their turn",
    "store/sweep.py wake_unowned": "whatever nobody brings on may be of any tenant",
    "store/sweep.py queued_since": "a lost wake-up may concern any tenant",
    "store/sweep.py _move": "timers ring and leases run out in every tenant",
    "store/polls.py claim_due": "a worker takes the next poll of any tenant",
    "store/polls.py tenants_listening": "a plugin that is new has polls for any tenant",
    "store/polls.py end_leases_of": "a worker that is known to be dead looked for polls of any tenant",
    "store/schedules.py list_due": "a schedule of any tenant may be due",
    "store/event_replays.py list_running": "a replay of any tenant may be under way",
    "store/uses.py write": "keys, sessions and connections of any tenant were used",
    "store/health.py claim_probes": "a worker probes connections of any tenant",
    "store/prune.py _due": "what has ended long ago may be of any tenant",
    "store/prune.py _remove": "what has ended long ago may be of any tenant",
    "store/prune.py _remove_oldest": "events are kept for as long in every tenant",
    "store/prune.py _children_of": "children go with the execution they belong to",
    "store/prune.py _in_batches": "what is removed is counted first",
    "store/prune.py _known": "a file that no row names may lie in any tenant's folder",
    "store/tx.py begin_across": "makes it",
    "store/tx.py read_across": "makes it",
    "store/tx.py find_across": "makes it",
    "store/approval_policies.py _read_fact": "a fact that says when any tenant's rules have changed",
    "store/sweep.py cancel_approvals": "what was asked in an execution that has ended, of any tenant",
    "store/second_net.py excused_role": "the role of a connection belongs to no tenant",
    "store/migrate.py migrate": "the schema belongs to no tenant",
    "store/revision.py current_revision": "the schema belongs to no tenant",
    "store/submit.py _commit": "one transaction carries the changes of many tenants, and names them",
    "store/plans.py running_caps": "a worker takes executions of any tenant, each by its plan",
    "store/usage.py count_executions": "what began is counted for all tenants at once",
    "services/quotas.py put_plan": "plans are of the installation, whose log is that of who changes them",
    "services/quotas.py remove_plan": "plans are of the installation, whose log is that of who changes them",
    "services/quotas.py put_tenant_plan": "a plan is given to another tenant, and entered in both logs",
    "store/sealed.py tenants_with_keys": "a rotation goes over the data keys of every tenant",
    "store/sealed.py count_by_master_key": "the master key wraps the data keys of every tenant",
    "vault/rotation.py _newer_key": "a new key of the installation is entered in the log of its first tenant",
    "prepare.py _first_tenant": "the first start makes the first tenant",
    "services/tenants.py create_tenant": "a new tenant belongs to none yet",
}
"""Functions outside store/across.py that open a transaction over all tenants, each with the reason."""


def without_tenant(tables: Iterable[sa.Table], global_tables: Mapping[str, str]) -> Iterator[str]:
    for table in tables:
        if table.name in global_tables:
            continue
        column = table.columns.get("tenant_id")
        if column is None or column.nullable:
            yield table.name


def guessable(tables: Iterable[sa.Table]) -> Iterator[str]:
    """Yield unique keys over which one tenant could learn of another: with neither tenant nor id in them."""
    for table in tables:
        unique = [one for one in table.constraints if isinstance(one, sa.UniqueConstraint)]
        unique += [one for one in table.indexes if one.unique]
        for columns in ([column.name for column in one.columns] for one in unique):
            named = any(name in ("id", "tenant_id") or name.endswith("_id") for name in columns)
            if not named and f"{table.name}.{columns[0]}" not in UNGUESSABLE:
                yield f"{table.name}({', '.join(columns)})"


def looking_across(sources: Mapping[str, ast.Module]) -> set[str]:
    """Return the functions that open a transaction over all tenants, or make the means to."""
    names = ("begin_across", "read_across", "find_across")
    return {
        f"{path} {function.name}"
        for path, tree in sources.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if (node is function and function.name in names)
        or (isinstance(node, ast.Attribute) and node.attr in names)
    }


def test_every_table_of_a_tenant_names_it() -> None:
    assert len(TENANT_TABLES) >= 10
    assert list(without_tenant(metadata.tables.values(), GLOBAL_TABLES)) == []


def test_the_global_tables_are_exactly_the_others_and_say_why() -> None:
    others = {name for name, table in metadata.tables.items() if "tenant_id" not in table.columns}
    assert set(GLOBAL_TABLES) == others
    assert all(len(reason) > 10 for reason in GLOBAL_TABLES.values())


def test_a_table_without_tenant_is_found() -> None:
    planted = sa.MetaData()
    sa.Table("notes", planted, sa.Column("id", sa.String, primary_key=True))
    sa.Table("memos", planted, sa.Column("tenant_id", sa.String, nullable=True))
    sa.Table("facts", planted, sa.Column("id", sa.String, primary_key=True))
    tables = planted.tables.values()
    assert list(without_tenant(tables, {"facts": "of the installation"})) == ["notes", "memos"]


def test_no_unique_key_tells_one_tenant_about_another() -> None:
    assert list(guessable(TENANT_TABLES)) == []


def test_a_guessable_unique_key_is_found() -> None:
    planted = sa.MetaData()
    sa.Table("users", planted, sa.Column("email", sa.String, unique=True), sa.Column("tenant_id", sa.String))
    sa.Table("names", planted, sa.Column("name", sa.String), sa.Index("one", "name", unique=True))
    sa.Table(
        "pairs", planted, sa.Column("tenant_id"), sa.Column("name"), sa.UniqueConstraint("tenant_id", "name")
    )
    assert list(guessable(planted.tables.values())) == ["users(email)", "names(name)"]


def test_the_look_ups_across_tenants_are_the_listed_ones() -> None:
    functions = inspect.getmembers(across, inspect.isfunction)
    public = {
        name for name, function in functions if function.__module__ == across.__name__ and name[0] != "_"
    }
    assert public == set(across.LISTED)
    assert public == {
        "find_api_key",
        "find_invitation",
        "find_session",
        "first_tenant",
        "list_memberships",
        "find_app_by_key",
        "find_approval_link",
        "get_app",
        "connections_of_account",
        "count_connections_through",
        "find_hooks",
        "tenant_of_execution",
        "renew",
        "hand_back",
        "count_queued",
        "end_leases_of",
        "audited_tenants",
        "is_tenant",
        "any_tenant",
        "read_fact",
        "write_fact",
        "try_to_write",
    }
    assert all(len(reason) > 10 for reason in across.LISTED.values())


def test_only_the_listed_places_look_across(core: dict[str, ast.Module]) -> None:
    hub = {path.removeprefix("core/hub/revolution_hub/"): tree for path, tree in core.items()}
    listed_file = hub.pop("store/across.py")
    assert looking_across({"store/across.py": listed_file})
    assert looking_across(hub) == set(ACROSS_ELSEWHERE)


def test_a_look_across_elsewhere_is_found() -> None:
    planted = "def list_all(hub):\n    with hub.store.read_across() as tx:\n        return tx\n"
    sources = {"services/all.py": ast.parse(planted), "model/ids.py": ast.parse("def new_id(): ...")}
    assert looking_across(sources) == {"services/all.py list_all"}
