"""Signing in by password: one answer to everything wrong, in the same time, and only so many tries."""

import time
import unicodedata
from typing import Any

import pytest
import sqlalchemy as sa
from rig.browser import PASSWORD

from revolution_hub.store import tables as t

COOKIE = "__Host-revolution"


def login(email: Any, password: Any) -> dict[str, Any]:
    return {"email": email, "password": password}


def test_who_signs_in_gets_a_cookie_that_no_script_and_no_other_site_has(town: Any) -> None:
    town.person("ada@example.com")
    answer = town.browser().call("POST", "/api/session", login("ada@example.com", PASSWORD))
    assert answer.status_code == 201
    name, _, rest = answer.headers["set-cookie"].partition("=")
    attributes = {one.strip().lower() for one in rest.split(";")[1:]}
    assert name == COOKIE
    assert attributes == {"httponly", "secure", "samesite=lax", "path=/", "max-age=604800"}
    body = answer.json()
    assert (body["user"]["email"], body["tenants"][0]["role"]) == ("ada@example.com", "owner")
    value = rest.partition(";")[0]
    assert value not in answer.text
    assert PASSWORD not in answer.text


def test_only_hashes_are_kept_of_what_lets_in(town: Any) -> None:
    ada = town.person("ada@example.com")
    reset = ada.ask("POST", f"/api/members/{town.id_of(ada)}/reset")["token"]
    invitation = ada.ask("POST", "/api/invitations", {"email": "bob@example.com", "role": "viewer"})["token"]
    with town.hub.store.read_across() as tx:
        rows = [str(tx.conn.execute(sa.select(one)).all()) for one in t.metadata.sorted_tables]
    for secret in (ada.cookie, ada.csrf, reset, invitation, PASSWORD):
        assert len(secret) > 20
        assert not any(secret in row for row in rows)


def test_every_wrong_login_has_the_same_answer(town: Any) -> None:
    town.person("ada@example.com")
    gone = town.person("gone@example.com", "viewer")
    town.host().ask("POST", f"/api/users/{town.id_of(gone)}/disable")
    wrong = [
        login("ada@example.com", "wrong password"),
        login("ada@example.com", PASSWORD + " "),
        login("ada@example.com", ""),
        login("ada@example.com", "x" * 90_000),
        login("nobody@example.com", PASSWORD),
        login("no address at all", PASSWORD),
        login("", ""),
        login("gone@example.com", PASSWORD),
        login("ada@example.com' OR 1=1 --", PASSWORD),
    ]
    answers = [town.browser().call("POST", "/api/session", body) for body in wrong]
    told = [{**one.json(), "request_id": ""} for one in answers]
    assert [one.status_code for one in answers] == [401] * len(wrong)
    assert all(one == told[0] for one in told)
    assert told[0]["code"] == "login_failed"
    assert not any("set-cookie" in one.headers for one in answers)


@pytest.mark.parametrize("value", [None, [], {}, 7, True, ["ada@example.com"], {"$ne": ""}])
@pytest.mark.parametrize("field", ["email", "password"])
def test_what_is_no_text_is_refused_by_the_form(town: Any, field: str, value: Any) -> None:
    body = login("ada@example.com", PASSWORD) | {field: value}
    assert town.browser().refused("POST", "/api/session", body) == (422, "input_invalid")


def test_a_megabyte_and_a_nul_are_refused_before_anything_is_hashed(town: Any) -> None:
    browser = town.browser()
    began_s = time.monotonic()
    assert browser.refused("POST", "/api/session", login("a@b.c", "x" * 1_000_000))[0] == 422
    assert browser.refused("POST", "/api/session", login("a@b.c", "x" * 2_000_000))[0] == 413
    assert browser.refused("POST", "/api/session", login("a@b.c", "a\0b"))[0] == 422
    assert time.monotonic() - began_s < 5


def test_a_wrong_login_takes_as_long_whatever_was_wrong(town: Any) -> None:
    slow = town.with_settings(password_memory_kib=32_768, password_rounds=4)
    slow.person("ada@example.com")
    # No password yet, as for somebody who comes in by a provider alone.
    slow.person("bob@example.com")
    with slow.hub.store.begin_global() as tx:
        tx.conn.execute(
            sa.update(t.users).where(t.users.c.email == "bob@example.com").values(password_hash=None)
        )
    who = ("ada@example.com", "bob@example.com", "nobody@example.com", "none")
    least = dict.fromkeys(who, 60.0)
    browser = slow.browser()
    for _ in range(4):
        for one in who:
            # Counted in work, which other programs of a busy machine do not change.
            began_s = time.process_time()
            assert browser.refused("POST", "/api/session", login(one, "x" * 20))[0] == 401
            least[one] = min(least[one], time.process_time() - began_s)
    assert max(least.values()) < 1.5 * min(least.values()), least
    began_s = time.process_time()
    assert browser.refused("POST", "/api/session", login("ada@example.com", 7))[0] == 422
    assert time.process_time() - began_s < min(least.values()) / 2


