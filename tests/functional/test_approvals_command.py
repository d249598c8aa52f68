"""Approvals at the command line: seeing what is asked, and answering by one's own link."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.approvals import person
from rig.command import run_command

from revolution_hub.model.person import Membership, User
from revolution_hub.model.time import utc_now
from revolution_hub.settings import Settings
from revolution_hub.store import approval_links, people, users
from revolution_hub.store.approval_links import ApprovalLink
from revolution_hub.store.approvals import get
from revolution_hub.store.tx import Store

MAIL = {
    "id": "mail",
    "uses": "google.send_email",
    "with": {"to": "a@example.test", "subject": "\u202eHi", "body": "Hello"},
    "approval": {"message": "May we?"},
}


class Line:
    """A command line beside the shared hub, and what its database is told directly."""

    def __init__(self, team: Any, folder: Path) -> None:
        self.team, self.folder = team, folder
        self.store = Store(Settings(data_dir=team.hub.folder).database)

    def told(self, *command: str, code: int = 0) -> str:
        settings = {
            "REVOLUTION_URL": self.team.hub.url,
            "REVOLUTION_API_KEY": self.team.key,
            "COLUMNS": "200",
        }
        done = run_command(self.folder, *command, **settings)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def enroll(self, name: str) -> None:
        now, tenant_id = utc_now(), self.team.tenant_id
        with self.store.begin(tenant_id) as tx:
            user_id = person(f"{name}_{tenant_id[-6:]}").id
            user = User(id=user_id, email=f"{user_id}@example.test", name=name, created_at=now)
            users.add_user(tx, user)
            one = Membership(
                tenant_id=tenant_id, user_id=user_id, role="owner", created_at=now, added_by="usr_x"
            )
            people.add_membership(tx, one)
        self.user_id = user_id

    def link(self, approval_id: str) -> str:
        """A link of the person's, as `POST /api/approvals/{id}/link` makes one."""
        token = "t" * 43
        with self.store.begin(self.team.tenant_id) as tx:
            approval = get(tx, approval_id)
            link = ApprovalLink(
                link_hash=hashed(token),
                tenant_id=self.team.tenant_id,
                approval_id=approval_id,
                user_id=self.user_id,
                digest=approval.digest,
                expires_at=approval.deadline_at,
            )
            approval_links.add(tx, link)
        return f"{self.team.hub.url}/approve/{token}"


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def line(fresh_team: Any, tmp_path: Path) -> Iterator[Line]:
    """A command line of a new tenant with one person in it."""
    made = Line(fresh_team, tmp_path)
    made.enroll("ada")
    yield made
    made.store.close()


def test_what_waits_is_listed_shown_and_answered_by_a_link(line: Line) -> None:
    execution_id = line.team.start({"name": "ask", "steps": [MAIL]})
    line.team.hub.wait_for(execution_id, lambda one: one["wait_reason"] == "approval", key=line.team.key)
    (one,) = json.loads(line.told("approvals", "list", "--status", "pending", "--json"))["items"]
    assert one["id"] in line.told("approvals", "list")
    shown = line.told("approvals", "show", one["id"])
    assert "May we?" in shown
    assert "\\u202eHi" in shown
    assert "\u202e" not in shown
    assert "only a person" in line.told("approvals", "approve", one["id"], code=1)
    told = line.told("approvals", "reject", line.link(one["id"]), "--comment", "too early")
    assert f"{one['id']}: rejected: too early" in told
    ended = line.team.wait_for_end(execution_id)
    assert ended["error"]["code"] == "approval_rejected"
    assert "link" in line.told("approvals", "approve", line.team.hub.url + "/approve/gone", code=1)
