"""Invitations and links: good once, for one person, for a while; and members, of whom an owner is left."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from rig.browser import PASSWORD, Browser

from revolution_hub.store import people

WEEK_S = 7 * 86_400
NEW = {"name": "Ada", "password": PASSWORD}
OWNERS_KEY = {"name": "k", "role": "owner"}
CHANGED = "another horse, another battery"


def invite(town: Any, email: str = "ada@example.com", role: str = "viewer", tenant_id: str = "ten_a") -> Any:
    return town.host(tenant_id).ask("POST", "/api/invitations", {"email": email, "role": role})


def accept(browser: Browser, token: Any, **more: Any) -> Any:
    return browser.call("POST", "/api/invitations/accept", {"token": token, **NEW, **more})


def test_an_invitation_makes_a_member_once(town: Any) -> None:
    made = invite(town, role="viewer")
    answer = accept(town.browser(), made["token"])
    assert answer.status_code == 201
    assert answer.json()["tenants"] == [{"id": "ten_a", "name": "Team A", "role": "viewer"}]
    listed = town.host().ask("GET", "/api/invitations")["items"]
    assert listed[0]["accepted_by"] == answer.json()["user"]["id"]
    assert "token" not in listed[0]
    again = accept(town.browser(), made["token"], email="eve@example.com")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert len(town.host().ask("GET", "/api/members")["items"]) == 1
    assert town.actions() == ["invitation.create", "invitation.accept", "session.start"]


OVER: dict[str, Callable[[Any, Any], Any]] = {
    "used": lambda town, made: accept(town.browser(), made["token"]),
    "revoked": lambda town, made: town.host().ask("DELETE", f"/api/invitations/{made['id']}"),
    "too old": lambda town, made: town.hub.now.advance(WEEK_S),
    "made anew": lambda town, made: invite(town),
    "of somebody who is gone": lambda town, made: town.host().ask("DELETE", f"/api/members/{made['by']}"),
    "of somebody who is less": lambda town, made: town.host().ask(
        "PUT", f"/api/members/{made['by']}", {"role": "viewer"}
    ),
    "of a key of somebody who is gone": lambda town, made: town.host().ask(
        "DELETE", f"/api/members/{made['by']}"
    ),
}


@pytest.mark.parametrize("how", OVER)
def test_an_invitation_that_is_over_leads_nowhere(town: Any, how: str) -> None:
    town.person("owner@example.com")
    inviter = town.person("inviter@example.com")
    by = town.id_of(inviter)
    way = {}
    if "of a key" in how:
        way["authorization"] = f"Bearer {inviter.ask('POST', '/api/keys', OWNERS_KEY)['api_key']}"
    made = inviter.ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "viewer"}, **way)
    OVER[how](town, {**made, "by": by})
    unknown = accept(town.browser(), "inv_unknown")
    answer = accept(town.browser(), made["token"])
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert {**answer.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


def test_an_invitation_is_for_the_address_it_names(town: Any) -> None:
    made = invite(town)
    refused = accept(town.browser(), made["token"], email="eve@example.com")
    assert (refused.status_code, refused.json()["code"]) == (403, "other_email")
    eve = town.person("eve@example.com")
    assert eve.refused("POST", "/api/session/invitations", {"token": made["token"]}) == (403, "other_email")
    assert accept(town.browser(), made["token"], email="ADA@example.com").status_code == 201


def test_who_is_a_user_already_signs_in_first(town: Any) -> None:
    ada = town.person("ada@example.com")
    made = invite(town, tenant_id="ten_b", role="owner")
    # Whoever has the link and not the password comes in nowhere with it, and changes no password.
    refused = accept(town.browser(), made["token"], password=CHANGED)
    assert (refused.status_code, refused.json()["code"]) == (409, "sign_in_first")
    town.browser().sign_in("ada@example.com")
    ada.ask("POST", "/api/session/invitations", {"token": made["token"]})
    again = invite(town, tenant_id="ten_b")
    said = ada.refused("POST", "/api/session/invitations", {"token": again["token"]})
    assert said == (409, "already_member")


def test_of_two_who_accept_at_once_one_comes_in(town: Any) -> None:
    made = invite(town)
    with ThreadPoolExecutor(2) as pool:
        browsers = [town.browser(), town.browser()]
        codes = sorted(one.status_code for one in pool.map(lambda one: accept(one, made["token"]), browsers))
    assert codes[0] == 201
    assert codes[1] in (404, 409)
    assert len(town.host().ask("GET", "/api/members")["items"]) == 1


def test_an_invitation_that_is_asked_for_twice_is_one(town: Any) -> None:
    host, body = town.host(), {"email": "ada@example.com", "role": "viewer"}
    first = host.ask("POST", "/api/invitations", body, idempotency_key="k")
    again = host.ask("POST", "/api/invitations", body, idempotency_key="k")
    assert (again["id"], again["token"]) == (first["id"], None)
    other = {**body, "role": "owner"}
    said = host.refused("POST", "/api/invitations", other, idempotency_key="k")
    assert said == (409, "idempotency_key_reused")
    # Whoever else uses the same key makes something else.
    assert town.host().ask("POST", "/api/invitations", body, idempotency_key="k")["id"] != first["id"]
    assert accept(town.browser(), first["token"]).status_code == 404


def test_one_address_invited_to_two_tenants_at_once_is_one_user(town: Any) -> None:
    tokens = [invite(town, tenant_id=one)["token"] for one in ("ten_a", "ten_b")]
    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(lambda token: accept(town.browser(), token).status_code, tokens))
    assert codes == [201, 409]
    assert len(town.host().ask("GET", "/api/users")["items"]) == 1


ODD = [None, "", [], {}, 0, False, ["x"], {"a": 1}, "x" * 201]
TOKENS: dict[str, tuple[str, dict[str, Any]]] = {
    "/api/invitations/accept": ("token", NEW),
    "/api/session/invitations": ("token", {}),
    "/api/passwords": ("token", {"password": CHANGED}),
    "/api/oidc/corp/login": ("invitation", {}),
    "/api/session/tenant": ("tenant_id", {}),
}


@pytest.mark.parametrize("path", TOKENS)
def test_what_is_no_token_is_refused_by_the_form(town: Any, path: str) -> None:
    ada = town.person("ada@example.com")
    field, rest = TOKENS[path]
    method = "PUT" if path.endswith("/tenant") else "POST"
    # Without an invitation a login at a provider is one without an invitation.
    odd = ODD[1:] if field == "invitation" else ODD
    for value in odd:
        answer = ada.call(method, path, {**rest, field: value})
        assert (answer.status_code, answer.json()["path"]) == (422, field), value
    if field != "invitation":
        assert ada.refused(method, path, rest) == (422, "input_invalid")
        assert ada.refused(method, path, {**rest, field: "unknown"}) == (404, "not_found")
    for body in (b"", b"null", b"[]", b'""', b"{", b'{"a":1,"a":2}'):
        assert ada.refused(method, path, body)[0] == 422


@pytest.mark.parametrize(
    "more", ["role", "tenant_id", "user_id", "id", "created_by", "is_admin", "disabled_at"]
)
def test_nothing_is_set_that_the_form_does_not_have(town: Any, more: str) -> None:
    ada = town.person("ada@example.com")
    made = invite(town, "bob@example.com")
    value = "owner"
    for method, path, body in (
        ("POST", "/api/invitations/accept", {"token": made["token"], **NEW}),
        ("POST", "/api/session", {"email": "ada@example.com", "password": PASSWORD}),
        ("PUT", "/api/session/password", {"present": PASSWORD, "new": CHANGED}),
        ("PUT", f"/api/members/{town.id_of(ada)}", {"role": "owner"}),
        ("POST", "/api/invitations", {"email": "eve@example.com", "role": "viewer"}),
        ("POST", "/api/service-principals", {"name": "robot", "role": "viewer"}),
        ("POST", "/api/keys", {"name": "key", "role": "viewer"}),
    ):
        if more not in body:
            answer = ada.call(method, path, {**body, more: value})
            assert (answer.status_code, answer.json()["path"]) == (422, more), (method, path)


@pytest.mark.parametrize("role", ["host", "king", ""])
def test_nobody_invites_somebody_above_themselves(town: Any, role: str) -> None:
    ada = town.person("ada@example.com")
    said = ada.refused("POST", "/api/invitations", {"email": "bob@example.com", "role": role})
    assert said == ((403, "forbidden") if role == "host" else (422, "input_invalid"))
    viewer = town.person("carl@example.com", "viewer")
    body = {"email": "bob@example.com", "role": "viewer"}
    assert viewer.refused("POST", "/api/invitations", body) == (403, "forbidden")


@pytest.mark.parametrize(
    "email", ["", "ada", "@x.y", "a@", "a b@c.d", "a@b@c", "ﬁ@x.y", "a@x.y\n", "x" * 300]
)
def test_what_is_no_address_is_not_invited(town: Any, email: str) -> None:
    answer = town.host().call("POST", "/api/invitations", {"email": email, "role": "viewer"})
    assert (answer.status_code, answer.json()["path"]) == (422, "email")


def test_there_is_always_an_owner_left(town: Any) -> None:
    ada = town.person("ada@example.com")
    ada_id = town.id_of(ada)
    host = town.host()
    assert host.refused("DELETE", f"/api/members/{ada_id}") == (409, "last_owner")
    assert host.refused("PUT", f"/api/members/{ada_id}", {"role": "viewer"}) == (409, "last_owner")
    assert ada.refused("DELETE", "/api/session/tenant") == (409, "last_owner")
    bob = town.person("bob@example.com")
    host.ask("POST", f"/api/users/{town.id_of(bob)}/disable")
    assert host.refused("DELETE", f"/api/members/{ada_id}") == (409, "last_owner")
    host.ask("POST", f"/api/users/{host.ask('GET', '/api/members')['items'][0]['id']}/enable")
    ada.ask("DELETE", "/api/session/tenant")
    assert [one["email"] for one in host.ask("GET", "/api/members")["items"]] == ["bob@example.com"]


def test_two_owners_who_leave_at_once_do_not_both(town: Any) -> None:
    both = [town.person("ada@example.com"), town.person("bob@example.com")]
    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(lambda one: one.call("DELETE", "/api/session/tenant").status_code, both))
    assert codes == [200, 409]


def test_nobody_changes_who_is_above_them(town: Any) -> None:
    boss = town.person("boss@example.com", "host")
    ada = town.person("ada@example.com", "owner")
    boss_id, ada_id = town.id_of(boss), town.id_of(ada)
    for method, path, body in (
        ("PUT", f"/api/members/{boss_id}", {"role": "viewer"}),
        ("DELETE", f"/api/members/{boss_id}", None),
        ("POST", f"/api/members/{boss_id}/reset", None),
        ("PUT", f"/api/members/{ada_id}", {"role": "host"}),
        ("POST", f"/api/users/{boss_id}/disable", None),
        ("POST", f"/api/users/{boss_id}/reset", None),
        ("GET", "/api/users", None),
    ):
        assert ada.refused(method, path, body) == (403, "forbidden"), (method, path)
    assert boss.refused("POST", f"/api/users/{boss_id}/disable") == (409, "own_user")


def test_people_of_another_tenant_are_not_there(town: Any) -> None:
    ada, bob = town.person("ada@example.com"), town.person("bob@example.com", tenant_id="ten_b")
    bob_id = town.id_of(bob)
    theirs = bob.ask("POST", "/api/invitations", {"email": "x@example.com", "role": "viewer"})["id"]
    service = bob.ask("POST", "/api/service-principals", {"name": "robot", "role": "viewer"})["id"]
    for method, path, body in (
        ("GET", f"/api/members/{bob_id}", None),
        ("PUT", f"/api/members/{bob_id}", {"role": "viewer"}),
        ("DELETE", f"/api/members/{bob_id}", None),
        ("POST", f"/api/members/{bob_id}/reset", None),
        ("DELETE", f"/api/invitations/{theirs}", None),
        ("GET", f"/api/service-principals/{service}", None),
        ("PATCH", f"/api/service-principals/{service}", {"name": "mine"}),
        ("DELETE", f"/api/service-principals/{service}", None),
        ("POST", "/api/keys", {"name": "k", "role": "viewer", "service_id": service}),
        ("PATCH", "/api/tenants/ten_b", {"name": "mine"}),
    ):
        assert ada.refused(method, path, body) == (404, "not_found"), (method, path)
    assert [one["id"] for one in ada.ask("GET", "/api/members")["items"]] == [town.id_of(ada)]
    assert bob.ask("GET", "/api/tenants")["items"][0]["name"] == "Team B"


def test_a_link_for_a_new_password_is_good_once_and_for_an_hour(town: Any) -> None:
    owner, ada = town.person("owner@example.com"), town.person("ada@example.com", "viewer")
    path = f"/api/members/{town.id_of(ada)}/reset"
    first, second = owner.ask("POST", path)["token"], owner.ask("POST", path)["token"]

    def use(token: str) -> Any:
        return town.browser().call("POST", "/api/passwords", {"token": token, "password": CHANGED})

    assert use(first).status_code == 404
    assert use(second).status_code == 204
    assert use(second).status_code == 404
    ada.sign_in("ada@example.com", CHANGED)
    third = owner.ask("POST", path)["token"]
    town.hub.now.advance(3600)
    assert use(third).status_code == 404


def test_a_tenant_does_not_get_at_the_password_of_who_is_elsewhere_too(town: Any) -> None:
    ada = town.person("ada@example.com")
    mallory = town.person("mallory@example.com", tenant_id="ten_b")
    made = mallory.ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "viewer"})
    early = town.host().ask("POST", f"/api/members/{town.id_of(ada)}/reset")["token"]
    ada.ask("POST", "/api/session/invitations", {"token": made["token"]})
    path = f"/api/members/{town.id_of(ada)}/reset"
    assert mallory.refused("POST", path) == (403, "member_elsewhere")
    # A link that was made before she joined is no way around that.
    said = town.browser().refused("POST", "/api/passwords", {"token": early, "password": CHANGED})
    assert said == (404, "not_found")
    assert town.host().ask("POST", path)["token"]


def test_a_member_is_a_value_others_can_look_up(town: Any) -> None:
    ada = town.person("ada@example.com", "viewer")
    with town.hub.store.read("ten_a") as tx:
        found = people.find_membership(tx, town.id_of(ada))
        assert found is not None
        assert found.role == "viewer"
    with town.hub.store.read("ten_b") as tx:
        assert people.find_membership(tx, town.id_of(ada)) is None


def test_every_change_of_people_is_in_the_audit_log(town: Any) -> None:
    host, ada = town.host(), town.person("ada@example.com")
    bob = town.person("bob@example.com", "viewer")
    bob_id = town.id_of(bob)
    host.ask("PUT", f"/api/members/{bob_id}", {"role": "owner"})
    bob.sign_in("bob@example.com")
    bob.ask("PUT", "/api/session/password", {"present": PASSWORD, "new": CHANGED})
    bob.ask("DELETE", "/api/session/tenant")
    host.ask("POST", f"/api/users/{bob_id}/disable")
    ada.ask("PATCH", "/api/tenants/ten_a", {"name": "Team Ada"})
    ada.ask("DELETE", "/api/session")
    assert town.actions() == [
        *("invitation.create", "invitation.accept", "session.start"),
        *("invitation.create", "invitation.accept", "session.start"),
        *("member.change", "session.start", "user.password", "member.leave"),
        *("user.disable", "tenant.rename", "session.end"),
    ]
