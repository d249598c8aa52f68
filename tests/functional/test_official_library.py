"""The official Standard Webhooks library as a sender: what it signs is taken in, what we sign it takes."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import standardwebhooks

from revolution_sdk import Secret
from revolution_sdk.webhooks import sign_standard

DOCUMENT = {
    "name": "official",
    "on": [{"webhook": {}}],
    "steps": [{"id": "see", "set": {"n": "{{ trigger.data.n }}"}}],
}


def send(url: str, body: str, headers: dict[str, str]) -> httpx2.Response:
    typed = {"content-type": "application/json", **headers}
    return httpx2.post(url, content=body.encode(), headers=typed, timeout=60, trust_env=False)


def headers_for(library: Any, message_id: str, body: str, at: datetime) -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": library.sign(message_id, at, body),
    }


on_each_database = pytest.mark.parametrize("stack", ["embedded", "distributed"], indirect=True)


@on_each_database
def test_what_the_official_library_signs_is_taken_in_once(team: Any) -> None:
    published = team.publish(DOCUMENT)
    library = standardwebhooks.Webhook(published["signing_secret"])
    at, body = datetime.now(UTC), '{"n": 7}'
    headers = headers_for(library, "msg_official", body, at)
    first, second = (send(published["hook_url"], body, headers) for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert send(published["hook_url"], '{"n": 8}', headers).status_code == 401
    ended = team.wait_for_end(first.json()["execution_id"])
    assert ended["steps"][0]["output"] == {"n": 7}


def test_after_a_rotation_it_signs_with_either_secret(fresh_team: Any) -> None:
    published = fresh_team.publish(DOCUMENT)
    rotated = fresh_team.ask("POST", f"/api/workflows/{published['id']}/webhook/rotate", {"overlap": "1h"})
    secrets = (published["signing_secret"], rotated["signing_secret"])
    for number, secret in enumerate(secrets):
        library = standardwebhooks.Webhook(secret)
        headers = headers_for(library, f"msg_{number}", "{}", datetime.now(UTC))
        assert send(published["hook_url"], "{}", headers).status_code == 202


def test_what_we_sign_the_official_library_takes() -> None:
    secret, at = "whsec_" + "QUJD" * 8, datetime.now(UTC)
    library = standardwebhooks.Webhook(secret)
    body = '{"n": 1}'
    stamp = int(at.timestamp())
    signed = sign_standard(Secret(secret), "msg_1", stamp, body.encode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(stamp), "webhook-signature": signed}
    assert library.verify(body, headers) == {"n": 1}
