"""The usual Python client, which others wrote, works unmodified against the sandbox."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from revolution_salesforce.connector import salesforce
from revolution_sdk.sandbox import RunningSandbox
from revolution_sdk.testing import connect

REASON = "simple-salesforce is not installed"
library = pytest.importorskip("simple_salesforce", reason=REASON)
requests = pytest.importorskip("requests", reason=REASON)

LEAD = {"LastName": "O'Brien", "Company": "Acme", "Email": "ob@example.com"}


def to_sandbox(base: str) -> Any:
    """The library writes https itself; this sends its requests to the sandbox as they are otherwise."""

    class ToSandbox(requests.adapters.HTTPAdapter):  # type: ignore[misc, name-defined]
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            parts = urlsplit(request.url)
            request.url = base + parts.path + (f"?{parts.query}" if parts.query else "")
            return super().send(request, *args, **options)

    return ToSandbox()


@pytest.fixture
def client(running: RunningSandbox) -> Iterator[Any]:
    """The library, signed in."""
    token = connect(salesforce, running.base_url, refresh_token="sandbox-refresh").removeprefix("Bearer ")
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", to_sandbox(running.url))
        yield library.Salesforce(
            instance_url="https://sandbox.local", session_id=token, version="68.0", session=session
        )


def test_records_live_and_die(client: Any) -> None:
    made = client.Lead.create(LEAD)
    assert made["success"]
    assert client.Lead.update(made["id"], {"Company": "Other"}) == 204
    assert client.Lead.get(made["id"])["Company"] == "Other"
    assert client.Lead.delete(made["id"]) == 204
    with pytest.raises(library.SalesforceResourceNotFound) as caught:
        client.Lead.get(made["id"])
    assert caught.value.content[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_an_upsert_creates_and_updates(client: Any) -> None:
    assert client.Lead.upsert("External_Id__c/A-1", LEAD) == 201
    assert client.Lead.upsert("External_Id__c/A-1", {"Company": "Other"}) == 200


def test_queries_are_read_page_by_page(client: Any, control: Callable[..., Any]) -> None:
    for number in range(5):
        client.Lead.create({**LEAD, "FirstName": str(number)})
    control("pages", rows=2)
    soql = library.format_soql("SELECT Id, FirstName FROM Lead WHERE LastName = {}", "O'Brien")
    found = client.query_all(soql)
    assert [one["FirstName"] for one in found["records"]] == ["0", "1", "2", "3", "4"]
    assert (found["totalSize"], found["done"]) == (5, True)


def test_what_an_org_has_is_described(client: Any) -> None:
    described = client.Lead.describe()
    assert {"LastName", "Company"} <= {one["name"] for one in described["fields"]}
    assert client.limits()["DailyApiRequests"]["Max"] == 5000
    assert client.api_usage["api-usage"].total == 5000


def test_a_composite_request_is_understood(client: Any) -> None:
    url = "/services/data/v68.0/sobjects"
    parts = [
        {"method": "POST", "url": f"{url}/Account", "referenceId": "a", "body": {"Name": "Acme"}},
        {
            "method": "POST",
            "url": f"{url}/Contact",
            "referenceId": "c",
            "body": {"LastName": "Doe", "AccountId": "@{a.id}"},
        },
    ]
    answer = client.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": parts})
    assert [one["httpStatusCode"] for one in answer["compositeResponse"]] == [201, 201]


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda sf: sf.Lead.create({"FirstName": "Jane"}), "REQUIRED_FIELD_MISSING"),
        (lambda sf: sf.query("SELECT Nothing FROM Lead"), "INVALID_FIELD"),
        (lambda sf: sf.query("SELECT FROM Lead"), "MALFORMED_QUERY"),
    ],
)
def test_refusals_are_understood(client: Any, act: Callable[[Any], Any], error: str) -> None:
    with pytest.raises(library.SalesforceMalformedRequest) as caught:
        act(client)
    assert caught.value.content[0]["errorCode"] == error


def test_an_ended_session_is_understood(client: Any, control: Callable[..., Any]) -> None:
    control("tokens/expire")
    with pytest.raises(library.SalesforceExpiredSession):
        client.limits()


def test_changes_and_deletions_of_a_span_are_listed(client: Any) -> None:
    made, gone = (client.Lead.create(LEAD)["id"] for _ in range(2))
    client.Lead.delete(gone)
    now = datetime.now(UTC)
    span = (now - timedelta(minutes=5), now + timedelta(seconds=2))
    assert client.Lead.updated(*span)["ids"] == [made]
    assert [one["id"] for one in client.Lead.deleted(*span)["deletedRecords"]] == [gone]
