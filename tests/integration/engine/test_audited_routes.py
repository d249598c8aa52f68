"""Every route that changes something commits an entry with it: neither is ever there without the other.

Each is first asked while the database refuses entries, and must then have changed nothing.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from rig.approvals import person
from rig.asking import Asker
from rig.audited import World
from rig.audited_cases import CASES, ELSEWHERE, ETAGS, FOR_THE_HOST, MANY

from revolution_hub.api.app import make_fastapi
from revolution_hub.model.approval import Decision
from revolution_hub.model.time import rfc3339
from revolution_hub.services import approval_links, approvals
from revolution_hub.services.approvals import Answer
from revolution_hub.store import tables as t

BESIDE = {"audit_entries", "idempotency_keys", "data_keys"}
"""What may be written beside a change: a tenant's first key is made before anything is sealed with it."""

KEEPS_NOTHING = "nothing is kept"
WITHOUT_ENTRY = {
    "POST /api/workflows/check": KEEPS_NOTHING,
    "POST /api/workflows/{workflow_id}/dry-run": KEEPS_NOTHING,
    "POST /api/templates/preview": KEEPS_NOTHING,
    "POST /api/integrations/{connector}/connections/test": KEEPS_NOTHING,
    "POST /api/workflows/{workflow_id}/execute": "the execution says who started it",
    "POST /api/integrations/{connector}/actions/{action}": "the execution says who started it",
    "POST /api/events": "the event is in the event log",
}


@pytest.fixture
def world(bench: Any, owner: Asker, asker_of: Callable[..., Asker], script: Any) -> World:
    return World(bench=bench, owner=owner, host=asker_of("host"), script=script)


