"""WhatsApp through a real hub: one address for all numbers, each in its tenant, messages out and in."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from rig.hub import LiveHub, Team, start_hub

from revolution_sdk.sandbox import RunningSandbox, run_sandbox
from revolution_whatsapp.sandbox import sandbox

FIRST, SECOND, BUSINESS = "106540352242922", "106540352242923", "102290129340398"
ANSWERING = {
    "name": "answering",
    "on": [{"event": "message.received"}],
    "steps": [
        {
            "id": "seen",
            "uses": "whatsapp.mark_read",
            "with": {"message_id": "{{ trigger.data.id }}"},
        },
        {
            "id": "answer",
            "uses": "whatsapp.send_message",
            "with": {
                "to": "{{ trigger.data.sender }}",
                "text": "You wrote: {{ trigger.data.text }}",
                "last_received_at": "{{ trigger.data.occurred_at }}",
            },
        },
    ],
}
COUNTING = {
    "name": "counting",
    "on": [{"event": "whatsapp.message.received"}],
    "steps": [{"id": "kept", "set": {"number": "{{ trigger.data.phone_number_id }}"}}],
}
WATCHING = {
    "name": "watching",
    "on": [{"event": "message.status"}],
    "steps": [
        {"id": "kept", "set": {"status": "{{ trigger.data.status }}", "of": "{{ trigger.data.reference }}"}}
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A hub, WhatsApp's stand-in, and a provider app that serves every tenant."""

    hub: LiveHub
    box: RunningSandbox
    app: Any

    def control(self, path: str, **value: Any) -> Any:
        url = f"{self.box.url}/_sandbox/{path}"
        answer = httpx2.post(url, json=value, timeout=60) if value else httpx2.get(url, timeout=60)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def team(self, name: str) -> Team:
        made = self.hub.ask("POST", "/api/tenants", {"name": name})
        return Team(hub=self.hub, key=made["api_key"], tenant_id=made["id"])

    def connect(self, team: Team, number: str, **more: Any) -> Any:
        credential = {"token": "sandbox-token", "phone_number_id": number, "business_account_id": BUSINESS}
        body = {"name": number, "credential": credential, "base_url": self.box.base_url, **more}
        return self.hub.call("POST", "/api/integrations/whatsapp/connections", body, key=team.key)

    def write(self, number: str, text: str) -> Any:
        told = {"from": "16505551234", "text": text, "phone_number_id": number}
        return self.control("incoming", **told, deliver_to=self.app["delivery_url"])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with run_sandbox(sandbox()) as box:
        hub = start_hub(tmp_path_factory.mktemp("hub"), box.host)
        try:
            app = {**(box.sandbox.app or {}), "shared": True}
            yield Stage(hub=hub, box=box, app=hub.ask("POST", "/api/integrations/whatsapp/apps", app))
        finally:
            hub.stop()


def ended(team: Team, count: int) -> list[Any]:
    give_up_s = time.monotonic() + 30
    while len(team.executions()) < count and time.monotonic() < give_up_s:
        time.sleep(0.05)
    found = [team.wait_for_end(one["id"]) for one in team.executions()]
    assert len(found) == count
    return found


def test_whatsapps_question_is_answered_for_whoever_shows_the_token(stage: Stage) -> None:
    query = {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": stage.app["verify_token"],
    }
    answer = httpx2.get(stage.app["delivery_url"], params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    wrong = httpx2.get(stage.app["delivery_url"], params={**query, "hub.verify_token": "x"})
    assert wrong.status_code in (401, 403)


def test_one_address_serves_many_numbers_and_every_workflow_of_the_right_tenant(stage: Stage) -> None:
    # Given two tenants with a number each, and two workflows in the first
    ada, bob = stage.team("Ada"), stage.team("Bob")
    for team, number in ((ada, FIRST), (bob, SECOND)):
        made = stage.connect(team, number)
        assert (made.status_code, made.json()["account"]) == (201, number), made.text
        assert "sandbox-token" not in made.text
    for document in (ANSWERING, COUNTING, WATCHING):
        ada.publish(document)
    bob.publish(COUNTING)
    # When somebody writes to the first number, and the delivery comes twice
    told = stage.write(FIRST, "Grüße")
    assert told["delivery"]["status"] == 202
    # Then both workflows of its tenant run, the message is read and answered, and the other hears nothing
    assert [one["error"] for one in ended(ada, 2)] == [None, None]
    assert stage.control("read") == [told["id"]]
    (sent,) = stage.control("messages")
    assert (sent["phone_number_id"], sent["body"]["text"]["body"]) == (FIRST, "You wrote: Grüße")
    assert bob.executions() == []
    # And when the answer is read, its status names the step that sent it
    stage.control("statuses", id=sent["id"], status="read", deliver_to=stage.app["delivery_url"], times=2)
    watched = next(one for one in ended(ada, 3) if one["steps"][0]["output"].get("status"))
    reference = sent["body"]["biz_opaque_callback_data"]
    assert watched["steps"][0]["output"] == {"status": "read", "of": reference}
    # And the second number's messages reach the second tenant alone
    stage.write(SECOND, "Hello")
    (execution,) = ended(bob, 1)
    assert execution["steps"][0]["output"] == {"number": SECOND}
    assert len(ada.executions()) == 3


def test_a_number_the_token_does_not_reach_is_not_connected(stage: Stage) -> None:
    answer = stage.connect(stage.team("Eve"), "777")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["path"] == "credential"


def test_nobody_else_may_say_whose_number_it_is(stage: Stage) -> None:
    # Whoever answers at the base URL would decide whose messages a tenant gets.
    answer = stage.connect(stage.team("Mallory"), FIRST, base_url="https://graph.example.com")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["code"] == "address_blocked"
    assert "REVOLUTION_EGRESS_ALLOW" in answer.text


def test_a_closed_window_fails_the_step_with_what_to_do_and_a_template_gets_through(stage: Stage) -> None:
    team = stage.team("Late")
    assert stage.connect(team, FIRST).status_code == 201
    actions = "/api/integrations/whatsapp/actions"
    asked = {"input": {"to": "16505550000", "text": "Hello?"}}
    failed = team.wait_for_end(team.ask("POST", f"{actions}/send_message", asked)["execution_id"])
    assert (failed["status"], failed["error"]["code"]) == ("failed", "window_closed")
    assert "send_template" in failed["error"]["message"]
    asked = {"input": {"to": "16505550000", "template": "hello_world", "language": "en_US"}}
    done = team.wait_for_end(team.ask("POST", f"{actions}/send_template", asked)["execution_id"])
    assert done["status"] == "succeeded"


def test_a_token_that_ends_leaves_the_execution_waiting_for_a_new_one(stage: Stage) -> None:
    team = stage.team("Ended")
    connection = stage.connect(team, FIRST).json()
    path = f"/api/integrations/whatsapp/connections/{connection['id']}"
    httpx2.post(f"{stage.box.url}/_sandbox/tokens/revoke", json={})
    try:
        asked = {"input": {}}
        started = team.ask("POST", "/api/integrations/whatsapp/actions/get_phone_number", asked)[
            "execution_id"
        ]
        team.hub.wait_for(started, lambda one: one["status"] == "waiting", key=team.key)
        assert team.ask("GET", path)["status"] == "needs_reauth"
    finally:
        httpx2.post(f"{stage.box.url}/_sandbox/tokens/revoke", json={"renew": True})
    credential = {"token": "sandbox-token", "phone_number_id": FIRST, "business_account_id": BUSINESS}
    team.ask("PUT", f"{path}/credential", {"credential": credential})
    assert team.wait_for_end(started)["status"] == "succeeded"
