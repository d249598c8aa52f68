"""Connections as people keep them: tried, renamed, the default, disabled, and not deleted unawares."""

from collections.abc import Callable
from typing import Any

import pytest
from rig.asking import Asker

from revolution_hub.engine.refused import mark_refused
from revolution_hub.store import connections
from revolution_hub.store.uses import Uses
from revolution_sdk import CredentialError

CLUB = "/api/integrations/club/connections"
INVITE = {"id": "it", "uses": "club.invite_member"}


def read(owner: Asker, connection_id: str) -> Any:
    return owner.ask("GET", f"{CLUB}/{connection_id}")


def change(asking: Asker, connection_id: str, body: Any, *, force: bool = False, revision: int = 0) -> Any:
    present = revision or read(asking, connection_id)["revision"]
    query = "?force=true" if force else ""
    return asking.call("PATCH", f"{CLUB}/{connection_id}{query}", body, if_match=f'"{present}"')


def defaults(owner: Asker) -> list[str]:
    return [one["name"] for one in owner.ask("GET", CLUB)["items"] if one["default"]]


def test_the_first_connection_of_a_connector_is_its_default_and_there_is_always_one(
    bench: Any, owner: Asker
) -> None:
    ids = [bench.connect(name) for name in ("a", "b", "c")]
    assert defaults(owner) == ["a"]
    assert change(owner, ids[1], {"default": True}).json()["default"] is True
    assert defaults(owner) == ["b"]
    owner.ask("DELETE", f"{CLUB}/{ids[1]}")
    assert defaults(owner) == ["a"]
    for one in (ids[0], ids[2]):
        owner.ask("DELETE", f"{CLUB}/{one}")
    bench.connect("d")
    assert defaults(owner) == ["d"]


def test_steps_that_name_no_connection_use_the_default(bench: Any, owner: Asker) -> None:
    bench.connect("a")
    second = bench.connect("b")
    change(owner, second, {"default": True})
    assert bench.run(INVITE).steps["it"].connection_id == second


def test_a_default_is_taken_back_by_naming_another_one_alone(bench: Any, owner: Asker) -> None:
    one = bench.connect("a")
    assert change(owner, one, {"default": False}).status_code == 422
    assert defaults(owner) == ["a"]


def test_a_change_wants_the_revision_that_was_read(bench: Any, owner: Asker) -> None:
    one = bench.connect("a")
    assert change(owner, one, {"name": "b"}).headers["etag"] == '"2"'
    stale = change(owner, one, {"name": "c"}, revision=1)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_revision")
    assert change(owner, one, {}, revision=1).json()["code"] == "stale_revision"
    assert owner.refused("PATCH", f"{CLUB}/{one}", {"name": "c"}) == (428, "revision_required")
    assert read(owner, one)["name"] == "b"