@pytest.fixture
def refusing(database: str, backend: str, request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Let the database take no entry for a while."""

    def run(sql: str) -> None:
        if backend == "postgresql":
            name = database.partition("?")[0].rpartition("/")[2]
            request.getfixturevalue("any_postgres").execute(sql, name)
            return
        engine = sa.create_engine(database)
        with engine.begin() as conn:
            conn.exec_driver_sql(sql)
        engine.dispose()

    @contextmanager
    def refuse() -> Iterator[None]:
        if backend == "postgresql":
            run("ALTER TABLE audit_entries ADD CONSTRAINT full_up CHECK (number < 0) NOT VALID")
        else:
            run(
                "CREATE TRIGGER full_up BEFORE INSERT ON audit_entries "
                "BEGIN SELECT RAISE(ABORT, 'the log takes no more'); END"
            )
        yield
        undo = {"postgresql": "ALTER TABLE audit_entries DROP CONSTRAINT full_up"}
        run(undo.get(backend, "DROP TRIGGER full_up"))

    return refuse


def path_of(route: str, template: str, made: str) -> str:
    if template:
        return template.format(made)
    path = route.partition(" ")[2]
    begin, found, rest = path.partition("{")
    end = rest.rpartition("}")[2] if "/shares/" in rest else rest.partition("}")[2]
    return f"{begin}{made}{end}" if found else path


def body_of(world: World, body: Any, made: str) -> Any:
    if body == "span":
        begin, end = world.bench.clock.now, world.bench.clock.advance(120)
        return {"from": rfc3339(begin), "to": rfc3339(end)}
    if body == "goal":
        return {"workflow_id": world.published()}
    if body == "goals":
        return {"workflow_id": world.published(), "ids": [world.event()]}
    return body


def content(world: World) -> str:
    with world.bench.hub.store.read_across() as tx:
        rows = {
            name: sorted(map(str, tx.conn.execute(sa.select(table)).all()))
            for name, table in t.metadata.tables.items()
            if name not in BESIDE
        }
    return json.dumps(rows)


def entries(world: World) -> list[Any]:
    with world.bench.hub.store.read_across() as tx:
        query = sa.select(t.audit_entries).where(t.audit_entries.c.tenant_id == "ten_a")
        return list(tx.conn.execute(query.order_by(t.audit_entries.c.number)).mappings())


def routes(world: World) -> set[str]:
    """The routes that may change something for somebody with a permission."""
    return {
        f"{method} {one.path}"
        for one in make_fastapi(world.bench.hub).routes
        if isinstance(one, APIRoute) and "x-permission" in (one.openapi_extra or {})
        for method in one.methods - {"GET", "HEAD"}
    }


def test_every_route_that_changes_something_is_looked_at(world: World) -> None:
    assert routes(world) == {*CASES, *MANY, *WITHOUT_ENTRY, *ELSEWHERE}


@pytest.mark.parametrize("route", CASES)
def test_a_change_and_its_entry_are_kept_together_or_not_at_all(
    world: World, refusing: Callable[[], Any], route: str
) -> None:
    template, prepare, given, action = CASES[route]
    made = prepare(world)
    body = body_of(world, given, made)
    asking = world.host if route in FOR_THE_HOST else world.owner
    method, path = route.partition(" ")[0], path_of(route, template, made)
    headers = {"if_match": ETAGS[route]} if route in ETAGS else {}
    before, written = content(world), len(entries(world))
    with refusing():
        failed = asking.call(method, path, body, **headers)
    assert failed.status_code >= 500, failed.text
    assert (content(world), len(entries(world))) == (before, written)
    answer = asking.call(method, path, body, **headers)
    assert answer.status_code < 300, answer.text
    (entry,) = entries(world)[written:]
    assert entry["action"] == action
    assert (entry["principal_id"], entry["principal_kind"]) == (asking.key_id, "key")
    assert (entry["address"], entry["agent"]) == ("testclient", "testclient")
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert "s3cr3t" not in str(dict(entry))
    assert content(world) != before


@pytest.mark.parametrize("route", MANY)
def test_of_many_each_that_is_changed_has_its_entry(
    world: World, refusing: Callable[[], Any], route: str
) -> None:
    prepare, action = MANY[route]
    ids = [prepare(world), prepare(world)]
    before, written = content(world), len(entries(world))
    with refusing():
        world.owner.call("POST", route.partition(" ")[2], {"ids": ids})
    assert (content(world), len(entries(world))) == (before, written)
    world.owner.ask("POST", route.partition(" ")[2], {"ids": ids})
    assert [(one["action"], one["target"]) for one in entries(world)[written:]] == [
        (action, one) for one in ids
    ]


def test_a_new_tenant_begins_its_own_log_with_who_made_it(world: World) -> None:
    made = world.host.ask("POST", "/api/tenants", {"name": "Other"})
    with world.bench.hub.store.read_across() as tx:
        query = sa.select(t.audit_entries).where(t.audit_entries.c.tenant_id == made["id"])
        (entry,) = tx.conn.execute(query).mappings().all()
    assert (entry["action"], entry["principal_id"]) == ("tenant.create", world.host.key_id)


ANSWERS: dict[str, Callable[[Any, Any, str], object]] = {
    "approval.approve": lambda hub, who, asked: approvals.decide_approval(
        hub, who, asked, Answer(decision=Decision.APPROVE)
    ),
    "approval.reject": lambda hub, who, asked: approvals.decide_approval(
        hub, who, asked, Answer(decision=Decision.REJECT)
    ),
    "approval.link": approval_links.make_link,
}


@pytest.mark.parametrize("action", ANSWERS)
def test_an_answer_and_its_entry_are_kept_together_or_not_at_all(
    world: World, refusing: Callable[[], Any], action: str
) -> None:
    asked, who, hub = world.asked(), person("bea", "approver"), world.bench.hub
    before, written = content(world), len(entries(world))
    with refusing(), pytest.raises(sa.exc.IntegrityError):
        ANSWERS[action](hub, who, asked)
    assert (content(world), len(entries(world))) == (before, written)
    ANSWERS[action](hub, who, asked)
    (entry,) = entries(world)[written:]
    assert (entry["action"], entry["target"], entry["principal_id"]) == (action, asked, "usr_bea")
    assert content(world) != before
