"""Shares: what each role may with each right at each route, and that lists hold nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from rig.asking import Asker

DOCUMENT = {"name": "mine", "steps": [{"id": "a", "set": {"n": 1}}]}
OTHER = {**DOCUMENT, "name": "other"}
RIGHTS = (None, "view", "run", "edit")
READ = {"viewer", "view", "run", "edit", "owner"}
START = {"run", "edit", "owner"}
EDIT = {"edit", "owner"}
OWNER = {"owner"}

ROUTES: dict[tuple[str, str], tuple[Any, set[str]]] = {
    ("GET", "/api/workflows/{id}"): (None, READ),
    ("GET", "/api/workflows/{id}/versions"): (None, READ),
    ("GET", "/api/workflows/{id}/versions/1"): (None, READ),
    ("GET", "/api/workflows/{id}/diff"): (None, READ),
    ("GET", "/api/workflows/{id}/export"): (None, READ),
    ("POST", "/api/workflows/{id}/dry-run"): ({}, READ),
    ("GET", "/api/workflow-executions/{execution}"): (None, READ),
    ("POST", "/api/workflows/{id}/execute"): ({}, START),
    ("PUT", "/api/workflows/{id}"): ({"document": DOCUMENT}, EDIT),
    ("POST", "/api/workflows/{id}/execute?"): ({"draft": True}, OWNER),
    ("POST", "/api/workflows/{id}/execute#"): ({"pins": {}}, OWNER),
    ("POST", "/api/workflows/{id}/publish"): (None, OWNER),
    ("POST", "/api/workflows/{id}/rollback"): ({"version": 1}, OWNER),
    ("POST", "/api/workflows/import?replace=true"): (DOCUMENT, OWNER),
    ("POST", "/api/workflows/check"): ({"documents": []}, OWNER),
    ("GET", "/api/workflows/{id}/shares"): (None, OWNER),
    ("GET", "/api/workflows/{id}/shares/{self}"): (None, OWNER),
    ("PUT", "/api/workflows/{id}/shares/{self}"): ({"right": "edit"}, OWNER),
    ("DELETE", "/api/workflows/{id}/shares/{self}"): (None, OWNER),
    ("GET", "/api/keys"): (None, OWNER),
    ("POST", "/api/keys"): ({"name": "x", "role": "guest"}, OWNER),
    ("POST", "/api/workflow-executions/{execution}/cancel"): (None, OWNER),
    ("POST", "/api/workflows/{id}/unpublish"): (None, OWNER),
    ("DELETE", "/api/workflows/{id}"): (None, OWNER),
}


@pytest.fixture
def workflow_id(owner: Asker) -> str:
    """A published workflow, with another one beside it."""
    owner.publish(OTHER)
    return owner.publish(DOCUMENT)


def share(owner: Asker, workflow_id: str, with_: Asker, right: str | None) -> None:
    if right is not None:
        owner.ask("PUT", f"/api/workflows/{workflow_id}/shares/{with_.key_id}", {"right": right})


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("role", ["guest", "viewer", "owner", "nobody"])
def test_a_role_with_a_right_may_exactly_this(
    asker_of: Callable[..., Asker], owner: Asker, workflow_id: str, role: str, right: str | None
) -> None:
    other = owner.ask("GET", "/api/workflows?name=other")["items"][0]["id"]
    executions = [
        owner.ask("POST", f"/api/workflows/{one}/execute", {})["execution_id"] for one in (workflow_id, other)
    ]
    asking = asker_of(role)
    share(owner, workflow_id, asking, right)
    for which, execution in zip((workflow_id, other), executions, strict=True):
        held = {role, right} if which == workflow_id else {role}
        for (method, path), (body, allowed) in ROUTES.items():
            at = path.format(id=which, execution=execution, self=asking.key_id)
            revision = owner.ask("GET", f"/api/workflows/{which}")["revision"] if method == "PUT" else 0
            document = (
                {**body, "document": {**DOCUMENT, "name": "mine" if which == workflow_id else "other"}}
                if (body and "document" in body)
                else body
            )
            answer = (
                asking.call(method, at, document, if_match=f'"{revision}"')
                if method == "PUT"
                else (asking.call(method, at, document))
            )
            refused = answer.status_code == 403
            assert refused != bool(held & allowed), (role, right, method, path, answer.text)
            assert refused or answer.status_code < 500, answer.text


@pytest.mark.parametrize("right", ["view", "run", "edit"])
def test_lists_hold_what_is_shared_and_nothing_else(
    asker_of: Callable[..., Asker], owner: Asker, workflow_id: str, right: str
) -> None:
    other = owner.ask("GET", "/api/workflows?name=other")["items"][0]["id"]
    mine, _ = (
        owner.ask("POST", f"/api/workflows/{one}/execute", {})["execution_id"] for one in (workflow_id, other)
    )
    guest = asker_of("guest")
    assert guest.ask("GET", "/api/workflows")["items"] == []
    assert guest.ask("GET", "/api/workflow-executions")["items"] == []
    share(owner, workflow_id, guest, right)
    assert [one["id"] for one in guest.ask("GET", "/api/workflows")["items"]] == [workflow_id]
    assert guest.ask("GET", "/api/workflows?name=other")["items"] == []
    assert [one["id"] for one in guest.ask("GET", "/api/workflow-executions")["items"]] == [mine]
    assert guest.ask("GET", f"/api/workflow-executions?workflow_id={other}")["items"] == []
    assert len(owner.ask("GET", "/api/workflow-executions")["items"]) == 2


def test_whether_a_workflow_is_there_is_not_told_to_whom_it_is_not_shared(
    asker_of: Callable[..., Asker], workflow_id: str
) -> None:
    guest = asker_of("guest")
    there, gone = (
        guest.call("GET", f"/api/workflows/{one}").json() for one in (workflow_id, workflow_id[:-1] + "0")
    )
    assert {**there, "request_id": ""} == {**gone, "request_id": ""}


def test_a_share_is_changed_listed_and_taken_back(
    asker_of: Callable[..., Asker], owner: Asker, workflow_id: str
) -> None:
    guest = asker_of("guest")
    path = f"/api/workflows/{workflow_id}/shares"
    for right in ("view", "edit"):
        share(owner, workflow_id, guest, right)
    (only,) = owner.ask("GET", path)["items"]
    assert (only["principal_id"], only["right"], only["granted_by"]) == (guest.key_id, "edit", owner.key_id)
    assert owner.ask("GET", f"{path}/{guest.key_id}") == only
    owner.ask("DELETE", f"{path}/{guest.key_id}")
    assert owner.refused("DELETE", f"{path}/{guest.key_id}") == (404, "not_found")
    assert guest.refused("GET", f"/api/workflows/{workflow_id}") == (403, "forbidden")


def test_only_known_principals_of_the_tenant_can_be_shared_with(
    asker_of: Callable[..., Asker], owner: Asker, workflow_id: str
) -> None:
    stranger = asker_of("guest", "ten_b")
    path = f"/api/workflows/{workflow_id}/shares"
    for principal_id in (stranger.key_id, "key_nobody"):
        assert owner.refused("PUT", f"{path}/{principal_id}", {"right": "view"}) == (404, "not_found")
    assert owner.refused("PUT", f"{path}/{owner.key_id}", {"right": "rule"})[0] == 422


def test_shares_go_with_their_workflow(
    asker_of: Callable[..., Asker], owner: Asker, workflow_id: str
) -> None:
    guest = asker_of("guest")
    share(owner, workflow_id, guest, "edit")
    owner.ask("DELETE", f"/api/workflows/{workflow_id}")
    assert guest.refused("GET", f"/api/workflows/{workflow_id}") == (403, "forbidden")


def test_a_key_is_made_shown_once_listed_and_revoked(owner: Asker) -> None:
    made = owner.ask("POST", "/api/keys", {"name": "partner", "role": "guest"}, idempotency_key="k")
    again = owner.ask("POST", "/api/keys", {"name": "partner", "role": "guest"}, idempotency_key="k")
    assert (again["id"], again["api_key"]) == (made["id"], None)
    partner = Asker(client=owner.client, key=made["api_key"], key_id=made["id"])
    assert partner.ask("GET", "/api/workflows")["items"] == []
    listed = owner.ask("GET", "/api/keys")["items"]
    assert made["id"] in [one["id"] for one in listed]
    assert made["api_key"] not in str(listed)
    owner.ask("DELETE", f"/api/keys/{made['id']}")
    owner.ask("DELETE", f"/api/keys/{made['id']}")
    assert partner.refused("GET", "/api/workflows") == (401, "key_revoked")


@pytest.mark.parametrize(
    ("role", "refusal"), [("host", (403, "forbidden")), ("king", (422, "input_invalid")), ("owner", None)]
)
def test_nobody_makes_a_key_that_may_more(owner: Asker, role: str, refusal: Any) -> None:
    body = {"name": "x", "role": role}
    assert (owner.refused("POST", "/api/keys", body) if refusal else None) == refusal
    assert refusal or owner.ask("POST", "/api/keys", body)["role"] == role


def test_keys_of_another_tenant_are_not_there_and_a_key_does_not_revoke_itself(
    asker_of: Callable[..., Asker], owner: Asker
) -> None:
    assert owner.refused("DELETE", f"/api/keys/{owner.key_id}") == (409, "own_key")
    assert asker_of("owner", "ten_b").refused("DELETE", f"/api/keys/{owner.key_id}") == (404, "not_found")
