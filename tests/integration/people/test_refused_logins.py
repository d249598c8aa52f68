"""Wrong logins leave a trace for whoever owns the tenant, and tell whoever tries nothing: row O11."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rig.browser import PASSWORD, Browser

from revolution_hub.model.principal import Origin
from revolution_hub.store.errors import StoreError
from revolution_hub.store.refusals import MOST, Refusals

REFUSE = "session.refuse"
ORIGIN = Origin(address="192.0.2.7")


def fail(town: Any, email: str = "ada@example.com", password: str = "wrong", **headers: str) -> Browser:
    browser: Browser = town.browser()
    body = {"email": email, "password": password}
    assert browser.refused("POST", "/api/session", body, **headers) == (401, "login_failed")
    return browser


def entered(town: Any, tenant_id: str = "ten_a") -> list[Any]:
    """Every refusal in the log, the oldest first, once what was said is written."""
    town.hub.store.companion(Refusals).write()
    path = f"/api/audit?action={REFUSE}&sort=created_at"
    return list(town.host(tenant_id).ask("GET", path)["items"])


def test_a_wrong_password_of_a_member_is_found_in_the_log(town: Any) -> None:
    ada_id = town.id_of(town.person("ada@example.com"))
    fail(town, user_agent="\x1b[31mEvil")
    (entry,) = entered(town)
    assert (entry["target"], entry["address"]) == (ada_id, "testclient")
    assert entry["user_agent"] == "\\u001b[31mEvil"
    assert entry["request_id"].startswith("req_")
    # Nobody knows who it was, least of all that it was Ada.
    assert (entry["principal_id"], entry["principal_kind"], entry["fields"]) == ("", "", {})
    assert town.host().ask("GET", "/api/audit/verify")["intact"]
    assert entered(town, "ten_b") == []


def test_every_tenant_of_the_user_has_it_and_no_other(town: Any) -> None:
    ada = town.person("ada@example.com")
    made = town.host("ten_b").ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "viewer"})
    fail(town)
    assert (len(entered(town)), len(entered(town, "ten_b"))) == (1, 0)
    ada.ask("POST", "/api/session/invitations", {"token": made["token"]})
    town.hub.now.advance(60)
    fail(town)
    assert (len(entered(town)), len(entered(town, "ten_b"))) == (2, 1)


def test_of_one_user_there_is_one_a_minute_however_many_processes_are_asked(town: Any) -> None:
    ada_id = town.id_of(town.person("ada@example.com"))
    town.person("bob@example.com")
    for _ in range(5):
        fail(town)
    assert len(entered(town)) == 1
    elsewhere = Refusals(town.hub.store)
    elsewhere.note(ada_id, ORIGIN, town.hub.now())
    elsewhere.close()
    town.hub.now.advance(59)
    fail(town)
    assert len(entered(town)) == 1
    fail(town, "bob@example.com")
    assert len(entered(town)) == 2
    town.hub.now.advance(1)
    fail(town)
    assert len(entered(town)) == 3


def test_a_disabled_user_and_a_session_that_guesses_are_entered_too(town: Any) -> None:
    town.person("owner@example.com")
    ada, bob = town.person("ada@example.com"), town.person("bob@example.com")
    bob_id = town.id_of(bob)
    town.host().ask("POST", f"/api/users/{bob_id}/disable")
    fail(town, "bob@example.com", PASSWORD)
    body = {"present": "wrong", "new": "another horse, another battery"}
    assert ada.refused("PUT", "/api/session/password", body) == (401, "login_failed")
    assert {one["target"] for one in entered(town)} == {bob_id, town.id_of(ada)}


@pytest.mark.parametrize(
    "email", ["nobody@example.com", "no address", "", "ada@example.com' --", "x" * 5_000]
)
def test_nothing_is_entered_of_who_is_not_there(town: Any, email: str) -> None:
    town.person("ada@example.com")
    fail(town, email)
    assert entered(town) + entered(town, "ten_b") == []


def test_who_signs_in_or_is_no_member_leaves_no_refusal(town: Any) -> None:
    town.person("owner@example.com")
    ada = town.person("ada@example.com", "viewer")
    town.browser().sign_in("ada@example.com")
    ada.ask("DELETE", "/api/session/tenant")
    fail(town)
    assert entered(town) == []


def test_a_request_writes_nothing_whoever_is_asked_for(town: Any) -> None:
    town.person("ada@example.com")

    def statements(email: str) -> list[str]:
        seen: list[str] = []

        def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
            seen.append(statement)

        sa.event.listen(town.hub.store.engine, "before_cursor_execute", note)
        fail(town, email)
        sa.event.remove(town.hub.store.engine, "before_cursor_execute", note)
        return seen

    assert statements("ada@example.com") == statements("nobody@example.com")
    assert not [one for one in statements("ada@example.com") if one.lstrip().startswith(("INSERT", "UPDATE"))]


def test_a_flood_is_bounded_and_said_to_be(town: Any, caplog: pytest.LogCaptureFixture) -> None:
    ada_id = town.id_of(town.person("ada@example.com"))
    refusals = Refusals(town.hub.store)
    refusals.note(ada_id, ORIGIN, town.hub.now())
    for number in range(MOST + 5):
        refusals.note(f"usr_{number}", ORIGIN, town.hub.now())
    refusals.close()
    assert len(entered(town)) == 1
    assert "of 6 users whom somebody tried to be nothing is entered" in caplog.text


def test_what_the_database_does_not_take_is_entered_later(
    town: Any, open_store: Any, database_file: Path
) -> None:
    ada_id = town.id_of(town.person("ada@example.com"))
    refusals = Refusals(open_store(patient=False))
    refusals.note(ada_id, ORIGIN, town.hub.now())
    with closing(sqlite3.connect(database_file)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            refusals.write()
    assert entered(town) == []
    refusals.close()
    assert len(entered(town)) == 1
