"""From consent to revocation against the sandboxes: a real hub, and a browser that is an HTTP client."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rig import hub as rig_hub

CASES = {
    "hubspot": ("62515", "62516"),
    "google": ("sandbox-google", "sandbox-second"),
}


@pytest.fixture
def hub(tmp_path: Path, world: Any) -> Iterator[Any]:
    """A hub whose cookies go over plain http, as a developer has it."""
    started = rig_hub.start_hub(tmp_path, world.allow, REVOLUTION_PLAIN_COOKIES="true")
    yield started
    started.stop()


@pytest.fixture
def person(hub: Any) -> Iterator[httpx2.Client]:
    """Somebody who is signed in at the hub, with the hub's cookies."""
    made = hub.ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "editor"})
    with httpx2.Client(base_url=hub.url, trust_env=False, timeout=60, headers={"origin": hub.url}) as browser:
        body = {"token": made["token"], "name": "Ada", "password": "correct horse battery staple"}
        answer = browser.post("/api/invitations/accept", json=body)
        assert answer.status_code < 300, answer.text
        browser.headers["x-csrf-token"] = answer.json()["csrf_token"]
        yield browser


def agreed(person: httpx2.Client, path: str, account: str, action: str = "accept") -> httpx2.Response:
    """Follow the hub to the consent page, choose, and follow the provider back; returns the hub's answer."""
    sent = person.get(path, headers={"accept": "text/html"})
    assert sent.status_code == 302, sent.text
    page = sent.headers["location"]
    with httpx2.Client(trust_env=False) as elsewhere:
        shown = elsewhere.get(page)
        assert f"<option>{account}</option>" in unescape(shown.text)
        back = elsewhere.post(page, data={"account": account, "action": action})
    assert back.status_code == 302, back.text
    return person.get(back.headers["location"], headers={"accept": "text/html"})


def run(hub: Any, world: Any, connector: str) -> Any:
    """Run one action through the connection and return the execution."""
    if connector == "hubspot":
        lead = {"portal_id": 62515, "properties": {"email": "lead@example.com"}}
        made = httpx2.post(f"{world.running['hubspot'].url}/_sandbox/leads", json=lead, trust_env=False)
        action, given = "get_contact", {"id": str(made.json()["id"])}
    else:
        action = "get_free_busy"
        given = {"time_min": "2026-12-01T09:00:00Z", "time_max": "2026-12-01T17:00:00Z"}
    path = f"/api/integrations/{connector}/actions/{action}"
    started = hub.ask("POST", path, {"input": given})
    return hub.wait_for_end(started["execution_id"])


@pytest.mark.parametrize("connector", CASES)
def test_code_token_refresh_and_revocation_run_end_to_end(
    hub: Any, world: Any, person: httpx2.Client, connector: str
) -> None:
    account, other = CASES[connector]
    running = world.running[connector]
    hub.ask("POST", f"/api/integrations/{connector}/apps", running.sandbox.app)
    begin = f"/api/integrations/{connector}/authorize?base_url={running.base_url}"

    # Who refuses connects nothing
    denied = agreed(person, begin, account, action="deny")
    assert (denied.status_code, "access_denied" in denied.text) == (400, True)
    # Who agrees has a connection that works
    done = agreed(person, begin, account)
    assert done.status_code == 303, done.text
    path = done.headers["location"]
    made = person.get(path).json()
    assert (made["account"], made["status"], made["auth"]) == (account, "connected", "oauth2")
    first = run(hub, world, connector)
    assert first["status"] == "succeeded", first
    # A token that is worth nothing any more is renewed unnoticed
    world.control(connector, "POST", "tokens/expire", {})
    assert run(hub, world, connector)["status"] == "succeeded"
    # Another account takes no place unasked
    again = f"/api/integrations/{connector}/authorize?connection={made['id']}"
    assert agreed(person, again, other).status_code == 409
    assert agreed(person, again, account).status_code == 303
    # Deleting it ends the grant at the provider
    assert person.delete(path).status_code == 204
    (revoked,) = world.control(connector, "GET", "calls?operation=revoke")
    assert revoked["status"] in (200, 204)
    written = hub.log()
    assert not re.search(r"grant-[A-Za-z0-9_-]{20}|sandbox-(code|access)-", written)
