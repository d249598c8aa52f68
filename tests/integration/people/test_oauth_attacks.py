"""The attacks O1 to O7 and O9 on connecting accounts, each by its name. O8 is about refreshing."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from rig.browser import ORIGIN, Browser
from rig.bureau import Bureau
from rig.oauth import CLIENT_SECRET

from revolution_hub.store.tables import metadata
from revolution_sdk import Connector, OAuth2

CALLBACK = "/api/integrations/acme/callback"


def refused(answer: Any) -> tuple[int, bool]:
    """Return the status of a page, and whether it says that nothing was stored."""
    return answer.status_code, "Nothing was stored" in answer.text


REFUSED = (400, True)


@pytest.fixture
def ada(bureau: Bureau) -> Browser:
    """Somebody of tenant A who may connect accounts."""
    browser: Browser = bureau.town.person("ada@example.com")
    return browser


@pytest.mark.parametrize("state", [None, "", "wrong", "oas_" + "A" * 43, "x" * 500, "\x00", "ä"])
def test_o1_a_callback_without_its_state_is_refused_and_stores_nothing(
    bureau: Bureau, ada: Browser, state: str | None
) -> None:
    location = bureau.acme.agree(bureau.begin(ada))
    query = {"code": location.params["code"]} | ({} if state is None else {"state": state})
    assert refused(bureau.ask(ada, f"{CALLBACK}?{httpx2.QueryParams(query)}")) == REFUSED
    assert bureau.all() == []
    assert bureau.acme.counts() == {}


def test_o1_a_state_is_good_once(bureau: Bureau, ada: Browser) -> None:
    location = bureau.acme.agree(bureau.begin(ada))
    assert bureau.back(ada, location).status_code == 303
    assert refused(bureau.back(ada, location)) == REFUSED
    assert (len(bureau.all()), bureau.acme.counts()["asked"]) == (1, 1)


def test_o1_of_many_who_bring_a_state_at_the_same_moment_one_gets_through(
    bureau: Bureau, ada: Browser
) -> None:
    location = bureau.acme.agree(bureau.begin(ada))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: bureau.back(ada, location).status_code, range(6)))
    assert sorted(answers) == [303, 400, 400, 400, 400, 400]
    assert len(bureau.all()) == 1


def test_o1_a_state_is_over_after_ten_minutes(bureau: Bureau, ada: Browser, clock: Any) -> None:
    location = bureau.acme.agree(bureau.begin(ada))
    clock.now += timedelta(minutes=10)
    assert refused(bureau.back(ada, location)) == REFUSED
    assert bureau.all() == []


@pytest.mark.parametrize("who", ["colleague", "stranger", "another session"])
def test_o1_a_state_belongs_to_one_session(bureau: Bureau, ada: Browser, who: str) -> None:
    location = bureau.acme.agree(bureau.begin(ada))
    if who == "another session":
        other = bureau.town.browser()
        other.sign_in("ada@example.com")
    else:
        tenant_id = "ten_a" if who == "colleague" else "ten_b"
        other = bureau.town.person("eve@example.com", tenant_id=tenant_id)
    assert refused(bureau.back(other, location)) == REFUSED
    assert bureau.all() == []
    assert bureau.acme.counts() == {}


def test_o1_what_was_allowed_when_it_was_begun_has_to_be_allowed_still(bureau: Bureau) -> None:
    eve = bureau.town.person("eve@example.com", role="editor")
    location = bureau.acme.agree(bureau.begin(eve))
    bureau.town.host().ask("PUT", f"/api/members/{bureau.town.id_of(eve)}", {"role": "viewer"})
    # Whoever loses a right loses the sessions it was used in.
    assert bureau.back(eve, location).status_code in (401, 403)
    assert bureau.all() == []


def test_o2_an_attackers_callback_link_connects_nothing_in_the_victims_browser(
    bureau: Bureau, ada: Browser
) -> None:
    mallory = bureau.town.person("mallory@example.com", role="editor")
    link = bureau.acme.agree(bureau.begin(mallory), account="mallory")
    assert refused(bureau.back(ada, link)) == REFUSED
    assert bureau.all() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_o2_no_other_site_begins_to_connect(bureau: Bureau, ada: Browser, site: str) -> None:
    path = f"/api/integrations/acme/authorize?base_url={bureau.acme.url}"
    answer = bureau.ask(ada, path, sec_fetch_site=site)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert bureau.ask(ada, path, sec_fetch_site="none").status_code == 302


@pytest.mark.parametrize("path", ["authorize", "callback?state=x&code=y"])
def test_o2_an_api_key_is_told_that_a_person_is_needed(bureau: Bureau, path: str) -> None:
    key = bureau.town.host(role="owner")
    assert key.refused("GET", f"/api/integrations/acme/{path}") == (403, "person_needed")


def test_o3_what_one_provider_answers_counts_at_no_other(bureau: Bureau, ada: Browser) -> None:
    location = bureau.acme.agree(bureau.begin(ada, at="acme"))
    mixed = location.copy_with(path="/api/integrations/zeta/callback")
    assert refused(bureau.back(ada, mixed)) == REFUSED
    assert (bureau.all(), bureau.acme.counts(), bureau.zeta.counts()) == ([], {}, {})


@pytest.mark.parametrize(
    ("at", "issuer", "status"),
    [
        ("acme", "https://evil.example", 400),
        ("acme", "", 400),
        ("acme", None, 303),
        ("zeta", "https://evil.example", 400),
        ("zeta", None, 400),
        ("zeta", "https://zeta.test", 400),
    ],
)
def test_o3_who_answers_has_to_be_who_was_asked(
    bureau: Bureau, ada: Browser, at: str, issuer: str | None, status: int
) -> None:
    location = bureau.server(at).agree(bureau.begin(ada, at=at))
    other = location.params.remove("iss") if issuer is None else location.params.set("iss", issuer)
    answer = bureau.back(ada, location.copy_with(query=str(other).encode()))
    assert answer.status_code == status
    assert len(bureau.all()) == (status == 303)


def test_o3_each_provider_sends_back_to_an_address_of_its_own(bureau: Bureau, ada: Browser) -> None:
    sent = {at: httpx2.URL(bureau.begin(ada, at=at)).params["redirect_uri"] for at in ("acme", "zeta")}
    assert sent == {at: f"{ORIGIN}/api/integrations/{at}/callback" for at in ("acme", "zeta")}


def test_o4_pkce_is_always_there_and_always_s256(bureau: Bureau, ada: Browser) -> None:
    first, second = (httpx2.URL(bureau.begin(ada)).params for _ in range(2))
    assert first["code_challenge_method"] == "S256"
    assert len(first["code_challenge"]) == 43
    assert first["code_challenge"] != second["code_challenge"]
    assert "code_verifier" not in first


def test_o4_a_code_of_somebody_else_is_worth_nothing_in_ones_own_flow(bureau: Bureau, ada: Browser) -> None:
    stolen = bureau.acme.agree(bureau.begin(ada)).params["code"]
    mallory = bureau.town.person("mallory@example.com")
    own = bureau.acme.agree(bureau.begin(mallory), account="mallory")
    injected = own.copy_with(query=str(own.params.set("code", stolen)).encode())
    answer = bureau.back(mallory, injected)
    assert refused(answer) == REFUSED
    assert "invalid_grant" in answer.text
    assert bureau.all() == []


def test_o4_a_code_is_worth_nothing_twice(bureau: Bureau, ada: Browser) -> None:
    used = bureau.acme.agree(bureau.begin(ada))
    assert bureau.back(ada, used).status_code == 303
    again = bureau.acme.agree(bureau.begin(ada, name="second"))
    replayed = again.copy_with(query=str(again.params.set("code", used.params["code"])).encode())
    assert refused(bureau.back(ada, replayed)) == REFUSED
    assert len(bureau.all()) == 1


@pytest.mark.parametrize(
    "spoof",
    [
        {"host": "evil.example"},
        {"x_forwarded_host": "evil.example"},
        {"forwarded": "host=evil.example;proto=http"},
        {"x_forwarded_proto": "http", "x_forwarded_host": "evil.example", "x_forwarded_port": "81"},
        {"origin": "https://evil.example", "referer": "https://evil.example/x"},
    ],
)
def test_o5_the_address_to_come_back_to_is_the_configured_one(
    bureau: Bureau, ada: Browser, spoof: dict[str, str]
) -> None:
    path = f"/api/integrations/acme/authorize?base_url={bureau.acme.url}"
    cookie = {"cookie": f"__Host-revolution={ada.cookie}"}
    sent = bureau.ask(ada, path, **spoof, **cookie).headers["location"]
    assert httpx2.URL(sent).params["redirect_uri"] == f"{ORIGIN}{CALLBACK}"
    assert "evil" not in sent


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]",
        "https://localhost:8443",
        "http://2130706433:1",
        "https://10.0.0.1",
        "https://public.example.com",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://[",
    ],
)
def test_o6_a_provider_apps_secret_goes_nowhere_the_operator_has_not_named(
    bureau: Bureau, ada: Browser, target: str
) -> None:
    query = httpx2.QueryParams({"base_url": target})
    answer = ada.call("GET", f"/api/integrations/acme/authorize?{query}")
    (problem,) = answer.json()["problems"]
    assert (answer.status_code, problem["code"]) == (422, "address_blocked")
    assert "REVOLUTION_EGRESS_ALLOW" in problem["message"]
    (app,) = ada.ask("GET", "/api/integrations/acme/apps")["items"]
    body = {"credential": {"refresh_token": "r"}, "app": app["id"], "base_url": target}
    path = "/api/integrations/acme/connections"
    assert ada.call("POST", path, body).json()["problems"][0]["code"] == "address_blocked"


@pytest.mark.parametrize("host", ["169.254.169.254", "10.1.2.3", "[::1]", "127.0.0.1", "metadata.localhost"])
def test_o6_a_token_endpoint_on_a_private_address_is_refused_with_the_setting_that_allows_it(
    bureau: Bureau, ada: Browser, host: str
) -> None:
    bureau.hub.catalog.add(
        Connector(
            "evil",
            title="Evil",
            hosts=(host.strip("[]"),),
            auth=OAuth2(authorize_url="https://login.example.com/a", token_url=f"https://{host}/token"),
        )
    )
    body = {"client_id": "c", "client_secret": "s"}
    ada.ask("POST", "/api/integrations/evil/apps", body)
    page = bureau.ask(ada, "/api/integrations/evil/authorize").headers["location"]
    state = httpx2.URL(page).params["state"]
    answer = bureau.ask(ada, f"/api/integrations/evil/callback?state={state}&code=c")
    assert refused(answer) == REFUSED
    assert "REVOLUTION_EGRESS_ALLOW" in answer.text


def test_o7_another_account_takes_a_connections_place_only_when_somebody_says_so(
    bureau: Bureau, ada: Browser
) -> None:
    made = bureau.connect(ada, account="ada")
    before = bureau.document(made)
    answer = bureau.back(ada, bureau.acme.agree(bureau.begin(ada, connection=made.id), account="bob"))
    assert (answer.status_code, "another account" in answer.text) == (409, True)
    assert (bureau.connection(made.id), bureau.document(made)) == (made, before)
    again = bureau.connect(ada, account="bob", connection=made.id, other_account="true")
    assert (again.id, again.account) == (made.id, "bob")
    (entry, *_) = ada.ask("GET", "/api/audit?action=connection.reauthorize")["items"]
    assert entry["fields"]["account"] == "changed"


def test_o7_who_may_not_change_a_connection_puts_no_other_account_there(bureau: Bureau, ada: Browser) -> None:
    made = bureau.connect(ada)
    viewer = bureau.town.person("vic@example.com", role="viewer")
    path = f"/api/integrations/acme/authorize?connection={made.id}&other_account=true"
    assert viewer.refused("GET", path) == (403, "forbidden")


def test_o7_an_account_nobody_names_is_no_connection(bureau: Bureau, ada: Browser) -> None:
    location = bureau.acme.agree(bureau.begin(ada), account="\x01")
    assert refused(bureau.back(ada, location)) == REFUSED
    assert bureau.all() == []


def test_o9_no_code_token_or_secret_is_in_a_page_a_log_a_referer_or_the_database(
    bureau: Bureau, ada: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    begun = bureau.begin(ada)
    location = bureau.acme.agree(begun)
    done = bureau.back(ada, location)
    (made,) = bureau.all()
    wrong = bureau.back(ada, location)
    shown = ada.call("GET", f"/api/integrations/acme/connections/{made.id}")
    audited = ada.call("GET", "/api/audit")
    document = bureau.document(made)
    code, state = location.params["code"], location.params["state"]
    secrets = [code, state, document["access_token"], document["refresh_token"], CLIENT_SECRET]
    answers = "".join(f"{one.headers}{one.text}" for one in (done, wrong, shown, audited))
    # The tests' own client logs where it goes; the hub is not to be blamed for that.
    logged = "".join(one.getMessage() for one in caplog.records if not one.name.startswith("http"))
    with bureau.hub.store.read_across() as tx:
        rows = [row for table in metadata.sorted_tables for row in tx.conn.execute(sa.select(table))]
    for place in (answers, logged, repr(rows)):
        assert [one for one in secrets if one in place] == []
    for one in (done, wrong):
        assert one.headers["referrer-policy"] == "no-referrer"
        assert one.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in one.headers["content-security-policy"]
    assert "?" not in done.headers["location"]
