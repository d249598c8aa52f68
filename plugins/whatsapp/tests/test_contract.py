"""The contract is alive: it refuses a wrong request of every operation, and takes what each action sends."""

import json
from collections.abc import Callable, MutableMapping
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI

from revolution_sdk import ActionContext, Json
from revolution_sdk.sandbox import RunningSandbox
from revolution_sdk.testing.contract import ContractValidator
from revolution_whatsapp.client import API_VERSION
from revolution_whatsapp.connector import whatsapp

pytestmark = pytest.mark.contract

NUMBER, BUSINESS, PERSON = "106540352242922", "102290129340398", "16505551234"
MESSAGES = f"/{API_VERSION}/{NUMBER}/messages"
TO = {"messaging_product": "whatsapp", "to": PERSON}

YES = {"id": "y", "title": "Yes"}

INPUTS: dict[str, Json] = {
    "send_message": {"to": PERSON, "text": "Hi", "reply_to": "wamid.A"},
    "send_reaction": {"to": PERSON, "message_id": "wamid.A", "emoji": "👍"},
    "mark_read": {"message_id": "wamid.A", "typing": True},
    "send_buttons": {
        "to": PERSON,
        "text": "?",
        "buttons": [{"id": "y", "title": "Yes"}],
        "header": "H",
        "footer": "F",
    },
    "send_list": {
        "to": PERSON,
        "text": "?",
        "button": "Go",
        "sections": [{"rows": [{"id": "1", "title": "A"}]}],
    },
    "send_media": {"to": PERSON, "kind": "document", "link": "https://example.com/a.pdf", "caption": "C"},
    "send_template": {
        "to": PERSON,
        "template": "order_update",
        "language": "en_US",
        "params": ["Ada", "17"],
        "header_text": "A-17",
        "buttons": [{"index": 0, "value": "a-17"}, {"index": 1, "value": "stop"}],
    },
    "list_templates": {"name": "order_update", "status": "APPROVED", "limit": 5},
    "get_phone_number": {},
    "subscribe_app": {},
}
"""An input of every action whose request the contract has."""

OUTSIDE = {
    "upload_media": "the published contract has no path for putting a file up",
    "download_media": "it has the path of a number in the place of a file's, and none for its content",
}
"""Actions no contract is published for, each with the reason."""


@pytest.fixture
def validator(contract: OpenAPI | None) -> ContractValidator:
    if contract is None:
        pytest.skip("WhatsApp's contract is not here; name its folder in REVOLUTION_CONTRACTS")
    return ContractValidator(_nobody, contract, "https://graph.facebook.com")


async def _nobody(*args: object) -> None:
    raise AssertionError("nothing is sent")


def test_the_contract_is_of_the_version_the_client_speaks(
    contract: OpenAPI | None, validator: ContractValidator
) -> None:
    assert contract is not None
    assert contract.spec["info"]["version"] == API_VERSION


def test_every_action_is_held_against_the_contract_or_says_why_not() -> None:
    assert set(INPUTS) | set(OUTSIDE) == set(whatsapp.actions)
    assert not set(INPUTS) & set(OUTSIDE)


@pytest.mark.parametrize("name", INPUTS)
def test_what_an_action_sends_fits_the_contract_and_without_a_member_it_does_not(
    name: str, ctx: ActionContext, running: RunningSandbox, validator: ContractValidator, wrote: str
) -> None:
    whatsapp.actions[name](ctx, INPUTS[name])
    for call in running.sandbox.calls():
        assert validator.refuses(call.method, call.path, body=call.body) is False
        if call.operation == "send_message":
            wrong = {key: one for key, one in call.body.items() if key != "messaging_product"}
            assert validator.refuses(call.method, call.path, body=wrong) is True


@pytest.mark.parametrize(
    "body",
    [
        {**TO, "text": {"body": ""}},
        {**TO, "text": {"body": "x" * 4097}},
        {**TO, "type": "text", "text": {"text": "Hi"}},
        {**TO, "type": "reaction"},
        {**TO, "type": "image", "image": {"caption": "no file"}},
        {**TO, "type": "template", "template": {"name": "x"}},
        {**TO, "type": "interactive", "interactive": {"type": "button", "action": {"buttons": []}}},
        {**TO, "type": "smoke", "smoke": {}},
        {"messaging_product": "whatsapp", "type": "text", "text": {"body": "to nobody"}},
        {"messaging_product": "whatsapp", "status": "unread", "message_id": "wamid.A"},
        {"messaging_product": "telegram", "to": PERSON, "text": {"body": "Hi"}},
    ],
    ids=lambda body: json.dumps(body)[:60],
)
def test_a_wrong_message_is_refused_by_contract_and_sandbox(
    body: Json, validator: ContractValidator, api: httpx2.Client, wrote: str
) -> None:
    assert validator.refuses("POST", MESSAGES, body=body) is True
    answer = api.post(MESSAGES, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["fbtrace_id"]


def test_a_wrong_number_is_refused(validator: ContractValidator) -> None:
    assert validator.refuses("GET", f"/{API_VERSION}/{NUMBER}") is False
    assert validator.refuses("GET", f"/{API_VERSION}/jaspers-market") is True
    assert validator.refuses("GET", f"/latest/{NUMBER}") is True


def test_a_wrong_question_for_templates_is_refused(validator: ContractValidator) -> None:
    path = f"/{API_VERSION}/{BUSINESS}/message_templates"
    assert validator.refuses("GET", path, query="name=order_update") is False
    assert validator.refuses("GET", f"/latest/{BUSINESS}/message_templates") is True
    assert validator.refuses("DELETE", path) is True


def test_a_wrong_subscription_is_refused_by_contract_and_sandbox(
    validator: ContractValidator, api: httpx2.Client
) -> None:
    path, wrong = f"/{API_VERSION}/{BUSINESS}/subscribed_apps", {"override_callback_uri": 7}
    assert validator.refuses("POST", path, body={}) is False
    assert validator.refuses("POST", path, body=wrong) is True
    assert api.post(path, json=wrong).status_code == 400


def test_a_call_without_a_token_breaks_the_contract(validator: ContractValidator) -> None:
    scope = {"method": "GET", "path": f"/{API_VERSION}/{NUMBER}", "query_string": b"", "headers": []}
    sent: list[MutableMapping[str, Any]] = [{"type": "http.response.start", "status": 200, "headers": []}]
    assert "not authorized" in validator.check(scope, b"", sent)


def test_what_the_sandbox_delivers_fits_the_contract_of_webhooks(
    ctx: ActionContext, control: Callable[..., Any], receiver: Any, validator: ContractValidator
) -> None:
    control("incoming", **{"from": PERSON, "deliver_to": receiver.url})
    made = whatsapp.actions["send_message"](ctx, INPUTS["send_message"])
    for status, error in (("sent", None), ("read", None), ("failed", 131026)):
        control("statuses", id=made["id"], status=status, error=error, deliver_to=receiver.url)
    bodies = [json.loads(one.body) for one in receiver.requests]
    assert len(bodies) == 4
    for body in bodies:
        assert validator.refuses("POST", "/whatsapp/webhooks", body=body) is False
        body["entry"][0]["changes"][0]["value"].pop("metadata")
        assert validator.refuses("POST", "/whatsapp/webhooks", body=body) is True
