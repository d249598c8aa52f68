"""Signing in at a real provider in its own process: once, in one browser, by issuer and subject alone."""

import logging
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from rig.browser import PASSWORD, Browser
from rig.oidc import Provider, start_provider

from revolution_hub.api.app import make_api
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.settings import OidcProvider
from revolution_hub.store import tables as t
from revolution_sdk import Secret

PEOPLE = [
    {"sub": "ada-1", "email": "ada@example.com", "email_verified": True, "name": "Ada"},
    {"sub": "eve-1", "email": "ada@example.com", "email_verified": False, "name": "Eve"},
    {"sub": "liar-1", "email": "ada@example.com", "email_verified": "true", "name": "Liar"},
    {"sub": "bob-1", "email": "bob@example.com", "email_verified": True, "name": "Bob"},
    {"sub": "none-1", "name": "Nobody"},
]


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """The one provider of the session."""
    started = start_provider(tmp_path_factory.mktemp("provider"), PEOPLE)
    yield started
    started.stop()


@pytest.fixture
def linked_town(town: Any, provider: Provider) -> Iterator[Any]:
    """The hub with the provider under two names of issuers, one of which is not the provider's own."""
    town.hub.now.now = datetime.now(UTC)
    allow = frozenset({("127.0.0.1", provider.port), ("localhost", provider.port)})
    made = OidcProvider(
        name="corp", issuer=provider.issuer, client_id="hub", client_secret=Secret("s3cret"), title="Corp"
    )
    other = replace(made, name="other", issuer=f"http://localhost:{provider.port}/tenant")
    with SharedPool(Guard(allow=allow), tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as pool:
        settings = replace(town.hub.settings, oidc=(made, other))
        hub = replace(town.hub, settings=settings, egress=Egress(pool))
        town.hub, town.api = hub, make_api(hub)
        yield town


def begin(browser: Browser, **body: Any) -> str:
    return str(browser.ask("POST", "/api/oidc/corp/login", body)["url"])


def come_back(browser: Browser, location: httpx2.URL, **instead: Any) -> Any:
    """Follow what the provider answered, with other parameters where given."""
    query = {**dict(location.params), **instead}
    params = {name: value for name, value in query.items() if value is not None}
    return browser.client.get(location.path, params=params, follow_redirects=False)


def enter(browser: Browser, provider: Provider, subject: str, **body: Any) -> Any:
    return come_back(browser, provider.sign_in(begin(browser, **body), subject))


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"] if answer.content else ""


def invited(town: Any, email: str = "ada@example.com", tenant_id: str = "ten_a") -> str:
    body = {"email": email, "role": "owner"}
    return str(town.host(tenant_id).ask("POST", "/api/invitations", body)["token"])


def test_an_invitation_is_accepted_by_a_login_and_the_login_goes_on_working(
    linked_town: Any, provider: Provider
) -> None:
    assert linked_town.browser().ask("GET", "/api/oidc")["items"][0] == {"name": "corp", "title": "Corp"}
    browser = linked_town.browser()
    answer = enter(browser, provider, "ada-1", invitation=invited(linked_town))
    assert (answer.status_code, answer.headers["location"]) == (303, "/api/session")
    session = browser.ask("GET", "/api/session")
    assert session["user"]["email"] == "ada@example.com"
    assert session["user"]["has_password"] is False
    assert session["session"]["way"] == "oidc:corp"
    assert browser.ask("GET", "/api/session/identities")["items"][0]["subject"] == "ada-1"
    again = linked_town.browser()
    assert enter(again, provider, "ada-1").status_code == 303
    assert linked_town.id_of(again) == session["user"]["id"]
    # The address at the provider may change; who it is does not.
    provider.put_user("ada-1", email="else@example.com", email_verified=True)
    assert enter(linked_town.browser(), provider, "ada-1").status_code == 303
    provider.put_user("ada-1", **{name: value for name, value in PEOPLE[0].items() if name != "sub"})


@pytest.mark.parametrize("subject", ["ada-1", "eve-1", "liar-1", "bob-1", "none-1"])
def test_nobody_becomes_a_user_by_an_address(linked_town: Any, provider: Provider, subject: str) -> None:
    linked_town.person("ada@example.com")
    assert code_of(enter(linked_town.browser(), provider, subject)) == (403, "unknown_identity")


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("ada-1", (409, "sign_in_first")),
        ("eve-1", (403, "email_not_verified")),
        ("liar-1", (403, "email_not_verified")),
        ("none-1", (403, "email_not_verified")),
        ("bob-1", (403, "other_email")),
    ],
)
def test_an_invitation_does_not_link_a_login_to_who_has_the_address(
    linked_town: Any, provider: Provider, subject: str, said: tuple[int, str]
) -> None:
    linked_town.person("ada@example.com")
    token = invited(linked_town, tenant_id="ten_b")
    assert code_of(enter(linked_town.browser(), provider, subject, invitation=token)) == said
    with linked_town.hub.store.read_global() as tx:
        assert tx.conn.execute(sa.select(t.identities)).all() == []


