"""API keys: never more than their holder at that moment, as narrow as asked, known by their beginning."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig.browser import Browser

from revolution_hub.access.rbac import PERMISSIONS, ROLES, permissions_of
from revolution_hub.model.time import rfc3339
from revolution_hub.store.uses import Uses

DOCUMENT = {"name": "mine", "steps": [{"id": "a", "set": {"n": 1}}]}


@dataclass(frozen=True, slots=True)
class Bearer:
    """Asks in the name of an API key that somebody made."""

    browser: Browser
    key: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.browser.call(method, path, body, authorization=f"Bearer {self.key}")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.browser.ask(method, path, body, authorization=f"Bearer {self.key}")

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        return self.browser.refused(method, path, body, authorization=f"Bearer {self.key}")


def make(town: Any, maker: Any, role: str = "owner", **more: Any) -> tuple[Bearer, Any]:
    made = maker.ask("POST", "/api/keys", {"name": "robot", "role": role, **more})
    return Bearer(town.browser(), made["api_key"]), made


def held(bearer: Bearer) -> set[str]:
    return set(bearer.ask("GET", "/api/principal")["permissions"])


def test_a_key_is_known_by_its_beginning_and_by_who_made_it(town: Any) -> None:
    ada = town.person("ada@example.com")
    bearer, made = make(town, ada)
    assert bearer.key.startswith(made["prefix"])
    assert len(made["prefix"]) == 10
    assert (made["made_by"], made["holder"]) == (town.id_of(ada), town.id_of(ada))
    listed = ada.ask("GET", "/api/keys")["items"][0]
    assert "api_key" not in listed
    assert listed["last_used_at"] is None
    bearer.ask("GET", "/api/principal")
    town.hub.store.companion(Uses).write()
    assert ada.ask("GET", "/api/keys")["items"][0]["last_used_at"] == rfc3339(town.hub.now())


@pytest.mark.parametrize("first", sorted(ROLES))
@pytest.mark.parametrize("later", sorted(ROLES))
def test_a_key_has_what_its_role_and_its_holder_both_have_at_that_moment(
    town: Any, first: str, later: str
) -> None:
    town.person("other@example.com")
    ada = town.person("ada@example.com", "host")
    bearer, _ = make(town, ada, first)
    assert held(bearer) == permissions_of(first)
    town.host().ask("PUT", f"/api/members/{town.id_of(ada)}", {"role": later})
    assert held(bearer) == permissions_of(first) & permissions_of(later)


def test_a_key_dies_with_the_membership_and_does_not_come_back(town: Any) -> None:
    town.person("other@example.com")
    ada = town.person("ada@example.com")
    bearer, _ = make(town, ada)
    child, _ = make(town, bearer)
    town.host().ask("DELETE", f"/api/members/{town.id_of(ada)}")
    for one in (bearer, child):
        assert one.refused("GET", "/api/principal") == (401, "key_revoked")
    again = town.host().ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "owner"})
    ada.sign_in("ada@example.com")
    ada.ask("POST", "/api/session/invitations", {"token": again["token"]})
    for one in (bearer, child):
        assert one.refused("GET", "/api/principal") == (401, "key_revoked")


def test_a_key_stops_while_its_holder_is_disabled(town: Any) -> None:
    town.person("other@example.com")
    ada = town.person("ada@example.com")
    bearer, _ = make(town, ada)
    ada_id = town.id_of(ada)
    town.host().ask("POST", f"/api/users/{ada_id}/disable")
    assert bearer.refused("GET", "/api/principal") == (401, "key_revoked")
    town.host().ask("POST", f"/api/users/{ada_id}/enable")
    bearer.ask("GET", "/api/principal")


def test_a_key_is_good_until_its_end_and_so_are_those_it_makes(town: Any) -> None:
    ada = town.person("ada@example.com")
    start = town.hub.now()
    ends = rfc3339(town.hub.now.advance(60))
    town.hub.now.now = start
    bearer, _ = make(town, ada, expires_at=ends)
    later = rfc3339(town.hub.now.advance(61))
    town.hub.now.now = start
    for more in ({}, {"expires_at": later}):
        said = bearer.refused("POST", "/api/keys", {"name": "x", "role": "viewer", **more})
        assert said == (403, "forbidden")
    bearer.ask("POST", "/api/keys", {"name": "x", "role": "viewer", "expires_at": ends})
    town.hub.now.advance(60)
    assert bearer.refused("GET", "/api/principal") == (401, "key_expired")


@pytest.mark.parametrize("moment", ["2020-01-01T00:00:00Z", "soon", "", "2030-01-01", "9999-99-99T00:00:00Z"])
def test_a_key_that_ended_before_it_began_is_not_made(town: Any, moment: str) -> None:
    body = {"name": "x", "role": "viewer", "expires_at": moment}
    answer = town.host().call("POST", "/api/keys", body)
    assert (answer.status_code, answer.json()["path"]) == (422, "expires_at")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.sets(st.sampled_from(sorted(PERMISSIONS))), role=st.sampled_from(sorted(set(ROLES) - {"host"}))
)
def test_a_narrowed_key_has_what_is_named_and_its_role_has(town: Any, chosen: set[str], role: str) -> None:
    host = town.host(role="owner")
    bearer, made = make(town, host, role, permissions=sorted(chosen))
    assert held(bearer) == chosen & permissions_of(role)
    assert made["permissions"] == sorted(chosen)


def test_a_permission_that_is_none_is_named(town: Any) -> None:
    body = {"name": "x", "role": "owner", "permissions": ["workflow:read", "workflow:admire"]}
    answer = town.host().call("POST", "/api/keys", body)
    assert (answer.status_code, answer.json()["path"]) == (422, "permissions[1]")


def test_a_key_for_some_workflows_has_these_and_nothing_else(town: Any) -> None:
    ada = town.person("ada@example.com")
    mine, other = (
        ada.ask("POST", "/api/workflows", {"document": {**DOCUMENT, "name": name}})["id"]
        for name in ("mine", "other")
    )
    for one in (mine, other):
        ada.ask("POST", f"/api/workflows/{one}/publish")
    bearer, _ = make(town, ada, workflows=[mine])
    started = bearer.ask("POST", f"/api/workflows/{mine}/execute", {})["execution_id"]
    foreign = ada.ask("POST", f"/api/workflows/{other}/execute", {})["execution_id"]
    assert bearer.ask("GET", f"/api/workflow-executions/{started}")["id"] == started
    assert [one["id"] for one in bearer.ask("GET", "/api/workflows")["items"]] == [mine]
    assert [one["id"] for one in bearer.ask("GET", "/api/workflow-executions")["items"]] == [started]
    for method, path, body in (
        ("GET", f"/api/workflows/{other}", None),
        ("POST", f"/api/workflows/{other}/execute", {}),
        ("GET", f"/api/workflow-executions/{foreign}", None),
        ("POST", "/api/workflows", {"document": DOCUMENT}),
        ("POST", f"/api/workflows/{mine}/publish", None),
        ("GET", f"/api/workflows/{mine}/shares", None),
        ("GET", "/api/keys", None),
        ("POST", "/api/keys", {"name": "x", "role": "viewer"}),
        ("GET", "/api/members", None),
        ("GET", "/api/events", None),
    ):
        assert bearer.refused(method, path, body) == (403, "forbidden"), (method, path)


def test_a_key_may_start_one_workflow_and_see_nothing_of_it(town: Any) -> None:
    ada = town.person("ada@example.com")
    mine = ada.ask("POST", "/api/workflows", {"document": DOCUMENT})["id"]
    ada.ask("POST", f"/api/workflows/{mine}/publish")
    bearer, _ = make(town, ada, workflows=[mine], permissions=["execution:start"])
    assert bearer.ask("POST", f"/api/workflows/{mine}/execute", {})["execution_id"]
    assert bearer.refused("GET", f"/api/workflows/{mine}") == (403, "forbidden")
    assert bearer.ask("GET", "/api/workflows")["items"] == []
    assert bearer.ask("GET", "/api/workflow-executions")["items"] == []


def test_a_share_does_not_widen_a_key_for_some_workflows(town: Any) -> None:
    ada = town.person("ada@example.com")
    mine, other = (
        ada.ask("POST", "/api/workflows", {"document": {**DOCUMENT, "name": name}})["id"]
        for name in ("mine", "other")
    )
    bearer, made = make(town, ada, "viewer", workflows=[mine])
    ada.ask("PUT", f"/api/workflows/{other}/shares/{made['id']}", {"right": "edit"})
    assert bearer.refused("GET", f"/api/workflows/{other}") == (403, "forbidden")


def test_a_key_is_not_made_for_a_workflow_of_others(town: Any) -> None:
    theirs = town.host("ten_b").ask("POST", "/api/workflows", {"document": DOCUMENT})["id"]
    for workflows in ([theirs], ["wf_none"]):
        body = {"name": "x", "role": "viewer", "workflows": workflows}
        assert town.host().refused("POST", "/api/keys", body) == (404, "not_found")
    assert (
        town.host().refused("POST", "/api/keys", {"name": "x", "role": "viewer", "workflows": []})[0] == 422
    )


def test_a_service_principal_is_nobodys_and_holds_keys(town: Any) -> None:
    town.person("other@example.com")
    ada = town.person("ada@example.com")
    service = ada.ask("POST", "/api/service-principals", {"name": "deployment", "role": "owner"})
    bearer, made = make(town, ada, "owner", service_id=service["id"])
    assert made["holder"] == service["id"]
    asking = bearer.ask("GET", "/api/principal")
    assert (asking["kind"], asking["id"], asking["name"]) == ("service", service["id"], "deployment")
    child, _ = make(town, bearer, "viewer")
    # It goes on when whoever made it is gone.
    town.host().ask("DELETE", f"/api/members/{town.id_of(ada)}")
    assert held(bearer) == permissions_of("owner")
    town.host().ask("PATCH", f"/api/service-principals/{service['id']}", {"role": "viewer"})
    assert held(bearer) == permissions_of("viewer")
    town.host().ask("DELETE", f"/api/service-principals/{service['id']}")
    for one in (bearer, child):
        assert one.refused("GET", "/api/principal") == (401, "key_revoked")


def test_no_service_principal_is_made_above_oneself(town: Any) -> None:
    ada = town.person("ada@example.com")
    above = town.host().ask("POST", "/api/service-principals", {"name": "x", "role": "host"})["id"]
    for method, path, body in (
        ("POST", "/api/service-principals", {"name": "y", "role": "host"}),
        ("POST", "/api/keys", {"name": "y", "role": "viewer", "service_id": above}),
        ("POST", "/api/keys", {"name": "y", "role": "host"}),
        ("PATCH", f"/api/service-principals/{above}", {"role": "viewer"}),
        ("DELETE", f"/api/service-principals/{above}", None),
    ):
        assert ada.refused(method, path, body) == (403, "forbidden"), (method, path)


def test_a_tenant_made_by_a_person_is_that_persons_too(town: Any) -> None:
    ada = town.person("ada@example.com", "host")
    made = ada.ask("POST", "/api/tenants", {"name": "Team C"})
    names = {one["name"]: one["role"] for one in ada.ask("GET", "/api/tenants")["items"]}
    assert names == {"Team A": "host", "Team C": "owner"}
    ada.ask("PUT", "/api/session/tenant", {"tenant_id": made["id"]})
    assert ada.ask("GET", "/api/principal")["tenant_id"] == made["id"]
    assert town.actions(made["id"]) == ["tenant.create", "session.switch"]
