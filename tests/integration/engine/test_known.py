"""A process that remembers webhook addresses: what others change counts from the next delivery on."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from revolution_hub.bus.hook import Arrived, HookStarted, receive_hook, receive_hooks
from revolution_hub.bus.known import KnownHooks
from revolution_hub.errors import NotFoundError
from revolution_hub.services import versions, workflows
from revolution_hub.store.errors import StoreError
from revolution_hub.store.tx import Store
from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import sign_standard

SAY = {"id": "say", "respond": {"body": "first"}}
OPEN = {"webhook": {"auth": "none", "answer": "result"}}


@pytest.fixture
def other(bench: Any, database: str) -> Iterator[Any]:
    """Another process over the same database, which remembers nothing of the first one's."""
    store = Store(database)
    yield replace(bench.hub, store=store)
    store.close()


def publish(bench: Any, *on: Any) -> tuple[str, str, Secret]:
    """Publish a workflow and deliver to it once, so that its address is remembered."""
    published = bench.publish(SAY, on=list(on) or [OPEN])
    key = str(published.hook).removeprefix("/hooks/")
    secret = Secret(published.signing_secret or "")
    receive_hook(bench.hub, key, post(bench, "msg_0", secret))
    assert bench.hub.store.companion(KnownHooks).remembered([key])
    return published.workflow.id, key, secret


def post(bench: Any, message_id: str, secret: Secret | None = None) -> Delivery:
    at = int(bench.clock.now.timestamp())
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at), "idempotency-key": message_id}
    if secret is not None and secret.reveal():
        headers["webhook-signature"] = sign_standard(secret, message_id, at, b"{}")
    return Delivery(method="POST", url="/", headers=headers, body=b"{}", received_at=bench.clock.now)


def change(bench: Any, hub: Any, workflow_id: str, *on: Any, body: str = "second") -> Any:
    """Publish another version from another process."""
    draft = workflows.get_workflow(hub, bench.principal, workflow_id)
    steps = [{"id": "say", "respond": {"body": body}}]
    document = {**draft.document, "on": list(on) or [OPEN], "steps": steps}
    workflows.replace_workflow(hub, bench.principal, workflow_id, document, draft.revision)
    return versions.publish_workflow(hub, bench.principal, workflow_id)


def said(bench: Any, started: Any) -> Any:
    # A machine that is busy may have left the steps to a worker.
    bench.work()
    return bench.look(started.execution_id).execution.response["body"]


def test_what_is_remembered_is_not_read_again(bench: Any) -> None:
    _, key, _ = publish(bench)
    book = bench.hub.store.companion(KnownHooks)
    before = book.remembered([key])[key]
    receive_hook(bench.hub, key, post(bench, "msg_1"))
    assert book.remembered([key])[key] is before


def test_a_version_published_elsewhere_counts_from_the_next_delivery_on(bench: Any, other: Any) -> None:
    workflow_id, key, _ = publish(bench)
    change(bench, other, workflow_id)
    batch = [Arrived(key=key, delivery=post(bench, f"msg_{number}")) for number in range(1, 4)]
    assert [said(bench, one) for one in receive_hooks(bench.hub, batch)] == ["second"] * 3
    assert bench.counts() == [0, 4, 4, 4]


def test_a_delivery_that_was_known_before_the_change_is_told_its_first_execution(
    bench: Any, other: Any
) -> None:
    workflow_id, key, _ = publish(bench)
    first = receive_hook(bench.hub, key, post(bench, "msg_1"))
    change(bench, other, workflow_id)
    again = receive_hook(bench.hub, key, post(bench, "msg_1"))
    assert again.execution_id == first.execution_id


def test_a_workflow_deleted_elsewhere_takes_nothing_any_more(bench: Any, other: Any) -> None:
    workflow_id, key, _ = publish(bench)
    workflows.delete_workflow(other, bench.principal, workflow_id)
    with pytest.raises(NotFoundError):
        receive_hook(bench.hub, key, post(bench, "msg_1"))
    assert bench.counts() == [0, 1, 1, 1]