def test_a_login_is_linked_by_who_is_signed_in_and_taken_back(linked_town: Any, provider: Provider) -> None:
    ada, bob = linked_town.person("ada@example.com"), linked_town.person("bob@example.com")

    def link(browser: Browser, subject: str) -> Any:
        url = browser.ask("POST", "/api/oidc/corp/link")["url"]
        return come_back(browser, provider.sign_in(url, subject))

    assert link(ada, "eve-1").status_code == 303
    assert code_of(link(bob, "eve-1")) == (409, "identity_taken")
    browser = linked_town.browser()
    assert enter(browser, provider, "eve-1").status_code == 303
    assert linked_town.id_of(browser) == linked_town.id_of(ada)
    found = ada.ask("GET", "/api/session/identities")["items"][0]["id"]
    assert bob.refused("DELETE", f"/api/session/identities/{found}") == (404, "not_found")
    ada.ask("DELETE", f"/api/session/identities/{found}")
    assert code_of(enter(linked_town.browser(), provider, "eve-1")) == (403, "unknown_identity")
    assert [one for one in linked_town.actions() if one.startswith("identity")] == [
        "identity.add",
        "identity.remove",
    ]


def test_the_last_way_in_is_not_taken_away(linked_town: Any, provider: Provider) -> None:
    browser = linked_town.browser()
    enter(browser, provider, "ada-1", invitation=invited(linked_town))
    browser.ask("GET", "/api/session")
    found = browser.ask("GET", "/api/session/identities")["items"][0]["id"]
    assert browser.refused("DELETE", f"/api/session/identities/{found}") == (409, "last_way_in")
    body = {"present": PASSWORD, "new": "another horse, another battery"}
    assert browser.refused("PUT", "/api/session/password", body) == (409, "no_password")


def test_a_disabled_user_does_not_come_in_by_a_provider(linked_town: Any, provider: Provider) -> None:
    browser = linked_town.browser()
    enter(browser, provider, "ada-1", invitation=invited(linked_town))
    linked_town.host().ask("POST", f"/api/users/{linked_town.id_of(browser)}/disable")
    assert code_of(enter(linked_town.browser(), provider, "ada-1")) == (401, "login_failed")


Step = Callable[[Any, Browser, httpx2.URL], Any]
WRONG: dict[str, Step] = {
    "without state": lambda town, browser, to: come_back(browser, to, state=None),
    "with another state": lambda town, browser, to: come_back(browser, to, state="ols_other"),
    "in another browser": lambda town, browser, to: come_back(town.browser(), to),
    "in a browser with a login of its own": lambda town, browser, to: come_back(_waiting(town), to),
    "at another provider's address": lambda town, browser, to: come_back(
        browser, to.copy_with(path="/api/oidc/other/callback")
    ),
    "too late": lambda town, browser, to: (town.hub.now.advance(601), come_back(browser, to))[1],
    "twice": lambda town, browser, to: (come_back(browser, to), come_back(browser, to))[1],
    "from another issuer": lambda town, browser, to: come_back(browser, to, iss="https://evil.test"),
}


