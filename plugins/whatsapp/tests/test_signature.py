"""Meta's signature and its question, against the known vectors and against people who would forge them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from revolution_sdk import Delivery, DeliveryError, Json, Secret
from revolution_sdk.webhooks import hmac_sha256_hex
from revolution_whatsapp.connector import whatsapp
from revolution_whatsapp.signature import SIGNATURE_HEADER, sign, verify

KNOWN = json.loads((Path(__file__).parent / "samples" / "signature-vectors.json").read_text())
SECRET = Secret("app-secret")
URL = "https://hub.example.com/hooks/apps/whatsapp/key"


def delivery(
    headers: dict[str, str], body: bytes = b"{}", *, method: str = "POST", url: str = URL
) -> Delivery:
    return Delivery(method=method, url=url, headers=headers, body=body, received_at=datetime.now(UTC))


@pytest.mark.parametrize("vector", KNOWN["vectors"], ids=lambda vector: vector["name"])
def test_every_known_vector_is_judged_as_published(vector: Json) -> None:
    headers = {name.lower(): value for name, value in vector["header"].items()}
    came = delivery(headers, vector["raw_body"].encode())
    if vector["expect"] == "accept":
        verify(came, Secret(vector["app_secret"]))
    else:
        with pytest.raises(DeliveryError):
            verify(came, Secret(vector["app_secret"]))


def test_the_published_answer_is_ours() -> None:
    for one in KNOWN["known_answers"]:
        assert hmac_sha256_hex(one["secret"].encode(), one["payload"].encode()) == one["hex"]


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha1=" + sign(SECRET, b"{}")[7:],
        sign(SECRET, b"{}").upper(),
        sign(SECRET, b"{} "),
        sign(Secret("another"), b"{}"),
        "sha256=" + "é" * 64,
        "sha256=" + "0" * 100_000,
    ],
)
def test_what_is_no_signature_of_these_bytes_is_refused(signature: str | None) -> None:
    verify(delivery({SIGNATURE_HEADER: sign(SECRET, b"{}")}), SECRET)
    with pytest.raises(DeliveryError) as caught:
        verify(delivery({} if signature is None else {SIGNATURE_HEADER: signature}), SECRET)
    assert caught.value.code == "unverified"


def test_an_empty_secret_is_refused_although_it_would_match() -> None:
    with pytest.raises(DeliveryError) as caught:
        verify(delivery({SIGNATURE_HEADER: sign(Secret(""), b"{}")}), Secret(""))
    assert caught.value.code == "bad_secret"


def asked(query: dict[str, str]) -> str | None:
    assert whatsapp.webhook is not None
    assert whatsapp.webhook.challenge is not None
    question = delivery({}, b"", method="GET", url=f"{URL}?{urlencode(query)}")
    return whatsapp.webhook.challenge(
        question, Secret(KNOWN["verification_request"]["query"]["hub.verify_token"])
    )


def test_the_question_is_answered_for_whoever_shows_the_token() -> None:
    known = KNOWN["verification_request"]
    assert asked(known["query"]) == known["answer"]["body"]
    with pytest.raises(DeliveryError):
        asked({**known["query"], "hub.verify_token": "wrong"})
