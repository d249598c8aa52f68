"""The sandbox behaves like the Cloud API: who may call, what it refuses, what it delivers, its bad days."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from revolution_sdk import ActionContext, Delivery, DeliveryError, Emitted, Json, RetryableError, Secret
from revolution_sdk.sandbox import Fault, RunningSandbox
from revolution_whatsapp.actions.messages import send_message
from revolution_whatsapp.events import parse
from revolution_whatsapp.sandbox import sandbox
from revolution_whatsapp.signature import verify

Control = Callable[..., Any]
NUMBER, BUSINESS, PERSON = "106540352242922", "102290129340398", "16505551234"
MESSAGES = f"/v23.0/{NUMBER}/messages"
TO = {"messaging_product": "whatsapp", "to": PERSON}
TEXT = {**TO, "type": "text", "text": {"body": "Hi"}}


def templated(name: str, language: str) -> Json:
    """A message by a template that is filled with nothing."""
    return {**TO, "type": "template", "template": {"name": name, "language": {"code": language}}}


def taken(request: Any, secret: str = "sandbox-client-secret") -> list[Emitted]:
    """What a hub with this secret makes of what was received."""
    came = Delivery(
        method="POST",
        url="https://h/",
        headers=request.headers,
        body=request.body,
        received_at=datetime.now(UTC),
    )
    verify(came, Secret(secret))
    return parse(came)


@pytest.mark.parametrize("path", [NUMBER, f"{BUSINESS}/phone_numbers"])
def test_nobody_is_served_without_the_token(running: RunningSandbox, path: str) -> None:
    for token in ({}, {"authorization": "Bearer wrong"}):
        answer = httpx2.get(f"{running.url}/v23.0/{path}", headers=token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)


def test_a_token_ends_and_begins(api: httpx2.Client, control: Control) -> None:
    control("tokens/revoke")
    assert api.get(f"/v23.0/{NUMBER}").status_code == 401
    control("tokens/revoke", renew=True)
    assert api.get(f"/v23.0/{NUMBER}").status_code == 200


def test_every_version_is_spoken(api: httpx2.Client) -> None:
    assert {api.get(f"/{version}/{NUMBER}").status_code for version in ("v23.0", "v26.0")} == {200}


def test_the_numbers_of_the_business_are_listed(api: httpx2.Client) -> None:
    found = api.get(f"/v23.0/{BUSINESS}/phone_numbers").json()["data"]
    assert [one["id"] for one in found] == [NUMBER, "106540352242923"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], 100),
        ({**TEXT, "to": "x"}, 131009),
        ({**TEXT, "to": "15550783881"}, 131021),
        ({**TEXT, "extra": 1}, 100),
        ({**TO, "type": "image", "image": {"id": "7"}}, 131009),
        ({**TO, "type": "text"}, 131008),
        (templated("no", "en"), 132001),
        (
            {**TO, "type": "template", "template": {"name": "old_offer", "language": {"code": "en_US"}}},
            132015,
        ),
        (
            {**TO, "type": "template", "template": {"name": "order_update", "language": {"code": "de"}}},
            132000,
        ),
        ({**TEXT, "biz_opaque_callback_data": "x" * 513}, 131009),
        (TEXT, 131047),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_it_refuses_has_whatsapps_code(
    api: httpx2.Client, control: Control, body: Json, code: int
) -> None:
    answer = api.post(MESSAGES, json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["code"] == code
    assert control("messages") == []


def test_names_of_parameters_have_to_fit(api: httpx2.Client) -> None:
    texts = [{"type": "text", "parameter_name": name, "text": "x"} for name in ("first_name", "price")]
    picture = {"type": "image", "image": {"link": "https://example.com/a.jpg"}}
    components = [{"type": "header", "parameters": [picture]}, {"type": "body", "parameters": texts}]
    template = {"name": "back_in_stock", "language": {"code": "en_US"}, "components": components}
    answer = api.post(MESSAGES, json={**TO, "type": "template", "template": template})
    assert answer.json()["error"]["code"] == 132012


def test_a_closed_window_may_be_told_afterwards(ctx: ActionContext, control: Control, receiver: Any) -> None:
    control("window", late=True)
    made = send_message(ctx, {"to": PERSON, "text": "Hi"})
    control("statuses", id=made["id"], status="failed", deliver_to=receiver.url)
    (event,) = taken(receiver.requests[0])
    assert (event.data["id"], event.data["reference"]) == (made["id"], made["reference"])
    assert event.data["error"]["name"] == "window_closed"


def test_what_somebody_writes_is_delivered_signed_and_escaped(control: Control, receiver: Any) -> None:
    made = control(
        "incoming", **{"from": PERSON, "name": "Zoë", "text": "Grüße 🙂", "deliver_to": receiver.url}
    )
    assert made["delivery"] == {"status": 202, "body": {"taken": True}}
    assert receiver.requests[0].body.isascii()
    (event,) = taken(receiver.requests[0])
    assert (event.account, event.data["id"]) == (NUMBER, made["id"])
    assert (event.data["sender_name"], event.data["text"]) == ("Zoë", "Grüße 🙂")
    with pytest.raises(DeliveryError):
        taken(receiver.requests[0], "another-secret")


def test_the_same_delivery_may_come_often_and_is_one_event(control: Control, receiver: Any) -> None:
    control("incoming", **{"from": PERSON, "deliver_to": receiver.url, "times": 10, "secret": "s3"})
    keys = {taken(one, "s3")[0].dedup_key for one in receiver.requests}
    assert (len(receiver.requests), len(keys)) == (10, 1)


def test_any_body_can_be_delivered(control: Control, receiver: Any) -> None:
    control("deliver", deliver_to=receiver.url, body=[1])
    assert json.loads(receiver.requests[0].body) == [1]


def test_a_hub_that_is_not_there_is_told(control: Control) -> None:
    made = control("incoming", **{"from": PERSON, "deliver_to": "http://127.0.0.1:9/"})
    assert made["delivery"] == {"status": None, "body": "not delivered: ConnectError"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("incoming", {}),
        ("incoming", {"from": PERSON, "phone_number_id": "7"}),
        ("incoming", {"from": PERSON, "message": 7}),
        ("incoming", {"from": PERSON, "deliver_to": "ftp://x"}),
        ("incoming", {"from": PERSON, "deliver_to": "http://127.0.0.1:9/", "times": 0}),
        ("statuses", {"id": "no", "status": "read"}),
        ("deliver", {"deliver_to": "http://127.0.0.1:9/"}),
        ("files", {"content_base64": "%"}),
        ("templates", {"name": "x", "components": {}}),
        ("refusals", {"code": "4"}),
        ("window", {"late": 1}),
        ("window", []),
    ],
)
def test_a_control_that_does_not_fit_says_so(running: RunningSandbox, path: str, value: Json) -> None:
    answer = httpx2.post(f"{running.url}/_sandbox/{path}", json=value)
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_people_see_the_messages_and_no_markup_of_others(
    ctx: ActionContext, running: RunningSandbox, wrote: str
) -> None:
    send_message(ctx, {"to": wrote, "text": "<script>"})
    page = httpx2.get(f"{running.url}/_sandbox/page")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text


def test_a_template_can_be_added(ctx: ActionContext, control: Control, api: httpx2.Client) -> None:
    control("templates", name="new_one", language="de", components=[{"type": "BODY", "text": "Hallo"}])
    found = api.get(f"/v23.0/{BUSINESS}/message_templates", params={"name": "new_one"}).json()["data"]
    assert [one["language"] for one in found] == ["de"]


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_an_injected_error_has_whatsapps_shape(
    api: httpx2.Client, running: RunningSandbox, status: int
) -> None:
    running.sandbox.faults.add(Fault(operation="get_object", kind="status", status=status))
    answer = api.get(f"/v23.0/{NUMBER}")
    assert answer.status_code == status
    assert set(answer.json()["error"]) >= {"message", "type", "code", "fbtrace_id"}


def test_429_is_waited_for(ctx: ActionContext, running: RunningSandbox, wrote: str) -> None:
    running.sandbox.faults.add(Fault(operation="send_message", kind="status", status=429, retry_after_s=7))
    with pytest.raises(RetryableError) as caught:
        send_message(ctx, {"to": wrote, "text": "Hi"})
    assert (caught.value.code, caught.value.retry_after_s) == ("rate_limited", 7.0)


def test_what_a_demo_needs_is_offered() -> None:
    box = sandbox()
    assert (box.name, box.port, box.base_path) == ("whatsapp", 9105, "")
    assert box.connection == {
        "token": "sandbox-token",
        "phone_number_id": NUMBER,
        "business_account_id": BUSINESS,
    }
    assert box.app == {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}


def test_every_sandbox_has_a_state_of_its_own(ctx: ActionContext, control: Control, wrote: str) -> None:
    send_message(ctx, {"to": wrote, "text": "Hi"})
    assert (
        len(
            control(
                "messages",
            )
        )
        == 1
    )
    assert sandbox().calls() == []
