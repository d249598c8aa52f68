"""Every route that changes something commits an entry with it: neither is ever there without the other.

Each is first asked while the database refuses entries, and must then have changed nothing.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from rig.asking import Asker

from revolution_hub.api.app import make_fastapi
from revolution_hub.model.time import rfc3339
from revolution_hub.store import tables as t
from revolution_hub.store import tenants
from revolution_sdk import RejectedError, UnknownOutcomeError

DRAFT = {"name": "mine", "on": ["manual"], "steps": [{"id": "a", "set": {"n": 1}}]}
FAILS = {"name": "fails", "steps": [{"id": "call", "uses": "lab.read_page"}]}
WEBHOOK = {"name": "hooked", "on": [{"webhook": {}}], "steps": DRAFT["steps"]}
BESIDE = {"audit_entries", "idempotency_keys", "data_keys"}
"""What may be written beside a change: a tenant's first key is made before anything is sealed with it."""

KEEPS_NOTHING = "nothing is kept"
WITHOUT_ENTRY = {
    "POST /api/workflows/check": KEEPS_NOTHING,
    "POST /api/workflows/{workflow_id}/dry-run": KEEPS_NOTHING,
    "POST /api/templates/preview": KEEPS_NOTHING,
    "POST /api/workflows/{workflow_id}/execute": "the execution says who started it",
    "POST /api/integrations/{connector}/actions/{action}": "the execution says who started it",
    "POST /api/events": "the event is in the event log",
}


@dataclass
class World:
    """A hub with something of every kind in it, and who asks."""

    bench: Any
    owner: Asker
    host: Asker
    script: Any
    made: dict[str, str] = field(default_factory=dict)

    def published(self, document: Any = DRAFT) -> str:
        return self.owner.publish({**document, "name": f"{document['name']}{len(self.made)}"})

    def failed(self) -> str:
        self.script.next("read_page", RejectedError("no"))
        return self._run("lab.read_page")

    def uncertain(self) -> str:
        self.script.next("send_letter", UnknownOutcomeError("lost"))
        return self._run("lab.send_letter")

    def _run(self, uses: str) -> str:
        return str(self.bench.run({"id": "call", "uses": uses}).execution.id)

    def ended(self) -> str:
        return str(self.bench.run(DRAFT["steps"][0]).execution.id)  # type: ignore[index]

    def queued(self) -> str:
        return str(self.bench.start(DRAFT["steps"][0]))  # type: ignore[index]

    def connection(self) -> str:
        return str(self.bench.connect(f"main{len(self.bench.wakes)}"))

    def app(self) -> str:
        body = {"client_id": "c", "client_secret": "s"}
        return str(self.owner.ask("POST", "/api/integrations/lab/apps", body)["id"])

    def schedule(self, *, paused: bool = False) -> str:
        workflow_id = self.published({**DRAFT, "on": [{"schedule": {"every": 60}}]})
        (one,) = self.owner.ask("GET", f"/api/schedules?workflow_id={workflow_id}")["items"]
        if paused:
            self.owner.ask("POST", f"/api/schedules/{one['id']}/pause")
        return str(one["id"])

    def poll(self, *, paused: bool = False) -> str:
        now, poll_id = self.bench.clock.now, f"pol_{len(self.made)}_{paused}"
        counts = dict.fromkeys(("fence", "failures", "polled", "received", "missed", "doubled"), 0)
        moments = {
            "next_at": now + timedelta(minutes=1),
            "counted_from": now,
            "created_at": now,
            "paused_at": now if paused else None,
        }
        named = {"id": poll_id, "tenant_id": "ten_a", "connection_id": poll_id, "name": "lab.pages"}
        with self.bench.hub.store.begin("ten_a") as tx:
            tx.conn.execute(sa.insert(t.polls).values(**named, **counts, **moments))
        return poll_id

    def event(self) -> str:
        return str(self.owner.ask("POST", "/api/events", {"type": "custom.seen", "data": {}})["event_id"])

    def event_replay(self) -> str:
        body = {"workflow_id": self.published(), "ids": [self.event()]}
        return str(self.owner.ask("POST", "/api/events/replay", body)["id"])

    def tap(self) -> str:
        return str(self.owner.ask("POST", "/api/taps", {"event": "custom.seen"})["id"])

    def key(self) -> str:
        return str(self.owner.ask("POST", "/api/keys", {"name": "k", "role": "viewer"})["id"])

    def shared(self) -> str:
        workflow_id, key_id = self.published(), self.key()
        path = f"{workflow_id}/shares/{key_id}"
        self.owner.ask("PUT", f"/api/workflows/{path}", {"right": "view"})
        return path

    def versions(self) -> str:
        workflow_id = self.published()
        changed = {**DRAFT, "name": "changed", "steps": [{"id": "b", "set": {"n": 2}}]}
        body = {"document": changed}
        self.owner.ask("PUT", f"/api/workflows/{workflow_id}", body, if_match='"2"')
        self.owner.ask("POST", f"/api/workflows/{workflow_id}/publish")
        return workflow_id

    def plan(self) -> str:
        self.host.ask("PUT", "/api/plans/small", {})
        return "small"

    def tenant(self) -> str:
        with self.bench.hub.store.begin_across() as tx:
            tenants.add_tenant(tx, "ten_a", "A", self.bench.clock.now)
        return "ten_a"

    def draft(self) -> str:
        return self.owner.create(DRAFT)


