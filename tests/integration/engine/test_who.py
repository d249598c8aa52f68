"""Who asks: what a process remembers admits nobody who is out, and keeps out nobody who is in."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rig.asking import Asker

from revolution_hub.api.app import make_api
from revolution_hub.api.who import FOR_S, MOST, Remembered
from revolution_hub.model.principal import Principal

DRAFT = {"document": {"name": "w", "steps": [{"set": {"a": 1}}]}}


@pytest.fixture
def elsewhere(bench: Any, owner: Asker) -> Iterator[Asker]:
    """The same owner at another API process."""
    with TestClient(make_api(bench.hub), raise_server_exceptions=False) as client:
        yield replace(owner, client=client)


def role(permissions: list[str]) -> Any:
    return {"name": "changing", "permissions": permissions}


def test_a_key_that_another_process_revoked_is_over_with_the_next_request(
    owner: Asker, elsewhere: Asker, asker_of: Callable[..., Asker]
) -> None:
    asking = asker_of("editor")
    asking.ask("GET", "/api/workflows")
    elsewhere.ask("DELETE", f"/api/keys/{asking.key_id}")
    assert asking.refused("GET", "/api/workflows") == (401, "key_revoked")
    assert asking.refused("POST", "/api/workflows", DRAFT) == (401, "key_revoked")
    assert owner.ask("GET", "/api/workflows")["items"] == []


def test_a_role_that_another_process_changed_counts_with_the_next_request(
    owner: Asker, elsewhere: Asker, asker_of: Callable[..., Asker]
) -> None:
    owner.ask("POST", "/api/roles", role(["workflow:read", "workflow:write"]))
    asking = asker_of("changing")
    asking.ask("POST", "/api/workflows", DRAFT)
    elsewhere.ask("PUT", "/api/roles/changing", {"permissions": ["workflow:read"]}, if_match='"1"')
    refused = asking.call("POST", "/api/workflows", {"document": {**DRAFT["document"], "name": "x"}})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "'workflow:write'" in refused.json()["detail"]
    assert len(owner.ask("GET", "/api/workflows")["items"]) == 1
    # What is remembered now lacks the permission; it refuses nobody who has it.
    permissions = {"permissions": ["workflow:read", "workflow:write"]}
    elsewhere.ask("PUT", "/api/roles/changing", permissions, if_match='"2"')
    asking.ask("POST", "/api/workflows", {"document": {**DRAFT["document"], "name": "y"}})


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"document": 1}'])
def test_nothing_of_the_body_of_a_stranger_is_read(owner: Asker, body: bytes) -> None:
    stranger = replace(owner, key="rev_nobody")
    assert stranger.refused("POST", "/api/workflows", body) == (401, "unauthenticated")


def test_who_asks_too_often_is_told_so_before_the_body_is_read(
    bench: Any, asker_of: Callable[..., Asker]
) -> None:
    known = asker_of("editor")
    with TestClient(make_api(bench.with_settings(requests_per_minute=3).hub)) as client:
        asking = replace(known, client=client)
        for _ in range(3):
            asking.ask("GET", "/api/workflows")
        assert asking.refused("POST", "/api/workflows", b"{") == (429, "rate_limited")


def test_what_is_remembered_is_forgotten_in_time_and_by_number() -> None:
    remembered, somebody = Remembered(), Principal(id="key_1", tenant_id="ten_a", role="owner")
    remembered.keep("first", somebody, 0.0)
    assert remembered.find("first", FOR_S - 0.01) is somebody
    assert remembered.find("first", FOR_S) is None
    for number in range(MOST):
        remembered.keep(str(number), somebody, 1.0)
    assert remembered.find("first", 1.0) is None
    assert remembered.find("0", 1.0) is somebody
    remembered.forget("0")
    assert remembered.find("0", 1.0) is None
