"""Converting a lead."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from revolution_salesforce.connector import convert_lead
from revolution_sdk import ActionContext, Found, JsonObject, RejectedError, UnknownOutcomeError
from revolution_sdk.sandbox import Fault, RunningSandbox

Records = Callable[[str], list[JsonObject]]
Control = Callable[..., Any]


@pytest.fixture
def lead(control: Control) -> str:
    fields = {"LastName": "Doe", "FirstName": "Jane", "Company": "Acme", "Email": "jane@example.com"}
    return str(control("records", object="Lead", fields=fields)["id"])


def refused(ctx: ActionContext, value: JsonObject) -> RejectedError:
    """Return the refusal."""
    with pytest.raises(RejectedError) as caught:
        convert_lead(ctx, value)
    return caught.value


def test_a_lead_becomes_three_records(ctx: ActionContext, lead: str, records: Records) -> None:
    result = convert_lead(ctx, {"lead_id": lead, "opportunity_name": "Big"})
    assert [*Draft202012Validator(convert_lead.output).iter_errors(result)] == []
    (account,), (contact,), (deal,) = (records(one) for one in ("Account", "Contact", "Opportunity"))
    assert (account["Id"], contact["Id"], deal["Id"]) == (
        result["account_id"],
        result["contact_id"],
        result["opportunity_id"],
    )
    assert (account["Name"], contact["Email"], deal["Name"]) == ("Acme", "jane@example.com", "Big")


def test_it_goes_into_what_is(ctx: ActionContext, lead: str, control: Control, records: Records) -> None:
    account = control("records", object="Account", fields={"Name": "Old"})["id"]
    result = convert_lead(ctx, {"lead_id": lead, "account_id": account, "create_opportunity": False})
    assert (result["account_id"], result["opportunity_id"]) == (account, None)
    assert (len(records("Account")), records("Opportunity")) == (1, [])


def test_a_lead_is_converted_once(ctx: ActionContext, lead: str) -> None:
    convert_lead(ctx, {"lead_id": lead})
    assert refused(ctx, {"lead_id": lead}).code == "cannot_update_converted_lead"


def test_a_lost_answer_is_found_by_looking(
    ctx: ActionContext, lead: str, running: RunningSandbox, records: Records
) -> None:
    confirm = convert_lead.confirm
    assert confirm is not None
    assert confirm(ctx, {"lead_id": lead}) is Found.ABSENT
    running.sandbox.faults.add(Fault(operation="convert", kind="withhold", status=504))
    with pytest.raises(UnknownOutcomeError):
        convert_lead(ctx, {"lead_id": lead})
    found = confirm(ctx, {"lead_id": lead})
    assert isinstance(found, dict)
    assert found["account_id"] == records("Account")[0]["Id"]
    assert confirm(ctx, {"lead_id": "00Q000000000001"}) is Found.UNKNOWN


def test_an_org_without_the_class_says_what_to_do(ctx: ActionContext, lead: str, control: Control) -> None:
    control("apex", on=False)
    error = refused(ctx, {"lead_id": lead})
    assert error.code == "convert_not_installed"
    assert "RevolutionLeadConvert" in error.message


@pytest.mark.parametrize(
    "wrong", [{"lead_id": "00Q000000000001"}, {"status": "Open"}, {"account_id": "001000000000001"}]
)
def test_what_is_not_there_is_no_missing_class(
    wrong: JsonObject, ctx: ActionContext, lead: str, records: Records
) -> None:
    assert refused(ctx, {"lead_id": lead, **wrong}).code != "convert_not_installed"
    assert records("Account") == []
