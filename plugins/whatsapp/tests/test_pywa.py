"""A client that others wrote works unmodified against the sandbox, and reads what it delivers."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from revolution_sdk.sandbox import RunningSandbox

pywa = pytest.importorskip("pywa", reason="pywa is not installed")

NUMBER, BUSINESS, PERSON = "106540352242922", "102290129340398", "16505551234"


@pytest.fixture
def client(running: RunningSandbox) -> Iterator[Any]:
    """Pointed at the sandbox; nothing else of it is changed."""
    made = pywa.WhatsApp(phone_id=NUMBER, token="sandbox-token", waba_id=BUSINESS)
    made.api._session.base_url = f"{running.url}/v26.0"
    yield made
    made.api._session.close()


def test_a_text_is_sent(client: Any, control: Callable[..., Any], wrote: str) -> None:
    sent = client.send_message(to=wrote, text="Hi")
    (message,) = control("messages")
    assert message["id"] == getattr(sent, "id", sent)
    assert message["body"]["text"]["body"] == "Hi"


def test_buttons_are_sent(client: Any, control: Callable[..., Any], wrote: str) -> None:
    buttons = [pywa.types.Button(title="Yes", callback_data="yes")]
    client.send_message(to=wrote, text="Shall we?", buttons=buttons)
    assert control("messages")[0]["body"]["interactive"]["action"]["buttons"][0]["reply"]["title"] == "Yes"


def test_a_message_is_marked_as_read(client: Any, control: Callable[..., Any]) -> None:
    assert client.mark_message_as_read("wamid.A")
    assert control("read") == ["wamid.A"]


def test_a_closed_window_is_its_own_error(client: Any) -> None:
    with pytest.raises(pywa.errors.ReEngagementMessage):
        client.send_message(to=PERSON, text="Hi")


def test_a_file_is_put_up_and_read_back(client: Any, tmp_path: Any) -> None:
    media = client.upload_media(media=b"\x89PNG content", mime_type="image/png", filename="a.png")
    media_id = getattr(media, "id", media)
    assert client.get_media_url(media_id=media_id).sha256


def test_what_the_sandbox_delivers_is_read(client: Any, control: Callable[..., Any], receiver: Any) -> None:
    control("incoming", **{"from": PERSON, "text": "Hello", "deliver_to": receiver.url})
    update = json.loads(receiver.requests[0].body)
    message = pywa.types.Message.from_update(client=client, update=update)
    assert (message.text, message.from_user.wa_id) == ("Hello", PERSON)
