"""Signature helpers: held against published vectors, deaf to everything else."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from revolution_sdk import Delivery, DeliveryError, JsonObject, Secret
from revolution_sdk.webhooks import (
    hmac_sha256_base64,
    hmac_sha256_hex,
    meta_challenge,
    require_fresh,
    require_match,
    require_number,
    sign_standard,
    slack_challenge,
    verify_standard,
)

VECTORS = json.loads((Path(__file__).parent / "samples/standard-webhooks.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SECRET = Secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
OTHER = Secret("whsec_9CVG1ezdRSUJgIstbQQTtac4xwp5O5nM+O1vQjqsg9M=")


def delivery(body: bytes, headers: JsonObject, now: datetime = NOW) -> Delivery:
    return Delivery(
        method="POST", url="https://hub.example/hooks/k", headers=headers, body=body, received_at=now
    )


def signed(body: bytes = b"{}", secret: Secret = SECRET, **changes: str | None) -> Delivery:
    sent_s = int(NOW.timestamp())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(sent_s),
        "webhook-signature": sign_standard(secret, "msg_1", sent_s, body),
    }
    named = {f"webhook-{name}": value for name, value in changes.items()}
    return delivery(body, {name: value for name, value in {**headers, **named}.items() if value is not None})


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda one: str(one["name"]))
def test_the_published_vectors_are_judged_as_they_say(vector: JsonObject) -> None:
    now = datetime.fromtimestamp(vector["now"], UTC)
    given = delivery(vector["body"].encode(), vector["headers"], now)
    secret = Secret(vector["secrets"][0])
    if vector["expect"] == "accept":
        assert verify_standard(given, secret) == vector["headers"]["webhook-id"]
    else:
        with pytest.raises(DeliveryError):
            verify_standard(given, secret)


def test_signing_gives_the_published_signature() -> None:
    vector = VECTORS["vectors"][0]
    headers = vector["headers"]
    made = sign_standard(
        Secret(vector["secrets"][0]),
        headers["webhook-id"],
        int(headers["webhook-timestamp"]),
        vector["body"].encode(),
    )
    assert made == vector["correct_signature"]


def test_a_genuine_delivery_gives_its_id() -> None:
    assert verify_standard(signed(b'{"a": 1}'), SECRET) == "msg_1"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "msg_2"},
        {"signature": None},
        {"signature": ""},
        {"signature": "v1,"},
        {"signature": "nonsense"},
        {"signature": "v1,ä"},
        {"timestamp": None},
        {"timestamp": ""},
        {"timestamp": "-1"},
        {"timestamp": "1e9"},
        {"timestamp": "١٧٦٤٠٠٠٠٠٠"},
        {"timestamp": "9" * 16},
    ],
)
def test_a_delivery_with_odd_headers_is_refused(changes: dict[str, str | None]) -> None:
    with pytest.raises(DeliveryError):
        verify_standard(signed(**changes), SECRET)


def test_another_secret_is_refused() -> None:
    with pytest.raises(DeliveryError, match="does not match"):
        verify_standard(signed(secret=OTHER), SECRET)


def test_at_most_ten_signatures_are_compared() -> None:
    right = signed().headers["webhook-signature"]
    assert verify_standard(signed(signature=" ".join(["v1,no"] * 9 + [right])), SECRET)
    with pytest.raises(DeliveryError, match="not signed"):
        verify_standard(signed(signature=" ".join(["v1,no"] * 10 + [right])), SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "whsec_not base64",
        "whsec_ä",
        "whsec_",
        "",
    ],
)
def test_a_secret_that_cannot_sign_is_the_operators_fault(text: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        verify_standard(signed(), Secret(text))
    assert refused.value.code == "bad_secret"


def test_freshness_counts_in_both_directions() -> None:
    sent_s = NOW.timestamp()
    for age_s in (-300, 0, 300):
        require_fresh(sent_s - age_s, NOW)
    for age_s in (-301, 301, float("nan"), float("inf")):
        with pytest.raises(DeliveryError) as refused:
            require_fresh(sent_s - age_s, NOW)
        assert refused.value.code == "stale"


def test_a_missing_signature_matches_nothing() -> None:
    require_match("same", "same")
    for given in (None, "", "other", "sam", "säme"):
        with pytest.raises(DeliveryError, match="does not match"):
            require_match(given, "same")


def test_numbers_in_headers_are_plain() -> None:
    assert require_number("1764000000", "timestamp") == 1764000000
    for text in (None, "", " 1", "+1", "1.5", "0x10", "²", "1" * 16):
        with pytest.raises(DeliveryError, match="the timestamp is missing or not a number"):
            require_number(text, "timestamp")


def test_the_hashes_are_those_of_rfc_4231() -> None:
    # Source: RFC 4231 §4.3, test case 2.
    key, text = b"Jefe", b"what do ya want for nothing?"
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256_hex(key, text) == expected
    assert hmac_sha256_base64(key, text) == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="


TOKEN = Secret("the verify token")


def asked(query: str, method: str = "GET", body: bytes = b"") -> Delivery:
    url = f"https://hub.example/hooks/apps/meta/key{query}"
    return Delivery(method=method, url=url, headers={}, body=body, received_at=NOW)


def test_metas_question_is_answered_to_who_shows_the_token() -> None:
    # The example of Meta's page, with a token of ours.
    query = "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=the+verify+token"
    assert meta_challenge(asked(query), TOKEN) == "1158201444"
    assert meta_challenge(asked(query, method="POST"), TOKEN) is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?hub.mode=subscribe&hub.challenge=1",
        "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
        "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=the%20verify%20toke",
        "?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=the%20verify%20token",
        "?hub.mode=subscribe&hub.challenge=&hub.verify_token=the%20verify%20token",
        "?hub.mode=subscribe&hub.verify_token=the%20verify%20token",
        "?"
        + "&".join(["a=1"] * 5000)
        + "&hub.mode=subscribe&hub.challenge=1&hub.verify_token=the+verify+token",
    ],
)
def test_metas_question_is_answered_to_nobody_else(query: str) -> None:
    with pytest.raises(DeliveryError):
        meta_challenge(asked(query), TOKEN)


def test_slacks_question_is_answered() -> None:
    # The example of Slack's page.
    challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    body = {"token": "Jhj5dZrVaK7ZwHHjRyZWjbDl", "challenge": challenge, "type": "url_verification"}
    assert slack_challenge(asked("", "POST", json.dumps(body).encode()), TOKEN) == challenge


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"type": "event_callback", "challenge": "x"}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_question_of_slacks_is_read_as_a_delivery(body: bytes) -> None:
    assert slack_challenge(asked("", "POST", body), TOKEN) is None
    assert slack_challenge(asked("", "GET", body), TOKEN) is None


def test_a_question_without_a_challenge_is_unreadable() -> None:
    with pytest.raises(DeliveryError) as caught:
        slack_challenge(asked("", "POST", b'{"type": "url_verification", "challenge": 7}'), TOKEN)
    assert caught.value.code == "unreadable"
