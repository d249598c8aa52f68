"""Sessions: over at once, everywhere, when they have to be; and of no use to pages of other sites."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute
from rig.browser import ORIGIN, PASSWORD, Browser

from revolution_hub.api.app import make_fastapi
from revolution_hub.store.uses import Uses

CHANGED = "another horse, another battery"


def is_over(browser: Browser) -> bool:
    """Whether neither the session nor what it acted for is of any use."""
    answers = [browser.call("GET", path) for path in ("/api/session", "/api/workflows", "/api/sessions")]
    codes = [(one.status_code, one.json().get("code")) for one in answers]
    return codes == [(401, "session_over")] * 3


ENDINGS: dict[str, Callable[[Any, Browser, str], Any]] = {
    "signed out": lambda town, ada, ada_id: ada.ask("DELETE", "/api/session"),
    "signed out everywhere": lambda town, ada, ada_id: other_browser(town).ask("DELETE", "/api/sessions"),
    "ended from elsewhere": lambda town, ada, ada_id: other_browser(town).ask(
        "DELETE", f"/api/sessions/{ada.ask('GET', '/api/session')['session']['id']}"
    ),
    "password changed elsewhere": lambda town, ada, ada_id: other_browser(town).ask(
        "PUT", "/api/session/password", {"present": PASSWORD, "new": CHANGED}
    ),
    "password reset": lambda town, ada, ada_id: town.browser().ask(
        "POST",
        "/api/passwords",
        {"token": town.host().ask("POST", f"/api/members/{ada_id}/reset")["token"], "password": CHANGED},
    ),
    "disabled": lambda town, ada, ada_id: town.host().ask("POST", f"/api/users/{ada_id}/disable"),
    "role changed": lambda town, ada, ada_id: town.host().ask(
        "PUT", f"/api/members/{ada_id}", {"role": "viewer"}
    ),
    "removed": lambda town, ada, ada_id: town.host().ask("DELETE", f"/api/members/{ada_id}"),
    "unused for long": lambda town, ada, ada_id: town.hub.now.advance(43_201),
}


def other_browser(town: Any) -> Browser:
    browser = town.browser()
    browser.sign_in("ada@example.com")
    return browser


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_session_is_over_at_once(town: Any, ending: str) -> None:
    town.person("owner@example.com")
    ada = town.person("ada@example.com")
    kept = ada.cookie
    ENDINGS[ending](town, ada, town.id_of(ada))
    # Whoever kept the cookie has nothing of it, whatever the browser was told to forget.
    ada.client.cookies.set("__Host-revolution", kept, domain="hub.test", path="/")
    assert is_over(ada)


def test_a_session_that_is_used_ends_only_when_it_is_too_old(town: Any) -> None:
    ada = town.person("ada@example.com")
    for _ in range(14):
        town.hub.now.advance(43_000)
        ada.ask("GET", "/api/session")
        town.hub.store.companion(Uses).write()
    town.hub.now.advance(604_800 - 14 * 43_000)
    assert is_over(ada)


def test_what_a_session_was_last_used_for_is_written_once_a_minute_and_by_no_request(town: Any) -> None:
    ada = town.person("ada@example.com")
    uses = town.hub.store.companion(Uses)

    def seen() -> str:
        return str(ada.ask("GET", "/api/session")["session"]["seen_at"])

    begun = seen()
    town.hub.now.advance(59)
    ada.ask("GET", "/api/session")
    uses.write()
    assert seen() == begun
    town.hub.now.advance(1)
    ada.ask("GET", "/api/session")
    uses.write()
    assert seen() > begun


def test_a_session_acts_in_one_tenant_at_a_time_and_changes_its_cookie_with_it(town: Any) -> None:
    ada = town.person("ada@example.com", "viewer")
    invitation = town.host("ten_b").ask(
        "POST", "/api/invitations", {"email": "ada@example.com", "role": "owner"}
    )
    before, mark = ada.cookie, ada.csrf
    joined = ada.ask("POST", "/api/session/invitations", {"token": invitation["token"]})
    assert joined["session"]["tenant_id"] == "ten_b"
    assert {one["id"]: one["role"] for one in joined["tenants"]} == {"ten_a": "viewer", "ten_b": "owner"}
    assert ada.ask("GET", "/api/principal")["role"] == "owner"
    assert ada.cookie != before
    assert ada.csrf != mark
    ada.ask("PUT", "/api/session/tenant", {"tenant_id": "ten_a"})
    assert ada.ask("GET", "/api/principal")["role"] == "viewer"
    assert ada.refused("POST", "/api/workflows", {"document": {}}) == (403, "forbidden")
    thief = town.browser()
    thief.client.cookies.set("__Host-revolution", before, domain="hub.test", path="/")
    assert is_over(thief)


@pytest.mark.parametrize("tenant_id", ["ten_b", "ten_none", "ten_a' OR '1'='1", "*", "ten_a,ten_b"])
def test_nobody_acts_in_a_tenant_they_are_no_member_of(town: Any, tenant_id: str) -> None:
    ada = town.person("ada@example.com")
    assert ada.refused("PUT", "/api/session/tenant", {"tenant_id": tenant_id}) == (404, "not_found")
    assert ada.ask("GET", "/api/principal")["tenant_id"] == "ten_a"


def test_who_left_every_tenant_is_signed_in_and_acts_nowhere(town: Any) -> None:
    town.person("owner@example.com")
    ada = town.person("ada@example.com", "viewer")
    left = ada.ask("DELETE", "/api/session/tenant")
    assert (left["tenants"], left["session"]["tenant_id"]) == ([], None)
    assert ada.refused("GET", "/api/workflows") == (403, "no_tenant")
    assert ada.refused("DELETE", "/api/session/tenant") == (403, "no_tenant")
    again = town.browser()
    assert again.sign_in("ada@example.com")["tenants"] == []
    assert again.ask("PUT", "/api/session/password", {"present": PASSWORD, "new": CHANGED})
    assert again.ask("DELETE", "/api/session") is None


def test_own_sessions_are_listed_and_those_of_others_are_not_there(town: Any) -> None:
    ada, bob = town.person("ada@example.com"), town.person("bob@example.com")
    other_browser(town)
    listed = ada.ask("GET", "/api/sessions")["items"]
    assert [one["current"] for one in listed] == [False, True]
    assert all(one["agent"] == "testclient" for one in listed)
    theirs = bob.ask("GET", "/api/session")["session"]["id"]
    assert ada.refused("DELETE", f"/api/sessions/{theirs}") == (404, "not_found")
    bob.ask("GET", "/api/session")


def changing_routes(town: Any) -> list[tuple[str, str]]:
    """Return every route that changes something and takes a cookie, with some id in its path."""
    routes = [one for one in make_fastapi(town.hub).routes if isinstance(one, APIRoute)]
    return sorted(
        (method, re.sub(r"{[^}]*}", "x", one.path))
        for one in routes
        for method in one.methods - {"GET", "HEAD", "OPTIONS"}
        if not one.path.startswith(("/hooks", "/approve"))
    )


FOREIGN: dict[str, dict[str, str]] = {
    "another site": {"origin": "https://evil.test"},
    "no origin": {"origin": ""},
    "null": {"origin": "null"},
    "a name that ends alike": {"origin": "https://evil-hub.test"},
    "a name that begins alike": {"origin": "https://hub.test.evil.test"},
    "another port": {"origin": "https://hub.test:8443"},
    "plain http": {"origin": "http://hub.test"},
    "a neighbor": {"origin": "https://www.hub.test"},
    "the browser says cross-site": {"sec_fetch_site": "cross-site"},
    "the browser says same-site": {"sec_fetch_site": "same-site"},
    "the browser says none": {"sec_fetch_site": "none"},
}


@pytest.mark.parametrize("case", FOREIGN)
def test_no_page_of_another_site_changes_anything(town: Any, case: str) -> None:
    ada = town.person("ada@example.com")
    routes = changing_routes(town)
    assert len(routes) > 50
    refused = {route: ada.refused(*route, {}, **FOREIGN[case]) for route in routes}
    assert {route: said for route, said in refused.items() if said != (403, "cross_site")} == {}


def test_nothing_changes_without_the_mark_of_the_session(town: Any) -> None:
    ada, bob = town.person("ada@example.com"), town.person("bob@example.com")
    before_a_session = {
        ("POST", "/api/session"),
        ("POST", "/api/passwords"),
        ("POST", "/api/invitations/accept"),
        ("POST", "/api/oidc/x/login"),
    }
    routes = [one for one in changing_routes(town) if one not in before_a_session]
    for mark in ("", "x", bob.csrf, ada.csrf[:-1], ada.csrf + "x", ada.cookie):
        said = {route: ada.refused(*route, {}, x_csrf_token=mark) for route in routes}
        assert set(said.values()) == {(403, "csrf_token")}, mark


def test_a_form_of_another_site_cannot_pass_for_json(town: Any) -> None:
    town.person("ada@example.com")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        said = town.browser().refused(
            "POST", "/api/session", b'{"email":"a","password":"b"}', content_type=kind
        )
        assert said == (415, "content_type")


def test_an_api_key_needs_no_page(town: Any) -> None:
    host = town.host()
    host.ask("POST", "/api/keys", {"name": "x", "role": "viewer"}, origin="https://evil.test")
    host.ask("POST", "/api/keys", {"name": "x", "role": "viewer"}, sec_fetch_site="cross-site")


def test_a_cookie_does_not_help_a_key_that_is_none(town: Any) -> None:
    ada = town.person("ada@example.com")
    for header in ("Bearer rev_wrong", "Basic eDp5", "Bearer", "bearer  "):
        assert ada.refused("GET", "/api/workflows", authorization=header) == (401, "unauthenticated")
    key = town.host()
    assert key.refused("GET", "/api/session") == (401, "unauthenticated")
    assert key.refused("GET", "/api/sessions") == (401, "unauthenticated")


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "https://hub.test.evil.test", ORIGIN])
def test_no_origin_is_told_that_it_may_read(town: Any, origin: str) -> None:
    ada = town.person("ada@example.com")
    read = ada.call("GET", "/api/session", origin=origin)
    asked = ada.call("OPTIONS", "/api/workflows", origin=origin, access_control_request_method="POST")
    assert asked.status_code in (404, 405)
    for answer in (read, asked):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_x5_no_address_lets_a_page_of_another_site_read_it(town: Any) -> None:
    client = town.browser().client
    paths = {one.path for one in make_fastapi(town.hub).routes if isinstance(one, APIRoute)}
    assert {"/hooks/{key}", "/approve/{token}", "/api/oidc"} <= paths
    for path in sorted(re.sub(r"{[^}]*}", "x", one) for one in paths):
        for origin in ("https://evil.test", "null", "https://www.hub.test", "https://hub.test.evil.test"):
            asked = {"origin": origin, "access-control-request-method": "POST"}
            preflight = client.options(
                path, headers=asked | {"access-control-request-headers": "x-csrf-token"}
            )
            for answer in (preflight, client.get(path, headers=asked)):
                assert not [one for one in answer.headers if one.startswith("access-control-")], path
            assert preflight.status_code >= 400, path


def test_cookies_over_plain_http_are_asked_for_and_then_have_another_name(town: Any) -> None:
    plain = town.with_settings(plain_cookies=True)
    made = plain.host().ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "owner"})
    body = {"token": made["token"], "name": "Ada", "password": PASSWORD}
    answer = plain.browser().call("POST", "/api/invitations/accept", body)
    assert answer.headers["set-cookie"].startswith("revolution=")
    assert "secure" not in answer.headers["set-cookie"].lower()
