"""Deliveries: each event once, in the tenant it belongs to, and nothing from anybody else."""

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

SECRET = "sandbox-client-secret"
LISTENING = {
    "name": "listening",
    "on": [{"event": "crm.contact.created"}],
    "steps": [{"id": "seen", "set": {"contact": "{{ trigger.data.object_id }}"}}],
}


def _event(portal: int, contact: int, event_id: int = 100) -> dict[str, Any]:
    return {
        "eventId": event_id,
        "subscriptionId": 22,
        "portalId": portal,
        "appId": 1160452,
        "occurredAt": 1764000000000,
        "subscriptionType": "contact.creation",
        "attemptNumber": 0,
        "objectId": contact,
        "changeFlag": "CREATED",
        "changeSource": "CRM_UI",
    }


def _signed(url: str, body: bytes, *, secret: str = SECRET, age_s: float = 0.0) -> dict[str, str]:
    # Written out here and not taken from the plugin, so that both would have to be wrong alike.
    stamp = str(int((time.time() - age_s) * 1000))
    signed = b"POST" + url.encode() + body + stamp.encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "x-hubspot-signature-v3": base64.b64encode(digest).decode(),
        "x-hubspot-request-timestamp": stamp,
    }


def _post(url: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    return httpx2.post(url, content=body, headers=headers, timeout=60, trust_env=False)


def _batch(*events: dict[str, Any]) -> bytes:
    return json.dumps(list(events)).encode()


def test_one_batch_with_accounts_of_two_tenants_starts_one_execution_in_each(
    hub: Any, world: Any, new_team: Any
) -> None:
    # Given an app of the installation through which two tenants connected their own accounts
    app = hub.ask(
        "POST",
        "/api/integrations/hubspot/apps",
        {"client_id": "sandbox-client", "client_secret": SECRET, "shared": True},
    )
    ada, bob = new_team("Ada", portal="100", app=app["id"]), new_team("Bob", portal="200", app=app["id"])
    for team in (ada, bob):
        team.publish(LISTENING)
    # When one signed batch carries an event for each
    body = _batch(_event(100, 1), _event(200, 2))
    answer = _post(app["delivery_url"], body, _signed(app["delivery_url"], body))
    assert answer.status_code == 202, answer.text
    # Then each tenant has one execution, about its own contact
    for team, contact in ((ada, "1"), (bob, "2")):
        executions = team.executions()
        assert len(executions) == 1
        ended = team.wait_for_end(executions[0]["id"])
        assert ended["steps"][0]["output"] == {"contact": contact}


def test_an_app_of_one_tenant_never_reaches_another_tenant(hub: Any, new_team: Any) -> None:
    # Given two tenants connected to the same account, each through an app of its own
    ada, bob = new_team("Ada", portal="100"), new_team("Bob", portal="100")
    for team in (ada, bob):
        team.publish(LISTENING)
    # When a delivery comes to the first one's app
    body = _batch(_event(100, 1))
    answer = _post(ada.delivery_url, body, _signed(ada.delivery_url, body))
    # Then only that tenant sees it
    assert answer.status_code == 202
    assert (len(ada.executions()), len(bob.executions())) == (1, 0)


@pytest.mark.parametrize("stack", ["embedded", "distributed"], indirect=True)
def test_the_same_delivery_posted_20_times_at_once_starts_one_execution(team: Any, world: Any) -> None:
    team.publish(LISTENING)
    url = team.delivery_url
    body = _batch(_event(world.portal, 7))
    headers = _signed(url, body)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: _post(url, body, headers), range(20)))
    assert {one.status_code for one in answers} == {202}
    assert len(team.executions()) == 1


def _mutations(url: str, body: bytes) -> dict[str, tuple[bytes, dict[str, str]]]:
    good = _signed(url, body)
    signature = good["x-hubspot-signature-v3"]
    return {
        "unsigned": (body, {"content-type": "application/json"}),
        "empty signature": (body, {**good, "x-hubspot-signature-v3": ""}),
        "another secret": (body, _signed(url, body, secret="wrong")),
        "another url": (body, _signed(url + "?x=1", body)),
        "another body": (body + b" ", good),
        "truncated signature": (body, {**good, "x-hubspot-signature-v3": signature[:-4]}),
        "other case": (body, {**good, "x-hubspot-signature-v3": signature.swapcase()}),
        "stale": (body, _signed(url, body, age_s=301)),
        "from the future": (body, _signed(url, body, age_s=-360)),
        "another timestamp": (
            body,
            {**good, "x-hubspot-request-timestamp": str(int(time.time() * 1000) + 5)},
        ),
        "timestamp is no number": (body, {**good, "x-hubspot-request-timestamp": "now"}),
    }


def test_a_delivery_that_is_not_genuine_is_401_and_leaves_nothing(shared_hub: Any, fresh_team: Any) -> None:
    fresh_team.publish(LISTENING)
    url = fresh_team.delivery_url
    body = _batch(_event(62515, 8))
    for name, (content, headers) in _mutations(url, body).items():
        answer = _post(url, content, headers)
        assert answer.status_code == 401, name
        assert answer.headers["content-type"] == "application/problem+json", name
    assert fresh_team.executions() == []
    # The genuine one still counts: nothing of the forged ones was remembered.
    assert _post(url, body, _signed(url, body)).status_code == 202
    assert len(fresh_team.executions()) == 1


HOSTILE_BODIES = {
    "no json": b"{",
    "no list": b"{}",
    "empty": b"",
    "nan": b'[{"portalId": NaN}]',
    "deep": b"[" * 100_000,
    "long integer": b'[{"portalId": ' + b"9" * 5000 + b"}]",
    "nul": b'[{"portalId": "\\u0000"}]',
    "lone surrogate": b'[{"portalId": "\\ud800"}]',
    "duplicate names": b'[{"portalId": 1, "portalId": 2}]',
    "latin-1": b'[{"portalId": "\xe9"}]',
    "byte order mark": b"\xef\xbb\xbf[]",
    "utf-16": "[]".encode("utf-16"),
    "not objects": b"[1, null]",
}


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_a_signed_but_unreadable_delivery_is_kept_as_it_came_and_never_500(
    shared_hub: Any, shared_team: Any, name: str
) -> None:
    url, body = shared_team.delivery_url, HOSTILE_BODIES[name]
    answer = _post(url, body, _signed(url, body))
    assert answer.status_code == 202, answer.text
    path = f"/api/deliveries/{answer.json()['delivery_id']}"
    kept = shared_team.ask("GET", path)
    assert (kept["mark"], kept["bytes"]) == ("unparseable", len(body))
    assert kept["problem"]
    raw = shared_hub.call("GET", f"{path}/body", key=shared_team.key)
    assert raw.content == body


def test_an_unknown_address_is_404_whoever_owns_the_connector(shared_hub: Any, shared_team: Any) -> None:
    body = _batch(_event(1, 1))
    for path in ("/hooks/apps/hubspot/" + "x" * 43, "/hooks/apps/nobody/" + "x" * 43, "/hooks/" + "x" * 43):
        url = shared_hub.url + path
        answer = _post(url, body, _signed(url, body))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_body_above_the_limit_is_413(shared_hub: Any, shared_team: Any) -> None:
    body = b" " * 1_048_577
    answer = _post(shared_team.delivery_url, body, _signed(shared_team.delivery_url, body))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
