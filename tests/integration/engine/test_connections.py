"""Executions and their connections: a refused one makes them wait, a renewed one lets them go on."""

from dataclasses import replace
from typing import Any

from revolution_hub.model.status import ConnectionStatus
from revolution_hub.services import connections, executions
from revolution_hub.store import connections as stored
from revolution_sdk import CredentialError

INVITE = {"id": "it", "uses": "club.invite_member"}
NEW = {"api_key": "k-2"}


def status_of(bench: Any, connection_id: str) -> tuple[str, str | None]:
    found = connections.get_connection(bench.hub, bench.principal, "club", connection_id)
    return str(found.status), found.status_reason


def test_a_refused_credential_makes_the_execution_wait_and_marks_the_connection(
    bench: Any, script: Any
) -> None:
    connection_id = bench.connect()
    script.next("invite_member", CredentialError("the key is revoked"))
    seen = bench.run(INVITE)
    assert (seen.status, seen.waits_for, seen.execution.wait_on) == ("waiting", "connection", connection_id)
    assert (seen.step("it"), seen.tried("it")) == ("waiting", ["failed:credential_refused"])
    assert status_of(bench, connection_id) == ("needs_reauth", "the key is revoked")


def test_it_goes_on_when_the_connection_is_authorized_anew(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    script.next("invite_member", CredentialError("revoked"))
    execution_id = bench.run(INVITE).execution.id
    assert bench.pass_time(100_000) == 0
    connections.reauthorize(bench.hub, bench.principal, "club", connection_id, NEW)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.tried("it")) == ("succeeded", ["failed:credential_refused", "succeeded"])
    assert status_of(bench, connection_id) == ("connected", None)
    assert len(script.keys("invite_member")) == 1


def test_others_wait_too_instead_of_asking_the_provider_again(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    script.next("invite_member", CredentialError("revoked"))
    waiting = [bench.run(INVITE).execution.id for _ in range(5)]
    assert script.count("invite_member") == 1
    assert {bench.look(one).waits_for for one in waiting} == {"connection"}
    connections.reauthorize(bench.hub, bench.principal, "club", connection_id, NEW)
    bench.work()
    assert {bench.look(one).status for one in waiting} == {"succeeded"}
    assert script.count("invite_member") == 6


def test_a_wait_does_not_use_up_the_retry_policy(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    script.next("invite_member", *[CredentialError("revoked")] * 3)
    execution_id = bench.run({**INVITE, "retry": {"attempts": 1}}).execution.id
    for _ in range(3):
        connections.reauthorize(bench.hub, bench.principal, "club", connection_id, NEW)
        bench.work()
    assert bench.look(execution_id).status == "succeeded"


def test_without_any_connection_the_execution_waits_until_one_is_made(bench: Any, script: Any) -> None:
    execution_id = bench.run(INVITE).execution.id
    seen = bench.look(execution_id)
    assert (seen.waits_for, seen.execution.wait_on) == ("connection", "club")
    assert script.calls == []
    connection_id = bench.connect()
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["it"].connection_id) == ("succeeded", connection_id)


def test_a_connection_made_meanwhile_is_the_one_it_then_waits_for(bench: Any, script: Any) -> None:
    execution_id = bench.run(INVITE).execution.id
    script.next("invite_member", CredentialError("wrong key"))
    connection_id = bench.connect()
    bench.work()
    assert bench.look(execution_id).execution.wait_on == connection_id
    connections.reauthorize(bench.hub, bench.principal, "club", connection_id, NEW)
    bench.work()
    assert bench.look(execution_id).status == "succeeded"


def test_a_connection_of_another_connector_or_tenant_wakes_nobody(bench: Any, make: Any) -> None:
    execution_id = bench.run(INVITE).execution.id
    stranger = replace(bench.principal, tenant_id="ten_b")
    foreign = replace(bench, principal=stranger)
    foreign.connect()
    bench.work()
    assert bench.look(execution_id).status == "waiting"


def test_a_step_uses_the_connection_it_names_and_keeps_it(bench: Any, script: Any) -> None:
    bench.connect("first")
    second = bench.connect("second")
    seen = bench.run({**INVITE, "connection": "second"})
    assert (seen.status, seen.steps["it"].connection_id) == ("succeeded", second)


def test_without_a_name_the_oldest_connection_is_used(bench: Any) -> None:
    ids = sorted(bench.connect(name) for name in ("b", "a"))
    assert bench.run(INVITE).steps["it"].connection_id == ids[0]


def test_a_named_connection_that_was_deleted_fails_the_step_with_that_reason(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    execution_id = bench.start({**INVITE, "connection": "main"})
    connections.delete_connection(bench.hub, bench.principal, "club", connection_id, force=True)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.error["code"]) == ("failed", "connection_missing")
    assert script.calls == []


def test_deleting_a_connection_ends_the_wait_for_it_with_that_reason(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    script.next("invite_member", CredentialError("revoked"))
    execution_id = bench.run(INVITE).execution.id
    connections.delete_connection(bench.hub, bench.principal, "club", connection_id, force=True)
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.error["message"]) == ("failed", "there is no such connection")


def test_a_disabled_connection_is_not_used(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    with bench.hub.store.begin("ten_a") as tx:
        one = stored.get(tx, connection_id)
        assert stored.set_status(tx, one, ConnectionStatus.DISABLED, "by Ada", bench.clock.now)
    seen = bench.run(INVITE)
    assert (seen.waits_for, seen.steps["it"].error["code"]) == ("connection", "connection_disabled")
    assert script.calls == []
    assert status_of(bench, connection_id) == ("disabled", "by Ada")


def test_a_refusal_that_comes_after_the_connection_was_authorized_anew_accuses_nobody(
    bench: Any, script: Any
) -> None:
    connection_id = bench.connect()

    def overtaken(ctx: Any, value: Any) -> Any:
        connections.reauthorize(bench.hub, bench.principal, "club", connection_id, NEW)
        raise CredentialError("the old key is revoked")

    script.next("invite_member", overtaken)
    seen = bench.run(INVITE)
    assert status_of(bench, connection_id) == ("connected", None)
    bench.pass_time(1)
    assert bench.look(seen.execution.id).status == "succeeded"


def test_a_wait_that_missed_its_connection_coming_back_is_found_by_the_sweep(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    script.next("invite_member", CredentialError("revoked"))
    execution_id = bench.run(INVITE).execution.id
    sealed = bench.hub.vault.seal("ten_a", connection_id, NEW, version=2)
    good = {"status": ConnectionStatus.CONNECTED, "reason": None, "now": bench.clock.now}
    with bench.hub.store.begin("ten_a") as tx:
        assert stored.replace_credential(tx, stored.get(tx, connection_id), sealed, **good)
    assert bench.pass_time(1) == 1
    assert bench.look(execution_id).status == "succeeded"


def test_a_wait_for_any_connection_of_a_connector_is_found_by_the_sweep(bench: Any, make: Any) -> None:
    execution_id = bench.run(INVITE).execution.id
    sealed = bench.hub.vault.seal("ten_a", "con_late", NEW)
    with bench.hub.store.begin("ten_a") as tx:
        stored.add(tx, make.connection(id="con_late", connector="club", credential=sealed))
    assert bench.pass_time(1) == 1
    assert bench.look(execution_id).status == "succeeded"


def test_cancelling_works_while_it_waits_for_a_connection(bench: Any) -> None:
    execution_id = bench.run(INVITE).execution.id
    executions.cancel_execution(bench.hub, bench.principal, execution_id)
    bench.connect()
    bench.work()
    assert bench.look(execution_id).status == "cancelled"
