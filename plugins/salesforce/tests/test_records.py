"""Writing and reading records, through the sandbox."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from revolution_salesforce import connector as made
from revolution_salesforce.connector import salesforce
from revolution_sdk import ActionContext, Found, Json, JsonObject, RejectedError, RetryableError
from revolution_sdk.sandbox import Fault, RunningSandbox

Records = Callable[[str], list[JsonObject]]
NEW: dict[str, JsonObject] = {
    "lead": {
        "last_name": "Doe",
        "company": "Acme",
        "email": "jane@example.com",
        "fields": {"Region__c": "North"},
    },
    "contact": {"last_name": "Doe", "first_name": "Jane", "title": "CTO"},
    "account": {"name": "Acme", "website": "acme.example", "industry": "Engineering"},
    "opportunity": {"name": "Big", "stage": "Prospecting", "close_date": "2026-12-31", "amount": 1000.5},
}


def call(name: str, ctx: ActionContext, /, **value: Any) -> JsonObject:
    """Call an action with what its schema takes, and return what its schema promises."""
    action = salesforce.actions[name]
    assert [*Draft202012Validator(action.input).iter_errors(value)] == []
    result = action(ctx, value)
    assert [*Draft202012Validator(action.output).iter_errors(result)] == []
    return result


def refused(name: str, ctx: ActionContext, /, **value: Any) -> RejectedError:
    """Return the refusal a call comes to."""
    with pytest.raises(RejectedError) as caught:
        call(name, ctx, **value)
    return caught.value


@pytest.mark.parametrize("kind", NEW)
def test_a_record_is_created_changed_and_found(kind: str, ctx: ActionContext, records: Records) -> None:
    made = call(f"create_{kind}", ctx, **NEW[kind])
    assert made["object"] == kind.capitalize()
    call(f"update_{kind}", ctx, id=made["id"], description="changed", fields={"Region__c": "South"})
    (kept,) = records(kind.capitalize())
    assert (kept["Id"], kept["Description"], kept["Region__c"]) == (made["id"], "changed", "South")
    found = call("get_record", ctx, object=made["object"], id=made["id"], fields=["Description"])
    assert found["fields"] == {"Description": "changed", "Id": made["id"]}


@pytest.mark.parametrize("kind", NEW)
def test_an_upsert_creates_once_and_updates_then(kind: str, ctx: ActionContext, records: Records) -> None:
    key = {"external_id_field": "External_Id__c", "external_id": "A 7/ü".replace("/", "-")}
    first = call(f"upsert_{kind}", ctx, **key, **{k: v for k, v in NEW[kind].items() if k != "fields"})
    again = call(f"upsert_{kind}", ctx, **key, description="again")
    assert (first["created"], again["created"]) == (True, False)
    assert first["id"] == again["id"]
    (kept,) = records(kind.capitalize())
    assert (kept["External_Id__c"], kept["Description"]) == ("A 7-ü", "again")


def test_null_empties_a_field(ctx: ActionContext, records: Records) -> None:
    lead = call("create_lead", ctx, **NEW["lead"])
    call("update_lead", ctx, id=lead["id"], email=None)
    assert records("Lead")[0]["Email"] is None


def test_any_object_is_written_read_and_deleted(ctx: ActionContext, records: Records) -> None:
    made = call("create_record", ctx, object="Invoice__c", fields={"Name": "R-1", "Total__c": 12.5})
    call("update_record", ctx, object="Invoice__c", id=made["id"], fields={"Total__c": 13})
    key = {"external_id_field": "External_Id__c", "external_id": "R-2"}
    call("upsert_record", ctx, object="Invoice__c", **key, fields={"Name": "R-2"})
    read = call("get_record", ctx, object="Invoice__c", id=made["id"])
    assert (read["fields"]["Total__c"], "attributes" in read["fields"]) == (13.0, False)
    gone = [call("delete_record", ctx, object="Invoice__c", id=made["id"]) for _ in range(2)]
    assert [one["was_there"] for one in gone] == [True, False]
    assert [one["Name"] for one in records("Invoice__c")] == ["R-2"]


def test_deleting_waits_for_a_person() -> None:
    assert [one.name for one in salesforce.actions.values() if one.critical] == ["delete_record"]


def test_a_refusal_has_salesforces_own_message_and_fields(ctx: ActionContext) -> None:
    error = refused("create_record", ctx, object="Lead", fields={"FirstName": "Jane"})
    assert (error.code, error.details["fields"]) == ("required_field_missing", ["LastName", "Company"])
    assert error.message == "Required fields are missing: [LastName, Company]"


def test_names_near_an_unknown_one_are_said(ctx: ActionContext) -> None:
    fields = {"Emial": "a@example.com", "Hub_Kee__c": "x"}
    error = refused("create_lead", ctx, last_name="Doe", company="Acme", fields=fields)
    assert error.details["did_you_mean"]["Emial"][0] == "Email"
    assert "Hub_Kee__c is no field of Lead, did you mean Hub_Key__c" in error.message


def test_an_unknown_field_is_refused_even_if_nobody_can_say_what_is_near(
    ctx: ActionContext, running: RunningSandbox
) -> None:
    running.sandbox.faults.add(Fault(operation="describe", kind="status", status=403))
    error = refused("create_lead", ctx, last_name="Doe", company="Acme", fields={"Emial": "x"})
    assert (error.code, "did_you_mean" in error.details) == ("invalid_field", False)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Id": "00Q000000000001"}, "field_unusable"),
        ({"iD": "00Q000000000001"}, "field_unusable"),
        ({"a b": 1}, "field_unusable"),
        ({"LASTNAME": "x"}, "field_twice"),
    ],
)
def test_a_field_that_cannot_be_set_is_refused_before_anything_is_sent(
    fields: JsonObject, code: str, ctx: ActionContext, running: RunningSandbox
) -> None:
    before = len(running.sandbox.calls())
    error = refused("create_lead", ctx, last_name="Doe", company="Acme", fields=fields)
    assert (error.code, error.details["path"]) == (code, f"fields.{next(iter(fields))}")
    assert len(running.sandbox.calls()) == before


def test_an_update_without_fields_is_refused(ctx: ActionContext) -> None:
    assert refused("update_lead", ctx, id="00QSB0000000001").code == "fields_missing"


@pytest.mark.parametrize("value", [".", "..", "a/b"])
def test_an_external_id_no_path_can_hold_is_refused(value: str, ctx: ActionContext) -> None:
    key = {"external_id_field": "External_Id__c", "external_id": value}
    assert refused("upsert_lead", ctx, **key, company="x").code == "external_id_unusable"


def test_what_is_unique_is_refused_twice(ctx: ActionContext) -> None:
    fields = {"External_Id__c": "A"}
    call("create_lead", ctx, last_name="Doe", company="Acme", fields=fields)
    error = refused("create_lead", ctx, last_name="Doe", company="Acme", fields=fields)
    assert error.code == "duplicate_value"


def test_a_locked_row_is_tried_again(ctx: ActionContext, control: Callable[..., Json]) -> None:
    lead = call("create_lead", ctx, **NEW["lead"])
    control("refusals", status=400, code="UNABLE_TO_LOCK_ROW", message="unable to obtain exclusive access")
    with pytest.raises(RetryableError) as caught:
        call("update_lead", ctx, id=lead["id"], company="B")
    assert (caught.value.code, caught.value.retry_after_s) == ("row_locked", 5.0)
    call("update_lead", ctx, id=lead["id"], company="B")


def test_without_a_reference_field_nobody_knows_whether_a_record_was_created(ctx: ActionContext) -> None:
    confirm = made.create_lead.confirm
    assert confirm is not None
    assert confirm(ctx, NEW["lead"]) is Found.UNKNOWN


@pytest.mark.parametrize("name", ["create_lead", "create_record"])
def test_a_created_record_is_found_by_the_hubs_key(name: str, contexts: Callable[..., ActionContext]) -> None:
    value: JsonObject = {"last_name": "Doe", "company": "Acme"}
    if name == "create_record":
        value = {"object": "Lead", "fields": {"LastName": "Doe", "Company": "Acme"}}
    ctx = contexts(config={"reference_field": "Hub_Key__c"})
    confirm = salesforce.actions[name].confirm
    assert confirm is not None
    assert confirm(ctx, value) is Found.ABSENT
    created = call(name, ctx, **value)
    assert confirm(ctx, value) == created
    other = contexts(config={"reference_field": "Hub_Key__c"}, idempotency_key="exe_other.step")
    assert confirm(other, value) is Found.ABSENT
