"""What a demo or a test may do to the sandbox from outside: `/_sandbox/…`, no part of the Cloud API."""

import base64
import html
from collections.abc import Callable
from functools import partial

from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import Answer, Call, Sandbox
from revolution_whatsapp.sandbox.sender import MOST_TIMES, deliver, incoming, status_of
from revolution_whatsapp.sandbox.state import APP_SECRET, NUMBER_ID, TOKEN, File, Number, World, message_id

Control = Callable[[World, JsonObject], Answer]


class ControlError(Exception):
    """Raised when a control's body does not fit; the text says what it must be."""


def add_controls(box: Sandbox, world: World) -> None:
    """Serve the controls under `/_sandbox/`."""
    box.control("GET", "messages")(partial(list_messages, world))
    box.control("GET", "read")(partial(list_read, world))
    box.control("GET", "subscribed")(partial(list_subscribed, world))
    box.control("GET", "page")(partial(show_page, world))
    for path, control in {
        "incoming": receive_message,
        "statuses": report_status,
        "deliver": deliver_body,
        "files": add_file,
        "templates": add_template,
        "refusals": refuse_next,
        "tokens/revoke": revoke_tokens,
        "window": set_window,
    }.items():
        box.control("POST", path)(partial(_with_body, world, control))


def list_messages(world: World, call: Call) -> Answer:
    """Answer every message accepted, oldest first, or those to `?to=`."""
    with world.lock:
        found = [one.shown() for one in world.sent if call.query.get("to", "") in ("", one.to)]
    return Answer(body=found)


def list_read(world: World, call: Call) -> Answer:
    """Answer the ids of the messages shown as read."""
    with world.lock:
        return Answer(body=[*world.read])


def list_subscribed(world: World, call: Call) -> Answer:
    """Answer the ids of the business accounts whose deliveries are wanted."""
    with world.lock:
        return Answer(body=sorted(world.subscribed))


def show_page(world: World, call: Call) -> Answer:
    """Answer a page for people with the messages accepted so far."""
    with world.lock:
        rows = [
            (one.number_id, one.to, one.body.get("type", "text"), one.status, str(one.body))
            for one in world.sent
        ]
    cells = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    head = "<tr><th>from</th><th>to</th><th>type</th><th>status</th><th>message</th></tr>"
    page = f"<!doctype html><title>WhatsApp sandbox</title><h1>Messages</h1><table>{head}{cells}</table>"
    return Answer(body=page.encode(), headers={"content-type": "text/html; charset=utf-8"})


def receive_message(world: World, value: JsonObject) -> Answer:
    """Let a person write; with `deliver_to`, report it there. Opens the person's window of 24 hours.

    Takes `{from, text?, message?, name?, phone_number_id?, deliver_to?, secret?, times?}`; `message` are the
    members of any other kind of message. Answers `{id, delivery, deliveries}`.
    """
    number, person = _number(world, value), _text(value, "from")
    content = value.get("message", {"type": "text", "text": {"body": _text(value, "text", "Hello")}})
    if not isinstance(content, dict):
        raise ControlError("message must be an object")
    with world.lock:
        world.wrote_s[number.id, person] = now_s = world.now_s()
    message = {"id": message_id(), "timestamp": str(int(now_s)), **content}
    body = incoming(number, person, _text(value, "name", "Sheena Nelson"), message)
    return Answer(body={"id": message["id"], **_delivered(value, body)})


def report_status(world: World, value: JsonObject) -> Answer:
    """Let a message get further and report it: `{id, status, error?, deliver_to?, secret?, times?}`."""
    wanted = _text(value, "id")
    with world.lock:
        found = [one for one in world.sent if one.id == wanted]
        if not found:
            raise ControlError("there is no such message")
        sent, sent.status = found[0], _text(value, "status")
        sent.error = value.get("error", sent.error)
        body = status_of(world.numbers[sent.number_id], sent, sent.status, world.now_s())
    return Answer(body=_delivered(value, body))


def deliver_body(world: World, value: JsonObject) -> Answer:
    """Sign and post any body: `{deliver_to, body, secret?, times?}`."""
    if "body" not in value:
        raise ControlError("body must be given")
    return Answer(body=_delivered({"deliver_to": "", **value}, value["body"]))