def test_a_password_may_be_typed_on_any_keyboard(town: Any) -> None:
    spelled = "Café Ångström ﬁne № 7"
    made = town.host().ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "owner"})
    body = {"token": made["token"], "name": "Ada", "password": unicodedata.normalize("NFC", spelled)}
    town.browser().ask("POST", "/api/invitations/accept", body)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        town.browser().sign_in("ada@example.com", unicodedata.normalize(form, spelled))
    assert town.browser().refused("POST", "/api/session", login("ada@example.com", spelled.lower()))[0] == 401


def test_an_address_is_the_same_in_every_case_but_not_in_other_letters(town: Any) -> None:
    town.person("Ada@Example.com")
    town.browser().sign_in("ADA@example.COM")
    for twin in ("ａda@example.com", "аda@example.com", "ada@exampl\u00e9.com", "ada@example.com\u200b"):
        assert town.browser().refused("POST", "/api/session", login(twin, PASSWORD))[0] == 401


def test_a_password_is_hashed_anew_when_the_settings_ask_for_more(town: Any) -> None:
    town.person("ada@example.com")

    def kept() -> str:
        with town.hub.store.read_global() as tx:
            return str(tx.conn.execute(sa.select(t.users.c.password_hash)).scalar_one())

    before = kept()
    assert before.startswith("$argon2id$v=19$m=8192,t=1,p=1$")
    stronger = town.with_settings(password_memory_kib=16_384, password_rounds=2)
    assert stronger.browser().refused("POST", "/api/session", login("ada@example.com", "no"))[0] == 401
    assert kept() == before
    stronger.browser().sign_in("ada@example.com")
    assert kept().startswith("$argon2id$v=19$m=16384,t=2,p=1$")
    stronger.browser().sign_in("ada@example.com")


@pytest.mark.parametrize(
    "password",
    ["short", "x" * 257, "aaaaaaaaaaaaaaaaaa", "ada@example.com", "ADA@example.com", "            "],
)
def test_a_password_that_is_none_is_not_taken(town: Any, password: str) -> None:
    made = town.host().ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "owner"})
    body = {"token": made["token"], "name": "Ada", "password": password}
    answer = town.browser().call("POST", "/api/invitations/accept", body)
    assert (answer.status_code, answer.json()["path"]) == (422, "password")
    # Nothing was used up by that.
    town.browser().ask("POST", "/api/invitations/accept", body | {"password": PASSWORD})


def test_an_account_is_tried_so_often_a_minute_from_wherever(town: Any) -> None:
    strict = town.with_settings(logins_per_minute=3)
    strict.person("ada@example.com")
    for _ in range(3):
        assert strict.browser().refused("POST", "/api/session", login("ada@example.com", "x"))[0] == 401
    answer = strict.browser().call("POST", "/api/session", login("ADA@example.com ", PASSWORD))
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    # Others are not concerned, and one that is not there is counted alike.
    assert strict.browser().refused("POST", "/api/session", login("bob@example.com", "x"))[0] == 401
    for _ in range(2):
        strict.browser().refused("POST", "/api/session", login("bob@example.com", "x"))
    assert strict.browser().refused("POST", "/api/session", login("bob@example.com", "x"))[0] == 429


def test_an_address_tries_so_often_a_minute_whatever_account(town: Any) -> None:
    strict = town.with_settings(entries_per_minute=3)
    for number in range(3):
        assert strict.browser().refused("POST", "/api/session", login(f"{number}@example.com", "x"))[0] == 401
    for method, path, body in (
        ("POST", "/api/session", login("ada@example.com", "x")),
        ("POST", "/api/passwords", {"token": "x", "password": "y"}),
        ("POST", "/api/invitations/accept", {"token": "x", "name": "y", "password": "z"}),
        ("POST", "/api/oidc/corp/login", {}),
        ("GET", "/api/oidc/corp/callback", None),
    ):
        assert strict.browser().refused(method, path, body) == (429, "rate_limited")


def test_signing_in_makes_another_session_each_time_and_believes_no_cookie_of_before(town: Any) -> None:
    town.person("ada@example.com")
    browser = town.browser()
    browser.client.cookies.set(COOKIE, "ses_chosen-by-somebody-else", domain="hub.test", path="/")
    browser.sign_in("ada@example.com")
    first = browser.cookie
    browser.sign_in("ada@example.com")
    assert len({first, browser.cookie, "ses_chosen-by-somebody-else"}) == 3


def test_a_session_of_one_hub_is_nothing_at_another(town: Any) -> None:
    ada = town.person("ada@example.com")
    with town.hub.store.begin_global() as tx:
        tx.conn.execute(sa.delete(t.sessions))
    assert ada.refused("GET", "/api/session") == (401, "session_over")