def _waiting(town: Any) -> Browser:
    browser: Browser = town.browser()
    begin(browser)
    return browser


@pytest.mark.parametrize("how", WRONG)
def test_a_login_comes_back_once_to_the_browser_it_was_begun_in(
    linked_town: Any, provider: Provider, how: str
) -> None:
    enter(linked_town.browser(), provider, "ada-1", invitation=invited(linked_town))
    browser = linked_town.browser()
    answer = WRONG[how](linked_town, browser, provider.sign_in(begin(browser), "ada-1"))
    assert code_of(answer) == (400, "login_state")
    assert "set-cookie" not in answer.headers


def test_o2_whoever_opens_the_way_back_of_somebody_else_is_neither_signed_in_nor_linked(
    linked_town: Any, provider: Provider
) -> None:
    victim, attacker = linked_town.person("ada@example.com"), linked_town.person("bob@example.com")
    before = victim.cookie
    for url in (begin(attacker), attacker.ask("POST", "/api/oidc/corp/link")["url"]):
        assert code_of(come_back(victim, provider.sign_in(url, "eve-1"))) == (400, "login_state")
    assert victim.cookie == before
    for one in (victim, attacker):
        assert one.ask("GET", "/api/session/identities")["items"] == []


def test_o4_a_code_is_good_once_and_in_the_login_it_was_made_for(
    linked_town: Any, provider: Provider
) -> None:
    enter(linked_town.browser(), provider, "ada-1", invitation=invited(linked_town))
    ada, eve = linked_town.browser(), linked_town.browser()
    stolen = provider.sign_in(begin(ada), "ada-1").params["code"]
    # Eve has a login of her own under way, and puts the code of Ada into her own way back.
    answer = come_back(eve, provider.sign_in(begin(eve), "eve-1"), code=stolen)
    assert code_of(answer) == (401, "login_failed")
    assert "set-cookie" not in answer.headers
    to = provider.sign_in(begin(ada), "ada-1")
    assert come_back(ada, to).status_code == 303
    again = come_back(eve, provider.sign_in(begin(eve), "eve-1"), code=to.params["code"])
    assert code_of(again) == (401, "login_failed")


