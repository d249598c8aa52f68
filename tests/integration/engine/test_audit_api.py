"""The audit log through the API: lists, filters, exports, heads, and who may see any of it."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rig.asking import Asker

from revolution_hub.model.audit import entry_of_hub
from revolution_hub.model.audit_chain import check_chain
from revolution_hub.model.audit_text import COLUMNS, json_line
from revolution_hub.model.time import rfc3339, utc_now
from revolution_hub.store import audit
from revolution_hub.store.audit import AuditFilter
from revolution_hub.store.paging import Page

KEY = {"name": "k", "role": "viewer"}


def keys(owner: Asker, count: int) -> list[str]:
    return [owner.ask("POST", "/api/keys", KEY)["id"] for _ in range(count)]


def test_entries_are_listed_newest_first_and_page_by_page(owner: Asker) -> None:
    made = keys(owner, 5)
    seen, cursor = [], ""
    while True:
        page = owner.ask("GET", f"/api/audit?limit=2{cursor}")
        seen += [one["target"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    oldest = owner.ask("GET", "/api/audit?sort=created_at&limit=1")["items"][0]
    assert (oldest["number"], oldest["action"], oldest["fields"]) == (
        1,
        "key.create",
        {"name": "added", "role": "added"},
    )


def test_entries_are_narrowed_by_what_who_to_what_and_when(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    first, second = keys(owner, 2)
    other = asker_of()
    bench.clock.advance(3600)
    moment = rfc3339(bench.clock.now)
    other.ask("DELETE", f"/api/keys/{first}")

    def found(query: str) -> list[tuple[str, str]]:
        items = owner.ask("GET", f"/api/audit?sort=created_at&{query}")["items"]
        return [(one["action"], one["target"]) for one in items]

    made = [("key.create", first), ("key.create", second)]
    assert found("action=key.create") == made
    assert found(f"principal_id={other.key_id}") == [("key.revoke", first)]
    assert found(f"target={first}") == [made[0], ("key.revoke", first)]
    assert found(f"since={moment}") == [("key.revoke", first)]
    assert found(f"until={moment}") == made
    assert found(f"since={moment}&action=key.create") == []


@pytest.mark.parametrize("query", ["since=yesterday", "cursor=x", "limit=0", "acton=x", "until=2026-01-01"])
def test_a_wrong_question_is_refused(owner: Asker, query: str) -> None:
    assert owner.refused("GET", f"/api/audit?{query}") == (422, "input_invalid")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/audit", None),
        ("GET", "/api/audit/head", None),
        ("GET", "/api/audit/verify", None),
        ("GET", "/api/audit/export", None),
        ("POST", "/api/audit/prune", {"older_than_days": 90}),
    ],
)
def test_who_may_only_look_around_sees_nothing_of_it(
    asker_of: Callable[..., Asker], method: str, path: str, body: Any
) -> None:
    for role in ("viewer", "guest"):
        assert asker_of(role).refused(method, path, body) == (403, "forbidden")
    assert asker_of("owner").call(method, path, body).status_code == 200


def test_another_tenants_log_is_not_there(asker_of: Callable[..., Asker], owner: Asker) -> None:
    made = keys(owner, 3)
    stranger = asker_of("owner", "ten_b")
    assert stranger.ask("GET", "/api/audit")["items"] == []
    assert stranger.ask("GET", f"/api/audit?target={made[0]}&principal_id={owner.key_id}")["items"] == []
    assert stranger.ask("GET", "/api/audit/head") == {"head": None}
    exported = stranger.call("GET", "/api/audit/export").text
    assert [json.loads(line)["action"] for line in exported.splitlines()] == ["audit.export"]
    assert stranger.ask("POST", "/api/audit/prune", {"older_than_days": 30}) == {"removed": 0}
    cursor = owner.ask("GET", "/api/audit?limit=1")["next_cursor"]
    assert {one["tenant_id"] for one in stranger.ask("GET", f"/api/audit?cursor={cursor}")["items"]} <= {
        "ten_b"
    }


def test_an_export_is_the_whole_log_as_it_is_and_is_noted_itself(bench: Any, owner: Asker) -> None:
    keys(owner, 3)
    answer = owner.call("GET", "/api/audit/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    with bench.hub.store.read("ten_a") as tx:
        found, _ = audit.list_page(tx, Page(limit=100, newest_first=False), AuditFilter())
    assert answer.text == "".join(map(json_line, found))
    assert [one.action for one in found] == ["key.create"] * 3 + ["audit.export"]
    assert check_chain("ten_a", found).fault is None


def test_a_long_export_comes_whole(bench: Any, owner: Asker) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        for number in range(1200):
            audit.append(tx, entry_of_hub("ten_a", "key.create", f"key_{number}", bench.clock.now))
    lines = owner.call("GET", "/api/audit/export").text.splitlines()
    assert [json.loads(one)["number"] for one in lines] == list(range(1, 1202))
    narrowed = owner.call("GET", "/api/audit/export?target=key_7").text.splitlines()
    assert [json.loads(one)["number"] for one in narrowed] == [8]


def test_a_table_opens_in_a_spreadsheet_and_computes_nothing(owner: Asker) -> None:
    agent = "=HYPERLINK(1)\x1b[31m"
    owner.call("POST", "/api/keys", KEY, user_agent=agent)
    answer = owner.call("GET", "/api/audit/export?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    first, _ = csv.DictReader(io.StringIO(answer.text))
    assert tuple(first) == COLUMNS
    assert first["user_agent"] == "'=HYPERLINK(1)\\u001b[31m"
    assert owner.refused("GET", "/api/audit/export?format=xlsx") == (422, "input_invalid")


@pytest.mark.parametrize("agent", ["x" * 1_000_000, "\x1b]0;evil\x07", "<script>", "a\tb", "é\u00ad"])
def test_what_a_client_calls_itself_is_cut_and_shown_as_codes(owner: Asker, agent: str) -> None:
    answer = owner.client.request(
        "POST",
        "/api/keys",
        json=KEY,
        headers={"authorization": f"Bearer {owner.key}", "user-agent": agent.encode("latin-1", "replace")},
    )
    assert answer.status_code == 201
    shown = owner.ask("GET", "/api/audit")["items"][0]["user_agent"]
    assert shown
    assert len(shown) <= 200
    assert shown.isprintable()


def test_a_head_that_was_kept_shows_later_that_all_is_there(owner: Asker) -> None:
    keys(owner, 2)
    head = owner.ask("GET", "/api/audit/head")["head"]
    keys(owner, 2)
    told = owner.ask("GET", f"/api/audit/verify?head={head['text']}&head=2:{head['hash']}")
    assert (told["intact"], told["count"], told["fault"]) == (True, 4, None)
    wrong = owner.ask("GET", f"/api/audit/verify?head=2:{'a' * 64}")
    assert (wrong["intact"], wrong["fault"]["number"]) == (False, 2)
    beyond = owner.ask("GET", f"/api/audit/verify?head=9:{'a' * 64}")
    assert (beyond["intact"], beyond["fault"]["number"]) == (False, 5)
    assert owner.refused("GET", "/api/audit/verify?head=x") == (422, "input_invalid")


def test_old_entries_are_removed_behind_a_checkpoint_that_says_by_whom(bench: Any, owner: Asker) -> None:
    bench.clock.now = utc_now() - timedelta(days=90)
    keys(owner, 3)
    bench.clock.now = utc_now()
    assert owner.refused("POST", "/api/audit/prune", {"older_than_days": 29}) == (422, "input_invalid")
    assert owner.ask("POST", "/api/audit/prune", {"older_than_days": 60}) == {"removed": 3}
    assert owner.ask("POST", "/api/audit/prune", {"older_than_days": 60}) == {"removed": 0}
    (left,) = owner.ask("GET", "/api/audit")["items"]
    assert (left["action"], left["through"], left["principal_id"]) == ("audit.prune", 3, owner.key_id)
    assert owner.ask("GET", "/api/audit/verify")["intact"]


def test_equal_secrets_have_equal_marks_in_one_tenant_alone(bench: Any, owner: Asker) -> None:
    for name, key in (("one", "k-1"), ("two", "k-1"), ("three", "k-2")):
        body = {"name": name, "credential": {"api_key": key}}
        owner.ask("POST", "/api/integrations/club/connections", body)
    marks = [one["fields"]["credential"] for one in owner.ask("GET", "/api/audit?sort=created_at")["items"]]
    assert all(one.startswith("added #") and "k-" not in one[7:9] for one in marks)
    assert (marks[0] == marks[1], marks[0] == marks[2]) == (True, False)
    elsewhere = replace(bench.principal, tenant_id="ten_b")
    replace(bench, principal=elsewhere).connect()
    with bench.hub.store.read("ten_b") as tx:
        (other,) = audit.list_page(tx, Page(), AuditFilter())[0]
    assert other.fields["credential"] != marks[0]
