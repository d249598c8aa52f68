"""Lists never open a secret, however many there are (V7), and no answer shows one (L4, L6)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from rig.asking import Asker

from revolution_hub.store import connections
from revolution_hub.store import tables as t

MANY = 300


@pytest.fixture
def broken(bench: Any, make: Any) -> None:
    """Connections of which no secret would open."""
    bench.connect("first")
    with bench.hub.store.begin("ten_a") as tx:
        for number in range(MANY):
            connections.add(tx, make.connection(connector="club", name=f"c{number:03}"))
        tx.conn.execute(sa.update(t.connections).values(sealed=b"\x01" * 80))


@pytest.mark.usefixtures("broken")
def test_connections_are_listed_shown_and_counted_without_opening_any(owner: Asker) -> None:
    seen, cursor = 0, ""
    while True:
        page = owner.ask("GET", f"/api/integrations/club/connections?limit=200{cursor}")
        seen += len(page["items"])
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == MANY + 1
    one = owner.ask("GET", "/api/integrations/club/connections?limit=1")["items"][0]
    assert owner.ask("GET", f"/api/integrations/club/connections/{one['id']}")["name"] == one["name"]
    owner.ask("GET", "/api/integrations")


SECRET_NAMES = ("credential", "sealed", "secret", "api_key", "password", "refresh_token", "access_token")


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for member in value.values() for name in names_in(member)}
    return {name for member in value for name in names_in(member)} if isinstance(value, list) else set()


def test_what_is_shown_has_no_member_for_a_secret(bench: Any, asker_of: Callable[..., Asker]) -> None:
    owner = asker_of()
    connection_id = bench.connect()
    app = owner.ask(
        "POST", "/api/integrations/club/apps", {"client_id": "c", "client_secret": "a-client-secret-1"}
    )
    paths = [
        "/api/integrations/club/connections",
        f"/api/integrations/club/connections/{connection_id}",
        "/api/integrations/club/apps",
        "/api/keys",
        "/api/members",
    ]
    shown = [app, *(owner.ask("GET", path) for path in paths)]
    assert all(not names_in(one) & set(SECRET_NAMES) for one in shown)
    assert "a-client-secret-1" not in str(shown)


def test_a_secret_is_not_copied_by_copying_the_value_of_a_connection(bench: Any) -> None:
    with bench.hub.store.read("ten_a") as tx:
        assert not connections.ids_of(tx, "club")
    connection_id = bench.connect()
    with bench.hub.store.read("ten_a") as tx:
        found = connections.get(tx, connection_id)
    assert "k-1" not in repr(found) + repr(replace(found, name="copy"))


INSIDE = ("/docs", "/redoc", "/openapi.json", "/metrics", "/debug", "/debug/pprof", "/_debug", "/console")
INSIDE += (
    "/api/debug",
    "/api/metrics",
    "/api/openapi.json",
    "/api/settings",
    "/api/config",
    "/server-status",
)


@pytest.mark.parametrize("path", INSIDE)
def test_there_is_no_door_for_looking_inside(owner: Asker, path: str) -> None:
    answer = owner.client.get(path)
    assert answer.status_code in (401, 404), answer.text
    assert "Traceback" not in answer.text


def test_health_tells_a_stranger_nothing_but_how_it_is(owner: Asker) -> None:
    answer = owner.client.get("/api/health")
    assert "revolution_hub" not in answer.text
    assert "sqlite" not in answer.text
    assert "postgresql" not in answer.text
