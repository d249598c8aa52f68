"""Files: put up, sent, and read back whole."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from revolution_sdk import ActionContext, RejectedError, RetryableError
from revolution_sdk.sandbox import Fault, RunningSandbox
from revolution_whatsapp.actions.media import MOST_BYTES, download_media, send_media, upload_media
from revolution_whatsapp.connector import whatsapp

Control = Callable[..., Any]
CONTENT = bytes(range(256)) * 40 + b"\r\n--boundary--\r\n"
ENCODED = base64.b64encode(CONTENT).decode()


def test_a_file_that_was_put_up_can_be_sent_and_read_back(
    ctx: ActionContext, control: Control, wrote: str
) -> None:
    value = {"content_base64": ENCODED, "mime_type": "application/pdf", "filename": "Angebot für Ada.pdf"}
    Draft202012Validator(whatsapp.actions["upload_media"].input).validate(value)
    made = upload_media(ctx, value)
    assert (made["size"], made["sha256"]) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    document = {
        "to": wrote,
        "kind": "document",
        "media_id": made["id"],
        "filename": "a.pdf",
        "caption": "Here",
    }
    send_media(ctx, document)
    sent = control("messages")[0]["body"]["document"]
    assert sent == {"id": made["id"], "filename": "a.pdf", "caption": "Here"}
    found = download_media(ctx, {"media_id": made["id"]})
    Draft202012Validator(whatsapp.actions["download_media"].output).validate(found)
    assert (found["content_base64"], found["mime_type"]) == (ENCODED, "application/pdf")


@pytest.mark.parametrize("kind", ["image", "video", "audio", "document", "sticker"])
def test_every_kind_is_sent_by_a_link(ctx: ActionContext, control: Control, wrote: str, kind: str) -> None:
    send_media(ctx, {"to": wrote, "kind": kind, "link": "https://example.com/x"})
    body = control("messages")[0]["body"]
    assert (body["type"], body[kind]) == (kind, {"link": "https://example.com/x"})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "media_id"),
        ({"media_id": "1", "link": "https://a.example"}, "media_id"),
        ({"media_id": "1", "kind": "audio", "caption": "x"}, "caption"),
        ({"media_id": "1", "filename": "x"}, "filename"),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_call(
    ctx: ActionContext, running: RunningSandbox, change: Any, field: str
) -> None:
    with pytest.raises(RejectedError) as caught:
        send_media(ctx, {"to": "16505551234", "kind": "image", **change})
    assert caught.value.details == {"field": field}
    assert running.sandbox.calls() == []


def test_what_is_no_base64_or_too_large_is_not_put_up(ctx: ActionContext, running: RunningSandbox) -> None:
    value = {"mime_type": "image/png", "filename": "a.png"}
    large = base64.b64encode(bytes(MOST_BYTES + 1)).decode()
    for content, code in (
        ("%%%%", "request_invalid"),
        ("AAA", "request_invalid"),
        (large, "media_too_large"),
    ):
        with pytest.raises(RejectedError) as caught:
            upload_media(ctx, {**value, "content_base64": content})
        assert caught.value.code == code
    assert running.sandbox.calls() == []


@pytest.mark.parametrize("name", ['a"b', "a\r\nX: y", "a/b", "a\\b", ""])
def test_a_name_that_could_forge_a_part_is_refused(name: str) -> None:
    value = {"content_base64": "AAAA", "mime_type": "image/png", "filename": name}
    assert not Draft202012Validator(whatsapp.actions["upload_media"].input).is_valid(value)


def test_a_file_said_to_be_too_large_is_not_read(
    ctx: ActionContext, control: Control, running: RunningSandbox
) -> None:
    file = control("files", content_base64="AAAA", size=MOST_BYTES + 1)
    with pytest.raises(RejectedError) as caught:
        download_media(ctx, {"media_id": file["id"]})
    assert (caught.value.code, caught.value.details["limit"]) == ("media_too_large", MOST_BYTES)
    assert running.sandbox.calls("download_media") == []


def test_the_digest_of_a_webhook_counts_as_well(ctx: ActionContext, control: Control) -> None:
    digest = base64.b64encode(hashlib.sha256(b"\0\0\0").digest()).decode()
    file = control("files", content_base64="AAAA", claims=digest)
    assert download_media(ctx, {"media_id": file["id"]})["size"] == 3


def test_a_file_that_is_not_the_one_named_is_asked_for_again(ctx: ActionContext, control: Control) -> None:
    file = control("files", content_base64="AAAA", claims="0" * 64)
    with pytest.raises(RetryableError) as caught:
        download_media(ctx, {"media_id": file["id"]})
    assert caught.value.code == "media_damaged"


def test_a_file_of_another_number_is_not_there(new_context: Any, control: Control) -> None:
    file = control("files", content_base64="AAAA")
    with pytest.raises(RejectedError) as caught:
        download_media(new_context("106540352242923"), {"media_id": file["id"]})
    assert caught.value.details["subcode"] == 33


@pytest.mark.parametrize("operation", ["get_object", "download_media"])
def test_reading_is_tried_again_after_a_failure(
    ctx: ActionContext, control: Control, running: RunningSandbox, operation: str
) -> None:
    file = control("files", content_base64="AAAA")
    running.sandbox.faults.add(Fault(operation=operation, kind="status", status=500))
    with pytest.raises(RetryableError):
        download_media(ctx, {"media_id": file["id"]})
    assert download_media(ctx, {"media_id": file["id"]})["content_base64"] == "AAAA"
