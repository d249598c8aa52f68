"""The main job, from a signed delivery to a booked meeting."""

from pathlib import Path
from typing import Any

import pytest

from revolution_hub.model.yaml_document import read_yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "lead-to-meeting.yaml"
STRONG = {
    "email": "grace@hopper.example",
    "firstname": "Grace",
    "lastname": "Hopper",
    "company": "Hopper Compilers Ltd",
    "jobtitle": "CEO",
    "hs_language": "en",
    "message": "We need a solution by the end of this quarter, and a budget of $50,000 is approved.",
}
WEAK = {"email": "kim@gmail.com", "firstname": "Kim", "jobtitle": "Student", "message": "Just looking."}

pytestmark = pytest.mark.parametrize("stack", ["embedded", "distributed"], indirect=True)


@pytest.fixture
def listening(team: Any) -> Any:
    """A team whose example workflow is published."""
    team.publish(read_yaml(EXAMPLE.read_text(encoding="utf-8")))
    return team


def _arrives(world: Any, team: Any, properties: dict[str, str]) -> Any:
    body = {"portal_id": world.portal, "properties": properties, "deliver_to": team.delivery_url}
    answer = world.control("hubspot", "POST", "leads", body)
    assert answer["delivery"]["status"] == 202, answer
    executions = team.executions()
    assert len(executions) == 1
    return team.wait_for_end(executions[0]["id"])


def test_a_new_lead_becomes_a_mail_and_a_meeting(listening: Any, world: Any) -> None:
    # When a promising lead arrives as a signed batch
    execution = _arrives(world, listening, STRONG)
    # Then it is qualified, written to, and a meeting is booked
    assert execution["status"] == "succeeded", execution
    done = {step["id"]: step for step in execution["steps"]}
    assert done["qualify"]["output"].keys() == {"score", "bant", "reasoning", "next_actions"}
    assert done["qualify"]["output"]["score"] >= 60
    assert [(mail["to"], mail["subject"]) for mail in world.mails()] == [
        ("grace@hopper.example", done["mail"]["output"]["subject"])
    ]
    assert [meeting["attendees"] for meeting in world.meetings()] == [["grace@hopper.example"]]
    assert execution["trigger"]["type"] == "hubspot.contact.created"


def test_a_lead_without_an_email_finishes_with_that_reason(listening: Any, world: Any) -> None:
    execution = _arrives(world, listening, {"firstname": "Nobody", "lastname": "Known"})
    assert (execution["status"], execution["reason"]) == ("succeeded", "contact has no e-mail")
    assert world.mails() == []


def test_a_weak_lead_gets_no_mail_and_the_reasoning_is_kept(listening: Any, world: Any) -> None:
    execution = _arrives(world, listening, WEAK)
    assert execution["status"] == "succeeded"
    assert execution["reason"] == execution["steps"][2]["output"]["reasoning"]
    assert world.mails() == []
    assert world.meetings() == []


def test_a_provider_that_asks_to_slow_down_is_waited_for(listening: Any, world: Any) -> None:
    # Given a provider that refuses the first look-up with a Retry-After
    world.fault("hubspot", operation="get_contact", kind="status", status=429, retry_after_s=1)
    # When a lead arrives
    execution = _arrives(world, listening, STRONG)
    # Then the step is tried again and the job is done
    assert execution["status"] == "succeeded", execution
    assert [one["status"] for one in execution["steps"][0]["attempts"]] == ["failed", "succeeded"]


def test_an_expired_token_is_renewed_and_nobody_notices(listening: Any, world: Any) -> None:
    world.control("hubspot", "POST", "tokens/expire", {})
    world.control("google", "POST", "tokens/expire", {})
    execution = _arrives(world, listening, STRONG)
    assert execution["status"] == "succeeded", execution
    assert len(world.mails()) == 1
