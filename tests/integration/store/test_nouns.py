"""Workflows, connections and idempotency keys: what the database refuses, replaces and forgets."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.model.change import Start
from revolution_hub.model.connection import Hook, Sealed
from revolution_hub.model.event import Listener
from revolution_hub.model.status import ConnectionStatus, ExecutionStatus, WaitReason
from revolution_hub.store import across, connections, endings, executions, hooks, idempotency, workflows
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store
from revolution_hub.store.workflows import StoredVersion, StoredWorkflow

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOOK = Hook(id="hok_1", tenant_id="ten_a", workflow_id="wf_1", key="hook-key", created_at=NOW)


def workflow(**more: Any) -> StoredWorkflow:
    defaults = {"id": "wf_1", "tenant_id": "ten_a", "name": "lead", "document": {"a": 1}, "revision": 1}
    return StoredWorkflow(**{**defaults, "created_at": NOW, "updated_at": NOW, **more})


def version(number: int) -> StoredVersion:
    document = {"v": number}
    return StoredVersion(
        workflow_id="wf_1",
        tenant_id="ten_a",
        version=number,
        document=document,
        published_by="key_1",
        created_at=NOW,
    )


def listener(number: int, event: str | None, kind: str = "event") -> Listener:
    return Listener(tenant_id="ten_a", workflow_id="wf_1", version=number, kind=kind, event_type=event)


def test_a_workflow_is_kept_as_it_was_given(store: Store) -> None:
    document = {"name": "ü", "steps": [None, 1.5, True, {"deep": [[]]}], "big": 2**53 + 1}
    with store.begin("ten_a") as tx:
        workflows.add(tx, workflow(document=document))
    with store.read("ten_a") as tx:
        assert workflows.get(tx, "wf_1") == workflow(document=document)


def test_a_document_comes_back_with_its_keys_in_their_order_and_its_numbers_as_they_were(
    store: Store,
) -> None:
    document = {"zz": 1, "a": {"longer": 1.0, "b": 1e22}, "n": [1e300, -0.0, 5e-324, 2**63 - 1, 0.1]}
    with store.begin("ten_a") as tx:
        workflows.add(tx, workflow(document=document))
    with store.read("ten_a") as tx:
        assert json.dumps(workflows.get(tx, "wf_1").document) == json.dumps(document)


def test_two_workflows_of_one_tenant_cannot_share_a_name(store: Store) -> None:
    with store.begin("ten_a") as tx:
        workflows.add(tx, workflow())
    with pytest.raises(ConflictError) as caught, store.begin("ten_a") as tx:
        workflows.add(tx, workflow(id="wf_2"))
    assert caught.value.code == "name_taken"
    with store.begin("ten_b") as tx:
        workflows.add(tx, workflow(id="wf_3", tenant_id="ten_b"))


def test_a_draft_is_replaced_from_its_present_revision_only(store: Store) -> None:
    with store.begin("ten_a") as tx:
        workflows.add(tx, workflow())
        assert workflows.replace(tx, workflow(revision=2, name="first"), 1)
        assert not workflows.replace(tx, workflow(revision=2, name="second"), 1)
        assert workflows.get(tx, "wf_1").name == "first"


def test_a_draft_cannot_take_anothers_name(store: Store) -> None:
    with store.begin("ten_a") as tx:
        workflows.add(tx, workflow())
        workflows.add(tx, workflow(id="wf_2", name="other"))
    with pytest.raises(ConflictError), store.begin("ten_a") as tx:
        workflows.replace(tx, workflow(id="wf_2"), 1)


def test_only_the_newest_version_listens_and_old_ones_stay(store: Store) -> None:
    with store.begin("ten_a") as tx:
        assert workflows.last_version(tx, "wf_1") == 0
        workflows.add_version(tx, version(1), [listener(1, "a.x"), listener(1, "a.y")])
        workflows.add_version(tx, version(2), [listener(2, "a.y"), listener(2, None, "webhook")])
        assert workflows.list_listeners(tx, ["a.x"]) == []
        assert workflows.list_listeners(tx, ["a.y", "a.z"]) == [listener(2, "a.y")]
        hooks.add(tx, HOOK)
        assert workflows.last_version(tx, "wf_1") == 2
        assert workflows.get_version(tx, "wf_1", 1) == version(1)
        with pytest.raises(NotFoundError):
            workflows.get_version(tx, "wf_1", 3)
    assert across.find_hooks(store, {"hook-key"}, NOW) == {
        "hook-key": (HOOK, listener(2, None, "webhook"), None)
    }


def test_a_deleted_workflow_starts_no_more_but_its_versions_stay(store: Store) -> None:
    with store.begin("ten_a") as tx:
        workflows.add(tx, workflow())
        workflows.add_version(tx, version(1), [listener(1, "a.x")])
        hooks.add(tx, HOOK)
        assert workflows.remove(tx, "wf_1")
        assert workflows.list_listeners(tx, ["a.x"]) == []
        assert hooks.find(tx, "wf_1") is None
        assert workflows.get_version(tx, "wf_1", 1) == version(1)
        assert not workflows.remove(tx, "wf_1")


def test_a_hooks_secret_comes_and_goes(store: Store) -> None:
    secret = Sealed(blob=b"x", key_id="dek_1", version=1)
    with store.begin("ten_a") as tx:
        hooks.add(tx, HOOK)
        assert hooks.replace(tx, replace(HOOK, secret=secret), 1)
        assert not hooks.replace(tx, HOOK, 1)
        assert hooks.find(tx, "wf_1") == replace(HOOK, secret=secret, revision=2)
        assert hooks.replace(tx, HOOK, 2)
        assert hooks.find(tx, "wf_1") == replace(HOOK, revision=3)


def test_a_hook_is_another_with_every_version_of_its_own_workflow(store: Store) -> None:
    other = replace(HOOK, id="hok_2", workflow_id="wf_2", key="other-key")
    with store.begin("ten_a") as tx:
        hooks.add(tx, HOOK)
        hooks.add(tx, other)
        workflows.add_version(tx, version(1), [])
        assert hooks.find(tx, "wf_1") == replace(HOOK, revision=2)
        assert hooks.find(tx, "wf_2") == other


def test_a_connections_name_is_free_once_per_connector(store: Store, make: Any) -> None:
    with store.begin("ten_a") as tx:
        connections.add(tx, make.connection())
        connections.add(tx, make.connection(connector="other"))
    with pytest.raises(ConflictError) as caught, store.begin("ten_a") as tx:
        connections.add(tx, make.connection())
    assert caught.value.code == "name_taken"


def test_without_a_name_the_first_connection_is_meant(store: Store, make: Any) -> None:
    made = [make.connection(name=f"c{number}") for number in range(3)]
    with store.begin("ten_a") as tx:
        for one in made:
            connections.add(tx, one)
        assert connections.find_for(tx, "acme", None) == replace(made[0], is_default=True)
        assert connections.find_for(tx, "acme", made[2].name) == made[2]
        assert connections.find_for(tx, "acme", "none") is None
        assert connections.find_for(tx, "other", None) is None


def test_a_credential_is_replaced_from_the_version_it_was_read_in_only(store: Store, make: Any) -> None:
    one = make.connection(status=ConnectionStatus.NEEDS_REAUTH, status_reason="refused")
    newer = Sealed(blob=b"newer", key_id="dek_2", version=2)
    good = {"status": ConnectionStatus.CONNECTED, "reason": None, "now": NOW + timedelta(1)}
    with store.begin("ten_a") as tx:
        connections.add(tx, one)
        assert connections.replace_credential(tx, one, newer, **good)
        assert not connections.replace_credential(tx, one, replace(newer, blob=b"late"), **good)
        kept = connections.get(tx, one.id)
    assert (kept.credential, kept.status, kept.status_reason) == (newer, ConnectionStatus.CONNECTED, None)


def test_a_persons_change_has_a_revision_and_overtakes_a_refusal_of_what_was_there_before(
    store: Store, make: Any
) -> None:
    one = make.connection()
    newer = Sealed(blob=b"newer", key_id="dek_1", version=2)
    good = {"status": ConnectionStatus.CONNECTED, "reason": None, "now": NOW}
    with store.begin("ten_a") as tx:
        connections.add(tx, one)
        assert connections.replace_credential(tx, one, newer, **good)
        assert connections.set_status(tx, one, ConnectionStatus.NEEDS_REAUTH, "refused", NOW)
        renewed = connections.get(tx, one.id)
        assert connections.replace_credential(tx, renewed, replace(newer, version=3), **good, revision=2)
        assert not connections.set_status(tx, renewed, ConnectionStatus.NEEDS_REAUTH, "late", NOW)
        kept = connections.get(tx, one.id)
    assert (renewed.revision, kept.revision, kept.status) == (1, 2, ConnectionStatus.CONNECTED)


def test_a_persons_act_queues_only_what_waits_for_it_and_forgets_the_crashes(store: Store, make: Any) -> None:
    waiting = {"status": ExecutionStatus.WAITING, "crashes": 3}
    mine = make.execution(**waiting, wait_reason=WaitReason.CONNECTION, wait_on="con_1")
    other = make.execution(**waiting, wait_reason=WaitReason.CONNECTION, wait_on="con_2")
    unsure = make.execution(**waiting, wait_reason=WaitReason.UNCERTAIN, wait_on="con_1")
    for one in (mine, other, unsure):
        submit(store, Start(execution=one))
    with store.begin("ten_a") as tx:
        assert executions.resume_waiting_on(tx, "con_1") == 1
        assert not executions.resume(tx, unsure.id, WaitReason.CONNECTION)
        assert executions.resume(tx, unsure.id, WaitReason.UNCERTAIN)
        assert not executions.resume(tx, unsure.id, WaitReason.UNCERTAIN)
        found = [executions.get(tx, one.id) for one in (mine, other, unsure)]
    assert [one.status for one in found] == ["queued", "waiting", "queued"]
    assert [one.crashes for one in found] == [0, 3, 0]
    assert (found[0].wait_reason, found[0].wait_on) == (None, None)


@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_everything_that_has_not_ended_can_be_cancelled_once(
    status: ExecutionStatus, store: Store, make: Any
) -> None:
    one = make.execution(
        status=status, lease_owner="wrk_1", lease_until=NOW, wait_on="x", wake_at=NOW, fence=4
    )
    submit(store, Start(execution=one))
    with store.begin("ten_a") as tx:
        done = endings.cancel(tx, one.id, NOW, "enough")
        assert done == (not one.ended)
        assert not endings.cancel(tx, one.id, NOW, "again")
        kept = executions.get(tx, one.id)
    if done:
        assert (kept.status, kept.reason, kept.finished_at) == (ExecutionStatus.CANCELLED, "enough", NOW)
        assert (kept.fence, kept.lease_owner, kept.lease_until, kept.wake_at) == (5, None, None, None)
    else:
        assert kept == one


def test_an_idempotency_key_answers_with_what_it_made_and_refuses_another_body(store: Store) -> None:
    with store.begin("ten_a") as tx:
        assert idempotency.find_resource(tx, "key_1", "k", "f") is None
        idempotency.remember(tx, "key_1", "k", fingerprint="f", resource_id="wf_1", now=NOW)
        assert idempotency.find_resource(tx, "key_1", "k", "f") == "wf_1"
        assert idempotency.find_resource(tx, "key_2", "k", "f") is None
        with pytest.raises(ConflictError) as caught:
            idempotency.find_resource(tx, "key_1", "k", "g")
    assert caught.value.code == "idempotency_key_reused"
