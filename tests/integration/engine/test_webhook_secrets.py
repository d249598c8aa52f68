"""Secrets and addresses of webhooks: who makes them, when they are shown, and rotation with an overlap."""

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from revolution_hub.bus.hook import receive_hook
from revolution_hub.bus.known import KnownHooks
from revolution_hub.errors import DefinitionError, NotFoundError
from revolution_hub.services import versions, webhooks, workflows
from revolution_hub.services.webhooks import Rotation
from revolution_hub.store.tx import Store
from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.webhooks import sign_standard

DAY_S = 86_400
STEP = {"id": "see", "set": {"a": 1}}
STRIPE_SECRET = "whsec_test_stripe_made_this"


def create(owner: Any, *, publish: bool = True, name: str = "w", **webhook: Any) -> tuple[str, Any]:
    """Create a workflow behind a webhook; returns its id, and what publishing it said."""
    workflow_id = owner.create({"name": name, "on": [{"webhook": webhook}], "steps": [STEP]})
    return workflow_id, owner.ask("POST", f"/api/workflows/{workflow_id}/publish") if publish else None


def say(owner: Any, workflow_id: str, **webhook: Any) -> None:
    """Replace what the draft's trigger says."""
    current = owner.call("GET", f"/api/workflows/{workflow_id}")
    document = {**current.json()["document"], "on": [{"webhook": webhook}]}
    owner.ask(
        "PUT", f"/api/workflows/{workflow_id}", {"document": document}, if_match=current.headers["etag"]
    )


def show(owner: Any, workflow_id: str) -> Any:
    return owner.ask("GET", f"/api/workflows/{workflow_id}/webhook")


def rotate(owner: Any, workflow_id: str, **body: Any) -> Any:
    return owner.ask("POST", f"/api/workflows/{workflow_id}/webhook/rotate", body)


def publish(owner: Any, workflow_id: str) -> Any:
    return owner.call("POST", f"/api/workflows/{workflow_id}/publish")


def key_of(url: str) -> str:
    return url.rpartition("/hooks/")[2]


def signed(bench: Any, secret: str, message_id: str, body: bytes = b"{}") -> Delivery:
    at = int(bench.clock.now.timestamp())
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": sign_standard(Secret(secret), message_id, at, body),
    }
    return Delivery(method="POST", url="/", headers=headers, body=body, received_at=bench.clock.now)


def taken(bench: Any, url: str, secret: str, message_id: str, hub: Any = None) -> bool:
    try:
        receive_hook(hub or bench.hub, key_of(url), signed(bench, secret, message_id))
    except (DeliveryError, NotFoundError):
        return False
    return True


@pytest.fixture
def other(bench: Any, database: str) -> Iterator[Any]:
    """Another process over the same database."""
    store = Store(database)
    yield replace(bench.hub, store=store)
    store.close()


@pytest.mark.parametrize(
    ("auth", "begins"),
    [
        ("standard-webhooks", "whsec_"),
        ("github", ""),
        ({"hmac": {"header": "X-Sig"}}, ""),
        ({"api_key": {}}, ""),
        ({"basic": {}}, "hub:"),
    ],
)
def test_what_the_hub_can_make_it_makes_once_and_shows_once(auth: Any, begins: str, owner: Any) -> None:
    workflow_id, made = create(owner, auth=auth)
    secret = made["signing_secret"]
    assert secret.startswith(begins)
    assert len(secret) >= 43
    again = publish(owner, workflow_id).json()
    assert (again["signing_secret"], again["hook_url"]) == (None, made["hook_url"])
    shown = show(owner, workflow_id)
    assert (shown["secret"]["set"], shown["secret"]["made_by"], shown["url"]) == (
        True,
        "hub",
        made["hook_url"],
    )
    assert secret not in json.dumps(shown)


