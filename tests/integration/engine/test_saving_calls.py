"""Saving a workflow that calls others: they must be published, and must not come back to it."""

from typing import Any

import pytest

from revolution_hub.errors import DefinitionError
from revolution_hub.services import versions, workflows


def calling(name: str, *called: str, **given: Any) -> dict[str, Any]:
    return {"name": name, "steps": [{"call": one, "with": given} for one in called] or [{"set": {"a": 1}}]}


def refused(bench: Any, document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        workflows.create_workflow(bench.hub, bench.principal, document)
    return [(one.path, one.code) for one in caught.value.problems]


def test_only_a_published_workflow_can_be_called(bench: Any) -> None:
    assert refused(bench, calling("a", "b")) == [("steps[0].call", "unknown_workflow")]
    draft = workflows.create_workflow(bench.hub, bench.principal, calling("b"))
    assert refused(bench, calling("a", "b")) == [("steps[0].call", "unknown_workflow")]
    versions.publish_workflow(bench.hub, bench.principal, draft.id)
    assert workflows.create_workflow(bench.hub, bench.principal, calling("a", "b")).revision == 1


def test_what_is_handed_over_follows_the_published_inputs(bench: Any) -> None:
    inputs = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    bench.publish(**calling("mail"), inputs={**inputs, "additionalProperties": False})
    assert refused(bench, calling("a", "mail")) == [("steps[0].with", "missing_input")]
    assert refused(bench, calling("a", "mail", to="x", cc="y")) == [("steps[0].with.cc", "unknown_input")]
    bench.publish(**calling("a", "mail", to="x"))


def test_a_way_back_is_refused_when_the_draft_that_closes_it_is_saved(bench: Any) -> None:
    assert refused(bench, calling("a", "a")) == [("steps[0].call", "call_cycle")]
    first = bench.publish(**calling("a")).workflow
    bench.publish(**calling("b", "a"))
    bench.publish(**calling("c", "b"))
    with pytest.raises(DefinitionError) as caught:
        workflows.replace_workflow(
            bench.hub, bench.principal, first.id, calling("a", "c"), revision=first.revision
        )
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == ("steps[0].call", "call_cycle")
    assert problem.message.endswith("'a' → 'c' → 'b' → 'a'")


def test_a_way_back_that_came_about_in_between_is_refused_when_it_is_published(bench: Any) -> None:
    bench.publish(**calling("b"))
    closing = workflows.create_workflow(bench.hub, bench.principal, calling("a", "b"))
    second = workflows.create_workflow(bench.hub, bench.principal, calling("c"))
    versions.publish_workflow(bench.hub, bench.principal, closing.id)
    # Both drafts are fine beside what is published now: each calls the other one's older self.
    first = workflows.get_workflow(bench.hub, bench.principal, closing.id)
    versions.publish_workflow(bench.hub, bench.principal, second.id)
    workflows.replace_workflow(bench.hub, bench.principal, first.id, calling("a", "c"), first.revision)
    second = workflows.get_workflow(bench.hub, bench.principal, second.id)
    workflows.replace_workflow(bench.hub, bench.principal, second.id, calling("c", "a"), second.revision)
    versions.publish_workflow(bench.hub, bench.principal, first.id)
    with pytest.raises(DefinitionError) as caught:
        versions.publish_workflow(bench.hub, bench.principal, second.id)
    assert [(one.path, one.code) for one in caught.value.problems] == [("steps[0].call", "call_cycle")]
