"""Small promises of the values: what has ended, what is recorded, how errors are shaped."""

import pytest

from revolution_hub.model.execution import error_json
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ENDED, RECORDED, ExecutionStatus, StepStatus
from revolution_hub.model.workflow import Step, StepKind


def test_three_statuses_end_an_execution() -> None:
    assert {str(one) for one in ENDED} == {"succeeded", "failed", "cancelled"}
    assert {str(one) for one in ExecutionStatus} - {str(one) for one in ENDED} == {
        "queued",
        "running",
        "waiting",
    }


def test_a_waiting_or_uncertain_step_has_no_result_yet() -> None:
    assert set(StepStatus) - RECORDED == {StepStatus.RUNNING, StepStatus.WAITING, StepStatus.UNCERTAIN}


def test_a_stored_error_is_bounded_and_always_has_details() -> None:
    assert error_json("x", "m" * 5_000) == {"code": "x", "message": "m" * 2_000, "details": {}}


def test_a_principal_without_a_tenant_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="belongs to a tenant"):
        Principal(id="key_1", tenant_id="", role="owner")


def test_a_step_knows_connector_and_action_of_its_uses() -> None:
    step = Step(id="a", path="steps[0]", kind=StepKind.ACTION, uses="acme.send_mail")
    assert (step.connector, step.action) == ("acme", "send_mail")
    control = Step(id="b", path="steps[1]", kind=StepKind.SET)
    assert (control.connector, control.action) == ("", "")
