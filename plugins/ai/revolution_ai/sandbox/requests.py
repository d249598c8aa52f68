"""What the chat completions endpoint refuses, in OpenAI's words. Pure."""

import re

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from revolution_ai.sandbox.reading import message_text
from revolution_sdk import Json, JsonObject

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_CHOICES = 16
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_NOT_PERMITTED = ("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas")


def error_body(
    message: str, *, param: str | None = None, code: str | None = None, kind: str = ""
) -> JsonObject:
    """Write an error as every OpenAI endpoint does."""
    error = {"message": message, "type": kind or "invalid_request_error", "param": param, "code": code}
    return {"error": error}


def refusal_of(request: Json) -> JsonObject | None:
    """Return the error body of the first thing wrong with the request, None if it is good.

    Source: OpenAI API specification 2.3.0; texts as seen in dottxt-ai/outlines#844 and #1666, 2026-11-22.
    """
    if not isinstance(request, dict):
        return error_body("We could not parse the JSON body of your request.")
    if not isinstance(request.get("model"), str) or not request["model"]:
        return error_body("you must provide a model parameter")
    return (
        _wrong_messages(request) or _wrong_options(request) or _wrong_format(request.get("response_format"))
    )


def _wrong_messages(request: JsonObject) -> JsonObject | None:
    if "messages" not in request:
        return _missing("messages")
    messages = request["messages"]
    if not isinstance(messages, list) or not messages:
        return _invalid("messages", "expected a non-empty array")
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if not isinstance(message, dict):
            return _invalid(place, "expected an object")
        if message.get("role") not in ROLES:
            return _invalid(f"{place}.role", f"supported values are: {', '.join(ROLES)}")
        if message["role"] in ("system", "developer", "user") and not message_text(message):
            return _invalid(f"{place}.content", "expected a string or an array of text parts")
    return None


def _wrong_options(request: JsonObject) -> JsonObject | None:
    if request.get("stream"):
        return error_body("The sandbox does not stream.", param="stream", code="unsupported_value")
    choices, limit = request.get("n"), request.get("max_completion_tokens")
    if choices is not None and (not isinstance(choices, int) or not 1 <= choices <= MOST_CHOICES):
        return _invalid("n", f"expected an integer from 1 to {MOST_CHOICES}")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        return _invalid("max_completion_tokens", "expected an integer above 0")
    return None


def _wrong_format(response_format: Json) -> JsonObject | None:
    if response_format is None:
        return None
    if not isinstance(response_format, dict):
        return _invalid("response_format", "expected an object")
    kind = response_format.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        return _invalid("response_format.type", "supported values are: text, json_object, json_schema")
    if kind != "json_schema":
        return None
    described = response_format.get("json_schema")
    if not isinstance(described, dict):
        return _missing("response_format.json_schema")
    if "name" not in described:
        return _missing("response_format.json_schema.name")
    if not isinstance(described["name"], str) or not _NAME.fullmatch(described["name"]):
        return _invalid("response_format.json_schema.name", "expected 1 to 64 of a-z, A-Z, 0-9, _ and -")
    schema = described.get("schema", {})
    problem = _not_a_schema(schema) or (_not_strict_root(schema) if described.get("strict") else "")
    return invalid_schema(described["name"], problem) if problem else None


def invalid_schema(name: str, problem: str) -> JsonObject:
    """Write the error for a response format whose schema cannot be used."""
    return error_body(f"Invalid schema for response_format '{name}': {problem}", param="response_format")


def _not_a_schema(schema: Json) -> str:
    if not isinstance(schema, dict):
        return "schema must be an object."
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"In context={tuple(error.absolute_path)}, {error.message}."
    return ""


def _not_strict_root(schema: JsonObject) -> str:
    if schema.get("type") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    return _not_strict(schema, ())


def _not_strict(schema: Json, place: tuple[str, ...]) -> str:
    if not isinstance(schema, dict):
        return ""
    for word in _NOT_PERMITTED:
        if word in schema:
            return f"In context={place}, '{word}' is not permitted."
    if "object" in str(schema.get("type")):
        names = list(schema.get("properties", {}))
        if schema.get("additionalProperties") is not False:
            return f"In context={place}, 'additionalProperties' is required to be supplied and to be false."
        missing = [name for name in names if name not in schema.get("required", [])]
        if missing:
            return (
                f"In context={place}, 'required' is required to be supplied and to be an array including "
                f"every key in properties. Missing '{missing[0]}'."
            )
    return next(
        (found for found in (_not_strict(part, where) for where, part in _parts(schema, place)) if found), ""
    )


def _parts(schema: JsonObject, place: tuple[str, ...]) -> list[tuple[tuple[str, ...], Json]]:
    parts: list[tuple[tuple[str, ...], Json]] = []
    for word in ("properties", "$defs"):
        for name, part in schema.get(word, {}).items():
            parts.append(((*place, word, name), part))
    if "items" in schema:
        parts.append(((*place, "items"), schema["items"]))
    for index, part in enumerate(schema.get("anyOf", [])):
        parts.append(((*place, "anyOf", str(index)), part))
    return parts


def _missing(param: str) -> JsonObject:
    return error_body(
        f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
    )


def _invalid(param: str, expected: str) -> JsonObject:
    return error_body(f"Invalid value for '{param}': {expected}.", param=param, code="invalid_value")
