"""Tenants never meet: whatever A asks for or does with B's ids, B's rows are not seen and not touched."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.change import Intake, Start
from revolution_hub.model.connection import Hook, OldAddress, Sealed
from revolution_hub.model.event import Listener
from revolution_hub.model.fire import FireStatus, StoredFire
from revolution_hub.model.integration import IntegrationState
from revolution_hub.model.status import (
    AttemptStatus,
    ConnectionStatus,
    ExecutionStatus,
    StepStatus,
    WaitReason,
)
from revolution_hub.store import (
    across,
    callbacks,
    connections,
    endings,
    executions,
    family,
    fires,
    health,
    hooks,
    idempotency,
    integrations,
    listing,
    principals,
    renewals,
    roles,
    schedules,
    shares,
    tenants,
    workflows,
)
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_hub.store.roles import StoredRole
from revolution_hub.store.schedules import StoredSchedule
from revolution_hub.store.shares import Share
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store, Tx
from revolution_hub.store.workflows import StoredVersion, StoredWorkflow

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
EARLIER = datetime(2026, 11, 22, 9, tzinfo=UTC)
SEALED = Sealed(blob=b"canary-b", key_id="dek_b", version=1)
WORKFLOW = StoredWorkflow(
    id="wf_b",
    tenant_id="ten_b",
    name="canary-b",
    document={"canary": "b"},
    revision=1,
    created_at=NOW,
    updated_at=NOW,
    published_version=1,
)
VERSION = StoredVersion(
    workflow_id="wf_b",
    tenant_id="ten_b",
    version=1,
    document={"canary": "b"},
    published_by="key_b",
    created_at=NOW,
)
HOOK = Hook(
    id="hok_b", tenant_id="ten_b", workflow_id="wf_b", key="hook-key-b", created_at=NOW, secret=SEALED
)
OLD = OldAddress(key="old-key-b", tenant_id="ten_b", workflow_id="wf_b", until=NOW)
SHARE = Share(
    object_id="wf_b",
    object_kind="workflow",
    principal_id="key_x",
    tenant_id="ten_b",
    right="view",
    granted_by="key_b",
    created_at=NOW,
)
ROLE = StoredRole(
    name="role-b",
    tenant_id="ten_b",
    description="canary-b",
    permissions=["workflow:read"],
    revision=1,
    created_at=NOW,
    updated_at=NOW,
)
STATE = IntegrationState(tenant_id="ten_b", connector="acme", enabled=False, revision=1, updated_at=NOW)
SCHEDULE = StoredSchedule(
    id="sch_b",
    tenant_id="ten_b",
    workflow_id="wf_b",
    position=0,
    version=1,
    settings={"canary": "b"},
    next_at=NOW,
)
FIRE = StoredFire(
    id="fir_b",
    tenant_id="ten_b",
    schedule_id="sch_b",
    workflow_id="wf_b",
    version=1,
    instant=NOW,
    until=NOW,
    count=1,
    round=0,
    status=FireStatus.FIRED,
    fired_at=NOW,
    execution_id="exe_b",
    backfilled_by="key_b",
)
PAGE = Page(limit=200)


def listener(kind: str, event: str | None) -> Listener:
    return Listener(tenant_id="ten_b", workflow_id="wf_b", version=1, kind=kind, event_type=event)


@pytest.fixture
def ids(store: Store, make: Any) -> dict[str, Any]:
    """Fill tenant B with one of everything and return it."""
    make.tenant = "ten_b"
    connection = make.connection(
        id="con_b", name="canary-b", account="acc_b", app_id="app_b", credential=SEALED
    )
    execution = make.execution(
        id="exe_b",
        workflow_id="wf_b",
        idempotency_key="key",
        status=ExecutionStatus.WAITING,
        wait_reason=WaitReason.UNCERTAIN,
        wait_on="con_b",
    )
    step = make.step(execution, status=StepStatus.UNCERTAIN)
    attempt = make.attempt(execution, status=AttemptStatus.UNKNOWN)
    with store.begin_across() as across_tx:
        tenants.add_tenant(across_tx, "ten_b", "B", NOW)
        tx = across_tx.of("ten_b")
        tenants.add_api_key(tx, "key_b", name="b", key_hash="hash-b", role="owner", now=NOW)
        tenants.add_data_key(tx, "dek_b", b"canary-b", NOW)
        tenants.add_api_key(
            tx, "key_held", name="held", key_hash="hash-held", role="owner", now=NOW, holder_id="usr_b"
        )
        workflows.add(tx, WORKFLOW)
        workflows.add_version(tx, VERSION, [listener("event", "acme.x.y"), listener("webhook", None)])
        hooks.add(tx, HOOK)
        hooks.keep_old(tx, OLD)
        connections.add(tx, connection)
        idempotency.remember(tx, "key_b", "key", fingerprint="f", resource_id="wf_b", now=NOW)
        shares.put(tx, SHARE)
        roles.add(tx, ROLE)
        integrations.put(tx, STATE, 0)
        schedules.replace(tx, "wf_b", [SCHEDULE])
        fires.keep(tx.conn, [FIRE])
        tx.conn.execute(sa.insert(t.step_executions).values(_row(step)))
        tx.conn.execute(sa.insert(t.attempts).values(_row(attempt)))
        item = make.step(execution, "each#0", kind="item", status=StepStatus.SUCCEEDED)
        tx.conn.execute(sa.insert(t.step_executions).values(_row(item)))
        submitted = {"execution_id": "exe_b", "step_id": "ask", "tenant_id": "ten_b", "received_at": NOW}
        tx.conn.execute(sa.insert(t.callbacks).values(submitted))
    submit(store, Start(execution=execution))
    child = replace(make.execution(), parent_id="exe_b", parent_step="each", block="each/steps", place=0)
    submit(store, Start(execution=child))
    event = make.event()
    own = make.execution(id="exe_x", workflow_id="action:acme.do_it", started_by="key_b")
    started = (make.execution(event_id=event.id), own)
    submit(store, Intake(delivery=make.delivery(), event=event, executions=started))
    return {"connection": connection, "execution": execution, "step": step, "attempt": attempt}


def _row(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__} | {"status": str(value.status)}


Act = Callable[[Tx, dict[str, Any]], Any]


def unless_found(take: Callable[[], Any]) -> Any:
    """What is taken, None if it is not found."""
    try:
        return take()
    except NotFoundError:
        return None


DATA_KEY = tenants.DataKey(id="dek_b", tenant_id="ten_b", wrapped=b"canary-b", created_at=NOW)

FINDS_NOTHING: dict[str, Act] = {
    "workflows.get": lambda tx, _: workflows.get(tx, "wf_b"),
    "workflows.is_published": lambda tx, _: workflows.is_published(tx, "wf_b"),
    "workflows.list_page": lambda tx, _: workflows.list_page(tx, PAGE, None)[0],
    "workflows.find_by_name": lambda tx, _: workflows.find_by_name(tx, WORKFLOW.name),
    "workflows.list_versions": lambda tx, _: workflows.list_versions(tx, "wf_b", PAGE)[0],
    "workflows.listeners_of": lambda tx, _: workflows.listeners_of(tx, "wf_b"),
    "schedules.list_page": lambda tx, _: schedules.list_page(tx, PAGE, "wf_b")[0],
    "schedules.get": lambda tx, _: schedules.get(tx, "sch_b"),
    "schedules.find_workflow_id": lambda tx, _: schedules.find_workflow_id(tx, "sch_b"),
    "fires.list_page": lambda tx, _: fires.list_page(tx, PAGE, "sch_b")[0],
    "fires.rounds_of": lambda tx, _: fires.rounds_of(tx, "sch_b", NOW, NOW),
    "fires.list_backfilled": lambda tx, _: fires.list_backfilled(tx, "sch_b", NOW, NOW, "key_b"),
    "shares.get": lambda tx, _: shares.get(tx, "wf_b", "key_x"),
    "shares.find": lambda tx, _: shares.find(tx, "wf_b", "key_x"),
    "shares.find_rights": lambda tx, _: shares.find_rights(tx, "wf_b", ["key_x"]),
    "shares.list_page": lambda tx, _: shares.list_page(tx, "wf_b", PAGE)[0],
    "shares.shared_with": lambda tx, _: workflows.list_page(
        tx, PAGE, None, only=shares.shared_with(tx, ["key_x"], "workflow", ["view"])
    )[0],
    "roles.find": lambda tx, _: roles.find(tx, "role-b"),
    "roles.get": lambda tx, _: roles.get(tx, "role-b"),
    "roles.find_permissions": lambda tx, _: roles.find_permissions(tx, "role-b"),
    "roles.list_page": lambda tx, _: roles.list_page(tx, PAGE)[0],
    "principals.is_known": lambda tx, _: principals.is_known(tx, "key_b"),
    "principals.with_role": lambda tx, _: principals.with_role(tx, "owner"),
    "integrations.find": lambda tx, _: integrations.find(tx, "acme").revision,
    "integrations.find_all": lambda tx, _: integrations.find_all(tx),
    "tenants.get_api_key": lambda tx, _: tenants.get_api_key(tx, "key_b"),
    "tenants.find_key": lambda tx, _: tenants.find_key(tx, "key_b"),
    "shares.listed": lambda tx, _: workflows.list_page(tx, PAGE, None, only=shares.listed(tx, ["wf_b"]))[0],
    "tenants.list_api_keys": lambda tx, _: tenants.list_api_keys(tx, PAGE)[0],
    "executions.find_workflow_id": lambda tx, _: executions.find_workflow_id(tx, "exe_b"),
    "executions.is_own_action": lambda tx, _: executions.is_own_action(tx, "exe_x", "key_b"),
    "workflows.get_version": lambda tx, _: workflows.get_version(tx, "wf_b", 1),
    "workflows.last_version": lambda tx, _: workflows.last_version(tx, "wf_b"),
    "workflows.list_listeners": lambda tx, _: workflows.list_listeners(tx, ["acme.x.y"]),
    "hooks.find": lambda tx, _: hooks.find(tx, "wf_b"),
    "hooks.list_old": lambda tx, _: hooks.list_old(tx, "wf_b", EARLIER),
    "connections.get": lambda tx, _: connections.get(tx, "con_b"),
    "connections.find_all": lambda tx, _: connections.find_all(tx, ["con_b"]),
    "connections.ids_of": lambda tx, _: connections.ids_of(tx, "acme"),
    "connections.find_for": lambda tx, _: connections.find_for(tx, "acme", "canary-b"),
    "connections.list_page": lambda tx, _: connections.list_page(tx, PAGE, None)[0],
    "workflows.mentioning": lambda tx, _: workflows.mentioning(tx, ""),
    "health.list_page": lambda tx, _: health.list_page(tx, "con_b", PAGE)[0],
    "connections.count_all": lambda tx, _: connections.count_all(tx),
    "connections.count_by_connector": lambda tx, _: connections.count_by_connector(tx),
    "executions.count_waiting": lambda tx, _: executions.count_waiting(tx, 10),
    "executions.get": lambda tx, _: executions.get(tx, "exe_b"),
    "listing.list_page": lambda tx, _: listing.list_page(tx, PAGE, listing.Filter())[0],
    "executions.list_steps": lambda tx, _: executions.list_steps(tx, "exe_b"),
    "executions.find_step": lambda tx, _: executions.find_step(tx, "exe_b", "send"),
    "family.list_children": lambda tx, _: family.list_children(tx, "exe_b"),
    "family.list_items": lambda tx, ids: family.list_items(tx, [ids["execution"]]),
    "callbacks.find": lambda tx, _: callbacks.find(tx, "exe_b", "ask"),
    "executions.list_attempts": lambda tx, _: executions.list_attempts(tx, "exe_b"),
    "idempotency.find_resource": lambda tx, _: idempotency.find_resource(tx, "key_b", "key", "f"),
    "tenants.newest_data_key": lambda tx, _: tenants.newest_data_key(tx),
    "tenants.find_data_key": lambda tx, _: tenants.find_data_key(tx, "dek_b"),
    "tenants.list_data_keys": lambda tx, _: tenants.list_data_keys(tx),
}

CHANGES_NOTHING: dict[str, Act] = {
    "workflows.replace": lambda tx, _: workflows.replace(tx, replace(WORKFLOW, name="stolen"), 1),
    "workflows.listen": lambda tx, _: workflows.listen(tx, "wf_b", []),
    "workflows.stop": lambda tx, _: workflows.stop(tx, "wf_b"),
    "schedules.hold": lambda tx, _: schedules.hold(tx, "wf_b"),
    "schedules.replace": lambda tx, _: schedules.replace(tx, "wf_b", []),
    "schedules.take": lambda tx, _: unless_found(lambda: schedules.take(tx, "sch_b")),
    "schedules.put": lambda tx, _: schedules.put(tx, replace(SCHEDULE, paused_at=NOW)),
    "shares.remove": lambda tx, _: shares.remove(tx, "wf_b", "key_x"),
    "shares.remove_all_of": lambda tx, _: shares.remove_all_of(tx, "wf_b"),
    "shares.remove_all_with": lambda tx, _: shares.remove_all_with(tx, "key_x"),
    "roles.replace": lambda tx, _: roles.replace(tx, replace(ROLE, permissions=[]), 1),
    "roles.remove": lambda tx, _: roles.remove(tx, "role-b"),
    "integrations.put": lambda tx, _: integrations.put(tx, replace(STATE, tenant_id="ten_a", revision=2), 1),
    "tenants.revoke_api_key": lambda tx, _: tenants.revoke_api_key(tx, "key_b", NOW),
    "tenants.rewrap_data_key": lambda tx, _: tenants.rewrap_data_key(tx, DATA_KEY, b"x", "k"),
    "tenants.revoke_keys_of": lambda tx, _: tenants.revoke_keys_of(tx, "usr_b", NOW),
    "workflows.remove": lambda tx, _: workflows.remove(tx, "wf_b"),
    "hooks.replace": lambda tx, _: hooks.replace(tx, replace(HOOK, secret=None), 1),
    "hooks.note_change": lambda tx, _: hooks.note_change(tx, "wf_b"),
    "hooks.forget_old": lambda tx, _: hooks.forget_old(tx, "wf_b"),
    "connections.replace_credential": lambda tx, ids: connections.replace_credential(
        tx, ids["connection"], SEALED, status=ConnectionStatus.DISABLED, reason="x", now=NOW
    ),
    "connections.set_status": lambda tx, ids: connections.set_status(
        tx, ids["connection"], ConnectionStatus.DISABLED, "x", NOW
    ),
    "executions.count_waiting_on": lambda tx, _: executions.count_waiting_on(tx, "con_b"),
    "connections.remove": lambda tx, _: connections.remove(tx, "con_b"),
    "connections.rename": lambda tx, ids: connections.rename(tx, ids["connection"], "other", 1, NOW),
    "connections.make_default": lambda tx, ids: connections.make_default(tx, ids["connection"], 1, NOW),
    "renewals.take": lambda tx, ids: renewals.take(tx, ids["connection"], "rfr_a", NOW, NOW),
    "renewals.keep": lambda tx, ids: renewals.keep(
        tx, ids["connection"], "rfr_a", Sealed(blob=b"x", key_id="dek_1", version=2), NOW
    ),
    "renewals.fail": lambda tx, ids: renewals.fail(
        tx, ids["connection"], "rfr_a", "no", NOW, after=NOW, lost=True
    ),
    "renewals.end": lambda tx, _: renewals.end(tx, "con_b", "rfr_a"),
    "health.probed": lambda tx, _: health.probed(tx, "con_b", NOW, now=NOW, next_at=NOW, problem="no"),
    "health.found": lambda tx, _: health.found(tx, "con_b", now=NOW, next_at=NOW, problem="no"),
    "health.due": lambda tx, _: health.due(tx, "con_b", NOW),
    "health.remove_all_of": lambda tx, _: health.remove_all_of(tx, "con_b"),
    "callbacks.keep": lambda tx, _: callbacks.keep(tx, "exe_b", "other", {}, NOW),
    "endings.cancel": lambda tx, _: endings.cancel(tx, "exe_b", NOW, "x"),
    "executions.resume": lambda tx, _: executions.resume(tx, "exe_b", WaitReason.UNCERTAIN),
    "executions.resume_waiting_on": lambda tx, _: executions.resume_waiting_on(tx, "con_b"),
    "executions.replace_step": lambda tx, ids: executions.replace_step(tx, replace(ids["step"], kind="x")),
    "executions.replace_attempt": lambda tx, ids: executions.replace_attempt(
        tx, replace(ids["attempt"], worker="x")
    ),
}

ADDS = {
    *("workflows.add", "workflows.add_version", "hooks.add", "hooks.keep_old", "connections.add"),
    "health.note",
    *("shares.put", "roles.add"),
    *("tenants.add_tenant", "tenants.add_api_key", "tenants.add_data_key", "idempotency.remember"),
}
ACROSS = {"tenants.list_tenants"}
OF_ITSELF = {"tenants.name_of", "tenants.rename"}
"""What asks for no id at all: it is about the transaction's own tenant."""


