"""What a demo or a test may do to the sandbox from outside: `/_sandbox/…`, none of it Salesforce's."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from revolution_salesforce.sandbox.provider import Provider, Refusal
from revolution_salesforce.sandbox.records import sobject_of
from revolution_salesforce.sandbox.schema import OBJECTS
from revolution_salesforce.sandbox.shapes import RefusedError
from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import Answer, Call, Sandbox

Control: TypeAlias = Callable[[Provider, JsonObject], Answer]


class ControlError(Exception):
    """Raised when a control's body does not fit; the text says what it must be."""


def add_controls(box: Sandbox, provider: Provider) -> None:
    """Serve the controls under `/_sandbox/`."""
    box.control("GET", "records")(partial(list_records, provider))
    for path, control in {
        "records": create_record,
        "records/change": change_record,
        "records/delete": delete_record,
        "tokens/expire": expire_tokens,
        "tokens/rotation": set_rotation,
        "tokens/key": set_key,
        "instance": set_instance,
        "limits": set_limits,
        "pages": set_pages,
        "refusals": add_refusal,
        "apex": set_apex,
    }.items():
        box.control("POST", path)(partial(_with_body, provider, control))


def list_records(provider: Provider, call: Call) -> Answer:
    """Answer `{Lead: [...], …}`, of one object with `?object=`, oldest first."""
    asked = call.query.get("object", "")
    found = [one for one in OBJECTS.values() if asked.lower() in ("", one.name.lower())]
    return Answer(body={one.name: provider.records.rows(one) for one in found})


def create_record(provider: Provider, value: JsonObject) -> Answer:
    """Create a record as a person would in a browser: `{object, fields}` answers `{id}`."""
    return Answer(
        body={"id": provider.records.create(sobject_of(_text(value, "object")), value.get("fields"))}
    )


def change_record(provider: Provider, value: JsonObject) -> Answer:
    """Change a record: `{object, id, fields}`."""
    provider.records.update(sobject_of(_text(value, "object")), _text(value, "id"), value.get("fields"))
    return Answer(status=204)


def delete_record(provider: Provider, value: JsonObject) -> Answer:
    """Delete a record: `{object, id}`."""
    provider.records.delete(sobject_of(_text(value, "object")), _text(value, "id"))
    return Answer(status=204)


def expire_tokens(provider: Provider, value: JsonObject) -> Answer:
    """Let all sessions end now."""
    provider.grants.expire_all()
    return Answer(status=204)


def set_rotation(provider: Provider, value: JsonObject) -> Answer:
    """Give out a new refresh token with each refresh, or no longer: `{on}`."""
    provider.grants.rotating = _flag(value, "on")
    return Answer(status=204)


def set_key(provider: Provider, value: JsonObject) -> Answer:
    """Set the public RSA key of the app's certificate, two numbers as texts: `{modulus, exponent}`."""
    modulus, exponent = _text(value, "modulus"), _text(value, "exponent")
    if not modulus.isdigit() or not exponent.isdigit():
        raise ControlError("modulus and exponent must be whole numbers written as texts")
    provider.grants.public_key = (int(modulus), int(exponent))
    return Answer(status=204)


def set_instance(provider: Provider, value: JsonObject) -> Answer:
    """Set what tokens say in `instance_url`: `{url}`, empty for the sandbox itself."""
    url: Json = value.get("url")
    if not isinstance(url, str):
        raise ControlError("url must be a text")
    provider.instance_url = url
    return Answer(status=204)


def set_limits(provider: Provider, value: JsonObject) -> Answer:
    """Set how many requests the org has in 24 hours and how many it has used: `{most, used?}`."""
    provider.most_requests = _number(value, "most")
    provider.used_requests = _number(value, "used") if "used" in value else provider.used_requests
    return Answer(status=204)


def set_pages(provider: Provider, value: JsonObject) -> Answer:
    """Set how many rows a page of a query has, whatever is asked for: `{rows}`."""
    provider.page_rows = max(_number(value, "rows"), 1)
    return Answer(status=204)


def add_refusal(provider: Provider, value: JsonObject) -> Answer:
    """Refuse the next writes: `{status, code, message, times?}`."""
    times = _number(value, "times") if "times" in value else 1
    status, code = _number(value, "status"), _text(value, "code")
    provider.refusals.append(Refusal(status=status, code=code, message=_text(value, "message"), times=times))
    return Answer(status=204)


def set_apex(provider: Provider, value: JsonObject) -> Answer:
    """Install the class that converts leads, or remove it: `{on}`."""
    provider.apex = _flag(value, "on")
    return Answer(status=204)


def _with_body(provider: Provider, control: Control, call: Call) -> Answer:
    value = call.json() if call.body else {}
    if not isinstance(value, dict):
        return Answer(status=422, body={"error": "the body must be a JSON object"})
    try:
        return control(provider, value)
    except ControlError as error:
        return Answer(status=422, body={"error": str(error)})
    except RefusedError as error:
        return Answer(status=422, body={"error": error.body})


def _text(value: JsonObject, name: str) -> str:
    found: Json = value.get(name)
    if not isinstance(found, str) or not found:
        raise ControlError(f"{name} must be a text")
    return found


def _flag(value: JsonObject, name: str) -> bool:
    found: Json = value.get(name)
    if not isinstance(found, bool):
        raise ControlError(f"{name} must be true or false")
    return found


def _number(value: JsonObject, name: str) -> int:
    found: Json = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise ControlError(f"{name} must be a whole number")
    return found
