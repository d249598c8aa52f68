"""Mails that arrive start a workflow: a hub polls the Gmail sandbox, and a person looks at that."""

import json
from pathlib import Path
from typing import Any

import pytest
from rig.command import run_command
from rig.site import wait_until

pytestmark = pytest.mark.faults

INVOICES = {
    "name": "invoices",
    "on": [{"event": "email.received", "where": "{{ 'Invoice' in trigger.data.subject }}"}],
    "steps": [
        {
            "id": "seen",
            "set": {"from": "{{ trigger.data.from_address }}", "raw": "{{ trigger.data.sender }}"},
        },
        {"emit": {"event": "custom.invoice.filed", "data": {"id": "{{ trigger.data.id }}"}}},
    ],
}
FILED = {
    "name": "filed",
    "on": [{"event": "custom.invoice.*"}],
    "steps": [{"set": {"id": "{{ trigger.data.id }}"}}],
}


@pytest.mark.parametrize("stack", ["embedded", "distributed"], indirect=True)
def test_a_mail_that_arrives_starts_what_listens(team: Any, world: Any, tmp_path: Path) -> None:
    # Given a workflow that waits for invoices, and one that waits for what it reports
    for document in (INVOICES, FILED):
        team.publish(document)
    wait_until(lambda: team.ask("GET", "/api/polls")["items"][0]["polled_at"], "the first look is done")
    # When an invoice arrives, and another mail
    account = world.running["google"].sandbox.connection["refresh_token"]
    for subject in ("Invoice 7", "Hello"):
        mail = {"account": account, "from": "Ada <ada@example.com>", "subject": subject, "text": "Dear you"}
        world.control("google", "POST", "mails/receive", mail)
    # And a person does not want to wait for the next look
    (listed,) = told(team, tmp_path, "polls", "list")["items"]
    assert (listed["poll"], listed["event"]) == ("google.poll_mails", "google.mail.received")
    told(team, tmp_path, "polls", "run", listed["id"])
    wait_until(lambda: len(team.executions()) == 2, "both workflows are started")
    # Then the invoice is read in the neutral form, and what was reported of it has started the other one
    first = next(one for one in team.executions() if one["trigger"]["type"] == "google.mail.received")
    ended = team.wait_for_end(first["id"])
    assert ended["status"] == "succeeded"
    assert ended["steps"][0]["output"] == {"from": "ada@example.com", "raw": "Ada <ada@example.com>"}
    log = {one["type"]: one["outcome"] for one in told(team, tmp_path, "events", "list")["items"]}
    assert log["custom.invoice.filed"] == "started"
    assert told(team, tmp_path, "polls", "show", listed["id"])["ledger"]["polled"] == 2
    # And the poll rests and goes on as it is told
    assert told(team, tmp_path, "polls", "pause", listed["id"])["state"] == "paused"
    assert told(team, tmp_path, "polls", "resume", listed["id"])["paused_at"] is None
    made = told(team, tmp_path, "events", "emit", "custom.invoice.filed", "--data", '{"id": 1}', "--key", "k")
    assert (made["new"], len(made["execution_ids"])) == (True, 1)
    types = [one["type"] for one in told(team, tmp_path, "events", "types")["items"]]
    assert {"email.received", "google.mail.received", "hubspot.contact.created"} <= set(types)


def told(team: Any, folder: Path, *command: str) -> Any:
    """Run a command with and without `--json`; returns what the first has written."""
    settings = {"REVOLUTION_URL": team.hub.url, "REVOLUTION_API_KEY": team.key, "COLUMNS": "250"}
    done = run_command(folder, *command, "--json", **settings)
    assert done.returncode == 0, done.stderr
    if command[1] in ("list", "show", "types"):
        plain = run_command(folder, *command, **settings)
        assert plain.returncode == 0, plain.stderr
        assert plain.stdout
    return json.loads(done.stdout)