def everything(store: Store) -> list[Any]:
    with store.read_across() as tx:
        return [tx.conn.execute(sa.select(table)).all() for table in t.metadata.sorted_tables]


@pytest.mark.parametrize("name", FINDS_NOTHING)
def test_nothing_of_another_tenant_is_found(name: str, store: Store, ids: dict[str, Any]) -> None:
    with store.read("ten_b") as tx:
        assert FINDS_NOTHING[name](tx, ids)
    with store.read("ten_a") as tx:
        try:
            found = FINDS_NOTHING[name](tx, ids)
        except NotFoundError:
            found = None
    assert not found


@pytest.mark.parametrize("name", CHANGES_NOTHING)
def test_nothing_of_another_tenant_is_changed(name: str, store: Store, ids: dict[str, Any]) -> None:
    before = everything(store)
    with store.begin("ten_a") as tx:
        assert not CHANGES_NOTHING[name](tx, ids)
    assert everything(store) == before


def test_every_function_of_the_nouns_is_tried_here() -> None:
    nouns: list[ModuleType] = [workflows, hooks, shares, roles, principals, integrations, schedules, fires]
    nouns += [health, renewals]
    nouns += [connections, executions, family, callbacks, endings, listing, idempotency, tenants]
    declared = {
        f"{noun.__name__.rpartition('.')[2]}.{name}"
        for noun in nouns
        for name, function in inspect.getmembers(noun, inspect.isfunction)
        if function.__module__ == noun.__name__
        and next(iter(inspect.signature(function).parameters), "") == "tx"
        if not name.startswith("_")
    }
    assert declared == set(FINDS_NOTHING) | set(CHANGES_NOTHING) | ADDS | ACROSS | OF_ITSELF


def test_keys_lead_to_their_own_tenant_only(store: Store, ids: dict[str, Any]) -> None:
    key = across.find_api_key(store, "hash-b")
    assert key is not None
    assert (key.key.id, key.key.tenant_id, key.key.role) == ("key_b", "ten_b", "owner")
    assert (key.holder, key.is_good) == (None, True)
    assert across.find_api_key(store, "hash-a") is None
    assert across.find_hooks(store, {"hook-key"}, NOW) == {}
    found = across.find_hooks(store, {"hook-key-b", "hook-key"}, NOW)
    assert [(key, one.id) for key, (one, _, _) in found.items()] == [("hook-key-b", HOOK.id)]
    assert {listener.tenant_id for _, listener, _ in found.values()} == {"ten_b"}


def test_a_revoked_key_speaks_for_nobody(store: Store, ids: dict[str, Any]) -> None:
    with store.begin_across() as tx:
        tx.conn.execute(sa.update(t.api_keys).values(revoked_at=NOW))
    known = across.find_api_key(store, "hash-b")
    assert known is not None
    assert not known.is_good