def test_two_connections_of_a_connector_never_have_one_name(bench: Any, owner: Asker) -> None:
    bench.connect("a")
    other = bench.connect("b")
    taken = change(owner, other, {"name": "a"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    assert read(owner, other)["name"] == "b"


@pytest.mark.parametrize(
    "body", [{"name": ""}, {"name": "x" * 81}, {"name": 1}, {"base_url": "https://x.com"}]
)
def test_what_cannot_be_changed_is_said_with_its_path(bench: Any, owner: Asker, body: Any) -> None:
    answer = change(owner, bench.connect("a"), body)
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["problems"]] == list(body)


def test_a_name_that_workflows_use_is_changed_with_force_alone(bench: Any, owner: Asker) -> None:
    one = bench.connect("main")
    owner.publish({"name": "inviting", "steps": [{**INVITE, "connection": "main"}]})
    refused = change(owner, one, {"name": "other"})
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert "'inviting'" in refused.json()["detail"]
    assert change(owner, one, {"name": "other"}, force=True).json()["name"] == "other"


def test_deleting_tells_which_workflows_use_it_published_or_not(bench: Any, owner: Asker) -> None:
    one, other = bench.connect("main"), bench.connect("other")
    nested = [{"if": "{{ true }}", "then": [{**INVITE, "connection": "main"}]}]
    published = owner.publish({"name": "published", "steps": nested})
    owner.publish({"name": "by-default", "steps": [INVITE]})
    owner.ask("POST", "/api/workflows", {"document": {"name": "drafted", "steps": [INVITE]}})
    owner.publish({"name": "stranger", "steps": [{**INVITE, "connection": "other"}]})
    impact = owner.ask("GET", f"{CLUB}/{one}/impact")
    assert [(use["name"], use["how"], use["published"]) for use in impact["workflows"]] == [
        ("by-default", "default", True),
        ("drafted", "default", False),
        ("published", "name", True),
    ]
    assert impact["executions_waiting"] == 0
    refused = owner.call("DELETE", f"{CLUB}/{one}")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert {"id": published, "name": "published"} in refused.json()["workflows"]
    assert refused.json()["count"] == 3
    assert read(owner, one)["name"] == "main"
    assert owner.call("DELETE", f"{CLUB}/{one}?force=true").status_code == 204
    assert owner.refused("GET", f"{CLUB}/{one}") == (404, "not_found")
    assert owner.ask("GET", f"{CLUB}/{other}/impact")["workflows"] != []


def test_a_disabled_connection_lets_executions_wait_and_go_on_in_their_order(
    bench: Any, owner: Asker, script: Any
) -> None:
    one = bench.connect()
    disabled = owner.ask("POST", f"{CLUB}/{one}/disable", {"reason": "the account is being moved"})
    assert (disabled["status"], disabled["status_reason"]) == ("disabled", "the account is being moved")
    waiting = [bench.run({**INVITE, "with": {"who": str(number)}}).execution.id for number in range(4)]
    assert {bench.look(each).waits_for for each in waiting} == {"connection"}
    assert owner.ask("GET", f"{CLUB}/{one}/impact")["executions_waiting"] == 4
    assert script.calls == []
    owner.ask("POST", f"{CLUB}/{one}/enable")
    bench.work()
    assert {bench.look(each).status for each in waiting} == {"succeeded"}
    assert [value["who"] for _, value, _ in script.calls] == ["0", "1", "2", "3"]


def test_executions_resume_in_order_once_a_refused_connection_is_authorized_anew(
    bench: Any, owner: Asker, script: Any
) -> None:
    one = bench.connect()
    script.next("invite_member", CredentialError("revoked"))
    waiting = [bench.run({**INVITE, "with": {"who": str(number)}}).execution.id for number in range(5)]
    script.calls.clear()
    owner.ask("PUT", f"{CLUB}/{one}/credential", {"credential": {"api_key": "k-2"}})
    bench.work()
    assert {bench.look(each).status for each in waiting} == {"succeeded"}
    assert [value["who"] for _, value, _ in script.calls] == ["0", "1", "2", "3", "4"]


def test_a_new_credential_does_not_enable_what_a_person_has_disabled(bench: Any, owner: Asker) -> None:
    one = bench.connect()
    owner.ask("POST", f"{CLUB}/{one}/disable", {})
    kept = owner.ask("PUT", f"{CLUB}/{one}/credential", {"credential": {"api_key": "k-2"}})
    assert (kept["status"], kept["status_reason"]) == ("disabled", "disabled by owner")


def test_disabling_and_enabling_twice_changes_nothing_more(bench: Any, owner: Asker) -> None:
    one = bench.connect()
    for word in ("disable", "disable", "enable", "enable"):
        body = {} if word == "disable" else None
        owner.ask("POST", f"{CLUB}/{one}/{word}", body)
    found = owner.ask("GET", f"{CLUB}/{one}/health")["items"]
    assert [each["status"] for each in found] == ["connected", "disabled", "connected"]
    assert read(owner, one)["revision"] == 3


def test_how_a_connection_stood_is_kept_with_who_and_why_and_bounded(bench: Any, owner: Asker) -> None:
    one = bench.connect()
    with bench.hub.store.read("ten_a") as tx:
        stored = connections.get(tx, one)
    assert mark_refused(bench.hub, stored, "the key is revoked")
    owner.ask("PUT", f"{CLUB}/{one}/credential", {"credential": {"api_key": "k-2"}})
    found = owner.ask("GET", f"{CLUB}/{one}/health?limit=2")
    assert [(each["status"], each["reason"], each["by"]) for each in found["items"]] == [
        ("connected", None, owner.key_id),
        ("needs_reauth", "the key is revoked", None),
    ]
    rest = owner.ask("GET", f"{CLUB}/{one}/health?cursor={found['next_cursor']}")
    assert [each["status"] for each in rest["items"]] == ["connected"]
    for _ in range(60):
        owner.ask("POST", f"{CLUB}/{one}/disable", {})
        owner.ask("POST", f"{CLUB}/{one}/enable")
    assert len(owner.ask("GET", f"{CLUB}/{one}/health?limit=200")["items"]) == 100


def test_a_refusal_is_told_once_on_the_bus_and_starts_who_listens(bench: Any, owner: Asker) -> None:
    owner.publish(
        {
            "name": "telling",
            "on": [{"event": "hub.connection.needs_reauth"}],
            "steps": [{"set": {"why": "{{ trigger.data.reason }}", "which": "{{ trigger.data.name }}"}}],
        }
    )
    one = bench.connect("main")
    with bench.hub.store.read("ten_a") as tx:
        stored = connections.get(tx, one)
    for _ in range(3):
        assert mark_refused(bench.hub, stored, "the key is revoked")
    bench.work()
    found = owner.ask("GET", "/api/workflow-executions")["items"]
    assert [each["status"] for each in found] == ["succeeded"]
    event = owner.ask("GET", "/api/events?type=hub.connection.needs_reauth")["items"]
    assert len(event) == 1


def test_when_a_connection_was_used_is_known_to_the_minute_without_a_write_per_call(
    bench: Any, owner: Asker
) -> None:
    one = bench.connect()
    assert read(owner, one)["last_used_at"] is None
    uses = bench.hub.store.companion(Uses)
    for _ in range(3):
        bench.run(INVITE)
    uses.write()
    first = read(owner, one)["last_used_at"]
    assert first is not None
    bench.clock.advance(30)
    bench.run(INVITE)
    uses.write()
    assert read(owner, one)["last_used_at"] == first
    bench.clock.advance(31)
    bench.run(INVITE)
    uses.write()
    assert read(owner, one)["last_used_at"] > first


def test_another_address_wants_a_credential_of_its_own(bench: Any, owner: Asker) -> None:
    one = bench.connect()
    allowed = "https://club.example.com"
    kept = owner.ask(
        "PUT", f"{CLUB}/{one}/credential", {"credential": {"api_key": "for-there"}, "base_url": allowed}
    )
    assert kept["base_url"] == allowed
    with bench.hub.store.read("ten_a") as tx:
        stored = connections.get(tx, one)
    assert bench.hub.vault.open("ten_a", one, stored.credential) == {"api_key": "for-there"}
    refused = owner.call(
        "PUT",
        f"{CLUB}/{one}/credential",
        {"credential": {"api_key": "k"}, "base_url": "http://169.254.169.254"},
    )
    assert refused.json()["problems"][0]["code"] == "address_blocked"
    assert read(owner, one)["base_url"] == allowed


def test_who_may_only_use_a_connection_changes_nothing_of_it(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    one, guest = bench.connect(), asker_of("guest")
    owner.ask("PUT", f"{CLUB}/{one}/shares/{guest.key_id}", {"right": "use"})
    assert guest.ask("GET", f"{CLUB}/{one}/health")["items"] != []
    assert change(guest, one, {"name": "mine"}).status_code == 403
    for path, body in ((f"{CLUB}/test", {"credential": {"api_key": "k"}}), (f"{CLUB}/{one}/disable", {})):
        assert guest.refused("POST", path, body) == (403, "forbidden")
    for word in ("test", "enable"):
        assert guest.refused("POST", f"{CLUB}/{one}/{word}") == (403, "forbidden")


def test_a_connection_of_another_connector_is_not_found(bench: Any, owner: Asker) -> None:
    one = bench.connect()
    for method, under, body in (
        ("GET", "/health", None),
        ("GET", "/impact", None),
        ("POST", "/test", None),
        ("POST", "/enable", None),
        ("POST", "/disable", {}),
    ):
        path = f"/api/integrations/lab/connections/{one}{under}"
        assert owner.refused(method, path, body) == (404, "not_found")


def test_trying_a_credential_keeps_nothing(bench: Any, owner: Asker) -> None:
    body = {"name": "tried", "credential": {"api_key": "k"}}
    # The club declares no check, so there is nothing to be tried with.
    assert owner.ask("POST", f"{CLUB}/test", body) == {"tried": False, "found": {}}
    wrong = owner.call("POST", f"{CLUB}/test", {"name": "x", "credential": {"api_key": 1}})
    assert wrong.json()["problems"][0]["path"] == "credential"
    assert owner.ask("GET", CLUB)["items"] == []
