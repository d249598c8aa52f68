"""The API of approvals: lists, answers, rules, and the link that decides nothing when it is looked at."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from rig.approvals import WIRE, Desk, bank, enroll, person

from revolution_hub.api import approvals as approvals_door
from revolution_hub.api import approve as approve_door
from revolution_hub.api.frame import Frame
from revolution_hub.api.problems import add_handlers
from revolution_hub.api.who import principal_of
from revolution_hub.errors import HubError
from revolution_hub.model.principal import Principal
from revolution_hub.services import approval_links, approvals
from revolution_hub.services.approvals import Answer, Decision
from revolution_hub.store import people
from revolution_hub.store import tables as t

HOSTILE = "</code><script>alert(1)</script> **bold** \u202egnp.exe " + "x" * 10_000


@pytest.fixture(autouse=True)
def desk(bench: Any, script: Any) -> Desk:
    """Two who may decide, one who may only look, and the bank among the connectors."""
    bench.hub.catalog.add(bank(script))
    enroll(bench.hub, ada="owner", bea="owner", dan="viewer")
    return Desk(bench.hub)


@pytest.fixture
def as_person(bench: Any) -> Iterator[Callable[[str], TestClient]]:
    """The API, asked by somebody who is signed in."""
    app, who = FastAPI(), list[Principal]()
    app.state.hub = bench.hub
    add_handlers(app)
    # Included, and not taken over as they are, so that it can be said who is signed in.
    for module in (approvals_door, approve_door):
        app.include_router(module.router)
    app.dependency_overrides[principal_of] = lambda: who[-1]
    with TestClient(Frame(app), raise_server_exceptions=False) as client:

        def asked(name: str, role: str = "owner") -> TestClient:
            who.append(person(name, role))
            return client

        yield asked


def waiting(bench: Any, **given: Any) -> str:
    execution_id = bench.start({"id": "pay", "uses": WIRE, "with": given or {"n": 1}})
    bench.work()
    return str(execution_id)


def test_people_list_read_and_answer(bench: Any, as_person: Any, script: Any) -> None:
    execution_id = waiting(bench)
    bea = as_person("bea")
    listed = bea.get("/api/approvals?status=pending&mine=true").json()
    (one,) = listed["items"]
    read = bea.get(f"/api/approvals/{one['id']}").json()
    assert read["content"]["input"] == {"n": 1}
    assert read["execution_id"] == execution_id
    answer = {"decision": "approve", "comment": "fine"}
    decided = bea.post(f"/api/approvals/{one['id']}/decision", json=answer)
    assert (decided.status_code, decided.json()["status"]) == (200, "approved")
    bench.work()
    assert script.count("wire_money") == 1
    again = bea.post(f"/api/approvals/{one['id']}/decision", json=answer)
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")


def test_an_execution_says_what_it_waits_for(bench: Any, owner: Any, desk: Desk) -> None:
    execution_id = waiting(bench)
    read = owner.ask("GET", f"/api/workflow-executions/{execution_id}")
    assert (read["wait_reason"], read["wait_on"]) == ("approval", desk.one().id)
    assert read["steps"][0]["error"]["details"] == {"approval_id": desk.one().id}


def test_a_key_of_an_owner_sees_and_never_decides(bench: Any, owner: Any, desk: Desk, script: Any) -> None:
    waiting(bench)
    path = f"/api/approvals/{desk.one().id}"
    assert owner.ask("GET", path)["status"] == "pending"
    assert owner.refused("POST", f"{path}/decision", {"decision": "approve"}) == (403, "person_needed")
    assert owner.refused("POST", f"{path}/link") == (403, "person_needed")
    bench.work()
    assert script.calls == []


@pytest.mark.parametrize(
    "body",
    [{}, {"decision": "maybe"}, {"decision": True}, {"decision": "approve", "as": "usr_ada"},
     {"decision": "approve", "comment": "x" * 2_001}],
)  # fmt: skip
def test_an_answer_that_is_none_is_told_what_is_wrong(
    bench: Any, as_person: Any, desk: Desk, body: Any
) -> None:
    waiting(bench)
    refused = as_person("bea").post(f"/api/approvals/{desk.one().id}/decision", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "input_invalid")
    assert refused.json()["problems"]
    assert desk.one().votes == ()


def test_rules_are_made_listed_and_taken_back(bench: Any, owner: Any, script: Any) -> None:
    body = {"pattern": "bank.*", "rule": {"assignees": ["owner"], "quorum": 2, "deadline": "2d"}}
    made = owner.ask("POST", "/api/approval-policies", body)
    assert (made["quorum"], made["deadline_s"]) == (2, 172_800)
    assert owner.ask("GET", "/api/approval-policies")["items"] == [made]
    assert owner.ask("GET", f"/api/approval-policies/{made['id']}") == made
    owner.ask("DELETE", f"/api/approval-policies/{made['id']}")
    assert owner.refused("GET", f"/api/approval-policies/{made['id']}") == (404, "not_found")
    bench.run({"id": "a", "uses": "bank.print_letter"})
    assert script.count("print_letter") == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"pattern": "bank", "rule": {}}, "pattern"),
        ({"pattern": "bank.x*", "rule": {}}, "pattern"),
        ({"pattern": "bank.*", "rule": {"quorum": 0}}, "quorum"),
        ({"pattern": "bank.*", "rule": {"assignees": []}}, "assignees"),
        ({"pattern": "bank.*", "rule": {"assignees": ["Nobody At All"]}}, "assignees[0]"),
        ({"pattern": "bank.*", "rule": {"deadline": "never"}}, "deadline"),
        ({"pattern": "bank.*", "rule": {"on_deadline": "approve"}}, "on_deadline"),
    ],
)
def test_a_rule_that_makes_no_sense_is_told_where(owner: Any, body: Any, path: str) -> None:
    answer = owner.call("POST", "/api/approval-policies", body)
    assert (answer.status_code, [one["path"] for one in answer.json()["problems"]]) == (422, [path])


# The link.


def link_of(as_person: Any, desk: Desk, name: str = "bea") -> str:
    made = as_person(name).post(f"/api/approvals/{desk.one().id}/link")
    assert made.status_code == 201, made.text
    return "/approve/" + str(made.json()["url"]).rpartition("/")[2]


def test_looking_at_a_link_decides_nothing_and_posting_decides_once(
    bench: Any, as_person: Any, desk: Desk, script: Any
) -> None:
    waiting(bench)
    path, client = link_of(as_person, desk), as_person("nobody")
    for method in ("GET", "HEAD", "GET", "HEAD"):
        assert client.request(method, path).status_code == 200
        assert client.request(method, f"{path}?decision=approve").status_code >= 400
    assert (desk.one().votes, script.calls) == ((), [])
    page = client.get(path, headers={"accept": "text/html"})
    assert "default-src 'none'" in page.headers["content-security-policy"]
    form = {"content-type": "application/x-www-form-urlencoded"}
    posted = client.post(path, content="decision=approve&comment=ok", headers=form)
    assert (posted.status_code, posted.json()["votes"][0]["way"]) == (200, "link")
    bench.work()
    assert script.count("wire_money") == 1
    for again in (client.post(path, json={"decision": "reject"}), client.get(path)):
        assert (again.status_code, again.json()["code"]) == (404, "not_found")


def test_a_link_is_kept_as_a_hash_and_dies_with_its_deadline(bench: Any, as_person: Any, desk: Desk) -> None:
    waiting(bench)
    path = link_of(as_person, desk)
    with bench.hub.store.read("ten_a") as tx:
        (row,) = tx.conn.execute(sa.select(t.approval_links)).mappings()
    assert path.rpartition("/")[2] not in json.dumps(dict(row), default=str)
    assert row["expires_at"] == desk.one().deadline_at
    bench.clock.advance(8 * 86_400)
    assert as_person("nobody").post(path, json={"decision": "approve"}).status_code == 404


def test_a_link_of_somebody_who_may_not_decide_any_more_is_worth_nothing(
    bench: Any, as_person: Any, desk: Desk, script: Any
) -> None:
    waiting(bench)
    path = link_of(as_person, desk)
    with bench.hub.store.begin("ten_a") as tx:
        people.set_role(tx, "usr_bea", "viewer")
    assert as_person("nobody").post(path, json={"decision": "approve"}).status_code == 404
    bench.work()
    assert script.calls == []


def test_a_newer_link_takes_the_place_of_an_older_one(bench: Any, as_person: Any, desk: Desk) -> None:
    waiting(bench)
    older, newer = link_of(as_person, desk), link_of(as_person, desk)
    client = as_person("nobody")
    assert (client.get(older).status_code, client.get(newer).status_code) == (404, 200)


def test_who_asked_gets_no_link(bench: Any, as_person: Any, desk: Desk) -> None:
    bench.principal = person("ada")
    waiting(bench)
    refused = as_person("ada").post(f"/api/approvals/{desk.one().id}/link")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_assigned")


def test_a_guessed_link_is_not_there(as_person: Any) -> None:
    assert as_person("nobody").get("/approve/" + "a" * 43).status_code == 404


def test_what_data_says_cannot_pretend_anything(bench: Any, as_person: Any, desk: Desk) -> None:
    waiting(bench, to=HOSTILE)
    page = as_person("nobody").get(link_of(as_person, desk), headers={"accept": "text/html"}).text
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "\\u202e" in page
    assert len(page) < 9_000
    read = as_person("bea").get(f"/api/approvals/{desk.one().id}").json()
    assert read["content"]["input"] == {"to": HOSTILE}


def test_x8_the_page_loads_nothing_is_framed_nowhere_and_sends_only_to_the_hub(
    bench: Any, as_person: Any, desk: Desk
) -> None:
    waiting(bench, to=HOSTILE)
    path, client = link_of(as_person, desk), as_person("nobody")
    html = {"accept": "text/html"}
    shown = client.get(path, headers=html)
    answered = client.post(path, json={"decision": "reject"}, headers=html)
    for page in (shown, answered):
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        said = dict(
            one.strip().partition(" ")[::2] for one in page.headers["content-security-policy"].split(";")
        )
        nowhere = dict.fromkeys(("default-src", "base-uri", "frame-ancestors"), "'none'")
        assert said == nowhere | {"form-action": "'self'"}
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        # The address is a secret: no page that is linked to learns it, and no cache keeps it.
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(
            r"<(script|style|link|img|iframe|a|base)\b|\bon\w+=|style=|javascript:", page.text
        )
    refused = client.get(path, headers=html)
    assert (refused.status_code, refused.headers["content-security-policy"].partition(";")[0]) == (
        404,
        "default-src 'none'",
    )


@pytest.mark.parametrize("more", ["input", "arguments", "content", "digest", "as", "user_id", "status"])
def test_r9_a_link_takes_an_answer_and_nothing_else(
    bench: Any, as_person: Any, desk: Desk, script: Any, more: str
) -> None:
    waiting(bench)
    path, client = link_of(as_person, desk), as_person("nobody")
    form = {"content-type": "application/x-www-form-urlencoded"}
    for sent in (
        {"json": {"decision": "approve", more: {"n": 2}}},
        {"content": f"decision=approve&{more}=x", "headers": form},
    ):
        refused = client.post(path, **sent)
        assert (refused.status_code, refused.json()["problems"][0]["path"]) == (422, more)
    bench.work()
    assert (desk.one().votes, script.calls) == ((), [])


# Races.


@pytest.mark.parametrize("decisions", [["approve"], ["approve", "reject"]])
def test_of_many_answers_at_once_one_settles_it_and_all_are_audited(
    bench: Any, desk: Desk, script: Any, decisions: list[str]
) -> None:
    enroll(bench.hub, **{f"p{index}": "owner" for index in range(10)})
    execution_id = waiting(bench)
    asked = desk.one()

    def answer(index: int) -> str:
        said = Answer(decision=Decision(decisions[index % len(decisions)]))
        try:
            return str(approvals.decide_approval(bench.hub, person(f"p{index % 10}"), asked.id, said).status)
        except HubError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(answer, range(20)))
    settled = [one for one in told if one in ("approved", "rejected")]
    assert (len(settled), set(told) - set(settled)) == (1, {"already_decided"})
    bench.work()
    bench.work()
    assert script.count("wire_money") == (settled == ["approved"])
    assert bench.look(execution_id).status == ("succeeded" if settled == ["approved"] else "failed")
    with bench.hub.store.read("ten_a") as tx:
        query = sa.select(t.audit_entries.c.action).where(t.audit_entries.c.action.startswith("approval."))
        entries = list(tx.conn.execute(query).scalars())
    assert (len(entries), entries.count("approval.refuse")) == (21, 19)


def test_one_link_posted_many_times_at_once_counts_once(bench: Any, desk: Desk, script: Any) -> None:
    waiting(bench)
    made = approval_links.make_link(bench.hub, person("bea"), desk.one().id)
    token = made.url.rpartition("/")[2]

    def answer(_: int) -> str:
        said = Answer(decision=Decision.APPROVE, way="link")
        try:
            return str(approval_links.answer_link(bench.hub, token, said, person("bea").origin).status)
        except HubError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(answer, range(16)))
    assert sorted(told) == ["approved", *["not_found"] * 15]
    bench.work()
    assert script.count("wire_money") == 1
