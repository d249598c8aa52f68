"""The sandbox: chat completions and models of the OpenAI API on loopback, answered by a model of rules."""

import hashlib
import itertools
import threading
import time
from collections.abc import Callable

from revolution_ai.sandbox.answering import answer_text, cut_after, tokens_in
from revolution_ai.sandbox.instances import NoInstanceError
from revolution_ai.sandbox.reading import message_text
from revolution_ai.sandbox.requests import error_body, invalid_schema, refusal_of
from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import Answer, Call, Sandbox

PORT = 9103
KEY = "sandbox-key"
MODEL = "sandbox-1"
MODEL_CREATED_S = 1_764_000_000
REQUESTS_PER_MINUTE = 500
TOKENS_PER_MINUTE = 200_000
NEXT_FIELDS = frozenset({"refusal", "finish_reason", "content", "status", "code"})
FINISH_REASONS = ("length", "content_filter")

_ERRORS = {
    401: (
        "Incorrect API key provided: ***. You can find your API key in the sandbox.",
        "",
        "invalid_api_key",
    ),
    403: ("You are not allowed to sample from this model", "", "unsupported_model"),
    404: ("The model does not exist or you do not have access to it.", "", "model_not_found"),
    429: (
        "Rate limit reached on requests per min (RPM). Please try again in 1s.",
        "requests",
        "rate_limit_exceeded",
    ),
    500: ("The server had an error while processing your request", "server_error", None),
    503: ("The server is overloaded, please try again later.", "server_error", "server_is_overloaded"),
}


class _State:
    """What one sandbox remembers: answers given, and what was asked for the next ones."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.answers: list[JsonObject] = []
        self.next: list[JsonObject] = []

    def take_next(self) -> JsonObject:
        with self.lock:
            return self.next.pop(0) if self.next else {}


def sandbox() -> Sandbox:
    """Return a new sandbox with a state of its own. Whatever model is asked for, `sandbox-1` answers."""
    box = Sandbox("ai", port=PORT, error_shape=error_shape, connection={"api_key": KEY}, base_path="/v1")
    state = _State()
    box.operation("POST", "/v1/chat/completions", "create_chat_completion")(
        _authorized(lambda call: _complete(state, call))
    )
    box.operation("GET", "/v1/models", "list_models")(_authorized(lambda call: _list_models()))
    _add_controls(box, state)
    return box


def error_shape(status: int) -> JsonObject:
    """Write the body that belongs to an error status."""
    text, kind, code = _ERRORS.get(status, ("The sandbox was told to fail.", "", None))
    return error_body(text, kind=kind, code=code)


def _authorized(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
    def check(call: Call) -> Answer:
        return handler(call) if call.bearer() == KEY else Answer(status=401, body=error_shape(401))

    return check


def _complete(state: _State, call: Call) -> Answer:
    request = call.json()
    refusal = refusal_of(request)
    if refusal is not None:
        return Answer(status=400, body=refusal)
    asked = state.take_next()
    if "status" in asked:
        return _failure(asked)
    number = next(state.numbers)
    try:
        choices = [_choice(request, asked, index) for index in range(request.get("n") or 1)]
    except NoInstanceError as error:
        return Answer(
            status=400, body=invalid_schema(request["response_format"]["json_schema"]["name"], str(error))
        )
    usage = _usage(request, choices)
    with state.lock:
        state.answers.append({"asked_model": request["model"], "choices": choices, "usage": usage})
    body = {
        "id": f"chatcmpl-sandbox{number:06d}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": choices,
        "usage": usage,
        "service_tier": "default",
    }
    return Answer(body=body, headers={**_limits(), "x-request-id": _request_id(number, call.body)})


def _choice(request: JsonObject, asked: JsonObject, index: int) -> JsonObject:
    text = asked.get("content") or answer_text(request["messages"], request.get("response_format"), index)
    finish, limit = asked.get("finish_reason", "stop"), request.get("max_completion_tokens")
    if finish == "length":
        limit = len(tokens_in(text)) // 2
    if limit is not None and limit < len(tokens_in(text)):
        finish, text = "length", cut_after(text, limit)
    refused = asked.get("refusal")
    content = None if refused else "" if finish == "content_filter" else text
    message: JsonObject = {"role": "assistant", "content": content, "refusal": refused, "annotations": []}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": finish}


def _usage(request: JsonObject, choices: list[JsonObject]) -> JsonObject:
    prompt = sum(len(tokens_in(message_text(one))) + 4 for one in request["messages"])
    texts = [one["message"]["content"] or one["message"]["refusal"] or "" for one in choices]
    completion = sum(len(tokens_in(text)) for text in texts)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _failure(asked: JsonObject) -> Answer:
    status = asked["status"]
    body = error_shape(status)
    if asked.get("code"):
        kind = asked["code"] if status == 429 else body["error"]["type"]
        body = {"error": {**body["error"], "code": asked["code"], "type": kind}}
    wait = (
        {"retry-after": "1", "retry-after-ms": "300"}
        if body["error"]["code"] == "rate_limit_exceeded"
        else {}
    )
    return Answer(status=status, body=body, headers={**_limits(), **wait})


def _limits() -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": str(REQUESTS_PER_MINUTE),
        "x-ratelimit-limit-tokens": str(TOKENS_PER_MINUTE),
        "x-ratelimit-remaining-requests": str(REQUESTS_PER_MINUTE - 1),
        "x-ratelimit-remaining-tokens": str(TOKENS_PER_MINUTE - 1_000),
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-reset-tokens": "300ms",
    }


def _request_id(number: int, body: bytes) -> str:
    return f"req_sandbox{number:06d}{hashlib.sha256(body).hexdigest()[:16]}"


def _list_models() -> Answer:
    model = {"id": MODEL, "object": "model", "created": MODEL_CREATED_S, "owned_by": "sandbox"}
    return Answer(body={"object": "list", "data": [model]})


def _add_controls(box: Sandbox, state: _State) -> None:
    @box.control("GET", "answers")
    def list_answers(call: Call) -> Answer:
        with state.lock:
            return Answer(body=list(state.answers))

    @box.control("POST", "next")
    def ask_for_next(call: Call) -> Answer:
        problem = _wrong_next(wanted := call.json())
        if problem:
            return Answer(status=422, body={"error": problem})
        with state.lock:
            state.next.append(wanted)
        return Answer(status=204)


def _wrong_next(wanted: Json) -> str:
    if not isinstance(wanted, dict) or not wanted or set(wanted) - NEXT_FIELDS:
        return f"name at least one of {', '.join(sorted(NEXT_FIELDS))}, and nothing else"
    if wanted.get("finish_reason", "length") not in FINISH_REASONS:
        return f"finish_reason is one of {', '.join(FINISH_REASONS)}"
    if not isinstance(wanted.get("status", 500), int) or not 400 <= wanted.get("status", 500) < 600:
        return "status is a whole number from 400 to 599"
    if any(not isinstance(wanted.get(name, ""), str) for name in ("refusal", "content", "code")):
        return "refusal, content and code are texts"
    return ""
