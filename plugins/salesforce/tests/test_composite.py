"""Several requests as one."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from revolution_salesforce.connector import run_composite
from revolution_sdk import ActionContext, JsonObject, RejectedError, RetryableError
from revolution_sdk.sandbox import RunningSandbox

Records = Callable[[str], list[JsonObject]]
ACCOUNT = {"name": "account", "do": "create", "object": "Account", "fields": {"Name": "Acme"}}
CONTACT = {
    "name": "contact",
    "do": "create",
    "object": "Contact",
    "fields": {"LastName": "Doe", "AccountId": "@{account.id}"},
}
WRONG = {"name": "wrong", "do": "create", "object": "Lead", "fields": {"FirstName": "Jane"}}


def run(ctx: ActionContext, *parts: JsonObject, **more: Any) -> JsonObject:
    """Run parts that the schema takes and return what it promises."""
    value = {"parts": list(parts), **more}
    assert [*Draft202012Validator(run_composite.input).iter_errors(value)] == []
    result = run_composite(ctx, value)
    assert [*Draft202012Validator(run_composite.output).iter_errors(result)] == []
    return result


def test_later_parts_use_what_earlier_ones_made(ctx: ActionContext, records: Records) -> None:
    result = run(
        ctx,
        ACCOUNT,
        CONTACT,
        {
            "name": "more",
            "do": "update",
            "object": "Account",
            "id": "@{account.id}",
            "fields": {"Phone": "1"},
        },
        {"name": "read", "do": "get", "object": "Contact", "id": "@{contact.id}"},
        {
            "name": "again",
            "do": "upsert",
            "object": "Account",
            "external_id_field": "External_Id__c",
            "external_id": "X Y",
            "fields": {"Name": "Other"},
        },
        {
            "name": "found",
            "do": "query",
            "soql": "SELECT Name FROM Account WHERE Name = :name",
            "params": {"name": "Acme"},
        },
    )
    account, contact = records("Account")[0], records("Contact")[0]
    assert result["ok"]
    assert [one["status"] for one in result["parts"]] == [201, 201, 204, 200, 201, 200]
    assert (contact["AccountId"], account["Phone"]) == (account["Id"], "1")
    assert result["parts"][3]["body"]["LastName"] == "Doe"
    assert result["parts"][5]["body"]["records"] == [{"Name": "Acme"}]
    assert records("Account")[1]["External_Id__c"] == "X Y"


def test_one_refusal_undoes_all_of_it(ctx: ActionContext, records: Records) -> None:
    with pytest.raises(RejectedError) as caught:
        run(ctx, ACCOUNT, WRONG, CONTACT)
    assert caught.value.code == "composite_refused"
    assert list(caught.value.details["parts"]) == ["wrong"]
    assert caught.value.details["parts"]["wrong"]["fields"] == ["LastName", "Company"]
    assert (records("Account"), records("Contact")) == ([], [])


def test_without_all_or_none_the_rest_is_done(ctx: ActionContext, records: Records) -> None:
    result = run(ctx, ACCOUNT, WRONG, CONTACT, all_or_none=False)
    assert (result["ok"], [one["ok"] for one in result["parts"]]) == (False, [True, False, True])
    assert result["parts"][1]["error_code"] == "REQUIRED_FIELD_MISSING"
    assert len(records("Account")) == len(records("Contact")) == 1


def test_what_was_refused_for_the_moment_only_is_tried_again(
    ctx: ActionContext, control: Callable[..., Any], records: Records
) -> None:
    control("refusals", status=400, code="UNABLE_TO_LOCK_ROW", message="unable to obtain exclusive access")
    with pytest.raises(RetryableError) as caught:
        run(ctx, ACCOUNT, CONTACT)
    assert caught.value.code == "row_locked"
    assert run(ctx, ACCOUNT, CONTACT)["ok"]
    assert len(records("Account")) == 1


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ([{"name": "a", "do": "create", "object": "Lead"}], "parts[0].fields"),
        ([{**ACCOUNT, "id": "001000000000001"}], "parts[0].id"),
        ([ACCOUNT, ACCOUNT], "parts[1].name"),
        ([CONTACT], "parts[0].name"),
        ([{"name": "q", "do": "query", "soql": "SELECT Id FROM Lead WHERE A = :b"}], "parts[0].params.b"),
    ],
)
def test_a_wrong_part_is_refused_before_anything_is_sent(
    parts: list[JsonObject], path: str, ctx: ActionContext, running: RunningSandbox
) -> None:
    with pytest.raises(RejectedError) as caught:
        run(ctx, *parts)
    assert (caught.value.code, caught.value.details["path"]) == ("composite_invalid", path)
    assert running.sandbox.calls("composite") == []


def test_six_queries_are_too_many(ctx: ActionContext) -> None:
    parts = [{"name": f"q{at}", "do": "query", "soql": "SELECT Id FROM Lead"} for at in range(6)]
    with pytest.raises(RejectedError, match="at most 5"):
        run(ctx, *parts)