def test_a_version_without_webhook_published_elsewhere_closes_the_address(bench: Any, other: Any) -> None:
    workflow_id, key, _ = publish(bench)
    change(bench, other, workflow_id, "manual")
    with pytest.raises(NotFoundError):
        receive_hook(bench.hub, key, post(bench, "msg_1"))


def test_signatures_asked_for_elsewhere_are_asked_for_here(bench: Any, other: Any) -> None:
    workflow_id, key, _ = publish(bench)
    published = change(bench, other, workflow_id, {"webhook": {"answer": "result"}})
    with pytest.raises(DeliveryError):
        receive_hook(bench.hub, key, post(bench, "msg_1"))
    assert said(bench, receive_hook(bench.hub, key, post(bench, "msg_2", Secret(published.signing_secret))))


def test_signatures_no_longer_asked_for_are_not_asked_for_here(bench: Any, other: Any) -> None:
    workflow_id, key, _ = publish(bench, {"webhook": {"answer": "result"}})
    change(bench, other, workflow_id)
    assert said(bench, receive_hook(bench.hub, key, post(bench, "msg_1"))) == "second"


def test_a_wrong_signature_is_refused_however_often_it_is_looked_at(bench: Any) -> None:
    _, key, secret = publish(bench, {"webhook": {}})
    wrong = Secret("whsec_" + "QUJD" * 8)
    batch = [Arrived(key=key, delivery=post(bench, f"msg_{at}", (secret, wrong)[at % 2])) for at in range(4)]
    answers = receive_hooks(bench.hub, batch)
    assert [type(one).__name__ for one in answers] == ["HookStarted", "DeliveryError"] * 2


def test_while_versions_are_published_every_delivery_runs_once_by_one_of_them(bench: Any, other: Any) -> None:
    workflow_id, key, _ = publish(bench)

    def deliver(number: int) -> HookStarted:
        return receive_hook(bench.hub, key, post(bench, f"msg_{number}"))

    with ThreadPoolExecutor(4) as pool:
        started = [pool.submit(deliver, number) for number in range(1, 61)]
        for number in range(5):
            change(bench, other, workflow_id, body=f"version {number}")
        answers = [one.result() for one in started]
    assert {said(bench, one) for one in answers} <= {"first", *(f"version {number}" for number in range(5))}
    assert said(bench, deliver(61)) == "version 4"
    assert bench.counts() == [0, 62, 62, 62]


def test_a_database_that_goes_away_at_the_second_look_takes_back_nothing_of_the_first(
    bench: Any, other: Any, database_file: Any
) -> None:
    changed, stale, _ = publish(bench)
    accepting = bench.publish({"id": "it", "uses": "lab.read_page"}, on=[OPEN])
    good = str(accepting.hook).removeprefix("/hooks/")
    change(bench, other, changed)

    def lose_the_hooks() -> None:
        with sqlite3.connect(database_file) as link:
            link.execute("ALTER TABLE hooks RENAME TO gone")

    hub = replace(bench.hub, wake=lose_the_hooks)
    batch = [Arrived(key=key, delivery=post(bench, f"msg_{at}")) for at, key in enumerate((good, stale), 1)]
    kept, refused = receive_hooks(hub, batch)
    assert isinstance(kept, HookStarted)
    assert isinstance(refused, StoreError)
    assert bench.look(kept.execution_id).status == "queued"


def test_only_so_many_addresses_are_remembered(bench: Any) -> None:
    _, first, _ = publish(bench)
    book = KnownHooks(bench.hub.store, most=2)
    keys = [first, *(publish(bench)[1] for _ in range(2))]
    for key in keys:
        book.read({key}, bench.clock.now)
    assert list(book.remembered(keys)) == keys[1:]
