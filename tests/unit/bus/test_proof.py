"""Who sent a delivery: providers' published vectors, and every way of being almost right."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.bus.proof import Keyed, prove
from revolution_hub.model.parse_webhook import webhook_of
from revolution_hub.model.webhook import Auth
from revolution_sdk import Delivery, DeliveryError, Secret

STRIPE_BODY = b"""{
  "id": "evt_123",
  "object": "event",
  "account": "acct_123",
  "api_version": "2017-05-25",
  "created": 1533204620,
  "data": {
    "object": {
      "id": "cus_123",
      "object": "customer",
      "created": 123456789,
      "email": "test@stripe.com",
      "livemode": false,
      "metadata": {}
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": "req_123",
    "idempotency_key": "idempotency-key-123"
  },
  "type": "customer.created"
}
"""
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
    b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


@dataclass(frozen=True)
class Vector:
    """A delivery as a provider's own documents give it."""

    auth: Any
    secret: str
    body: bytes
    headers: dict[str, str]
    at_s: int
    signature: str

    def delivery(self, **changes: Any) -> Delivery:
        at = datetime.fromtimestamp(self.at_s, UTC)
        made = Delivery(method="POST", url="/", headers=self.headers, body=self.body, received_at=at)
        return replace(made, **changes)

    def with_header(self, name: str, text: str) -> Delivery:
        return self.delivery(headers={**self.headers, name: text})


VECTORS = {
    # Standard Webhooks, the specification's reference libraries, test of a valid signature, read 2026-11-23.
    "standard-webhooks": Vector(
        auth="standard-webhooks",
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        body=b'{"test": 2432232314}',
        headers={
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        at_s=1614265330,
        signature="webhook-signature",
    ),
    # GitHub Docs, "Validating webhook deliveries", section "Testing the webhook payload validation",
    # read 2026-11-23.
    "github": Vector(
        auth="github",
        secret="It's a Secret to Everybody",
        body=b"Hello, World!",
        headers={
            "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        },
        at_s=0,
        signature="x-hub-signature-256",
    ),
    # Stripe's own library stripe-dotnet at 6045930: src/StripeTests/Services/Events/EventUtilityTest.cs and
    # src/StripeTests/Resources/event_test_signature.json, read 2026-11-23.
    "stripe": Vector(
        auth="stripe",
        secret="webhook_secret",
        body=STRIPE_BODY,
        headers={
            "stripe-signature": "t=1533204620,"
            "v1=2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7,"
            "v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef"
        },
        at_s=1533204620,
        signature="stripe-signature",
    ),
    # Slack, "Verifying requests from Slack", the example worked out there, read 2026-11-23.
    "slack": Vector(
        auth="slack",
        secret="8f742231b10e8888abcd99yyyzzz85a5",
        body=SLACK_BODY,
        headers={
            "x-slack-request-timestamp": "1531420618",
            "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        },
        at_s=1531420618,
        signature="x-slack-signature",
    ),
}
TIMED = [name for name in VECTORS if name != "github"]


def auth_of(said: Any) -> Auth:
    return webhook_of({"auth": said}).auth


def check(vector: Vector, delivery: Delivery, *secrets: str) -> str | None:
    keys = [Keyed(secret=Secret(one)) for one in secrets or (vector.secret,)]
    return prove(auth_of(vector.auth), keys, delivery)


def refused(vector: Vector, delivery: Delivery, *secrets: str) -> bool:
    try:
        check(vector, delivery, *secrets)
    except DeliveryError:
        return True
    return False


@pytest.mark.parametrize("name", VECTORS)
def test_what_the_provider_has_published_is_genuine(name: str) -> None:
    vector = VECTORS[name]
    proven = check(vector, vector.delivery())
    # Only what has its time in it, or an id, can be told from another delivery that says the same.
    assert (proven is None) == (name == "github")


@pytest.mark.parametrize("name", VECTORS)
def test_every_byte_of_signature_and_body_counts(name: str) -> None:
    vector = VECTORS[name]
    good = vector.headers[vector.signature]
    signature_ends = good.index(",v0=") if name == "stripe" else len(good)
    for at in range(signature_ends):
        changed = good[:at] + ("0" if good[at] != "0" else "1") + good[at + 1 :]
        assert refused(vector, vector.with_header(vector.signature, changed)), (at, changed)
    for at in range(len(vector.body)):
        body = vector.body[:at] + bytes([vector.body[at] ^ 1]) + vector.body[at + 1 :]
        assert refused(vector, vector.delivery(body=body)), at
    assert refused(vector, vector.delivery(body=vector.body + b" "))
    assert refused(vector, vector.delivery(body=b""))


def almost(vector: Vector) -> Iterator[tuple[str, Delivery]]:
    # Stripe's list ends with a signature for tests, which nobody looks at.
    name, good = vector.signature, vector.headers[vector.signature].partition(",v0=")[0]
    yield "no header", vector.delivery(headers={k: v for k, v in vector.headers.items() if k != name})
    yield "no headers", vector.delivery(headers={})
    for what, text in {
        "empty": "",
        "a blank": " ",
        "truncated": good[:-8],
        "other case": good.swapcase(),
        "a prefix alone": good.partition("=")[0] + "=",
        "another algorithm": good.replace("sha256", "sha1").replace("v1", "v2").replace("v0", "v9"),
        "twice": f"{good}{good}",
        "not ASCII": "é" + good,
    }.items():
        if text != good:
            yield what, vector.with_header(name, text)


@pytest.mark.parametrize("name", VECTORS)
def test_what_is_almost_a_signature_is_none(name: str) -> None:
    vector = VECTORS[name]
    cases = list(almost(vector))
    assert len(cases) > 8
    for what, delivery in cases:
        # Stripe's list may be there twice with the same time in it; what it says is still what was signed.
        if (name, what) != ("stripe", "twice"):
            assert refused(vector, delivery), what


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(("age_s", "good"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_delivery_is_good_for_five_minutes(name: str, age_s: int, good: bool) -> None:
    vector = VECTORS[name]
    late = vector.delivery(received_at=datetime.fromtimestamp(vector.at_s, UTC) + timedelta(seconds=age_s))
    assert refused(vector, late) is not good


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "١٢٣", "9" * 40, "nan", "1533204621"])
def test_a_time_that_was_not_signed_is_refused(name: str, stamp: str) -> None:
    vector = VECTORS[name]
    headers = {
        header: (text.replace(str(vector.at_s), stamp) if str(vector.at_s) in text else text)
        for header, text in vector.headers.items()
    }
    assert refused(vector, vector.delivery(headers=headers))


@pytest.mark.parametrize("name", VECTORS)
def test_of_two_secrets_either_will_do_until_the_time_of_the_earlier_one_is_over(name: str) -> None:
    vector = VECTORS[name]
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    assert not refused(vector, vector.delivery(), other, vector.secret)
    assert not refused(vector, vector.delivery(), vector.secret, other)
    assert refused(vector, vector.delivery(), other)
    until = datetime.fromtimestamp(vector.at_s, UTC)
    keys = [Keyed(secret=Secret(other)), Keyed(secret=Secret(vector.secret), until=until)]
    with pytest.raises(DeliveryError):
        prove(auth_of(vector.auth), keys, vector.delivery())
    with pytest.raises(DeliveryError):
        prove(auth_of(vector.auth), [], vector.delivery())


def test_several_signatures_may_be_there_and_not_too_many() -> None:
    vector = VECTORS["standard-webhooks"]
    good = vector.headers["webhook-signature"]
    for count, fine in ((1, True), (9, True), (10, False), (10_000, False)):
        text = " ".join(["v1,AAAA"] * count + [good])
        assert refused(vector, vector.with_header("webhook-signature", text)) is not fine, count
    stripe = VECTORS["stripe"]
    good = stripe.headers["stripe-signature"]
    for count, fine in ((1, True), (9, True), (10, False), (10_000, False)):
        text = ",".join([good.partition(",")[0], *["v1=00"] * count, good.split(",")[1]])
        assert refused(stripe, stripe.with_header("stripe-signature", text)) is not fine, count


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@given(body=st.binary(max_size=200), prefix=st.sampled_from(["", "v1,", "sig="]))
def test_ones_own_shape_takes_what_is_signed_that_way_alone(
    algorithm: str, encoding: str, body: bytes, prefix: str
) -> None:
    said = {"header": "X-Sig", "algorithm": algorithm, "encoding": encoding, "prefix": prefix}
    said |= {"timestamp": "X-Time", "signed": "{timestamp}|{body}|end"}
    digest = hmac.new(b"a secret", b"1700000000|" + body + b"|end", getattr(hashlib, algorithm)).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    vector = Vector(
        auth={"hmac": said},
        secret="a secret",
        body=body,
        headers={"x-sig": prefix + text, "x-time": "1700000000"},
        at_s=1_700_000_000,
        signature="x-sig",
    )
    assert check(vector, vector.delivery()) is not None
    # Milliseconds are a time as well, and another text.
    assert refused(vector, vector.with_header("x-time", "1700000000000"))
    assert refused(vector, vector.delivery(body=body + b"|end"))
    assert refused(vector, vector.delivery(), "another")


def sent(**headers: str) -> Delivery:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Delivery(method="POST", url="/", headers=named, body=b"{}", received_at=at)


BASIC = base64.b64encode(b"hub:a long password").decode()


@pytest.mark.parametrize(
    ("auth", "secret", "good", "bad"),
    [
        (
            {"api_key": {}},
            "key-1234",
            [{"x_api_key": "key-1234"}],
            [
                {},
                {"x_api_key": ""},
                {"x_api_key": "key-123"},
                {"x_api_key": "KEY-1234"},
                {"x-key": "key-1234"},
            ],
        ),
        (
            {"api_key": {"header": "Authorization"}},
            "key-1234",
            [{"authorization": "Bearer key-1234"}, {"authorization": "bearer  key-1234"}],
            [{"authorization": "key-1234"}, {"authorization": "Basic key-1234"}, {"authorization": "Bearer"}],
        ),
        (
            {"basic": {}},
            "hub:a long password",
            [{"authorization": f"Basic {BASIC}"}, {"authorization": f"basic {BASIC}"}],
            [
                {"authorization": f"Basic {BASIC[:-2]}"},
                {"authorization": f"Bearer {BASIC}"},
                {"authorization": "Basic"},
                {"authorization": "Basic %%%"},
                {},
            ],
        ),
    ],
)
def test_a_key_or_a_password_is_the_whole_of_it(
    auth: Any, secret: str, good: list[dict[str, str]], bad: list[dict[str, str]]
) -> None:
    keys = [Keyed(secret=Secret(secret))]
    for headers in good:
        assert prove(auth_of(auth), keys, sent(**headers)) is None
    for headers in bad:
        with pytest.raises(DeliveryError):
            prove(auth_of(auth), keys, sent(**headers))


def test_an_empty_secret_lets_nobody_in() -> None:
    for said in ("github", {"hmac": {"header": "x-sig"}}, {"api_key": {}}, {"basic": {}}):
        signature = "sha256=" + hmac.new(b"", b"{}", "sha256").hexdigest()
        tried = sent(x_hub_signature_256=signature, x_sig=signature[7:], x_api_key="", authorization="Basic ")
        with pytest.raises(DeliveryError):
            prove(auth_of(said), [Keyed(secret=Secret(""))], tried)


def test_without_a_proof_there_is_none() -> None:
    assert prove(auth_of("none"), [], sent()) is None