@pytest.mark.parametrize("auth", ["stripe", "slack", "meta"])
def test_what_the_provider_makes_is_asked_for_before_anything_is_published(auth: str, owner: Any) -> None:
    workflow_id, _ = create(owner, publish=False, auth=auth)
    refused = publish(owner, workflow_id)
    assert (refused.status_code, refused.json()["code"]) == (422, "definition_invalid")
    assert [(one["path"], one["code"]) for one in refused.json()["problems"]] == [
        ("on[0].webhook.auth", "missing_secret")
    ]
    assert show(owner, workflow_id)["secret"] == {
        "needed": True,
        "made_by": "provider",
        "set": False,
        "coming": False,
    }
    # The provider wants to know the address first, and then says what it signs with.
    address = rotate(owner, workflow_id, what=["address"])["url"]
    made = rotate(owner, workflow_id, what=["secret"], secret=STRIPE_SECRET)
    assert (made["signing_secret"], made["secret"]["set"], made["url"]) == (None, True, address)
    published = publish(owner, workflow_id).json()
    assert (published["hook_url"], published["signing_secret"]) == (address, None)
    assert STRIPE_SECRET not in json.dumps([made, published, show(owner, workflow_id)])


def test_a_jwt_trigger_takes_a_key_of_its_algorithm_alone(owner: Any) -> None:
    said = {"jwt": {"algorithm": "HS256", "issuer": "i", "audience": "a"}}
    workflow_id, _ = create(owner, publish=False, auth=said)
    path = f"/api/workflows/{workflow_id}/webhook/rotate"
    for bad in ("short", "-----BEGIN PUBLIC KEY-----\n" + "x" * 80):
        answer = owner.call("POST", path, {"secret": bad})
        assert (answer.status_code, answer.json()["path"]) == (422, "secret")
        assert bad not in answer.text
    assert rotate(owner, workflow_id, secret="k" * 32)["secret"]["set"]
    assert publish(owner, workflow_id).status_code == 200


def test_nobody_has_to_prove_anything_only_where_it_is_written_out(owner: Any) -> None:
    _, made = create(owner)
    assert made["signing_secret"]
    workflow_id, open_one = create(owner, name="open", auth="none")
    shown = show(owner, workflow_id)
    assert (open_one["signing_secret"], shown["unauthenticated"], shown["secret"]["needed"]) == (
        None,
        True,
        False,
    )
    answer = owner.call("POST", f"/api/workflows/{workflow_id}/webhook/rotate", {})
    assert (answer.status_code, answer.json()["path"]) == (422, "what")


def test_an_open_address_is_shown_only_to_who_may_publish(asker_of: Any) -> None:
    owner, viewer = asker_of(), asker_of("viewer")
    workflow_id, made = create(owner, auth="none")
    assert show(owner, workflow_id)["url"] == made["hook_url"]
    hidden = show(viewer, workflow_id)
    assert (hidden["url"], hidden["url_hidden"]) == (None, True)
    assert viewer.refused("POST", f"/api/workflows/{workflow_id}/webhook/rotate", {}) == (403, "forbidden")
    signed_one, made = create(owner, name="signed")
    assert show(viewer, signed_one)["url"] == made["hook_url"]


def test_an_earlier_secret_is_good_until_its_time_is_over(bench: Any, owner: Any, other: Any) -> None:
    workflow_id, made = create(owner)
    url, first = made["hook_url"], made["signing_secret"]
    assert taken(bench, url, first, "m0")
    assert taken(bench, url, first, "m1", other)
    second = rotate(owner, workflow_id, overlap="2h")["signing_secret"]
    assert second != first
    # Both processes know at once: the one that remembered the first alone looks again.
    for at, hub in enumerate((bench.hub, other)):
        assert taken(bench, url, first, f"old{at}", hub)
        assert taken(bench, url, second, f"new{at}", hub)
    assert [one["what"] for one in show(owner, workflow_id)["overlaps"]] == ["secret"]
    bench.clock.advance(2 * 3600)
    for at, hub in enumerate((bench.hub, other)):
        assert not taken(bench, url, first, f"late{at}", hub)
        assert taken(bench, url, second, f"last{at}", hub)
    assert show(owner, workflow_id)["overlaps"] == []


def test_a_secret_somebody_else_has_seen_ends_at_once_everywhere(bench: Any, owner: Any, other: Any) -> None:
    workflow_id, made = create(owner)
    url, first = made["hook_url"], made["signing_secret"]
    second = rotate(owner, workflow_id, overlap="1d")["signing_secret"]
    for at, hub in enumerate((bench.hub, other)):
        assert taken(bench, url, first, f"m{at}", hub)
    third = rotate(owner, workflow_id, overlap=0)["signing_secret"]
    for at, hub in enumerate((bench.hub, other)):
        # What was to go on before the leak goes on; the one that leaked is the one that was replaced.
        assert not taken(bench, url, second, f"n{at}", hub)
        assert taken(bench, url, third, f"o{at}", hub)
    counts = bench.counts()
    assert counts[2] == counts[3] == 4


