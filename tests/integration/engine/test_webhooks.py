"""A workflow's own address: signed as it asks, once per message, and gone with the workflow."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from revolution_hub.bus.hook import receive_hook
from revolution_hub.errors import InputError, NotFoundError
from revolution_hub.services import versions, workflows
from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import sign_standard

SEE = {"id": "see", "set": {"data": "{{ trigger.data }}", "type": "{{ trigger.type }}"}}


def hook(bench: Any, **settings: Any) -> tuple[Any, str, Secret]:
    """Publish a workflow behind a webhook; returns it, its key and its signing secret."""
    published = bench.publish(SEE, on=[{"webhook": settings}])
    assert published.hook is not None
    return published, published.hook.removeprefix("/hooks/"), Secret(published.signing_secret or "")


def signed(bench: Any, secret: Secret, message_id: str = "msg_1", body: bytes = b'{"a": 1}') -> Delivery:
    at = int(bench.clock.now.timestamp())
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": sign_standard(secret, message_id, at, body),
    }
    return Delivery(method="POST", url="/", headers=headers, body=body, received_at=bench.clock.now)


def plain(bench: Any, body: bytes = b"{}", **headers: str) -> Delivery:
    return Delivery(method="POST", url="/", headers=headers, body=body, received_at=bench.clock.now)


def test_a_signed_hook_starts_its_workflow_with_the_body_as_data(bench: Any) -> None:
    _, key, secret = hook(bench)
    started = receive_hook(bench.hub, key, signed(bench, secret))
    bench.work()
    assert bench.look(started.execution_id).steps["see"].output == {
        "data": {"a": 1},
        "type": "webhook.received",
    }


def test_twenty_posts_of_one_message_start_one_execution_and_all_are_told_which(bench: Any) -> None:
    _, key, secret = hook(bench)
    barrier = Barrier(20)

    def post(_: int) -> str:
        barrier.wait(10)
        return receive_hook(bench.hub, key, signed(bench, secret)).execution_id

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(post, range(20)))) == 1
    # Every report is kept, beside the one event that it reports.
    assert bench.counts() == [0, 20, 1, 1]


def test_an_unsigned_or_wrongly_signed_message_leaves_nothing(bench: Any) -> None:
    _, key, secret = hook(bench)
    good = signed(bench, secret)
    wrong = [
        plain(bench),
        replace(good, body=b'{"a": 2}'),
        replace(good, headers={**good.headers, "webhook-id": "msg_2"}),
        signed(bench, Secret("whsec_" + "QUJD" * 8)),
    ]
    for one in wrong:
        with pytest.raises(DeliveryError):
            receive_hook(bench.hub, key, one)
    bench.clock.advance(301)
    with pytest.raises(DeliveryError):
        receive_hook(bench.hub, key, replace(good, received_at=bench.clock.now))
    assert bench.counts() == [0, 0, 0, 0]


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b'{"a":1,"a":2}', b"\xff", b'"\\ud800"'])
def test_a_body_that_is_no_strict_json_leaves_nothing_where_nobody_signs(body: bytes, bench: Any) -> None:
    _, key, _ = hook(bench, auth="none")
    with pytest.raises(InputError):
        receive_hook(bench.hub, key, plain(bench, body))
    assert bench.counts() == [0, 0, 0, 0]


def test_without_signatures_every_post_starts_one_unless_it_names_a_key(bench: Any) -> None:
    _, key, _ = hook(bench, auth="none")
    ids = [receive_hook(bench.hub, key, plain(bench)).execution_id for _ in range(2)]
    same = [
        receive_hook(bench.hub, key, plain(bench, **{"idempotency-key": "k"})).execution_id for _ in range(2)
    ]
    assert len(set(ids)) == 2
    assert len(set(same)) == 1


def test_an_address_that_is_unknown_or_whose_workflow_is_gone_is_not_there(bench: Any) -> None:
    published, key, secret = hook(bench)
    with pytest.raises(NotFoundError):
        receive_hook(bench.hub, "guess", signed(bench, secret))
    workflows.delete_workflow(bench.hub, bench.principal, published.workflow.id)
    with pytest.raises(NotFoundError):
        receive_hook(bench.hub, key, signed(bench, secret))


def republish(bench: Any, published: Any, *on: Any) -> Any:
    current = workflows.get_workflow(bench.hub, bench.principal, published.workflow.id)
    document = {**current.document, "on": list(on)}
    workflows.replace_workflow(bench.hub, bench.principal, current.id, document, current.revision)
    return versions.publish_workflow(bench.hub, bench.principal, current.id)


def test_address_and_secret_survive_a_new_version(bench: Any) -> None:
    published, key, secret = hook(bench)
    again = republish(bench, published, {"webhook": {"answer": "result"}})
    assert (again.hook, again.signing_secret, again.version) == (published.hook, None, 2)
    assert receive_hook(bench.hub, key, signed(bench, secret)).answer == "result"


def test_a_hook_that_asks_for_signatures_only_now_gets_its_secret_now(bench: Any) -> None:
    published, key, none = hook(bench, auth="none")
    assert not none
    again = republish(bench, published, "webhook")
    assert (again.hook, again.signing_secret is None) == (published.hook, False)
    with pytest.raises(DeliveryError):
        receive_hook(bench.hub, key, plain(bench))
    assert receive_hook(bench.hub, key, signed(bench, Secret(again.signing_secret))).execution_id


def test_a_version_without_webhook_closes_the_address_and_a_later_one_opens_it_again(bench: Any) -> None:
    published, key, secret = hook(bench)
    assert republish(bench, published, "manual").hook is None
    with pytest.raises(NotFoundError):
        receive_hook(bench.hub, key, signed(bench, secret))
    assert republish(bench, published, "webhook").hook == published.hook
    assert receive_hook(bench.hub, key, signed(bench, secret)).execution_id
