"""Roles of a tenant's own: made of what one has, in force at once, no way up: rows R7 and R12."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from rig.asking import Asker

from revolution_hub.access.rbac import INSTALLATION, PERMISSIONS, ROLES, TENANT_PERMISSIONS, permissions_of
from revolution_hub.access.roles import permissions_within
from revolution_hub.errors import AccessError, ConflictError, HubError, InputError
from revolution_hub.model.principal import Principal
from revolution_hub.services import keys, roles
from revolution_hub.services.keys import WantedKey
from revolution_hub.store import tables as t
from revolution_hub.store.principals import KEPT, PROMISED

READ = ["workflow:read", "execution:read"]
HELD = some.frozensets(some.sampled_from(sorted(PERMISSIONS)))


def role(name: str = "reader", permissions: Any = (*READ,), **more: Any) -> Any:
    return {"name": name, "permissions": list(permissions), **more}


def actions(bench: Any) -> list[str]:
    with bench.hub.store.read_across() as tx:
        table = t.audit_entries
        return list(tx.conn.execute(sa.select(table.c.action).order_by(table.c.number)).scalars())


def test_a_role_is_made_used_changed_and_deleted(
    bench: Any, asker_of: Callable[..., Asker], owner: Asker
) -> None:
    made = owner.call("POST", "/api/roles", role(description="looks on"))
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (
        201,
        "/api/roles/reader",
        '"1"',
    )
    assert made.json() == {
        "name": "reader",
        "description": "looks on",
        "permissions": sorted(READ),
        "built_in": False,
        "revision": 1,
    }
    reader = asker_of("reader")
    assert reader.ask("GET", "/api/workflows")["items"] == []
    assert reader.refused("GET", "/api/polls") == (403, "forbidden")
    # A change counts with the very next request.
    owner.ask("PUT", "/api/roles/reader", {"permissions": ["connection:read"]}, if_match='"1"')
    assert reader.ask("GET", "/api/polls")["items"] == []
    assert reader.ask("GET", "/api/workflows")["items"] == []
    assert reader.refused("GET", "/api/deliveries") == (403, "forbidden")
    used = owner.call("DELETE", "/api/roles/reader")
    assert (used.status_code, used.json()["code"]) == (409, "role_in_use")
    assert reader.key_id in used.json()["detail"]
    owner.ask("DELETE", f"/api/keys/{reader.key_id}")
    owner.ask("DELETE", "/api/roles/reader")
    assert owner.refused("GET", "/api/roles/reader") == (404, "not_found")
    assert actions(bench) == ["role.create", "role.change", "key.revoke", "role.delete"]


def test_the_list_has_the_roles_of_the_hub_first_and_goes_on_by_pages(owner: Asker) -> None:
    for name in ("b", "a", "c"):
        owner.ask("POST", "/api/roles", role(name))
    first = owner.ask("GET", "/api/roles?limit=2&sort=created_at")
    assert [one["name"] for one in first["items"]] == [*ROLES, "a", "b"]
    second = owner.ask("GET", f"/api/roles?limit=2&sort=created_at&cursor={first['next_cursor']}")
    assert [one["name"] for one in second["items"]] == ["c"]
    shown = {one["name"]: set(one["permissions"]) for one in first["items"] if one["built_in"]}
    assert shown == {name: set(held) for name, held in ROLES.items()}
    assert owner.ask("GET", "/api/roles/viewer")["built_in"]


def test_a_change_wants_the_revision_it_was_made_from(owner: Asker) -> None:
    owner.ask("POST", "/api/roles", role())
    body = {"permissions": []}
    assert owner.refused("PUT", "/api/roles/reader", body) == (428, "revision_required")
    assert owner.refused("PUT", "/api/roles/reader", body, if_match='"2"') == (412, "stale_revision")
    assert owner.ask("PUT", "/api/roles/reader", body, if_match='"1"')["permissions"] == []


def test_the_same_request_makes_one_role(owner: Asker) -> None:
    first, again = (owner.ask("POST", "/api/roles", role(), idempotency_key="k") for _ in range(2))
    assert first == again
    assert owner.refused("POST", "/api/roles", role("x"), idempotency_key="k")[0] == 409


@pytest.mark.parametrize("name", ROLES)
def test_the_roles_of_the_hub_stay_as_they_are(owner: Asker, name: str) -> None:
    assert owner.refused("POST", "/api/roles", role(name)) == (422, "input_invalid")
    body = {"permissions": []}
    assert owner.refused("PUT", f"/api/roles/{name}", body, if_match='"1"') == (409, "built_in_role")
    assert owner.refused("DELETE", f"/api/roles/{name}") == (409, "built_in_role")


TWINS = [
    "Reader",
    "READER",
    "reader ",
    " reader",
    "re\u0430der",
    "reade\u0433",
    "reader\u200b",
    "r\u0435ader",
]
TWINS += ["reader\u0000", "reader/x", "../reader", "role:reader", "-reader", "reader-", "re--ader", "a" * 33]


@pytest.mark.parametrize("name", TWINS)
def test_r12_there_is_no_second_spelling_of_a_name(owner: Asker, name: str) -> None:
    owner.ask("POST", "/api/roles", role())
    assert owner.refused("POST", "/api/roles", role(name))[0] == 422
    assert owner.refused("POST", "/api/roles", role()) == (409, "name_taken")


def test_r12_a_name_is_taken_in_one_tenant_alone(asker_of: Callable[..., Asker], owner: Asker) -> None:
    theirs = asker_of("owner", "ten_b")
    owner.ask("POST", "/api/roles", role(description="mine"))
    theirs.ask("POST", "/api/roles", role(permissions=[], description="theirs"))
    assert owner.ask("GET", "/api/roles/reader")["description"] == "mine"
    assert asker_of("reader", "ten_b").refused("GET", "/api/deliveries")[0] == 403
    theirs.ask("PUT", "/api/roles/reader", {"permissions": ["event:read"]}, if_match='"1"')
    assert asker_of("reader").refused("GET", "/api/deliveries")[0] == 403


def test_every_unknown_permission_is_told(owner: Asker) -> None:
    wanted = ["workflow:read", "workflow:*", "*", *INSTALLATION]
    answer = owner.call("POST", "/api/roles", role("Bad name", wanted)).json()
    paths = [one["path"] for one in answer["problems"]]
    assert paths == ["name", *(f"permissions[{index}]" for index in range(1, len(wanted)))]


@pytest.mark.parametrize("role_name", ["admin", "editor"])
def test_r7_nobody_changes_what_it_is_to_do_more(
    asker_of: Callable[..., Asker], owner: Asker, role_name: str
) -> None:
    owner.ask("POST", "/api/roles", role("cleaner", ["execution:delete"]))
    asking = asker_of(role_name)
    body = {"permissions": ["execution:delete"]}
    for method, path, sent in (
        ("POST", "/api/roles", role("mine", ["execution:delete"])),
        ("PUT", "/api/roles/cleaner", {"permissions": []}),
        ("DELETE", "/api/roles/cleaner", None),
        ("POST", "/api/keys", {"name": "k", "role": "owner"}),
        ("POST", "/api/keys", {"name": "k", "role": "cleaner"}),
        ("PUT", "/api/roles/cleaner", body),
    ):
        assert asking.refused(method, path, sent, if_match='"1"') == (403, "forbidden"), (method, path)


def test_a_role_that_is_no_more_allows_nothing(bench: Any, asker_of: Callable[..., Asker]) -> None:
    orphan = asker_of("nobody-made-this")
    assert orphan.refused("GET", "/api/deliveries") == (403, "forbidden")
    assert permissions_within(bench.hub.store, "ten_a", "nobody-made-this") == frozenset()


def test_what_a_database_says_beyond_the_registry_counts_for_nothing(bench: Any, owner: Asker) -> None:
    owner.ask("POST", "/api/roles", role())
    with bench.hub.store.begin("ten_a") as tx:
        planted = [*READ, *INSTALLATION, "everything:write"]
        tx.conn.execute(sa.update(t.roles).values(permissions=planted))
    assert permissions_within(bench.hub.store, "ten_a", "reader") == set(READ)


def test_shares_of_a_role_end_with_it(asker_of: Callable[..., Asker], owner: Asker) -> None:
    workflow_id = owner.publish({"name": "w", "steps": [{"set": {"a": 1}}]})
    owner.ask("POST", "/api/roles", role(permissions=[]))
    owner.ask("PUT", f"/api/workflows/{workflow_id}/shares/role:reader", {"right": "view"})
    reader = asker_of("reader")
    assert reader.ask("GET", f"/api/workflows/{workflow_id}")["name"] == "w"
    owner.ask("DELETE", f"/api/keys/{reader.key_id}")
    owner.ask("DELETE", "/api/roles/reader")
    assert owner.ask("GET", f"/api/workflows/{workflow_id}/shares")["items"] == []
    owner.ask("POST", "/api/roles", role(permissions=[]))
    assert asker_of("reader").refused("GET", f"/api/workflows/{workflow_id}") == (403, "forbidden")


def test_every_table_that_gives_somebody_a_role_is_looked_at() -> None:
    giving = {table.name for table in t.TENANT_TABLES if "role" in table.c}
    assert giving == {table.name for table in {**KEPT, **PROMISED}}


COUNT = itertools.count()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=HELD, first=HELD, second=HELD)
def test_r7_no_row_of_steps_gives_anybody_more_than_the_one_who_takes_them(
    bench: Any, database_file: Any, mine: frozenset[str], first: frozenset[str], second: frozenset[str]
) -> None:
    """Whoever has `mine` makes a role, changes it and makes a key; nothing of that may be more."""
    name = f"r{next(COUNT)}"
    mine = mine | {"role:write", "key:write"}
    principal = Principal(id="key_x", tenant_id="ten_a", role="x", permissions=mine)
    first_held = roles_after(bench, lambda: roles.create_role(bench.hub, principal, name, "", sorted(first)))
    allowed = first <= mine and not first & INSTALLATION
    assert (first_held is None) == allowed, first_held
    if not allowed:
        return
    changed = roles_after(
        bench, lambda: roles.replace_role(bench.hub, principal, name, "", sorted(second), revision=1)
    )
    assert (changed is None) == (second <= mine and not second & INSTALLATION)
    assert permissions_within(bench.hub.store, "ten_a", name) <= mine & TENANT_PERMISSIONS
    keys.create_key(bench.hub, principal, WantedKey(name="k", role=name))
    for built_in in ROLES:
        wanted = WantedKey(name="k", role=built_in)
        refused = roles_after(bench, lambda: keys.create_key(bench.hub, principal, wanted))  # noqa: B023
        assert (refused is None) == (permissions_of(built_in) <= mine), built_in


def roles_after(bench: Any, do: Callable[[], Any]) -> HubError | None:
    """Return the refusal of what somebody does, None if it was done."""
    try:
        do()
    except (AccessError, InputError, ConflictError) as refused:
        return refused
    return None
