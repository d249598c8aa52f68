"""Asking: queries with pages, what an object looks like, what is left of the day."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from revolution_salesforce.connector import (
    continue_query,
    describe_object,
    get_limits,
    query_records,
    salesforce,
)
from revolution_salesforce.usage import api_usage
from revolution_sdk import ActionContext, Json, JsonObject, RejectedError
from revolution_sdk.sandbox import RunningSandbox

Control = Callable[..., Any]
BY_NAME = "SELECT Id, LastName FROM Lead WHERE LastName = :name"


def add(control: Control, *names: str) -> list[str]:
    """Create leads and return their ids."""
    fields: list[JsonObject] = [{"LastName": one, "Company": "Acme"} for one in names]
    return [control("records", object="Lead", fields=one)["id"] for one in fields]


def test_a_value_is_found_whatever_is_in_it(ctx: ActionContext, control: Control) -> None:
    nasty = r"O'Brien\' OR LastName != 'x"
    _, wanted = add(control, "Doe", nasty)
    found = query_records(ctx, {"soql": BY_NAME, "params": {"name": nasty}})
    assert found == {"records": [{"Id": wanted, "LastName": nasty}], "total": 1, "cursor": None}


@pytest.mark.parametrize(
    ("where", "params", "found"),
    [
        ("LastName IN :v", {"v": ["A%", "C"]}, ["A%", "C"]),
        ("LastName LIKE :v", {"v": {"contains": "%"}}, ["A%"]),
        ("LastName LIKE :v", {"v": {"starts_with": "B"}}, ["B_"]),
        ("NOT (LastName = :v OR LastName = :w)", {"v": "A%", "w": "C"}, ["B_"]),
        ("Email = :v AND IsConverted = :w", {"v": None, "w": False}, ["A%", "B_", "C"]),
        ("CreatedDate > :v", {"v": {"datetime": "2020-01-01T00:00:00Z"}}, ["A%", "B_", "C"]),
        ("CreatedDate < :v", {"v": {"datetime": "2020-01-01T00:00:00Z"}}, []),
    ],
)
def test_conditions(
    where: str, params: JsonObject, found: list[str], ctx: ActionContext, control: Control
) -> None:
    add(control, "C", "A%", "B_")
    soql = f"SELECT LastName FROM Lead WHERE {where} ORDER BY LastName"
    rows = query_records(ctx, {"soql": soql, "params": params})["records"]
    assert [one["LastName"] for one in rows] == found


def test_pages_are_read_as_far_as_is_wanted(ctx: ActionContext, control: Control) -> None:
    add(control, "A", "B", "C", "D", "E")
    control("pages", rows=2)
    asked = {"soql": "SELECT LastName FROM Lead ORDER BY LastName", "page_size": 200}
    first = query_records(ctx, asked)
    rest = continue_query(ctx, {"cursor": first["cursor"], "max_pages": 2})
    assert [one["LastName"] for one in first["records"]] == ["A", "B"]
    assert [one["LastName"] for one in rest["records"]] == ["C", "D", "E"]
    assert (first["total"], rest["total"], rest["cursor"]) == (5, 5, None)
    whole = query_records(ctx, {**asked, "max_pages": 10})
    assert (len(whole["records"]), whole["cursor"]) == (5, None)


def test_rows_are_counted(ctx: ActionContext, control: Control) -> None:
    add(control, "A", "B")
    assert query_records(ctx, {"soql": "SELECT COUNT() FROM Lead"}) == {
        "records": [],
        "total": 2,
        "cursor": None,
    }


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT FROM Lead", "malformed_query"),
        ("SELECT Id FROM Nothing__c", "invalid_type"),
        ("SELECT Nothing FROM Lead", "invalid_field"),
        ("SELECT Id FROM Lead WHERE LastName = 'x'", "soql_invalid"),
        ("SELECT Id FROM Lead LIMIT", "malformed_query"),
    ],
)
def test_a_wrong_query_is_refused(soql: str, code: str, ctx: ActionContext) -> None:
    with pytest.raises(RejectedError) as caught:
        query_records(ctx, {"soql": soql})
    assert caught.value.code == code


def test_a_query_too_long_for_an_address_is_refused_here(ctx: ActionContext, running: RunningSandbox) -> None:
    with pytest.raises(RejectedError) as caught:
        query_records(ctx, {"soql": BY_NAME, "params": {"name": "x" * 13_000}})
    assert caught.value.code == "query_too_long"
    assert running.sandbox.calls("query") == []


@pytest.mark.parametrize("cursor", ["", "../limits", "a/b", "a?b", "x" * 201])
def test_a_cursor_is_no_path(cursor: str) -> None:
    assert not Draft202012Validator(continue_query.input).is_valid({"cursor": cursor})


def test_a_form_learns_the_fields_and_what_may_be_chosen(ctx: ActionContext) -> None:
    found = describe_object(ctx, {"object": "Lead"})
    assert [*Draft202012Validator(describe_object.output).iter_errors(found)] == []
    fields = {one["name"]: one for one in found["fields"]}
    assert [name for name, one in fields.items() if one["required"]] == ["LastName", "Company"]
    assert {"value": "Web", "label": "Web"} in fields["LeadSource"]["options"]
    assert (fields["External_Id__c"]["external_id"], fields["Id"]["createable"]) == (True, False)
    assert (fields["LastName"]["max_length"], fields["OwnerId"]["refers_to"]) == (80, ["User"])


def test_what_is_left_of_the_day(ctx: ActionContext, control: Control) -> None:
    control("limits", most=100, used=40)
    found = get_limits(ctx, {})
    assert (found["requests_max"], found["requests_left"]) == (100, 59)
    assert found["limits"]["DailyApiRequests"] == {"Max": 100, "Remaining": 59}


def test_each_request_is_counted_and_the_end_of_the_day_is_said(
    ctx: ActionContext, control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "revolution.connector")
    get_limits(ctx, {})
    assert caplog.messages == []
    control("limits", most=100, used=79)
    get_limits(ctx, {})
    assert caplog.messages == ["the Salesforce org has used 80 of its 100 requests in 24 hours"]
    assert [(one.unit, one.quantity) for one in ctx.usage.added] == [("requests", 1)] * 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("api-usage=18/5000", (18, 5000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=x)", (25, 5000)),
        ("per-app-api-usage=17/250(appName=x)", None),
        ("api-usage=5/0", None),
        ("", None),
        ("api-usage=a/b", None),
    ],
)
def test_the_header_is_read(text: str, found: Json) -> None:
    assert api_usage(text) == found


def test_no_query_takes_a_text_in_it_by_its_schema_either() -> None:
    assert salesforce.actions["query_records"].input["properties"]["soql"]["maxLength"] == 8000
