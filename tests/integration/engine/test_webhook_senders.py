"""Attack rows W1 to W6, W10, W11 and W13 of the security design: who comes in at the door."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from rig.door import Door, opened, refused

from revolution_hub.api.app import make_api
from revolution_hub.services import versions, workflows
from revolution_hub.settings import Settings
from revolution_hub.store import tables as t
from revolution_sdk import Secret
from revolution_sdk.webhooks import sign_standard


@pytest.fixture
def door(bench: Any, database: str, tmp_path: Path) -> Iterator[Door]:
    """The door of a hub that has a folder for files."""
    with opened(bench, database, tmp_path) as made:
        yield made


def test_w1_nothing_but_the_right_signature_gets_in_and_nothing_is_left_of_the_rest(door: Door) -> None:
    at = door.open()
    good = at.signed(b'{"a": 1}').request.headers
    before = door.bench.counts()
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    kept = {name: good[name] for name in names}
    wrong = [
        {},
        *({name: text for name, text in kept.items() if name != left} for left in names),
        *({**kept, name: ""} for name in names),
        {**kept, "webhook-signature": kept["webhook-signature"].swapcase()},
        {**kept, "webhook-signature": kept["webhook-signature"][:-2]},
        {**kept, "webhook-signature": kept["webhook-signature"].replace("v1,", "v1a,")},
        {**kept, "webhook-signature": kept["webhook-signature"].replace("v1,", "v2,")},
    ]
    for headers in wrong:
        answer = door.client.post(at.path, content=b'{"a": 1}', headers=headers)
        assert refused(answer, 401, "delivery_refused") or answer.status_code == 401, headers
    # The right signature over a body that means the same and is another.
    for body in (b'{"a":1}', b'{"a": 1} ', b'{"a": 1.0}', b'\xef\xbb\xbf{"a": 1}'):
        assert door.client.post(at.path, content=body, headers=kept).status_code == 401
    assert door.bench.counts() == before


def test_w2_a_secret_that_is_gone_lets_nobody_in(door: Door) -> None:
    at = door.open()
    assert at.signed().status_code == 202
    with door.bench.hub.store.begin("ten_a") as tx:
        tx.conn.execute(
            sa.update(t.hooks).values(
                sealed=None, sealed_key_id=None, sealed_version=None, revision=t.hooks.c.revision + 1
            )
        )
    assert at.signed(message_id="msg_2").status_code == 401
    assert at.send().status_code == 401
    assert door.bench.counts()[3] == 1


def test_w2_a_secret_that_was_made_for_something_else_lets_nobody_in(door: Door) -> None:
    at = door.open()
    with door.bench.hub.store.begin("ten_a") as tx:
        tx.conn.execute(sa.update(t.hooks).values(family="api_key", revision=t.hooks.c.revision + 1))
    assert at.signed().status_code == 401
    assert door.bench.counts() == [0, 0, 0, 0]


def test_w2_a_secret_for_one_way_of_signing_is_none_for_another(door: Door) -> None:
    at = door.open()
    current = workflows.get_workflow(door.bench.hub, door.bench.principal, at.published.workflow.id)
    document = {**current.document, "on": [{"webhook": {"auth": {"api_key": {}}}}]}
    workflows.replace_workflow(door.bench.hub, door.bench.principal, current.id, document, current.revision)
    made = versions.publish_workflow(door.bench.hub, door.bench.principal, current.id)
    assert made.signing_secret not in (None, at.secret)
    assert at.send(x_api_key=at.secret).status_code == 401
    assert at.signed().status_code == 401
    assert at.send(x_api_key=made.signing_secret).status_code == 202


def test_w3_a_delivery_that_is_sent_again_is_known_and_later_refused(door: Door) -> None:
    at = door.open(auth={"hmac": {"header": "X-Sig", "timestamp": "X-Time"}})
    stamp = str(int(door.bench.clock.now.timestamp()))
    digest = hmac.digest(at.secret.encode(), f"{stamp}.".encode() + b'{"n":1}', "sha256").hex()

    def again(time: str = stamp) -> Any:
        return at.send(b'{"n":1}', x_sig=digest, x_time=time)

    first, second = again(), again()
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert again(str(int(stamp) + 1)).status_code == 401
    door.bench.clock.advance(301)
    assert again().status_code == 401
    door.bench.clock.advance(-602)
    assert again().status_code == 401
    assert door.bench.counts()[2:] == [1, 1]


def test_w5_one_good_signature_among_few_is_enough(door: Door) -> None:
    at = door.open()
    stamp = int(door.bench.clock.now.timestamp())
    good = sign_standard(Secret(at.secret), "msg_1", stamp, b"{}")

    def with_others(count: int) -> int:
        many = " ".join(["v1,AAAA"] * count + [good])
        answer = at.send(webhook_id="msg_1", webhook_timestamp=str(stamp), webhook_signature=many)
        return int(answer.status_code)

    assert [with_others(count) for count in (0, 1, 9, 10, 10_000)] == [202, 202, 202, 401, 401]


def test_w6_unknown_deleted_and_foreign_addresses_are_the_same_404(door: Door, asker_of: Any) -> None:
    at, gone, closed = door.open(auth="none"), door.open(auth="none"), door.open(auth="none")
    hub, principal = door.bench.hub, door.bench.principal
    workflows.delete_workflow(hub, principal, gone.published.workflow.id)
    versions.unpublish_workflow(hub, principal, closed.published.workflow.id)
    paths = [gone.path, closed.path, "/hooks/guess", "/hooks/" + "x" * 43, at.path[:-1], at.path + "x"]
    told = set()
    for path in paths:
        for method in ("POST", "GET", "DELETE"):
            answer = door.client.request(method, path, content=b"{}")
            assert answer.status_code == 404
            body = answer.json()
            body.pop("request_id")
            told.add(json.dumps(body, sort_keys=True))
    assert len(told) == 1
    # Who belongs to another tenant may know the id of the workflow, and is told no more.
    stranger = asker_of(tenant_id="ten_b")
    for method, path in (("GET", "webhook"), ("POST", "webhook/rotate")):
        found = f"/api/workflows/{at.published.workflow.id}/{path}"
        assert stranger.refused(method, found, {} if method == "POST" else None) == (404, "not_found")


def test_w6_who_guesses_is_slowed_down_and_nobody_else_is(bench: Any, door: Door) -> None:
    limited = bench.with_settings(guesses_per_minute=20, trusted_proxies=())
    with TestClient(make_api(limited.hub), client=("192.0.2.1", 1)) as guessing:
        known, unknown = door.open(auth="none"), door.open(auth="none")
        assert guessing.post(known.path, content=b"{}").status_code == 202
        statuses = [guessing.post(f"/hooks/guess{n}", content=b"{}").status_code for n in range(60)]
        assert statuses.count(404) in range(20, 25)
        assert set(statuses[25:]) == {429}
        # What this process knows is served all the same; what it does not, it does not look up.
        assert guessing.post(known.path, content=b"{}").status_code == 202
        answer = guessing.post(unknown.path, content=b"{}")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    with TestClient(make_api(limited.hub), client=("192.0.2.2", 1)) as other:
        assert other.post(unknown.path, content=b"{}").status_code == 202


def test_w6_an_address_has_256_random_bits(door: Door) -> None:
    keys = {door.open(auth="none").path.removeprefix("/hooks/") for _ in range(20)}
    assert len(keys) == 20
    assert {len(base64.urlsafe_b64decode(one + "=")) for one in keys} == {32}


def test_w10_what_is_not_genuine_takes_no_key_from_what_is(door: Door) -> None:
    at = door.open(dedup={"header": "X-Event"})
    for _ in range(3):
        assert at.send(x_event="evt_1", webhook_id="msg_1").status_code == 401
    first = at.signed(b'{"n": 1}', "msg_1", x_event="evt_1")
    assert first.status_code == 202
    # Another signed message with the same declared key is the same event.
    again = at.signed(b'{"n": 2}', "msg_2", x_event="evt_1")
    assert again.json() == first.json()
    assert at.signed(b'{"n": 2}', "msg_3", x_event="evt_2").json() != first.json()
    assert door.bench.counts()[2:] == [2, 2]


def in_body(at: Door, key: str) -> Any:
    return at.send(json.dumps({"data": {"items": [0, {"id": key}]}}).encode())


@pytest.mark.parametrize(
    ("dedup", "send"),
    [
        ({"header": "X-Event"}, lambda at, key: at.send(b"{}", x_event=key)),
        ({"body": "data.items.1.id"}, in_body),
        ({"query": "id"}, lambda at, key: at.send(b"{}", query=f"?x=1&id={quote(key)}")),
    ],
)
def test_w10_the_declared_key_counts_wherever_it_stands(
    dedup: Any, send: Callable[[Door, str], Any], door: Door
) -> None:
    at = door.open(auth="none", dedup=dedup)
    ids = [send(at, key).json()["execution_id"] for key in ("one", "one", "two", "", "")]
    # A delivery without the key is one of its own: nothing is lost for want of it.
    assert len(set(ids)) == 4
    assert ids[0] == ids[1]


def test_w11_only_a_trusted_proxy_says_who_the_client_is(bench: Any, door: Door) -> None:
    said = {"REVOLUTION_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8"}
    proxied = bench.with_settings(trusted_proxies=Settings.read(said).trusted_proxies)
    at = door.open(auth="none", allow=["203.0.113.7", "2001:db8::/32"])
    tries = [
        ("203.0.113.7", None, 202),
        ("203.0.113.8", None, 403),
        ("2001:db8::1", None, 202),
        ("::ffff:203.0.113.7", None, 202),
        ("203.0.113.8", "203.0.113.7", 403),
        ("10.1.2.3", "203.0.113.7", 202),
        ("10.1.2.3", "203.0.113.7:4711", 202),
        ("10.1.2.3", "[2001:db8::9]:4711", 202),
        ("10.1.2.3", "203.0.113.7, 203.0.113.8", 403),
        ("10.1.2.3", "203.0.113.8, 203.0.113.7", 202),
        ("10.1.2.3", "203.0.113.7, 10.9.9.9", 202),
        ("10.1.2.3", "203.0.113.7, unknown", 403),
        ("10.1.2.3", "", 403),
        ("10.1.2.3", "x" * 5000, 403),
        ("nonsense", None, 403),
    ]
    for peer, said, status in tries:
        with TestClient(make_api(proxied.hub), client=(peer, 1)) as client:
            headers = {"x-forwarded-for": said} if said is not None else {}
            answer = client.post(at.path, content=b"{}", headers=headers)
        assert answer.status_code == status, (peer, said, answer.text)
        if status == 403:
            assert answer.json()["code"] == "address_not_allowed"


def test_w11_a_header_that_is_there_twice_means_all_of_it(door: Door) -> None:
    at = door.open()
    good = at.signed().request.headers
    names = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type")
    twice = [(name, good[name]) for name in names]
    assert door.client.post(at.path, content=b"{}", headers=twice).status_code == 202
    for name in ("webhook-id", "webhook-timestamp"):
        answer = door.client.post(at.path, content=b"{}", headers=[*twice, (name, good[name])])
        assert answer.status_code == 401, name


def test_w13_slack_is_answered_if_it_has_signed_and_as_plain_text(door: Door) -> None:
    at = door.open(challenge="slack", auth={"hmac": {"header": "x-sig"}})
    body = json.dumps({"type": "url_verification", "challenge": "<script>alert(1)</script>"}).encode()
    assert at.send(body, x_sig="0" * 64).status_code == 401
    answer = at.send(body, x_sig=hmac.digest(at.secret.encode(), body, "sha256").hex())
    assert (answer.status_code, answer.text) == (200, "<script>alert(1)</script>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert (answer.headers["content-security-policy"], answer.headers["x-content-type-options"]) == (
        "sandbox",
        "nosniff",
    )
    assert door.bench.counts() == [0, 0, 0, 0]
    for challenge in ("", "x" * 1001, "a\nb", 5, None):
        body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
        answer = at.send(body, x_sig=hmac.digest(at.secret.encode(), body, "sha256").hex())
        assert answer.status_code in (401, 422), challenge


def test_w13_meta_is_answered_if_it_knows_the_token(door: Door) -> None:
    at = door.open(challenge="meta", auth={"api_key": {}})
    token = at.published.verify_token
    script = quote("<script>alert(1)</script>")

    def ask(token: str, mode: str = "subscribe", challenge: str = script) -> Any:
        query = f"?hub.mode={mode}&hub.verify_token={quote(token)}&hub.challenge={challenge}"
        return at.send(b"", method="GET", query=query)

    good = ask(token)
    assert (good.status_code, good.text) == (200, "<script>alert(1)</script>")
    assert good.headers["content-type"].startswith("text/plain")
    wrong = [ask(""), ask(token + "x"), ask(token[:-1]), ask(token, "unsubscribe"), ask(token, challenge="")]
    for bad in wrong:
        assert bad.status_code in (401, 422), bad.text
        assert "script" not in bad.text
    # Any other GET is none that the trigger declares.
    assert at.send(b"", method="GET").status_code == 405
    assert door.bench.counts() == [0, 0, 0, 0]


def test_w13_without_a_declared_challenge_nothing_is_echoed(door: Door) -> None:
    at = door.open(auth="none")
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    assert "execution_id" in at.send(body).json()
    assert at.send(b"", method="GET", query="?hub.mode=subscribe&hub.challenge=1").status_code == 405
