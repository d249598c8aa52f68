"""A workflow's own URL: signed, once per id, answered when it is accepted or with the result."""

import time
from typing import Any

import httpx2
import pytest

from revolution_sdk import Secret
from revolution_sdk.webhooks import sign_standard


def _document(**webhook: str) -> dict[str, Any]:
    return {
        "name": f"hook {webhook}",
        "on": [{"webhook": webhook}],
        "steps": [
            {"id": "greet", "set": {"text": "Hello {{ trigger.data.name }}"}},
            {"respond": {"status": 201, "body": {"said": "{{ vars.text }}"}}},
        ],
    }


def _post(published: Any, body: bytes, message_id: str, secret: str | None = None) -> httpx2.Response:
    headers = {"content-type": "application/json"}
    if secret is not None:
        stamp = int(time.time())
        signature = sign_standard(Secret(secret), message_id, stamp, body)
        headers |= {"webhook-id": message_id, "webhook-timestamp": str(stamp), "webhook-signature": signature}
    return httpx2.post(published["hook_url"], content=body, headers=headers, timeout=60, trust_env=False)


def test_a_signed_request_starts_once_per_id(fresh_team: Any) -> None:
    published = fresh_team.publish(_document())
    secret = published["signing_secret"]
    answers = [_post(published, b'{"name": "Ada"}', "msg_1", secret) for _ in range(3)]
    assert {one.status_code for one in answers} == {202}
    assert len({one.json()["execution_id"] for one in answers}) == 1
    assert len(fresh_team.executions()) == 1


def test_an_unsigned_or_wrongly_signed_request_is_401_and_starts_nothing(fresh_team: Any) -> None:
    published = fresh_team.publish(_document())
    wrong = "whsec_" + "A" * 43 + "="
    assert _post(published, b"{}", "msg_1").status_code == 401
    assert _post(published, b"{}", "msg_1", wrong).status_code == 401
    assert fresh_team.executions() == []


def test_a_result_is_what_the_respond_step_says(fresh_team: Any) -> None:
    published = fresh_team.publish(_document(auth="none", answer="result"))
    assert published["signing_secret"] is None
    answer = _post(published, b'{"name": "Ada"}', "")
    assert (answer.status_code, answer.json()) == (201, {"said": "Hello Ada"})
    assert answer.headers["content-security-policy"] == "sandbox"


@pytest.mark.parametrize("body", [b"{", b"", b'{"a": NaN}', b"\xff"])
def test_a_body_that_is_no_json_is_422_and_starts_nothing(fresh_team: Any, body: bytes) -> None:
    published = fresh_team.publish(_document(auth="none"))
    answer = _post(published, body, "")
    assert (answer.status_code, answer.json()["code"]) == (422, "json_invalid")
    assert fresh_team.executions() == []


def test_the_secret_is_shown_once_and_the_address_stays(fresh_team: Any) -> None:
    first = fresh_team.publish(_document())
    second = fresh_team.ask("POST", f"/api/workflows/{first['id']}/publish")
    assert first["signing_secret"].startswith("whsec_")
    assert second["signing_secret"] is None
    assert first["hook_url"] == second["hook_url"]
    assert _post(second, b'{"name": "Ada"}', "msg_9", first["signing_secret"]).status_code == 202
