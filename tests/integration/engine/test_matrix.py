"""Every role at every route with what is its own, another tenant's, and shared: attack rows R2 and R6."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.asking import asker
from rig.calls import CALLS, Call, Route, refs_of, routes_of, send
from rig.door import opened
from rig.world import World, build, with_everything

from revolution_hub.access.rbac import RIGHTS, ROLES, Right, SharedKind
from revolution_hub.api.app import make_fastapi

ADMITTED = range(200, 300)
SHARES = [None, *((kind, right) for kind, rights in RIGHTS.items() for right in rights)]
SAMPLED = ("guest", "viewer", "owner")
"""The roles that are tried on PostgreSQL as well, which forbids nothing that SQLite allows."""
READS_ONLY = {
    "POST /api/templates/preview": "execution:read",
    "POST /api/workflows/{workflow_id}/dry-run": "workflow:read",
    "POST /api/taps": "event:read",
    "DELETE /api/taps/{tap_id}": "event:read",
}
"""What is no GET and open to those who may only read: it changes nothing that anybody else sees."""


@pytest.fixture
def door(bench: Any, database: str, tmp_path: Path) -> Iterator[Any]:
    """The API of a hub that has a folder for files."""
    with opened(with_everything(bench), database, tmp_path) as made:
        yield made


@pytest.fixture
def routes(door: Any) -> list[Route]:
    """Every route with a permission, in the order in which they can be called."""
    order = list(CALLS)
    return sorted(routes_of(make_fastapi(door.bench.hub)), key=lambda one: order.index(one.name))


def world_of(door: Any, make: Any, tenant: str = "ten_a", word: str = "aardvark") -> World:
    return build(door.bench, make, door.client, tenant, word)


def kind_of(permission: str) -> SharedKind:
    return SharedKind.CONNECTION if permission.startswith("connection:") else SharedKind.WORKFLOW


def share_all(world: World, with_id: str, kind: SharedKind, right: Right) -> None:
    """Share everything of a kind with somebody."""
    if kind is SharedKind.WORKFLOW:
        paths = [f"/api/workflows/{one}/shares" for one in world.workflows]
    else:
        paths = [f"/api/integrations/club/connections/{world.ids['connection']}/shares"]
    for path in paths:
        world.owner.ask("PUT", f"{path}/{with_id}", {"right": str(right)})


def is_right(answer: Any, call: Call, *, allowed: bool) -> bool:
    """Whether an answer is what somebody gets who may, or may not, make this call."""
    if not allowed and call.some:
        # A list holds what is shared, and that is nothing.
        return bool(answer.status_code == 200)
    if allowed and call.person:
        return (answer.status_code, answer.json()["code"]) == (403, "person_needed")
    return answer.status_code in ADMITTED if allowed else answer.status_code == 403


def tried(door: Any, world: World, asking: Any, routes: list[Route], granted: frozenset[str]) -> list[Any]:
    """Make every call in the name of somebody and return what did not end as it should."""
    wrong = []
    for route in routes:
        call = CALLS[route.name]
        allowed = route.permission in granted
        answer = send(asking, route.name, call, world.ids, reader=world.owner)
        if not is_right(answer, call, allowed=allowed):
            wrong.append((route.name, "allowed" if allowed else "refused", answer.status_code, answer.text))
        elif (
            answer.status_code == 403
            and not allowed
            and repr(route.permission) not in answer.json()["detail"]
        ):
            wrong.append((route.name, "names no permission", answer.text))
    return wrong


def test_of_every_route_it_is_known_how_to_call_it(door: Any) -> None:
    assert {one.name for one in routes_of(make_fastapi(door.bench.hub))} == set(CALLS)


def test_nothing_but_what_changes_nothing_is_open_to_those_who_may_only_read(routes: list[Route]) -> None:
    reading = {one.name: one.permission for one in routes if one.permission.endswith(":read")}
    assert {name: held for name, held in reading.items() if not name.startswith("GET ")} == READS_ONLY


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_at_every_route_exactly_what_the_table_says(
    door: Any, make: Any, backend: str, routes: list[Route], role: str
) -> None:
    if backend != "sqlite" and role not in SAMPLED:
        pytest.skip("sampled on this database")
    mine, theirs = world_of(door, make), world_of(door, make, "ten_b", "zanzibar")
    asking = asker(door.bench.hub, door.client, role)
    for route in routes:
        call = CALLS[route.name]
        if call.at and refs_of(Call(at=call.at)) and not call.host:
            answer = send(asking, route.name, call, mine.ids | foreign(theirs, call), reader=asking)
            expected = 404 if route.permission in ROLES[role] else 403
            assert answer.status_code == expected, (route.name, answer.text)
    assert tried(door, mine, asking, routes, ROLES[role]) == []


def foreign(theirs: World, call: Call) -> dict[str, str]:
    """Return the other tenant's ids for what stands in the path."""
    return {name: theirs.ids[name] for name in refs_of(Call(at=call.at))}


def test_a_role_of_ones_own_may_exactly_what_it_is_made_of(door: Any, make: Any, routes: list[Route]) -> None:
    world = world_of(door, make)
    held = frozenset({"workflow:read", "execution:read", "workflow:publish", "role:read"})
    world.owner.ask("POST", "/api/roles", {"name": "publisher", "permissions": sorted(held)})
    asking = asker(door.bench.hub, door.client, "publisher")
    assert tried(door, world, asking, routes, held) == []


@pytest.mark.parametrize("how", ["with itself", "with its role"])
@pytest.mark.parametrize("shared", SHARES, ids=lambda one: "-".join(one) if one else "nothing")
def test_a_share_lets_a_guest_do_exactly_what_its_right_says(
    door: Any, make: Any, backend: str, routes: list[Route], shared: Any, how: str
) -> None:
    if backend != "sqlite" and (how == "with its role") != (shared is SHARES[-1]):
        pytest.skip("sampled on this database")
    world = world_of(door, make)
    asking = asker(door.bench.hub, door.client, "guest")
    with_id = asking.key_id if how == "with itself" else "role:guest"
    if shared is not None:
        share_all(world, with_id, *shared)
    held = RIGHTS[shared[0]][shared[1]] if shared else frozenset[str]()
    granted = frozenset(one for one in held)
    shareable = [one for one in routes if one.shared]
    others = [one for one in routes if not one.shared]
    assert tried(door, world, asking, shareable, granted) == []
    assert tried(door, world, asking, others, frozenset()) == []
