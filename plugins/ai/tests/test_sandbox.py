"""The sandbox as any client of the OpenAI API sees it: the official library and bare HTTP."""

import json
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from jsonschema import Draft202012Validator

import revolution_ai.sandbox as sandbox_package
from revolution_sdk import JsonObject
from revolution_sdk.sandbox import RunningSandbox, Sandbox

OBJECT = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def said(text: str) -> list[Any]:
    """One user message."""
    return [{"role": "user", "content": text}]


def format_of(schema: JsonObject, *, strict: bool = True, name: str = "answer") -> Any:
    """A response format with this schema."""
    return {"type": "json_schema", "json_schema": {"name": name, "strict": strict, "schema": schema}}


def test_the_official_library_lists_models_whose_names_say_sandbox(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["sandbox-1"]


def test_the_official_library_gets_an_answer_by_a_model_that_says_sandbox(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-5-mini", messages=said("How much is it?"))

    assert "sandbox" in answer.model
    assert answer.choices[0].message.content == "You asked: “How much is it?”"
    assert answer.choices[0].finish_reason == "stop"


def test_equal_messages_get_equal_answers_and_others_do_not(client: openai.OpenAI) -> None:
    def ask(text: str) -> str | None:
        answer = client.chat.completions.create(
            model="m", messages=said(text), response_format=format_of(OBJECT)
        )
        return answer.choices[0].message.content

    assert ask("one") == ask("one")
    assert len({ask(str(number)) for number in range(12)}) > 6


def test_any_schema_gets_a_valid_instance(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "intent": {"enum": ["quote", "support"]},
            "email": {"type": ["string", "null"], "format": "email"},
            "tree": {"$ref": "#/$defs/node"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"},
        },
        "required": ["intent", "email", "tree", "code"],
        "additionalProperties": False,
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
                "required": ["kids"],
                "additionalProperties": False,
            }
        },
    }

    answer = client.chat.completions.create(model="m", messages=said("x"), response_format=format_of(schema))

    Draft202012Validator(schema).validate(json.loads(answer.choices[0].message.content or ""))


def test_a_score_keeps_to_the_range_of_the_schema(client: openai.OpenAI, leads: list[JsonObject]) -> None:
    score = {"type": "integer", "minimum": 1, "maximum": 5}
    schema = {
        "type": "object",
        "properties": {"score": score},
        "required": ["score"],
        "additionalProperties": False,
    }
    found = []
    for lead in leads:
        text = f"Rate this: {json.dumps(lead['lead'])}"
        answer = client.chat.completions.create(
            model="m", messages=said(text), response_format=format_of(schema)
        )
        found.append(json.loads(answer.choices[0].message.content or "")["score"])

    assert found[0] == 5
    assert found[2] == 1


def test_the_lead_is_read_whatever_words_surround_it(client: openai.OpenAI) -> None:
    text = 'Bitte fasse zusammen: {"Vorname": "Jo", "Nachname": "Li", "Firma": "Ix"}. Danke, und bis morgen!'

    answer = client.chat.completions.create(model="m", messages=said(text))

    assert "Jo Li, Ix" in (answer.choices[0].message.content or "")


def test_tokens_are_counted_from_the_texts(client: openai.OpenAI) -> None:
    short = client.chat.completions.create(model="m", messages=said("one two")).usage
    long = client.chat.completions.create(model="m", messages=said("one two " * 100)).usage

    assert short is not None
    assert long is not None
    assert 2 <= short.prompt_tokens < 20
    assert long.prompt_tokens > 20 * short.prompt_tokens / 2
    assert short.total_tokens == short.prompt_tokens + short.completion_tokens


def test_an_answer_longer_than_allowed_is_cut_off(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="m", messages=said("What does it cost?"), max_completion_tokens=2
    )

    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == "You asked"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 2


def test_several_choices_are_numbered(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="m", messages=said("x"), n=3, response_format=format_of(OBJECT)
    )

    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) > 1


def test_json_mode_gets_an_object_and_text_parts_are_read(client: openai.OpenAI) -> None:
    parts: Any = [{"role": "user", "content": [{"type": "text", "text": "Hello you"}]}]

    answer = client.chat.completions.create(
        model="m", messages=parts, response_format={"type": "json_object"}
    )

    assert json.loads(answer.choices[0].message.content or "") == {"answer": "You asked: “Hello you”"}


@pytest.mark.parametrize("key", ["sk-wrong", "sandbox-key2"])
def test_a_wrong_key_is_refused_in_openais_shape(client: openai.OpenAI, key: str) -> None:
    stranger = client.copy(api_key=key)

    with pytest.raises(openai.AuthenticationError) as caught:
        stranger.models.list()
    with pytest.raises(openai.AuthenticationError):
        stranger.chat.completions.create(model="m", messages=said("x"))

    assert caught.value.code == "invalid_api_key"
    assert caught.value.type == "invalid_request_error"


