"""match: which listeners an event starts."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.bus.match import match
from revolution_hub.model.event import Event, Listener

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


def test_a_workflow_that_listens_twice_starts_once() -> None:
    both = [listener(), listener(event_type="crm.contact.created"), listener(workflow_id="wf_2")]
    assert [one.workflow_id for one in match(EVENT, both)] == ["wf_1", "wf_2"]


LISTENERS = st.builds(
    listener,
    tenant_id=st.sampled_from(["ten_1", "ten_2"]),
    workflow_id=st.sampled_from(["wf_1", "wf_2", "wf_3"]),
    event_type=st.sampled_from([EVENT.type, "crm.contact.created", "other.thing", None]),
    connection_id=st.sampled_from([None, "con_1", "con_2"]),
)


@given(st.lists(LISTENERS, max_size=12))
def test_no_tenant_is_ever_started_by_anothers_event_and_no_workflow_twice(listeners: list[Listener]) -> None:
    chosen = match(EVENT, listeners)
    ids = [one.workflow_id for one in chosen]
    assert len(set(ids)) == len(ids)
    assert all(one.tenant_id == "ten_1" and one in listeners for one in chosen)
