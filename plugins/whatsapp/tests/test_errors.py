"""Refusals are sorted by WhatsApp's code: wait, connect anew, or tell people; whatever the status says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_sdk import (
    ActionContext,
    ConnectorError,
    CredentialError,
    Json,
    RejectedError,
    RetryableError,
)
from revolution_whatsapp.actions.messages import send_message
from revolution_whatsapp.client import error_for
from revolution_whatsapp.codes import CODES, plain

CASES = json.loads((Path(__file__).parent / "samples" / "provider-errors.json").read_text())["cases"]
EXPECTED = {
    "fix_recipient": (RejectedError, "recipient_not_allowed"),
    "replace_token": (CredentialError, "credential_refused"),
    "retry_backoff": (RetryableError, None),
    "send_template_instead": (RejectedError, "window_closed"),
}
TOKEN = "EAAJB" + "x1Y2" * 20


def answer(status: int, body: Json, headers: dict[str, str] | None = None) -> httpx2.Response:
    request = httpx2.Request("POST", "https://graph.facebook.com/v23.0/1/messages")
    return httpx2.Response(status, json=body, headers=headers, request=request)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_every_known_refusal_is_sorted(case: Json) -> None:
    kind, code = EXPECTED[case["action"]]
    error = error_for(answer(case["status"], case["body"], case["headers"]))
    assert type(error) is kind
    assert code in (None, error.code)
    assert error.details["provider_code"] == case["body"]["error"]["code"]
    assert error.details["trace_id"] == "Az8or2yhqkZfEZ-_4Qn_Bam"


# Written out from the facts, so that the table and this one would have to be wrong alike.
SORTED = [
    (CredentialError, [0, 3, 10, 190, 200, 250, 299, 131005]),
    (RetryableError, [4, 80007, 130429, 131056, 131000, 131016, 131057, 131048, 131064, 133016]),
    (RejectedError, [131047]),
    (RejectedError, [131026, 131030, 131050, 131049, 130472, 131062]),
    (RejectedError, [100, 131008, 131009, 131021, 131051, 131052, 131053, 135000, 137000]),
    (RejectedError, [132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069]),
    (RejectedError, [368, 131031, 131042, 131045, 131037, 130497]),
]


@pytest.mark.parametrize("status", [400, 403, 404, 429])
@pytest.mark.parametrize(("kind", "codes"), SORTED)
def test_the_code_decides_and_not_the_status(
    kind: type[ConnectorError], codes: list[int], status: int
) -> None:
    for code in codes:
        error = error_for(answer(status, {"error": {"message": "no", "type": "x", "code": code}}))
        assert type(error) is kind, code
        assert error.code != "rejected", code


def test_the_table_has_no_code_beyond_those_told() -> None:
    told = {code for _, codes in SORTED for code in codes} | set(range(200, 300)) | {1, 2}
    assert set(CODES) == told


@pytest.mark.parametrize(
    ("code", "headers", "wait"),
    [
        (131056, {}, 6.0),
        (4, {}, 60.0),
        (131048, {}, 3600.0),
        (130429, {}, None),
        (131048, {"retry-after": "7"}, 7.0),
        (130429, {"retry-after": "0"}, 0.0),
    ],
)
def test_how_long_to_wait(code: int, headers: dict[str, str], wait: float | None) -> None:
    error = error_for(answer(400, {"error": {"code": code}}, headers))
    assert isinstance(error, RetryableError)
    assert error.retry_after_s == wait


@pytest.mark.parametrize(("transient", "kind"), [(True, RetryableError), (False, RejectedError)])
def test_a_code_nobody_knows_is_final_unless_it_will_pass(transient: bool, kind: Any) -> None:
    error = error_for(answer(400, {"error": {"code": 999999, "message": "New", "is_transient": transient}}))
    assert type(error) is kind
    assert error.message == "New"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("(#100) Param text['body'] must be between 1 and 4096", "text['body']"),
        ("(#131008) Parameter to is missing", "to"),
        ("(#100) Invalid", None),
    ],
)
def test_the_field_whatsapp_names_is_passed_on(message: str, field: str | None) -> None:
    error = error_for(answer(400, {"error": {"code": 100, "message": message}}))
    assert error.details.get("field") == field


def test_a_token_in_a_message_is_never_shown() -> None:
    for code in (190, 100, 999999):
        error = error_for(
            answer(400, {"error": {"code": code, "message": f"Malformed access token {TOKEN}"}})
        )
        assert TOKEN[8:] not in f"{error.message} {error.details}"
    assert plain(f"a {TOKEN} b") == "a EAAJ… b"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 302])
def test_what_is_not_of_whatsapp_is_sorted_by_its_status(status: int) -> None:
    request = httpx2.Request("GET", "https://graph.facebook.com/")
    error = error_for(httpx2.Response(status, content=b"<html>", request=request))
    assert isinstance(error, RetryableError if status == 429 else RejectedError)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["error", "code", "message", "error_data", "details"]), inner)
        ),
    )
)
def test_whatever_comes_as_a_refusal_is_one_of_our_errors(body: Json) -> None:
    error = error_for(answer(400, body))
    assert isinstance(error, ConnectorError)
    assert 0 < len(error.message) <= 400
    json.dumps(error.details)


@pytest.mark.parametrize(("code", "status", "kind"), [
    (131056, 400, RetryableError),
    (130429, 400, RetryableError),
    (131026, 400, RejectedError),
    (10, 403, CredentialError),
    (190, 401, CredentialError),
    (368, 403, RejectedError),
])  # fmt: skip
def test_refusals_over_the_wire(
    ctx: ActionContext, control: Callable[..., Any], wrote: str, code: int, status: int, kind: Any
) -> None:
    control("refusals", code=code, status=status)
    with pytest.raises(kind):
        send_message(ctx, {"to": wrote, "text": "Hi"})
    # Nothing was done, so the next try is the first that counts.
    send_message(ctx, {"to": wrote, "text": "Hi"})
    assert len(control("messages")) == 1
