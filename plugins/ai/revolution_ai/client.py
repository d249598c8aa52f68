"""The one place that knows the OpenAI API: its address, its library, and what its answers mean."""

import httpx2
import openai

from revolution_ai.prompts import Conversation
from revolution_ai.structured import read_answer, strict_schema, unreadable
from revolution_ai.waiting import wait_s
from revolution_sdk import (
    ActionContext,
    ConnectorError,
    CredentialError,
    Json,
    JsonObject,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.http import error_for_failure, error_for_status

BASE_URL = "https://api.openai.com/v1"

MOST_TOKENS = 8_000
"""Upper bound of one answer in tokens, a reasoning model's thinking included: it bounds what a call costs."""

MOST_COUNTED = 10_000_000
"""No answer has more tokens, whatever a server says."""

SHORTEST_TIMEOUT_S = 1.0
LONGEST_MESSAGE = 300
NO_MONEY = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})


def ask(
    ctx: ActionContext, conversation: Conversation, *, model: str, name: str, schema: JsonObject
) -> JsonObject:
    """Put a conversation to a model and return its answer, an object that fits the schema.

    `name` is what the schema is called on the wire: letters, digits, `_` and `-`, at most 64. Raises what
    `error_for` says for a refused request, RejectedError `model_refused`, `answer_cut_off` or
    `answer_filtered`, and RetryableError `answer_unreadable` for an answer that does not fit.
    """
    ctx.usage.require()
    try:
        raw = _library(ctx).chat.completions.with_raw_response.create(
            model=model,
            messages=[
                {"role": "system", "content": conversation.system},
                {"role": "user", "content": conversation.user},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": name, "strict": True, "schema": strict_schema(schema)},
            },
            max_completion_tokens=MOST_TOKENS,
            timeout=max((ctx.deadline - ctx.now()).total_seconds(), SHORTEST_TIMEOUT_S),
        )
    except openai.APIStatusError as error:
        raise error_for(error.response) from error
    except openai.APIConnectionError as error:
        raise _cause(error) from error
    body = _json(raw.http_response)
    _account(ctx, model, body, raw.http_response)
    return read_answer(_content(body), schema)


def error_for(response: httpx2.Response) -> ConnectorError:
    """Sort a refusal by its body: what to wait for, what needs a person, what is final.

    Every field of the error body may be missing; compatible servers also send a number as `code`. `details`
    holds status, code, parameter and request id where given.
    Source: OpenAI "Error codes" and cursor/cursor#1293, continuedev/continue#11409, read 2026-11-22.
    """
    error = _error(_json(response))
    code, status = _plain(error.get("code")), response.status_code
    details = _details(response, error)
    message = _plain(error.get("message")) or f"the model's server answered with status {status}"
    if NO_MONEY & {code, _plain(error.get("type"))}:
        return RejectedError(message, code="insufficient_quota", details=details)
    if code == "model_not_found":
        return RejectedError(message, code="model_not_found", details=details)
    if status in (401, 403):
        # The server's message quotes part of the key, so it is left out.
        return CredentialError(
            "the model's server refused the key, or the key lacks a right", details=details
        )
    if status == 429:
        return RetryableError(
            message, retry_after_s=wait_s(response.headers), code="rate_limited", details=details
        )
    if status in (408, 409):
        return RetryableError(message, code="provider_busy", details=details)
    if status >= 500:
        return error_for_status(response) or UnknownOutcomeError(message, details=details)
    if code == "context_length_exceeded":
        return RejectedError(message, code="input_too_large", details=details)
    return RejectedError(message, details=details)


def _library(ctx: ActionContext) -> openai.OpenAI:
    client = openai.OpenAI(
        http_client=ctx.http, api_key="added-on-the-wire", base_url=BASE_URL, max_retries=0
    )
    # The library also reads OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS. What the hub's
    # process has in its environment must not travel with the keys of its tenants.
    client.organization = client.project = None
    client._custom_headers = {}
    return client


def _cause(error: openai.APIConnectionError) -> ConnectorError:
    """Return our own error from under the library's, or sort the HTTP trouble it hides."""
    cause: BaseException | None = error
    trouble: httpx2.HTTPError | None = None
    while cause is not None:
        if isinstance(cause, ConnectorError):
            return cause
        if isinstance(cause, httpx2.HTTPError):
            trouble = cause
        cause = cause.__cause__
    if trouble is not None:
        return error_for_failure(trouble, "POST")
    return UnknownOutcomeError("the request left, but no answer came back", code="no_answer")


def _content(body: Json) -> str:
    choice = _first_choice(body)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise unreadable("it holds no message")
    if message.get("refusal"):
        raise RejectedError(
            f"the model refused: {_plain(message['refusal'])}", code="model_refused", details={}
        )
    finish = choice.get("finish_reason")
    if finish == "length":
        raise RejectedError(
            "the model's answer was cut off at the token limit; shorten the input or choose another model",
            code="answer_cut_off",
        )
    if finish == "content_filter":
        raise RejectedError("the provider's content filter held the answer back", code="answer_filtered")
    if not isinstance(message.get("content"), str):
        raise unreadable("it holds no text")
    return str(message["content"])


def _first_choice(body: Json) -> JsonObject:
    choices = body.get("choices") if isinstance(body, dict) else None
    first: Json = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        raise unreadable("it holds no choice")
    return first


def _account(ctx: ActionContext, model: str, body: Json, response: httpx2.Response) -> None:
    """Take down what the answer has used: the request, and its tokens as far as the server tells them."""
    usage = body.get("usage") if isinstance(body, dict) else None
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
    ctx.usage.add("requests", 1)
    if isinstance(tokens, int) and not isinstance(tokens, bool) and 0 <= tokens <= MOST_COUNTED:
        ctx.usage.add("tokens", tokens)
    ctx.log.info(
        "model %s answered, %s tokens, request %s",
        model,
        tokens if isinstance(tokens, int) else "unknown",
        _plain(response.headers.get("x-request-id")) or "unknown",
    )


def _details(response: httpx2.Response, error: JsonObject) -> JsonObject:
    named = {
        "provider_code": error.get("code"),
        "param": error.get("param"),
        "request_id": response.headers.get("x-request-id"),
    }
    return {
        "status": response.status_code,
        **{key: _plain(text) for key, text in named.items() if _plain(text)},
    }


def _error(body: Json) -> JsonObject:
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}


def _json(response: httpx2.Response) -> Json:
    try:
        return response.json()
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested without end: no answer of this API
        return None


def _plain(value: Json) -> str:
    """Return a provider's text fit for a log line: one line, printable, bounded; empty if it is no text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return ""
    words = " ".join(value[: 4 * LONGEST_MESSAGE].split())
    return "".join(letter for letter in words if letter.isprintable())[:LONGEST_MESSAGE]
