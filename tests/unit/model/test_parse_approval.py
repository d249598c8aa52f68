"""The word `approval`: what it may hold, and where it may stand."""

from typing import Any

import pytest

from revolution_hub.errors import DefinitionError
from revolution_hub.model.approval import DEADLINE_S, ApprovalRule
from revolution_hub.model.json_schema import judge
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.workflow_schema import workflow_schema

STEP = {"uses": "acme.send_mail"}
INNER = [{"set": {"b": 1}}]


def document(**more: Any) -> dict[str, Any]:
    return {"name": "w", "steps": [{**STEP, **more}]}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({}, ApprovalRule()),
        ({"assignees": ["owner", "usr_01", "owner"]}, ApprovalRule(assignees=("owner", "usr_01"))),
        ({"quorum": 3}, ApprovalRule(quorum=3)),
        ({"deadline": "2h"}, ApprovalRule(deadline_s=7_200)),
        ({"escalate_to": ["boss"]}, ApprovalRule(escalate_to=("boss",))),
        ({"message": "Pay?"}, ApprovalRule(message="Pay?")),
        ({"deadline": None, "quorum": None}, ApprovalRule(deadline_s=DEADLINE_S, quorum=1)),
    ],
)
def test_an_approval_is_read(written: Any, read: ApprovalRule) -> None:
    assert parse(document(approval=written)).steps[0].approval == read


def test_without_the_word_there_is_none() -> None:
    assert parse(document()).steps[0].approval is None


@pytest.mark.parametrize(
    ("written", "path"),
    [
        (True, "steps[0].approval"),
        (None, "steps[0].approval"),
        ([], "steps[0].approval"),
        ({"assignees": []}, "steps[0].approval.assignees"),
        ({"assignees": "owner"}, "steps[0].approval.assignees"),
        ({"assignees": ["Owner Of All"]}, "steps[0].approval.assignees[0]"),
        ({"assignees": [1]}, "steps[0].approval.assignees[0]"),
        ({"assignees": ["owner"] * 51}, "steps[0].approval.assignees"),
        ({"quorum": 0}, "steps[0].approval.quorum"),
        ({"quorum": 21}, "steps[0].approval.quorum"),
        ({"quorum": 1.5}, "steps[0].approval.quorum"),
        ({"deadline": 0}, "steps[0].approval.deadline"),
        ({"deadline": 7_776_001}, "steps[0].approval.deadline"),
        ({"message": "x" * 1_001}, "steps[0].approval.message"),
        ({"on_deadline": "approve"}, "steps[0].approval.on_deadline"),
        ({"approved": True}, "steps[0].approval.approved"),
    ],
)
def test_what_is_wrong_is_told_where_and_refused_by_the_schema(written: Any, path: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        parse(document(approval=written))
    assert [one.path for one in raised.value.problems] == [path]
    assert judge(workflow_schema(), document(approval=written), "w")


@pytest.mark.parametrize("step", [
    {"call": "other"}, {"emit": {"event": "custom.a"}}, {"set": {"a": 1}}, {"wait": {"callback": {}}},
    {"respond": {}}, {"finish": {}}, {"if": "{{ inputs.a }}", "then": INNER}, {"parallel": {"a": INNER}},
    {"switch": "{{ inputs.a }}", "cases": {"a": INNER}}, {"for_each": [1], "steps": INNER},
], ids=lambda one: next(iter(one)))  # fmt: skip
def test_it_stands_beside_every_kind_of_step(step: Any) -> None:
    written = {"name": "w", "steps": [{**step, "approval": {"quorum": 2}}]}
    assert parse(written).steps[0].approval == ApprovalRule(quorum=2)
    assert judge(workflow_schema(), written, "w") == []
    with pytest.raises(DefinitionError) as raised:
        parse({"name": "w", "steps": [{**step, "approval": {"approved": True}}]})
    assert [one.path for one in raised.value.problems] == ["steps[0].approval.approved"]
