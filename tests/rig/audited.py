"""A hub with something of every kind in it, for tests of what each change leaves in the audit log."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store import tenants
from revolution_sdk import RejectedError, UnknownOutcomeError
from rig.approvals import Desk, enroll
from rig.asking import Asker

DRAFT = {"name": "mine", "on": ["manual"], "steps": [{"id": "a", "set": {"n": 1}}]}
FAILS = {"name": "fails", "steps": [{"id": "call", "uses": "lab.read_page"}]}
WEBHOOK = {"name": "hooked", "on": [{"webhook": {}}], "steps": DRAFT["steps"]}


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

    def disabled_connection(self) -> str:
        found = self.connection()
        self.owner.ask("POST", f"/api/integrations/club/connections/{found}/disable", {})
        return found

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

    def invitation(self) -> str:
        body = {"email": "new@example.com", "role": "viewer"}
        return str(self.owner.ask("POST", "/api/invitations", body)["id"])

    def member(self, *, disabled: bool = False) -> str:
        self.tenant()
        enroll(self.bench.hub, bea="approver")
        if disabled:
            self.host.ask("POST", "/api/users/usr_bea/disable")
        return "usr_bea"

    def service(self) -> str:
        body = {"name": "nightly", "role": "viewer"}
        return str(self.owner.ask("POST", "/api/service-principals", body)["id"])

    def role(self) -> str:
        body = {"name": "reader", "permissions": ["workflow:read"]}
        return str(self.owner.ask("POST", "/api/roles", body)["name"])

    def policy(self) -> str:
        return str(self.owner.ask("POST", "/api/approval-policies", {"pattern": "lab.*"})["id"])

    def unshared_connection(self) -> str:
        return f"{self.connection()}/shares/{self.key()}"

    def shared_connection(self) -> str:
        path = self.unshared_connection()
        self.owner.ask("PUT", f"/api/integrations/club/connections/{path}", {"right": "use"})
        return path

    def asked(self) -> str:
        """Let Bea be asked, and return what she is asked."""
        self.member()
        step = {"id": "gate", "uses": "lab.read_page", "approval": {"assignees": ["approver"]}}
        self.bench.start(step)
        self.bench.work()
        return Desk(self.bench.hub).one().id
