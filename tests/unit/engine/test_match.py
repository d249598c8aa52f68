"""match and react: which listeners an event starts, and why the others are not started."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.catalog import Catalog
from revolution_hub.engine.match import match, names_of
from revolution_hub.engine.react import react
from revolution_hub.model.change import Intake
from revolution_hub.model.event import Event, EventOutcome, Listener
from revolution_sdk import Connector
from revolution_sdk.schema import object_

EVENT = Event(
    id="evt_1",
    tenant_id="ten_1",
    source_id="app_1",
    delivery_id="dlv_1",
    connector="acme",
    type="acme.contact.created",
    canonical="crm.contact.created",
    dedup_key="1",
    data={},
    received_at=datetime(2026, 11, 22, tzinfo=UTC),
    connection_id="con_1",
)


def listener(**more: Any) -> Listener:
    defaults = {"tenant_id": "ten_1", "workflow_id": "wf_1", "version": 1, "kind": "event"}
    return Listener(**{**defaults, "event_type": "acme.contact.created", **more})


@dataclass(frozen=True)
class Case:
    name: str
    wanted: bool
    given: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("its own name", True),
    Case("its provider-neutral name", True, {"event_type": "crm.contact.created"}),
    Case("another event", False, {"event_type": "acme.contact.deleted"}),
    Case("the beginning of its name", False, {"event_type": "acme.contact"}),
    Case("every event of its connector", True, {"event_type": "acme.*"}),
    Case("every event of its kind", True, {"event_type": "acme.contact.*"}),
    Case("every event of a neutral kind", True, {"event_type": "crm.contact.*"}),
    Case("every event of another kind", False, {"event_type": "crm.deal.*"}),
    Case("a wildcard below it", False, {"event_type": "acme.contact.created.*"}),
    Case("a part of a word", False, {"event_type": "acme.cont*"}),
    Case("a wildcard in the middle", False, {"event_type": "acme.*.created"}),
    Case("everything", False, {"event_type": "*"}),
    Case("other letters", False, {"event_type": "ACME.contact.created"}),
    Case("another tenant", False, {"tenant_id": "ten_2"}),
    Case("its own connection", True, {"connection_id": "con_1"}),
    Case("another connection", False, {"connection_id": "con_2"}),
    Case("a trigger without an event", False, {"event_type": None}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_listener_is_started_by_what_it_asked_for(case: Case) -> None:
    one = listener(**case.given)
    assert match(EVENT, [one]) == ([one] if case.wanted else [])


def test_an_event_without_a_neutral_name_starts_no_trigger_without_an_event() -> None:
    assert match(replace(EVENT, canonical=None), [listener(event_type=None)]) == []


def reacted(*listeners: Listener, event: Event = EVENT, catalog: Catalog | None = None) -> Intake:
    return react(catalog or Catalog(), event, listeners)


def started(intake: Intake) -> list[str]:
    return [one.workflow_id for one in intake.executions]


def test_a_workflow_that_listens_twice_starts_once() -> None:
    both = [listener(), listener(event_type="crm.contact.created"), listener(workflow_id="wf_2")]
    assert started(reacted(*both)) == ["wf_1", "wf_2"]


def only(where: str, **more: Any) -> Listener:
    return listener(settings={"where": where}, **more)


HOLDING = ("{{ trigger.data.n == 1 }}", "{{ trigger.type == 'acme.contact.created' }}", "{{ trigger.data }}")
NOT_HOLDING = ("{{ trigger.data.n > 1 }}", "{{ null }}", "{{ trigger.data.list }}", "{{ 0 }}")
FAILING = (
    "{{ trigger.data.gone }}",
    "{{ trigger.data.n | upper | nothing }}",
    "{{",
    "text",
    "{{ inputs }}",
)
EVENT_1 = replace(EVENT, data={"n": 1, "list": []})


@pytest.mark.parametrize("where", HOLDING)
def test_a_filter_that_holds_lets_the_event_pass(where: str) -> None:
    found = reacted(only(where), event=EVENT_1)
    assert started(found) == ["wf_1"]
    assert (found.event.outcome, found.event.passed_over) == (EventOutcome.STARTED, None)


@pytest.mark.parametrize("where", NOT_HOLDING)
def test_a_filter_that_does_not_hold_starts_nothing_and_says_so(where: str) -> None:
    found = reacted(only(where), event=EVENT_1)
    assert started(found) == []
    assert found.event.outcome is EventOutcome.FILTERED
    assert found.event.passed_over == {"wf_1": {"reason": "filtered"}}


@pytest.mark.parametrize("where", FAILING)
def test_a_filter_that_fails_starts_nothing_and_says_why(where: str) -> None:
    found = reacted(only(where), event=EVENT_1)
    assert started(found) == []
    assert found.event.outcome is EventOutcome.FILTERED
    assert found.event.passed_over is not None
    why = found.event.passed_over["wf_1"]
    assert why["reason"] == "filter_failed"
    assert "line 1" in why["message"]


def test_a_filter_that_would_take_long_is_ended() -> None:
    event = replace(EVENT, data={"list": ["x" * 50] * 2_000})
    slow = "{{ (trigger.data.list | map: 'upper' | join: ',' | split: ',' | join: ';' | size) > 0 }}"
    found = reacted(
        only("{{#each trigger.data.list}}x{{/each}}"), only(slow, workflow_id="wf_2"), event=event
    )
    assert started(found) == []
    assert set(found.event.passed_over or {}) == {"wf_1", "wf_2"}


def test_what_one_trigger_of_a_workflow_refuses_another_one_may_take() -> None:
    two = [only("{{ false }}"), listener(event_type="crm.contact.*"), only("{{ false }}", workflow_id="wf_2")]
    found = reacted(*two)
    assert started(found) == ["wf_1"]
    assert found.event.passed_over == {"wf_2": {"reason": "filtered"}}


def test_what_nobody_listens_to_says_so() -> None:
    assert reacted(listener(event_type="other.thing")).event.outcome is EventOutcome.NO_LISTENER


def mapping(make: Any) -> Catalog:
    acme = Connector("acme", title="Acme")
    acme.event(
        "contact.created", title="A", data=object_(open_=True), canonical="crm.contact.created", map=make
    )
    catalog = Catalog()
    catalog.add(acme)
    return catalog


def test_whoever_listens_to_the_neutral_name_is_handed_the_neutral_form() -> None:
    catalog = mapping(lambda data: {"id": data["vid"], "email": data["props"]["email"]})
    event = replace(EVENT, data={"vid": "7", "props": {"email": "a@b.c"}})
    listeners = [
        listener(event_type="crm.contact.*"),
        listener(event_type="acme.*", workflow_id="wf_2"),
        only("{{ trigger.data.email == 'a@b.c' }}", event_type="crm.contact.created", workflow_id="wf_3"),
    ]
    found = reacted(*listeners, event=event, catalog=catalog)
    data = {one.workflow_id: one.trigger["data"] for one in found.executions}
    assert data["wf_1"] == data["wf_3"] == {**event.data, "id": "7", "email": "a@b.c"}
    assert data["wf_2"] == found.event.data == event.data
    assert {(one.trigger["type"], one.trigger["canonical"]) for one in found.executions} == {
        ("acme.contact.created", "crm.contact.created")
    }


def raising(data: Any) -> Any:
    raise SystemExit(1)


@pytest.mark.parametrize(
    "make",
    [raising, lambda data: None, lambda data: {}, lambda data: {"id": 7}, lambda data: {"id": "1", "x": 1},
     lambda data: {"id": object()}, lambda data: {"id": "a\0b"}],
)  # fmt: skip
def test_an_event_without_a_neutral_form_still_starts_whoever_listens_to_its_own_name(make: Any) -> None:
    listeners = [listener(event_type="crm.contact.*"), listener(workflow_id="wf_2")]
    found = reacted(*listeners, catalog=mapping(make))
    assert started(found) == ["wf_2"]
    assert found.event.passed_over is not None
    assert found.event.passed_over["wf_1"]["reason"] == "map_failed"


def test_an_event_is_looked_up_under_its_names_and_every_wildcard_above_them() -> None:
    assert names_of(EVENT) == [
        "acme.contact.created", "acme.contact.*", "acme.*", "crm.contact.created", "crm.contact.*", "crm.*",
    ]  # fmt: skip
    assert names_of(replace(EVENT, canonical=None)) == ["acme.contact.created", "acme.contact.*", "acme.*"]


LISTENERS = st.builds(
    listener,
    tenant_id=st.sampled_from(["ten_1", "ten_2"]),
    workflow_id=st.sampled_from(["wf_1", "wf_2", "wf_3"]),
    event_type=st.sampled_from([EVENT.type, "crm.contact.created", "crm.*", "other.thing", "other.*", None]),
    settings=st.sampled_from([{}, {"where": "{{ true }}"}, {"where": "{{ false }}"}, {"where": "{{ x }}"}]),
    connection_id=st.sampled_from([None, "con_1", "con_2"]),
)


@given(st.lists(LISTENERS, max_size=12))
def test_no_tenant_is_ever_started_by_anothers_event_and_no_workflow_twice(listeners: list[Listener]) -> None:
    found = reacted(*listeners)
    ids = started(found)
    assert len(set(ids)) == len(ids)
    mine = {one.workflow_id for one in match(EVENT, listeners)}
    assert all(one.tenant_id == "ten_1" for one in found.executions)
    assert set(ids) | set(found.event.passed_over or {}) == mine
    assert not set(ids) & set(found.event.passed_over or {})