def test_o9_nothing_secret_of_a_login_is_told_to_anybody_else(
    linked_town: Any, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = invited(linked_town)
    browser = linked_town.browser()
    to = provider.sign_in(begin(browser, invitation=token), "ada-1")
    login = browser.client.cookies.get("__Host-revolution-login")
    answers = [come_back(browser, to), come_back(browser, to), browser.call("GET", "/api/session")]
    assert answers[0].headers["location"] == "/api/session"
    # What browsers and the test's own client ask is theirs.
    told = "".join(one.getMessage() for one in caplog.records if not one.name.startswith("http"))
    secrets = (to.params["code"], to.params["state"], token, login, browser.cookie, "s3cret")
    for secret in secrets:
        assert len(str(secret)) > 5
        assert str(secret) not in told
        assert not any(str(secret) in one.text for one in answers)
        assert not any(str(secret) in str(one.headers.get("location")) for one in answers)
    assert {one.headers["referrer-policy"] for one in answers} == {"no-referrer"}
    assert {one.headers["cache-control"] for one in answers} == {"no-store"}
    with linked_town.hub.store.read_across() as tx:
        kept = [str(tx.conn.execute(sa.select(one)).all()) for one in t.metadata.sorted_tables]
    assert [one for one in secrets if any(str(one) in row for row in kept)] == []


def test_x7_the_cookie_of_a_login_is_the_hubs_alone_and_is_gone_with_it(
    linked_town: Any, provider: Provider
) -> None:
    given = {"origin": "https://hub.test", "content-type": "application/json"}
    browser = linked_town.browser()
    begun = browser.client.post("/api/oidc/corp/login", content=b"{}", headers=given)
    name, _, rest = begun.headers["set-cookie"].partition("=")
    attributes = {one.strip().lower() for one in rest.split(";")[1:]}
    assert name == "__Host-revolution-login"
    assert attributes == {"httponly", "secure", "samesite=lax", "path=/", "max-age=600"}
    enter(linked_town.browser(), provider, "ada-1", invitation=invited(linked_town))
    assert come_back(browser, provider.sign_in(begun.json()["url"], "ada-1")).status_code == 303
    assert browser.client.cookies.get("__Host-revolution-login") is None


def test_a_login_that_was_begun_to_link_is_not_finished_by_somebody_else(
    linked_town: Any, provider: Provider
) -> None:
    ada, bob = linked_town.person("ada@example.com"), linked_town.person("bob@example.com")
    to = provider.sign_in(ada.ask("POST", "/api/oidc/corp/link")["url"], "eve-1")
    # Bob's browser has the cookie of Ada's login, and a session of its own.
    for name, value in ada.client.cookies.items():
        if name.endswith("login"):
            bob.client.cookies.set(name, value, domain="hub.test", path="/")
    assert code_of(come_back(bob, to)) == (400, "login_state")


@pytest.mark.parametrize("code", ["", "x", "ols_x", "a" * 3000])
def test_a_code_that_is_none_lets_nobody_in(linked_town: Any, provider: Provider, code: str) -> None:
    browser = linked_town.browser()
    answer = come_back(browser, provider.sign_in(begin(browser), "ada-1"), code=code)
    assert code_of(answer) == (401, "login_failed")


def test_who_refuses_at_the_provider_is_not_let_in(linked_town: Any, provider: Provider) -> None:
    browser = linked_town.browser()
    to = provider.deny(begin(browser))
    state = httpx2.URL(begin(browser)).params["state"]
    assert code_of(come_back(browser, to, state=state)) == (401, "login_failed")


def test_the_request_to_the_provider_is_held_together(linked_town: Any, provider: Provider) -> None:
    browser = linked_town.browser()
    first, second = (httpx2.URL(begin(browser)).params for _ in range(2))
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == "https://hub.test/api/oidc/corp/callback"
    assert first["response_type"] == "code"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]
    with linked_town.hub.store.read_global() as tx:
        kept = str(tx.conn.execute(sa.select(t.pending_logins)).all())
    cookie = browser.client.cookies.get("__Host-revolution-login")
    for secret in (first["state"], first["nonce"], cookie):
        assert secret not in kept


def test_where_the_hub_is_comes_from_its_settings_alone(linked_town: Any) -> None:
    url = begin_with(linked_town.browser(), host="evil.test", x_forwarded_host="evil.test")
    assert httpx2.URL(url).params["redirect_uri"].startswith("https://hub.test/")


def begin_with(browser: Browser, **headers: str) -> str:
    return str(browser.ask("POST", "/api/oidc/corp/login", {}, **headers)["url"])


def test_a_provider_that_is_not_who_it_should_be_is_away(linked_town: Any) -> None:
    browser = linked_town.browser()
    given = {"origin": "https://hub.test", "content-type": "application/json"}
    asked = browser.client.post("/api/oidc/other/login", content=b"{}", headers=given)
    assert code_of(asked) == (503, "provider_away")
    assert browser.refused("POST", "/api/oidc/none/login", {}) == (404, "not_found")


def test_a_private_address_is_not_asked_unless_it_is_allowed(linked_town: Any) -> None:
    with SharedPool(Guard(), tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as pool:
        hub = replace(linked_town.hub, egress=Egress(pool))
        linked_town.hub, linked_town.api = hub, make_api(hub)
        given = {"origin": "https://hub.test", "content-type": "application/json"}
        asked = linked_town.browser().client.post("/api/oidc/corp/login", content=b"{}", headers=given)
    assert code_of(asked) == (503, "provider_away")


def test_logins_nobody_came_back_for_are_forgotten(linked_town: Any) -> None:
    browser = linked_town.browser()
    begin(browser)
    linked_town.hub.now.now += timedelta(minutes=11)
    begin(browser)
    with linked_town.hub.store.read_global() as tx:
        assert len(tx.conn.execute(sa.select(t.pending_logins)).all()) == 1