BAD: list[tuple[Any, str | None, str | None]] = [
    ({"messages": said("x")}, None, None),
    ({"model": "m"}, "messages", "missing_required_parameter"),
    ({"model": "m", "messages": []}, "messages", "invalid_value"),
    ({"model": "m", "messages": ["x"]}, "messages[0]", "invalid_value"),
    ({"model": "m", "messages": [{"role": []}]}, "messages[0].role", "invalid_value"),
    ({"model": "m", "messages": [{"role": "king", "content": "x"}]}, "messages[0].role", "invalid_value"),
    ({"model": "m", "messages": [{"role": "user"}]}, "messages[0].content", "invalid_value"),
    ({"model": "m", "messages": said("x"), "stream": True}, "stream", "unsupported_value"),
    ({"model": "m", "messages": said("x"), "n": 0}, "n", "invalid_value"),
    (
        {"model": "m", "messages": said("x"), "max_completion_tokens": 0},
        "max_completion_tokens",
        "invalid_value",
    ),
    ({"model": "m", "messages": said("x"), "response_format": "json"}, "response_format", "invalid_value"),
    (
        {"model": "m", "messages": said("x"), "response_format": {"type": "xml"}},
        "response_format.type",
        "invalid_value",
    ),
    (
        {"model": "m", "messages": said("x"), "response_format": {"type": "json_schema"}},
        "response_format.json_schema",
        "missing_required_parameter",
    ),
    (
        {"model": "m", "messages": said("x"), "response_format": format_of(OBJECT, name="with blank")},
        "response_format.json_schema.name",
        "invalid_value",
    ),
    (["not an object"], None, None),
]


@pytest.mark.parametrize(("body", "param", "code"), BAD, ids=lambda value: str(value)[:40])
def test_a_wrong_request_is_refused_in_openais_shape(
    running: RunningSandbox, body: Any, param: str | None, code: str | None
) -> None:
    answer = httpx2.post(
        f"{running.base_url}/chat/completions", json=body, headers={"authorization": "Bearer sandbox-key"}
    )

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "array"}, "schema must be a JSON Schema of 'type: \"object\"'"),
        ({**OBJECT, "additionalProperties": True}, "In context=(), 'additionalProperties' is required"),
        ({**OBJECT, "required": []}, "Missing 'a'"),
        ({**OBJECT, "allOf": [{}]}, "'allOf' is not permitted"),
        (
            {**OBJECT, "properties": {"a": {"type": "array", "items": {"type": "object"}}}},
            "In context=('properties', 'a', 'items'), 'additionalProperties'",
        ),
        (
            {**OBJECT, "properties": {"a": {"type": "strin"}}},
            "In context=('properties', 'a', 'type'), 'strin'",
        ),
        ({**OBJECT, "properties": []}, "In context=('properties',), [] is not of type 'object'"),
        (
            {**OBJECT, "properties": {"a": {"type": "string", "minLength": 10**9}}},
            "$.a: the text would be too long",
        ),
    ],
)
def test_a_schema_that_is_not_strict_is_refused_in_openais_words(
    client: openai.OpenAI, schema: JsonObject, reason: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="m", messages=said("x"), response_format=format_of(schema))

    assert caught.value.body["message"].startswith("Invalid schema for response_format 'answer': ")  # type: ignore[index]
    assert reason in caught.value.message
    assert caught.value.param == "response_format"


def test_a_loose_schema_is_good_enough_without_strict(client: openai.OpenAI) -> None:
    schema = {"type": "array", "items": {"allOf": [{"type": "integer"}, {"minimum": 5}]}, "minItems": 2}

    answer = client.chat.completions.create(
        model="m", messages=said("x"), response_format=format_of(schema, strict=False)
    )

    Draft202012Validator(schema).validate(json.loads(answer.choices[0].message.content or ""))


def test_two_sandboxes_share_no_state(box: Sandbox, running: RunningSandbox, client: openai.OpenAI) -> None:
    client.models.list()

    assert len(running.sandbox.calls("list_models")) == 1
    assert box.calls() == []
    assert (box.port, box.base_path, box.connection) == (9103, "/v1", {"api_key": "sandbox-key"})


def test_the_sandbox_knows_nothing_of_the_library_nor_of_the_connector() -> None:
    folder = Path(sandbox_package.__file__).parent
    sources = {path.name: path.read_text() for path in folder.glob("*.py")}

    assert len(sources) > 5
    for name, source in sources.items():
        imports = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
        ours = [line for line in imports if "revolution_ai" in line and "revolution_ai.sandbox" not in line]
        assert not ours, name
        assert not [line for line in imports if "openai" in line], name
