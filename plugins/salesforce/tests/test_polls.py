"""Looking for events."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, product
from time import sleep
from typing import Any

import pytest

from revolution_salesforce import polls
from revolution_salesforce.connector import salesforce
from revolution_sdk import ActionContext, Cursor, JsonObject
from revolution_sdk.sandbox import RunningSandbox
from revolution_sdk.testing.polls import check_poll

Control = Callable[..., Any]
FIELDS: dict[str, JsonObject] = {
    "Lead": {"LastName": "Doe", "Company": "Acme"},
    "Contact": {"LastName": "Doe"},
    "Account": {"Name": "Acme"},
    "Opportunity": {"Name": "Big", "StageName": "Prospecting", "CloseDate": "2026-12-31"},
}


def happenings(control: Control, happened: str, name: str) -> Callable[[], object]:
    """Return what makes one such thing happen."""
    fields, numbers = FIELDS[name], count()
    if happened == "created":
        return lambda: control("records", object=name, fields=fields)
    ids = [control("records", object=name, fields=fields)["id"] for _ in range(3)]
    if happened == "deleted":
        # What is covered is told in whole seconds, so let each deletion have one of its own.
        return lambda: (sleep(1.0), control("records/delete", object=name, id=ids.pop()))
    return lambda: control(
        "records/change", object=name, id=ids[0], fields={"Description": str(next(numbers))}
    )


@pytest.mark.parametrize(
    ("name", "happened"), [*product(FIELDS, ["created", "updated"]), ("Lead", "deleted")]
)
def test_every_poll_keeps_its_word(name: str, happened: str, ctx: ActionContext, control: Control) -> None:
    happen = happenings(control, happened, name)
    poll = salesforce.polls[f"poll_{name.lower()}_{happened}"]
    found = check_poll(salesforce, poll, ctx, happen)
    assert len(found) == 3


def look(ctx: ActionContext, poll: str, cursor: Any) -> tuple[list[JsonObject], Any]:
    """Look until there are no more pages."""
    one, items = salesforce.polls[poll], list[JsonObject]()
    while True:
        polled = one(ctx, Cursor(value=cursor, overlap=one.overlap))
        items += polled.items
        cursor = polled.cursor
        if not polled.more:
            return items, cursor


def test_what_was_there_before_is_not_reported(ctx: ActionContext, control: Control) -> None:
    start = datetime.now(UTC) + timedelta(seconds=1)
    control("records", object="Lead", fields=FIELDS["Lead"])
    _, cursor = look(ctx, "poll_lead_created", None)
    # The clock of the answer has whole seconds, so let this one pass.
    cursor = {**cursor, "from": start.isoformat(), "seen": start.isoformat()}
    assert look(ctx, "poll_lead_created", cursor)[0] == []


def test_many_are_read_page_by_page(ctx: ActionContext, control: Control, running: RunningSandbox) -> None:
    _, cursor = look(ctx, "poll_lead_created", None)
    made = [control("records", object="Lead", fields=FIELDS["Lead"])["id"] for _ in range(polls.ROWS + 3)]
    before = len(running.sandbox.calls("query"))
    items, following = look(ctx, "poll_lead_created", cursor)
    assert [one["id"] for one in items] == made
    assert len(running.sandbox.calls("query")) - before == 2
    assert (following["page"], following["from"]) == (None, cursor["from"])


def test_a_page_cut_short_loses_nothing(ctx: ActionContext, control: Control) -> None:
    _, cursor = look(ctx, "poll_lead_created", None)
    made = [control("records", object="Lead", fields=FIELDS["Lead"])["id"] for _ in range(5)]
    control("pages", rows=2)
    items, _ = look(ctx, "poll_lead_created", cursor)
    assert [one["id"] for one in items] == made


def test_creating_is_no_update(ctx: ActionContext, control: Control) -> None:
    _, cursor = look(ctx, "poll_lead_updated", None)
    lead = control("records", object="Lead", fields=FIELDS["Lead"])["id"]
    assert look(ctx, "poll_lead_updated", cursor)[0] == []
    control("records/change", object="Lead", id=lead, fields={"Email": "a@example.com"})
    (item,), _ = look(ctx, "poll_lead_updated", cursor)
    assert (item["id"], item["email"], item["last_name"]) == (lead, "a@example.com", "Doe")


@pytest.mark.parametrize("name", FIELDS)
def test_what_was_deleted_is_reported(name: str, ctx: ActionContext, control: Control) -> None:
    made = control("records", object=name, fields=FIELDS[name])["id"]
    _, cursor = look(ctx, f"poll_{name.lower()}_deleted", None)
    control("records/delete", object=name, id=made)
    assert [one["id"] for one in look(ctx, f"poll_{name.lower()}_deleted", cursor)[0]] == [made]


def test_old_deletions_ask_no_more_than_salesforce_knows(ctx: ActionContext, running: RunningSandbox) -> None:
    old = "2026-01-01T00:00:00.000Z"
    look(ctx, "poll_lead_deleted", {"from": old, "seen": old, "page": None})
    (call,) = running.sandbox.calls("deleted")
    assert call.status == 200


def test_a_company_has_the_domain_of_its_website(ctx: ActionContext, control: Control) -> None:
    _, cursor = look(ctx, "poll_account_created", None)
    for website in ("https://www.Acme.example/shop", "acme.example", "nonsense", "http://[", None):
        control("records", object="Account", fields={"Name": "A", "Website": website})
    items, _ = look(ctx, "poll_account_created", cursor)
    event = salesforce.events["account.created"]
    assert event.map is not None
    domains = [event.map(one)["domain"] for one in items]
    assert domains == ["acme.example", "acme.example", None, None, None]


def test_each_event_goes_by_a_canonical_name() -> None:
    names = {one.name: one.canonical for one in salesforce.events.values()}
    assert names["lead.created"] == names["contact.created"] == "crm.contact.created"
    assert (names["account.deleted"], names["opportunity.updated"]) == (
        "crm.company.deleted",
        "crm.deal.updated",
    )
