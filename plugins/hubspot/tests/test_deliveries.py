"""What the sandbox delivers is what HubSpot would: the connector's own checks accept it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from revolution_hubspot.events import parse
from revolution_hubspot.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify
from revolution_sdk import Delivery, DeliveryError, Emitted, Json, Secret
from revolution_sdk.sandbox import RunningSandbox

Control = Callable[..., httpx2.Response]

EMAIL = {"email": "jane@example.com"}


def taken(receiver: Any, url: str, secret: str, number: int = 0) -> list[Emitted]:
    """What a hub with this public URL and secret makes of the delivery received."""
    request = receiver.requests[number]
    delivery = Delivery(
        method="POST", url=url, headers=request.headers, body=request.body, received_at=datetime.now(UTC)
    )
    verify(delivery, Secret(secret))
    return parse(delivery)


def test_a_new_lead_is_reported_with_ids_only_and_a_genuine_signature(
    control: Control, receiver: Any
) -> None:
    url = f"{receiver.url}/hooks/apps/hubspot/key"
    answer = control("leads", portal_id=62515, properties=EMAIL, deliver_to=url, secret="s3")
    assert answer.json()["delivery"] == {"status": 202, "body": {"taken": True}}
    (event,) = taken(receiver, url, "s3")
    assert (event.account, event.data["object_id"]) == ("62515", answer.json()["id"])
    assert b"jane@example.com" not in receiver.requests[0].body
    assert receiver.requests[0].headers["content-type"] == "application/json"


def test_another_secret_does_not_verify(control: Control, receiver: Any) -> None:
    control("leads", portal_id=62515, properties=EMAIL, deliver_to=receiver.url + "/", secret="s3")
    with pytest.raises(DeliveryError):
        taken(receiver, receiver.url + "/", "s4")


def test_without_a_secret_the_sandbox_app_signs(
    control: Control, running: RunningSandbox, receiver: Any
) -> None:
    control("leads", portal_id=62515, properties=EMAIL, deliver_to=receiver.url + "/")
    app = running.sandbox.app
    assert app is not None
    assert len(taken(receiver, receiver.url + "/", app["client_secret"])) == 1


def test_the_url_is_posted_as_given_and_signed_decoded(control: Control, receiver: Any) -> None:
    target = "/hooks/key?src=hs%3Aapp%2Fv3&x=%28a%29&y=%20"
    control("leads", portal_id=62515, properties=EMAIL, deliver_to=receiver.url + target, secret="s3")
    assert receiver.requests[0].target == target
    assert len(taken(receiver, receiver.url + target, "s3")) == 1


def test_the_same_event_is_delivered_as_often_as_asked(control: Control, receiver: Any) -> None:
    url = receiver.url + "/"
    answer = control("leads", portal_id=62515, properties=EMAIL, deliver_to=url, secret="s3", times=20)
    assert [one["status"] for one in answer.json()["deliveries"]] == [202] * 20
    keys = {taken(receiver, url, "s3", number)[0].dedup_key for number in range(20)}
    assert len(keys) == 1


def test_two_leads_are_two_events(control: Control, receiver: Any) -> None:
    url = receiver.url + "/"
    for email in ("a@example.com", "b@example.com"):
        control("leads", portal_id=62515, properties={"email": email}, deliver_to=url, secret="s3")
    assert len({taken(receiver, url, "s3", number)[0].dedup_key for number in range(2)}) == 2


def test_a_batch_is_delivered_as_given(control: Control, receiver: Any) -> None:
    events = [{"eventId": 1, "text": "Zoë"}, 7, None]
    control("deliver", url=receiver.url + "/", secret="s3", events=events)
    assert httpx2.Response(200, content=receiver.requests[0].body).json() == events
    with pytest.raises(DeliveryError) as caught:
        taken(receiver, receiver.url + "/", "s3")
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize("age_s", [301, -301])
def test_an_old_or_early_delivery_is_genuine_but_stale(control: Control, receiver: Any, age_s: int) -> None:
    control("deliver", url=receiver.url + "/", secret="s3", events=[], age_s=age_s)
    with pytest.raises(DeliveryError) as caught:
        taken(receiver, receiver.url + "/", "s3")
    assert caught.value.code == "stale"


def test_the_answer_of_a_hub_that_refuses_is_shown(control: Control, receiver: Any) -> None:
    receiver.status = 401
    answer = control("deliver", url=receiver.url + "/", events=[])
    assert answer.json()["delivery"]["status"] == 401


def test_a_hub_that_is_not_there_is_reported_and_the_lead_is_kept(
    control: Control, running: RunningSandbox
) -> None:
    answer = control("leads", portal_id=62515, properties=EMAIL, deliver_to="http://127.0.0.1:9/")
    assert answer.json()["delivery"] == {"status": None, "body": "not delivered: ConnectError"}
    assert len(httpx2.get(f"{running.url}/_sandbox/contacts").json()) == 1


def test_a_lead_without_an_address_to_deliver_to_is_only_created(control: Control) -> None:
    answer = control("leads", portal_id=62515, properties=EMAIL)
    assert (answer.json()["delivery"], answer.json()["deliveries"]) == (None, [])


def test_a_lead_that_exists_is_named(control: Control, receiver: Any) -> None:
    first = control("leads", portal_id=62515, properties=EMAIL).json()["id"]
    again = control("leads", portal_id=62515, properties=EMAIL, deliver_to=receiver.url)
    assert (again.status_code, again.json()["id"]) == (409, first)
    assert receiver.requests == []


def test_contacts_are_listed_by_account(control: Control, running: RunningSandbox) -> None:
    for portal_id in (62515, 33):
        control("leads", portal_id=portal_id, properties=EMAIL)
    found = httpx2.get(f"{running.url}/_sandbox/contacts", params={"portal_id": "33"}).json()
    assert [(one["portal_id"], one["properties"]["email"]) for one in found] == [("33", "jane@example.com")]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("leads", {}),
        ("leads", {"portal_id": "x", "properties": EMAIL}),
        ("leads", {"portal_id": 1, "properties": []}),
        ("leads", {"portal_id": 1, "properties": {"email": 7}}),
        ("leads", {"portal_id": 1, "properties": EMAIL, "deliver_to": "ftp://x"}),
        ("leads", {"portal_id": 1, "properties": EMAIL, "times": 0}),
        ("leads", {"portal_id": 1, "properties": EMAIL, "times": 101}),
        ("leads", {"portal_id": 1, "properties": EMAIL, "secret": ""}),
        ("deliver", {"events": []}),
        ("deliver", {"url": "http://x"}),
        ("deliver", {"url": "http://x", "events": [], "age_s": "old"}),
        ("limits", {}),
        ("limits", {"most": True}),
        ("limits", {"most": 1, "policy": "WEEKLY"}),
        ("scopes", {"scopes": "oauth"}),
        ("tokens/rotation", {"on": "yes"}),
    ],
)
def test_a_control_that_does_not_fit_says_why_and_does_nothing(
    control: Control, running: RunningSandbox, path: str, value: Json
) -> None:
    answer = control(path, **value)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert httpx2.get(f"{running.url}/_sandbox/contacts").json() == []


def test_the_headers_have_hubspots_names(control: Control, receiver: Any) -> None:
    control("deliver", url=receiver.url + "/", events=[])
    assert {SIGNATURE_HEADER, TIMESTAMP_HEADER} <= set(receiver.requests[0].headers)
    assert len(receiver.requests[0].headers[TIMESTAMP_HEADER]) == 13