def test_what_nobody_can_read_is_not_kept_for_a_secret_that_was_ended_elsewhere(
    bench: Any, owner: Any, other: Any
) -> None:
    workflow_id, made = create(owner)
    url, first = made["hook_url"], made["signing_secret"]
    # The other process remembers the address with the secret it then had.
    assert taken(bench, url, first, "m1", other)
    rotate(owner, workflow_id, overlap=0)
    before = bench.counts()
    with pytest.raises(DeliveryError):
        receive_hook(other, key_of(url), signed(bench, first, "m2", b"{"))
    assert bench.counts() == before


def test_an_earlier_address_leads_on_until_its_time_is_over(bench: Any, owner: Any, other: Any) -> None:
    workflow_id, made = create(owner)
    first, secret = made["hook_url"], made["signing_secret"]
    second = rotate(owner, workflow_id, what=["address"], overlap="1h")["url"]
    third = rotate(owner, workflow_id, what=["address"], overlap="3h")["url"]
    assert len({first, second, third}) == 3
    for at, url in enumerate((first, second, third)):
        assert taken(bench, url, secret, f"a{at}")
        assert taken(bench, url, secret, f"b{at}", other)
    # A message that comes by two addresses is one message.
    before = bench.counts()[2]
    assert taken(bench, first, secret, "a2")
    assert bench.counts()[2] == before
    assert [one["url"] for one in show(owner, workflow_id)["overlaps"]] == [first, second]
    bench.clock.advance(3600)
    for hub in (bench.hub, other):
        assert not taken(bench, first, secret, "c1", hub)
        assert taken(bench, second, secret, "c2", hub)
    rotate(owner, workflow_id, what=["address"], overlap=0)
    for url in (first, second, third):
        assert not taken(bench, url, secret, "d")


def test_a_deleted_workflow_takes_its_earlier_addresses_with_it(bench: Any, owner: Any) -> None:
    workflow_id, made = create(owner)
    rotate(owner, workflow_id, what=["address"])
    assert taken(bench, made["hook_url"], made["signing_secret"], "m1")
    owner.ask("DELETE", f"/api/workflows/{workflow_id}")
    assert not taken(bench, made["hook_url"], made["signing_secret"], "m2")


def test_a_secret_for_a_version_to_come_leaves_the_present_one_at_work(bench: Any, owner: Any) -> None:
    workflow_id, made = create(owner)
    url, first = made["hook_url"], made["signing_secret"]
    say(owner, workflow_id, auth="stripe")
    assert publish(owner, workflow_id).status_code == 422
    coming = rotate(owner, workflow_id, secret=STRIPE_SECRET, of="draft")
    assert (coming["auth"], coming["secret"]["coming"]) == ("standard-webhooks", True)
    assert taken(bench, url, first, "m1")
    assert publish(owner, workflow_id).json()["hook_url"] == url
    assert not taken(bench, url, first, "m2")
    at = int(bench.clock.now.timestamp())
    digest = hmac.digest(STRIPE_SECRET.encode(), f"{at}.".encode() + b"{}", "sha256").hex()
    headers = {"stripe-signature": f"t={at},v1={digest}"}
    delivery = Delivery(method="POST", url="/", headers=headers, body=b"{}", received_at=bench.clock.now)
    assert receive_hook(bench.hub, key_of(url), delivery).execution_id


def test_the_verify_token_is_made_shown_once_and_made_anew(owner: Any) -> None:
    workflow_id, made = create(owner, challenge="meta", auth={"api_key": {}})
    assert len(made["verify_token"]) == 43
    assert publish(owner, workflow_id).json()["verify_token"] is None
    again = rotate(owner, workflow_id, what=["token"])
    assert again["verify_token"] not in (None, made["verify_token"])
    assert again["signing_secret"] is None
    given = rotate(owner, workflow_id, what=["token"], token="chosen-by-hand")
    assert (given["verify_token"], given["token"]) == (None, {"needed": True, "set": True})
    plain, _ = create(owner, name="plain")
    answer = owner.call("POST", f"/api/workflows/{plain}/webhook/rotate", {"what": ["token"]})
    assert (answer.status_code, answer.json()["path"]) == (422, "what")