Case = tuple[str, Callable[[World], str], Any, str]
ALL = "POST /api/workflow-executions"
CASES: dict[str, Case] = {
    "POST /api/workflows": ("", lambda w: "", {"document": DRAFT}, "workflow.create"),
    "POST /api/workflows/import": ("", lambda w: "", DRAFT, "workflow.import"),
    "PUT /api/workflows/{workflow_id}": (
        "",
        World.draft,
        {"document": {**DRAFT, "description": "d"}},
        "workflow.change",
    ),
    "DELETE /api/workflows/{workflow_id}": ("", World.draft, None, "workflow.delete"),
    "POST /api/workflows/{workflow_id}/publish": ("", World.draft, None, "workflow.publish"),
    "POST /api/workflows/{workflow_id}/unpublish": ("", World.published, None, "workflow.unpublish"),
    "POST /api/workflows/{workflow_id}/rollback": ("", World.versions, {"version": 1}, "workflow.rollback"),
    "POST /api/workflows/{workflow_id}/webhook/rotate": (
        "",
        lambda w: w.published(WEBHOOK),
        {},
        "webhook.rotate",
    ),
    "PUT /api/workflows/{workflow_id}/shares/{principal_id}": (
        "",
        lambda w: f"{w.published()}/shares/{w.key()}",
        {"right": "run"},
        "share.put",
    ),
    "DELETE /api/workflows/{workflow_id}/shares/{principal_id}": ("", World.shared, None, "share.remove"),
    "POST /api/keys": ("", lambda w: "", {"name": "x", "role": "viewer"}, "key.create"),
    "DELETE /api/keys/{key_id}": ("", World.key, None, "key.revoke"),
    "POST /api/tenants": ("", lambda w: "", {"name": "Other"}, "tenant.create"),
    "POST /api/integrations/{connector}/apps": (
        "/api/integrations/lab/apps",
        lambda w: "",
        {"client_id": "c", "client_secret": "s3cr3t"},
        "app.create",
    ),
    "PUT /api/integrations/{connector}/apps/{app_id}/secret": (
        "/api/integrations/lab/apps/{}/secret",
        World.app,
        {"client_secret": "s3cr3t"},
        "app.rotate",
    ),
    "POST /api/integrations/{connector}/connections": (
        "/api/integrations/club/connections",
        lambda w: "",
        {"name": "x", "credential": {"api_key": "s3cr3t"}},
        "connection.create",
    ),
    "PUT /api/integrations/{connector}/connections/{connection_id}/credential": (
        "/api/integrations/club/connections/{}/credential",
        World.connection,
        {"credential": {"api_key": "s3cr3t"}},
        "connection.reauthorize",
    ),
    "DELETE /api/integrations/{connector}/connections/{connection_id}": (
        "/api/integrations/club/connections/{}",
        World.connection,
        None,
        "connection.delete",
    ),
    "PUT /api/plans/{name}": ("/api/plans/small", lambda w: "", {"limits": {"members": 1}}, "plan.put"),
    "DELETE /api/plans/{name}": ("/api/plans/small", World.plan, None, "plan.remove"),
    "PUT /api/tenants/{tenant_id}/plan": (
        "/api/tenants/ten_a/plan",
        World.tenant,
        {"plan": "free"},
        "tenant.plan",
    ),
    "PUT /api/principals/{principal_id}/limits": (
        "/api/principals/{}/limits",
        World.key,
        {"limits": {"executions_per_day": 1}},
        "principal.limits",
    ),
    f"{ALL}/{{execution_id}}/cancel": ("", World.queued, None, "execution.cancel"),
    "DELETE /api/workflow-executions/{execution_id}": ("", World.ended, None, "execution.delete"),
    f"{ALL}/{{execution_id}}/retry": ("", World.failed, {}, "execution.retry"),
    f"{ALL}/{{execution_id}}/replay": ("", World.ended, {}, "execution.replay"),
    f"{ALL}/{{execution_id}}/steps/{{step_id:path}}/resolve": (
        "/api/workflow-executions/{}/steps/call/resolve",
        World.uncertain,
        {"outcome": "happened", "result": {}},
        "execution.resolve",
    ),
    "POST /api/schedules/{schedule_id}/pause": ("", World.schedule, None, "schedule.pause"),
    "POST /api/schedules/{schedule_id}/resume": (
        "",
        lambda w: w.schedule(paused=True),
        None,
        "schedule.resume",
    ),
    "POST /api/schedules/{schedule_id}/backfill": ("", World.schedule, "span", "schedule.backfill"),
    "POST /api/polls/{poll_id}/pause": ("", World.poll, None, "poll.pause"),
    "POST /api/polls/{poll_id}/resume": ("", lambda w: w.poll(paused=True), None, "poll.resume"),
    "POST /api/polls/{poll_id}/run": ("", World.poll, None, "poll.run"),
    "POST /api/taps": ("", lambda w: "", {"event": "custom.seen"}, "tap.create"),
    "DELETE /api/taps/{tap_id}": ("", World.tap, None, "tap.remove"),
    "POST /api/events/{event_id}/replay": ("", World.event, "goal", "event.replay"),
    "POST /api/events/replay": ("", lambda w: "", "goals", "event_replay.create"),
    "POST /api/event-replays/{replay_id}/cancel": ("", World.event_replay, None, "event_replay.cancel"),
}
MANY = {
    f"{ALL}/retry": (World.failed, "execution.retry"),
    f"{ALL}/replay": (World.ended, "execution.replay"),
}
"""Routes that do to many what another one does to one; what fails for one is told in the answer."""

FOR_THE_HOST = (
    "POST /api/tenants",
    "PUT /api/plans/{name}",
    "DELETE /api/plans/{name}",
    "PUT /api/tenants/{tenant_id}/plan",
)
ELSEWHERE = {"POST /api/audit/prune": "test_audit_api.py"}


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
    headers = {"if_match": '"1"'} if method == "PUT" and "document" in str(body) else {}
    before, written = content(world), len(entries(world))
    with refusing():
        assert asking.call(method, path, body, **headers).status_code >= 500
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
