"""HubSpot's signature v3, against the known vectors and against people who would like to forge it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from revolution_hubspot.signature import (
    DECODED,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    sign,
    signed_string,
    verify,
)
from revolution_sdk import Delivery, DeliveryError, Json, Secret

VECTORS = json.loads((Path(__file__).parent / "samples" / "signature-vectors.json").read_text())
SECRET = Secret("a-client-secret")
URL = "https://hub.example.com/hooks/apps/hubspot/key"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def delivery(
    headers: Mapping[str, str] | None = None, *, sent: datetime = NOW, url: str = URL, secret: Secret = SECRET
) -> Delivery:
    """A delivery signed for `url` at `sent`, arriving NOW; `headers` replace those of the signature."""
    timestamp = str(round(sent.timestamp() * 1000))
    signature = sign(secret, "POST", url, b"[]", timestamp)
    made = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: timestamp, **(headers or {})}
    return Delivery(method="POST", url=url, headers=made, body=b"[]", received_at=NOW)


def received(vector: Json) -> Delivery:
    """The delivery of a vector. The hub's public URL is what the hub hands over."""
    return Delivery(
        method=vector["method"],
        url=vector["uri_as_received"],
        headers={name.lower(): value for name, value in vector["headers"].items()},
        body=vector["body"].encode(),
        received_at=datetime.fromtimestamp(vector["now_ms"] / 1000, UTC),
    )


@pytest.mark.parametrize("vector", VECTORS["v3_vectors"], ids=lambda vector: vector["name"])
def test_every_known_vector_is_judged_as_published(vector: Json) -> None:
    if vector["expect"] == "accept":
        verify(received(vector), Secret(vector["client_secret"]))
    else:
        with pytest.raises(DeliveryError):
            verify(received(vector), Secret(vector["client_secret"]))


@pytest.mark.parametrize("vector", VECTORS["v3_vectors"], ids=lambda vector: vector["name"])
def test_the_signed_string_is_that_of_the_vector(vector: Json) -> None:
    if vector["name"] == "body-changed":
        vector = {
            **vector,
            "body": vector["body"].rstrip(),
        }  # the vector tells what was signed, not what came
    timestamp = vector["headers"]["X-HubSpot-Request-Timestamp"]
    made = signed_string(vector["method"], vector["uri_signed"], vector["body"].encode(), timestamp)
    assert made == vector["string_signed"].encode()


def test_exactly_the_twelve_published_escapes_are_decoded() -> None:
    assert VECTORS["decode_table"] == DECODED


def test_no_other_escape_is_decoded_in_the_signed_string() -> None:
    escapes = {f"%{number:02X}" for number in range(256)}
    changed = {one for one in escapes if signed_string("POST", one, b"", "") != f"POST{one}".encode()}
    assert changed == set(VECTORS["decode_table"])


@pytest.mark.parametrize("url", ["/?a=%253A", "/?a=%2%3AF", "/?a=%3a"])
def test_an_escape_is_decoded_once_and_only_as_it_is_listed(url: str) -> None:
    expected = url.replace("%3A", ":") if url == "/?a=%2%3AF" else url
    assert signed_string("POST", url, b"", "") == f"POST{expected}".encode()


def test_what_is_signed_now_verifies_now() -> None:
    verify(delivery(), SECRET)


@pytest.mark.parametrize("seconds", [-300.0, -299.999, 0.0, 299.999, 300.0])
def test_five_minutes_either_way_are_accepted(seconds: float) -> None:
    verify(delivery(sent=NOW + timedelta(seconds=seconds)), SECRET)


@pytest.mark.parametrize("seconds", [-300.001, 300.001, -86400.0, 86400.0])
def test_a_genuine_signature_of_another_time_is_stale(seconds: float) -> None:
    with pytest.raises(DeliveryError) as caught:
        verify(delivery(sent=NOW + timedelta(seconds=seconds)), SECRET)
    assert caught.value.code == "stale"


def test_another_apps_secret_is_refused() -> None:
    with pytest.raises(DeliveryError) as caught:
        verify(delivery(secret=Secret("another")), SECRET)
    assert caught.value.code == "unverified"


def test_an_empty_secret_is_refused_although_it_would_match() -> None:
    with pytest.raises(DeliveryError) as caught:
        verify(delivery(secret=Secret("")), Secret(""))
    assert caught.value.code == "bad_secret"


def test_the_signature_holds_for_one_url_only() -> None:
    genuine = delivery()
    moved = Delivery(method="POST", url=URL + "2", headers=genuine.headers, body=b"[]", received_at=NOW)
    with pytest.raises(DeliveryError):
        verify(moved, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE_HEADER: ""},
        {SIGNATURE_HEADER: "ÿ"},
        {SIGNATURE_HEADER: "A" * 100_000},
        {TIMESTAMP_HEADER: ""},
        {TIMESTAMP_HEADER: "-1"},
        {TIMESTAMP_HEADER: "NaN"},
        {TIMESTAMP_HEADER: "1e12"},
        {TIMESTAMP_HEADER: "9" * 400},
        {TIMESTAMP_HEADER: "١٧٦٤"},
        {TIMESTAMP_HEADER: " 1764000000000"},
    ],
)
def test_headers_that_are_no_signature_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(DeliveryError):
        verify(delivery(headers), SECRET)


def test_a_delivery_without_any_header_is_refused() -> None:
    bare = Delivery(method="POST", url=URL, headers={}, body=b"[]", received_at=NOW)
    with pytest.raises(DeliveryError) as caught:
        verify(bare, SECRET)
    assert caught.value.code == "unverified"


def test_a_url_with_bytes_that_are_no_text_is_judged_and_not_a_crash() -> None:
    verify(delivery(url=URL + "?x=\udcff"), SECRET)


@pytest.mark.parametrize("header", [SIGNATURE_HEADER, TIMESTAMP_HEADER])
def test_an_error_never_shows_secret_or_signature(header: str) -> None:
    genuine = delivery()
    with pytest.raises(DeliveryError) as caught:
        verify(delivery({header: "1"}), SECRET)
    shown = f"{caught.value!r} {caught.value.details}"
    assert SECRET.reveal() not in shown
    assert genuine.headers[SIGNATURE_HEADER] not in shown