def add_file(world: World, value: JsonObject) -> Answer:
    """Let there be a file, as a person has sent it: `{content_base64, mime_type?, claims?, size?}`."""
    try:
        content = base64.b64decode(_text(value, "content_base64"), validate=True)
    except ValueError as error:
        raise ControlError("content_base64 must be base64") from error
    with world.lock:
        file = File(
            id=world.next_id(),
            number_id=_number(world, value).id,
            mime_type=_text(value, "mime_type", "image/jpeg"),
            content=content,
            claims=_text(value, "claims", ""),
            size=value.get("size"),
        )
        world.files[file.id] = file
    return Answer(body={"id": file.id})


def add_template(world: World, value: JsonObject) -> Answer:
    """Let there be a template: `{name, language, components, status?, category?}`."""
    components = value.get("components")
    if not isinstance(components, list) or not all(isinstance(one, dict) for one in components):
        raise ControlError("components must be a list of objects")
    with world.lock:
        made = {
            "id": world.next_id(),
            "name": _text(value, "name"),
            "language": _text(value, "language", "en_US"),
            "status": _text(value, "status", "APPROVED"),
            "category": _text(value, "category", "UTILITY"),
            "parameter_format": "POSITIONAL",
            "components": components,
            "business_id": world.numbers[NUMBER_ID].business_id,
        }
        world.templates.append(made)
    return Answer(body={"id": made["id"]})


def refuse_next(world: World, value: JsonObject) -> Answer:
    """Refuse the next calls with a code of WhatsApp's: `{code, status?, times?}`."""
    code, status, times = _whole(value, "code"), _whole(value, "status", 400), _whole(value, "times", 1)
    with world.lock:
        world.refusals += [(code, status)] * times
    return Answer(status=204)


def revoke_tokens(world: World, value: JsonObject) -> Answer:
    """End the access token; with `{renew: true}` it works again."""
    with world.lock:
        world.tokens = {TOKEN} if value.get("renew") is True else set()
    return Answer(status=204)


def set_window(world: World, value: JsonObject) -> Answer:
    """Move the sandbox's clock on by `{seconds}`, and say with `{late}` when a closed window is told."""
    seconds, late = value.get("seconds", 0), value.get("late", world.late)
    if not isinstance(seconds, int | float) or not isinstance(late, bool):
        raise ControlError("seconds must be a number, late true or false")
    with world.lock:
        world.shift_s += seconds
        world.late = late
    return Answer(status=204)


def _with_body(world: World, control: Control, call: Call) -> Answer:
    value = call.json() if call.body else {}
    if not isinstance(value, dict):
        return Answer(status=422, body={"error": "the body must be a JSON object"})
    try:
        return control(world, value)
    except ControlError as error:
        return Answer(status=422, body={"error": str(error)})


def _number(world: World, value: JsonObject) -> Number:
    number = world.numbers.get(_text(value, "phone_number_id", NUMBER_ID))
    if number is None:
        raise ControlError(f"phone_number_id must be one of {', '.join(world.numbers)}")
    return number


def _text(value: JsonObject, field: str, default: str | None = None) -> str:
    found: Json = value.get(field, default)
    if not isinstance(found, str):
        raise ControlError(f"{field} must be a text")
    return found


def _whole(value: JsonObject, field: str, default: int | None = None) -> int:
    found: Json = value.get(field, default)
    if not isinstance(found, int) or isinstance(found, bool):
        raise ControlError(f"{field} must be a whole number")
    return found


def _delivered(value: JsonObject, body: Json) -> JsonObject:
    url, times = _text(value, "deliver_to", ""), value.get("times", 1)
    if not url:
        return {"delivery": None, "deliveries": []}
    if not url.startswith(("http://", "https://")):
        raise ControlError("deliver_to must be an http or https URL")
    if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= MOST_TIMES:
        raise ControlError(f"times must be a whole number from 1 to {MOST_TIMES}")
    results = deliver(url, body, secret=_text(value, "secret", APP_SECRET), times=times)
    return {"delivery": results[0], "deliveries": results}
