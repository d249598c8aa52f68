"""People connect accounts: they agree at the provider, come back once, and a connection is kept, or not."""

from typing import Any

import httpx2
import pytest
from rig.bureau import Bureau

from revolution_hub.engine.call import require_scopes
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import apps
from revolution_hub.vault.tokens import TokenSource
from revolution_sdk import RejectedError


def params(address: str) -> httpx2.QueryParams:
    return httpx2.URL(address).params


def stored(bureau: Bureau) -> list[Any]:
    """Return what there is, credentials included."""
    return [(one, bureau.document(one)) for one in bureau.all()]


def test_an_account_somebody_agreed_to_becomes_a_connection(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    made = bureau.connect(ada, account="ada")
    assert (made.name, made.account, made.auth_kind) == ("default", "ada", "oauth2")
    assert made.scopes == ["offline", "read", "write"]
    assert set(bureau.document(made)) == {"access_token", "refresh_token", "expires_at"}
    assert bureau.acme.counts() == {"asked": 1, "exchanged": 1}
    assert bureau.town.actions()[-1] == "connection.create"
    shown = ada.ask("GET", f"/api/integrations/acme/connections/{made.id}")
    assert (shown["auth"], shown["scopes"]) == ("oauth2", made.scopes)


def test_the_whole_life_from_code_to_token_to_refresh_to_revocation(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    made = bureau.connect(ada)
    connector, hub = bureau.hub.catalog.get_connector("acme"), bureau.hub
    with hub.store.read("ten_a") as tx:
        (app,) = apps.list_open(tx, "acme")
    source = TokenSource(
        store=hub.store,
        vault=hub.vault,
        now=hub.now,
        connector=connector,
        connection=made,
        app=app,
        open_client=lambda: hub.egress.token_client(connector, made.base_url),
        refused=lambda connection, reason: False,
    )
    first = source.headers()
    assert source.refresh()
    assert source.headers() != first
    contacts = httpx2.get(f"{bureau.acme.url}/contacts", headers=source.headers(), trust_env=False)
    assert contacts.json()["sub"] == "ada"
    ada.ask("DELETE", f"/api/integrations/acme/connections/{made.id}")
    assert bureau.acme.counts() == {"asked": 2, "exchanged": 1, "refreshed": 1, "revoked": 1, "contacts": 1}
    assert bureau.acme.alive() == 0
    assert bureau.town.actions()[-2:] == ["connection.delete", "connection.revoke"]


def test_a_browser_that_wants_json_is_told_the_address(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    told = ada.ask(
        "GET", f"/api/integrations/acme/authorize?base_url={bureau.acme.url}", accept="application/json"
    )
    location = bureau.acme.agree(told["url"])
    answer = bureau.back(ada, location, accept="application/json")
    assert (answer.status_code, answer.json()["account"], answer.json()["missing_scopes"]) == (200, "ada", [])


def test_one_is_sent_back_to_where_one_came_from_and_nowhere_else(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    location = bureau.acme.agree(bureau.begin(ada, return_to="/connections?tab=acme"))
    answer = bureau.back(ada, location)
    (made,) = bureau.all()
    assert answer.headers["location"] == f"/connections?tab=acme&connection={made.id}"


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "/a b", "/ä"],
)
def test_nobody_is_sent_to_another_site(bureau: Bureau, elsewhere: str) -> None:
    ada = bureau.town.person("ada@example.com")
    query = httpx2.QueryParams({"base_url": bureau.acme.url, "return_to": elsewhere})
    status, code = ada.refused("GET", f"/api/integrations/acme/authorize?{query}")
    assert (status, code) == (422, "input_invalid")


def test_who_refuses_is_told_so_and_nothing_is_kept(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    answer = bureau.back(ada, bureau.acme.deny(bureau.begin(ada)))
    assert answer.status_code == 400
    assert "access_denied" in answer.text
    assert bureau.all() == []
    assert bureau.acme.counts() == {}


def test_what_a_provider_says_is_shown_without_markup_and_without_what_looks_like_a_secret(
    bureau: Bureau,
) -> None:
    ada = bureau.town.person("ada@example.com")
    state = params(bureau.begin(ada))["state"]
    told = f"<script>alert(1)</script> token {'A1b2' * 12}"
    query = httpx2.QueryParams({"state": state, "error": "<b>bad</b>", "error_description": told})
    answer = bureau.ask(ada, f"/api/integrations/acme/callback?{query}")
    assert answer.status_code == 400
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text
    assert "A1b2A1b2" not in answer.text


GARBAGE = {
    "a page": ({"status": 200, "type": "text/html", "body": "<h1>Secret-9f8e7d6c5b4a39281706</h1>"}, 503),
    "nothing": ({"status": 200, "type": "application/json", "body": ""}, 503),
    "a list": ({"status": 200, "type": "application/json", "body": "[1]"}, 503),
    "no token": ({"status": 200, "type": "application/json", "body": '{"token_type": "bearer"}'}, 503),
    "a number as token": ({"status": 200, "type": "application/json", "body": '{"access_token": 7}'}, 503),
    "another kind of token": (
        {"status": 200, "type": "application/json", "body": '{"access_token": "x", "token_type": "mac"}'},
        503,
    ),
    "an error": (
        {
            "status": 400,
            "type": "application/json",
            "body": '{"error": "invalid_grant", "error_description": "Secret-9f8e7d6c5b4a39281706 is bad"}',
        },
        400,
    ),
    "an error that calls itself fine": (
        {"status": 200, "type": "application/json", "body": '{"error": "bad_verification_code"}'},
        400,
    ),
    "a failure": ({"status": 500, "type": "text/plain", "body": "Secret-9f8e7d6c5b4a39281706"}, 503),
    "a redirect": ({"status": 302, "type": "text/plain", "body": ""}, 503),
    "far too much": ({"status": 200, "type": "application/json", "body": "[" + "1," * 60_000 + "1]"}, 503),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_cannot_be_read_is_no_connection_and_changes_none(bureau: Bureau, name: str) -> None:
    garbage, status = GARBAGE[name]
    ada = bureau.town.person("ada@example.com")
    present = bureau.connect(ada)
    before = stored(bureau)
    bureau.acme.behave(garbage=garbage)
    for query in ({"name": "second"}, {"connection": present.id}):
        answer = bureau.back(ada, bureau.acme.agree(bureau.begin(ada, **query)))
        assert answer.status_code == status, answer.text
        assert "Secret-9f8e" not in answer.text
    assert stored(bureau) == before


def test_a_connection_that_needs_it_is_authorized_anew(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    made = bureau.connect(ada)
    again = bureau.connect(ada, connection=made.id)
    assert (again.id, again.revision, again.status) == (made.id, 2, ConnectionStatus.CONNECTED)
    assert bureau.document(again)["refresh_token"] != bureau.document(made)["refresh_token"]
    assert bureau.town.actions()[-1] == "connection.reauthorize"


def test_what_a_person_agreed_to_is_not_lost_to_a_change_in_between(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    made = bureau.connect(ada)
    first, second = (bureau.begin(ada, connection=made.id) for _ in range(2))
    assert bureau.back(ada, bureau.acme.agree(first)).status_code == 303
    late = bureau.back(ada, bureau.acme.agree(second))
    assert (late.status_code, "changed meanwhile" in late.text) == (409, True)


def test_scopes_are_those_of_what_is_enabled_and_more_is_asked_for_when_more_is(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    off = {"disabled_actions": ["change_contacts"]}
    ada.ask("PUT", "/api/integrations/acme", off, if_match='"0"')
    made = bureau.connect(ada)
    assert made.scopes == ["offline", "read"]
    ada.ask("PUT", "/api/integrations/acme", {"disabled_actions": []}, if_match='"1"')
    with pytest.raises(RejectedError, match="was not granted write: authorize it again") as caught:
        require_scopes(made, ("write",))
    assert caught.value.code == "scope_missing"
    again = bureau.connect(ada, connection=made.id)
    assert again.scopes == ["offline", "read", "write"]
    require_scopes(again, ("write",))


def test_who_grants_less_than_was_asked_for_is_told_what_is_missing(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    bureau.acme.behave(granted_scope="read offline")
    answer = bureau.back(ada, bureau.acme.agree(bureau.begin(ada)), accept="application/json")
    assert answer.json()["missing_scopes"] == ["write"]
    assert answer.json()["scopes"] == ["offline", "read"]


def test_a_tenants_own_app_comes_before_the_installations(bureau: Bureau) -> None:
    body = {"client_id": "shared", "client_secret": "s", "shared": True}
    bureau.town.host().ask("POST", "/api/integrations/acme/apps", body)
    ada = bureau.town.person("ada@example.com")
    bob = bureau.town.person("bob@example.com", tenant_id="ten_b")
    assert params(bureau.begin(ada))["client_id"] == "rig-client"
    assert params(bureau.begin(bob))["client_id"] == "shared"


def test_the_app_of_another_tenant_is_not_there(bureau: Bureau) -> None:
    bob = bureau.town.person("bob@example.com", tenant_id="ten_b")
    (app,) = bureau.town.host(role="owner").ask("GET", "/api/integrations/acme/apps")["items"]
    path = f"/api/integrations/acme/authorize?base_url={bureau.acme.url}"
    assert bob.refused("GET", f"{path}&app={app['id']}") == (404, "not_found")
    assert bob.refused("GET", path) == (422, "input_invalid")


def test_an_app_is_deleted_only_with_what_depends_on_it_in_sight(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    made = bureau.connect(ada)
    path = f"/api/integrations/acme/apps/{made.app_id}"
    assert ada.refused("DELETE", path) == (409, "app_in_use")
    ada.ask("DELETE", f"{path}?disconnect=true")
    left = bureau.connection(made.id)
    assert (left.status, left.status_reason) == (
        ConnectionStatus.NEEDS_REAUTH,
        "its provider app was deleted",
    )
    assert ada.ask("GET", "/api/integrations/acme/apps")["items"] == []
    assert bureau.town.actions()[-1] == "app.delete"


def test_a_shared_app_is_never_deleted_under_a_connection(bureau: Bureau) -> None:
    host = bureau.town.host()
    body = {"client_id": "rig-client", "client_secret": "rig-secret-canary-2b7e1516", "shared": True}
    shared = host.ask("POST", "/api/integrations/acme/apps", body)["id"]
    bob = bureau.town.person("bob@example.com", tenant_id="ten_b")
    assert bureau.back(bob, bureau.acme.agree(bureau.begin(bob))).status_code == 303
    path = f"/api/integrations/acme/apps/{shared}?disconnect=true"
    assert host.refused("DELETE", path) == (409, "app_in_use")
    assert bob.refused("DELETE", path) == (403, "forbidden")


def test_a_grant_that_another_connection_lives_on_is_not_revoked(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    first, second = bureau.connect(ada), bureau.connect(ada, name="second")
    ada.ask("DELETE", f"/api/integrations/acme/connections/{first.id}")
    assert "revoked" not in bureau.acme.counts()
    ada.ask("DELETE", f"/api/integrations/acme/connections/{second.id}")
    assert bureau.acme.counts()["revoked"] == 1


def test_a_provider_that_fails_keeps_nobody_from_deleting(bureau: Bureau) -> None:
    ada = bureau.town.person("ada@example.com")
    made = bureau.connect(ada, at="zeta")
    bureau.zeta.behave(revoke_status=503)
    ada.ask("DELETE", f"/api/integrations/zeta/connections/{made.id}")
    assert bureau.all() == []
    assert bureau.town.actions()[-1] == "connection.revoke"