BAD_ROTATIONS = [
    ({"what": []}, "what"),
    ({"what": ["key"]}, "what[0]"),
    ({"what": "secret"}, "what"),
    ({"secret": ""}, "secret"),
    ({"secret": "whsec_short"}, "secret"),
    ({"secret": "not base64 at all !!"}, "secret"),
    ({"secret": 5}, "secret"),
    ({"secret": "x" * 9000}, "secret"),
    ({"overlap": "soon"}, "overlap"),
    ({"overlap": -1}, "overlap"),
    ({"overlap": "31d"}, "overlap"),
    ({"of": "version"}, "of"),
    ({"secrets": "x"}, "secrets"),
]


@pytest.mark.parametrize(("body", "path"), BAD_ROTATIONS)
def test_a_rotation_that_makes_no_sense_changes_nothing(body: Any, path: str, owner: Any) -> None:
    workflow_id, _ = create(owner)
    before = show(owner, workflow_id)
    answer = owner.call("POST", f"/api/workflows/{workflow_id}/webhook/rotate", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["path"].startswith(path)
    assert show(owner, workflow_id) == before


def test_a_workflow_without_a_webhook_has_none_to_show(owner: Any) -> None:
    workflow_id = owner.publish({"name": "plain", "steps": [STEP]})
    for method, path in (("GET", "webhook"), ("POST", "webhook/rotate")):
        found = f"/api/workflows/{workflow_id}/{path}"
        assert owner.refused(method, found, {} if method == "POST" else None) == (404, "no_webhook")


def test_two_who_make_a_secret_at_once_do_not_undo_each_other(bench: Any, owner: Any) -> None:
    workflow_id, made = create(owner)
    raced: list[str] = []

    def meanwhile() -> datetime:
        # Between reading and writing of the first one, somebody else is through.
        if not raced:
            raced.append("begun")
            rotation = Rotation(what=frozenset({"secret"}))
            raced.append(
                str(webhooks.rotate_webhook(bench.hub, bench.principal, workflow_id, rotation).secret)
            )
        now: datetime = bench.clock.now
        return now

    racing = replace(bench.hub, now=meanwhile)
    mine = webhooks.rotate_webhook(racing, bench.principal, workflow_id, Rotation(what=frozenset({"secret"})))
    for at, secret in enumerate((made["signing_secret"], raced[1], str(mine.secret))):
        assert taken(bench, made["hook_url"], secret, f"m{at}")


def test_what_was_rotated_while_a_version_is_published_stays(bench: Any, owner: Any) -> None:
    workflow_id, made = create(owner)
    fresh = webhooks.fresh_hook(
        bench.hub,
        "ten_a",
        workflow_id,
        workflows.get_workflow(bench.hub, bench.principal, workflow_id).document,
    )
    rotated = rotate(owner, workflow_id, what=["secret", "address"], overlap=0)
    with bench.hub.store.begin("ten_a") as tx:
        kept = webhooks.keep_hook(tx, workflow_id, fresh)
    assert kept.hook is not None
    assert kept.hook.key == key_of(rotated["url"])
    assert taken(bench, rotated["url"], rotated["signing_secret"], "m1")
    assert not taken(bench, made["hook_url"], made["signing_secret"], "m2")


def test_a_rollback_to_a_trigger_whose_secret_is_gone_is_refused(bench: Any, owner: Any) -> None:
    workflow_id, _ = create(owner, publish=False, auth="stripe")
    rotate(owner, workflow_id, secret=STRIPE_SECRET)
    publish(owner, workflow_id)
    say(owner, workflow_id, auth={"api_key": {}})
    assert publish(owner, workflow_id).json()["signing_secret"]
    with pytest.raises(DefinitionError) as refused:
        versions.rollback_workflow(bench.hub, bench.principal, workflow_id, 1)
    assert refused.value.problems[0].code == "missing_secret"


def test_what_is_remembered_of_a_hook_shows_no_secret(bench: Any, owner: Any) -> None:
    _, made = create(owner)
    assert taken(bench, made["hook_url"], made["signing_secret"], "m1")
    known = bench.hub.store.companion(KnownHooks).remembered([key_of(made["hook_url"])])
    assert made["signing_secret"] not in repr(known)
    assert made["signing_secret"] not in repr([one.secrets for one in known.values()])
