"""The Graph API's own paths: messages, numbers, templates, files."""

import hashlib
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import Answer, Call, Sandbox
from revolution_whatsapp.client import MEDIA_HOST
from revolution_whatsapp.sandbox.checking import check_message, require_window
from revolution_whatsapp.sandbox.shapes import Refused, unauthorized
from revolution_whatsapp.sandbox.state import File, Number, Sent, World, message_id

MEDIA_PATH = "/whatsapp_business/attachments/"
PAGE: Final = 25

Operation = Callable[[World, Call], Answer]


def add_operations(box: Sandbox, world: World) -> None:
    """Serve the provider's paths, of any version of the Graph API. The names are those of faults."""
    for method, path, name, operation in (
        ("POST", "/{version}/{id}/messages", "send_message", post_message),
        ("POST", "/{version}/{id}/media", "upload_media", post_media),
        ("GET", "/{version}/{id}/message_templates", "list_templates", list_templates),
        ("POST", "/{version}/{id}/subscribed_apps", "subscribe_app", subscribe_app),
        ("GET", "/{version}/{id}/phone_numbers", "list_numbers", list_numbers),
        ("GET", "/{version}/{id}", "get_object", get_object),
        ("GET", MEDIA_PATH, "download_media", get_content),
    ):
        box.operation(method, path, name)(_for_caller(world, operation))


def _for_caller(world: World, operation: Operation) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        with world.lock:
            if call.bearer() not in world.tokens:
                return unauthorized()
            try:
                if world.refusals:
                    code, status = world.refusals.pop(0)
                    raise Refused(code, "A refusal asked for by a test.", status=status)
                return operation(world, call)
            except Refused as refusal:
                return refusal.answer

    return handle


def post_message(world: World, call: Call) -> Answer:
    """Accept a message, or show one as read."""
    number, body = _number(world, call), call.json()
    if isinstance(body, dict) and "status" in body:
        return _mark_read(world, body)
    person, kind = check_message(world, number.id, body)
    fails_with = require_window(world, number.id, person, kind)
    sent = Sent(id=message_id(), number_id=number.id, to=person, body=body, error=fails_with)
    world.sent.append(sent)
    contact = {"input": body.get("to", body.get("recipient")), "wa_id": person}
    if "to" not in body:
        contact = {"input": person, "user_id": person}
    made: JsonObject = {"id": sent.id}
    if kind == "template":
        made["message_status"] = "accepted"
    return Answer(body={"messaging_product": "whatsapp", "contacts": [contact], "messages": [made]})


def post_media(world: World, call: Call) -> Answer:
    """Keep a file of a multipart form."""
    number = _number(world, call)
    parts = _form(call)
    product, file = parts.get("messaging_product"), parts.get("file")
    if product is None or product.get_payload(decode=True) != b"whatsapp":
        raise Refused(100, "Param messaging_product must be one of {WHATSAPP}.")
    content = file.get_payload(decode=True) if file is not None else None
    if file is None or not isinstance(content, bytes) or not content:
        raise Refused(100, "Param file must be a file.")
    made = File(id=world.next_id(), number_id=number.id, mime_type=file.get_content_type(), content=content)
    world.files[made.id] = made
    return Answer(body={"id": made.id})


def list_templates(world: World, call: Call) -> Answer:
    """Answer a page of the business's templates; `name` matches a part, as WhatsApp's filter does."""
    name, status = call.query.get("name", ""), call.query.get("status", "")
    found = [
        {key: one[key] for key in one if key != "business_id"}
        for one in world.templates
        if one["business_id"] == call.params["id"] and name in one["name"] and status in ("", one["status"])
    ]
    if call.params["id"] not in {number.business_id for number in world.numbers.values()}:
        raise _unknown(call.params["id"])
    return Answer(body=_page(found, call))


def subscribe_app(world: World, call: Call) -> Answer:
    """Keep that the business's deliveries are wanted."""
    if call.params["id"] not in {number.business_id for number in world.numbers.values()}:
        raise _unknown(call.params["id"])
    body = call.json() if call.body else {}
    if not isinstance(body, dict) or not isinstance(body.get("override_callback_uri", ""), str):
        raise Refused(100, "Param override_callback_uri must be a string.")
    world.subscribed.add(call.params["id"])
    return Answer(body={"success": True})


def list_numbers(world: World, call: Call) -> Answer:
    """Answer the business's numbers."""
    found = [
        {**_info(one), "status": "LINKED"}
        for one in world.numbers.values()
        if one.business_id == call.params["id"]
    ]
    if not found:
        raise _unknown(call.params["id"])
    return Answer(body={"data": found})


def get_object(world: World, call: Call) -> Answer:
    """Answer a number or where a file is: both have the same path."""
    wanted = call.params["id"]
    if wanted in world.numbers:
        return Answer(body=_info(world.numbers[wanted]))
    file = world.files.get(wanted)
    if file is None or call.query.get("phone_number_id", file.number_id) != file.number_id:
        raise _unknown(wanted)
    return Answer(
        body={
            "messaging_product": "whatsapp",
            "id": file.id,
            "url": f"https://{MEDIA_HOST}{MEDIA_PATH}?mid={file.id}",
            "mime_type": file.mime_type,
            "sha256": file.claims or hashlib.sha256(file.content).hexdigest(),
            "file_size": len(file.content) if file.size is None else file.size,
        }
    )


def get_content(world: World, call: Call) -> Answer:
    """Answer the content of a file, which wants the token as well."""
    file = world.files.get(call.query.get("mid", ""))
    if file is None:
        raise Refused(100, "The media is not there any more.", status=404)
    return Answer(body=file.content, headers={"content-type": file.mime_type})


def _mark_read(world: World, body: JsonObject) -> Answer:
    if body.get("messaging_product") != "whatsapp" or body["status"] != "read":
        raise Refused(100, "Param status must be one of {READ}.")
    if not isinstance(body.get("message_id"), str) or not body["message_id"]:
        raise Refused(131008, "Parameter message_id is mandatory")
    if set(body) - {"messaging_product", "status", "message_id", "typing_indicator"}:
        raise Refused(100, "Unexpected key on param root.")
    world.read.append(body["message_id"])
    return Answer(body={"success": True})


def _number(world: World, call: Call) -> Number:
    number = world.numbers.get(call.params["id"])
    if number is None:
        raise _unknown(call.params["id"])
    return number


def _info(number: Number) -> JsonObject:
    return {
        "id": number.id,
        "display_phone_number": number.display,
        "verified_name": number.name,
        "quality_rating": "GREEN",
    }


def _page(found: list[JsonObject], call: Call) -> JsonObject:
    limit, after = call.query.get("limit", ""), call.query.get("after", "")
    size = int(limit) if limit.isdigit() and int(limit) else PAGE
    start = int(after) if after.isdigit() else 0
    page = found[start : start + size]
    paging: JsonObject = {"cursors": {"before": str(start), "after": str(start + len(page))}}
    if start + size < len(found):
        paging["next"] = f"https://graph.facebook.com{call.path}?after={start + size}"
    return {"data": page, "paging": paging}


def _unknown(wanted: str) -> Refused:
    told = f"Object with ID '{wanted}' does not exist, cannot be loaded due to missing permissions"
    return Refused(100, told, subcode=33)


def _form(call: Call) -> dict[str, EmailMessage]:
    head = f"content-type: {call.headers.get('content-type', '')}\r\n\r\n".encode()
    parsed: Json = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + call.body)
    if not parsed.is_multipart():
        raise Refused(100, "The body must be multipart/form-data.")
    return {str(part.get_param("name", header="content-disposition")): part for part in parsed.iter_parts()}
