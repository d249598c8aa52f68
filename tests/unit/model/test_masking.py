"""Masking: a secret that was opened is found in whatever spelling it comes back, and no more."""

import base64
import html
import json
import re
import textwrap
import threading
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.model.masking import (
    MASK,
    SENSITIVE_HEADERS,
    Masker,
    listening,
    mask_line,
    masked,
    masked_json,
    note_secrets,
)

TOKEN = "ya29.A0ARrdaM-k9_Ffx7TgqLwzQ2vB8sYp"
ODD = 'pa/ss+w"ö\\rd&<9>=%41 x?'

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda one: one,
    "base64": lambda one: base64.b64encode(one.encode()).decode(),
    "base64 behind a user": lambda one: base64.b64encode(f"u:{one}".encode()).decode(),
    "base64 behind a longer user": lambda one: base64.b64encode(f"us:{one}".encode()).decode(),
    "base64 before more": lambda one: base64.b64encode(f"{one}:m".encode()).decode(),
    "URL base64": lambda one: base64.urlsafe_b64encode(f"a?{one}?>".encode()).decode(),
    "hex": lambda one: one.encode().hex(),
    "upper-case hex": lambda one: one.encode().hex().upper(),
    "URL": lambda one: quote(one, safe=""),
    "URL path": quote,
    "form": quote_plus,
    "lower-case URL": lambda one: re.sub("%..", lambda at: at[0].lower(), quote(one, safe="")),
    "JSON": json.dumps,
    "JSON as it is": lambda one: json.dumps(one, ensure_ascii=False),
    "JSON of PHP": lambda one: json.dumps(one).replace("/", "\\/"),
    "markup": lambda one: html.escape(one, quote=False).replace('"', "&quot;"),
    "lines": lambda one: "\n".join(textwrap.wrap(one.replace(" ", ""), 7)),
    "lines with blanks before": lambda one: "\r\n    ".join(textwrap.wrap(one.replace(" ", ""), 9)),
    "lines within JSON": lambda one: json.dumps("\n".join(textwrap.wrap(one.replace(" ", ""), 9))),
    "beginning": lambda one: one[: len(one) * 2 // 3],
}


def masker_of(*secrets: str) -> Masker:
    made = Masker()
    for one in secrets:
        made.note(one)
    return made


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", [TOKEN, ODD.replace(" ", "")])
def test_every_spelling_is_found(spelling: str, secret: str) -> None:
    if spelling.startswith("lines within") and '"' in secret:
        pytest.skip("escaped and broken at once is not claimed")
    shown = SPELLINGS[spelling](secret)
    text = masker_of(secret).text(f'{{"error": "{shown}"}} is not valid')
    assert MASK in text
    assert text.startswith('{"error": "')
    assert text.endswith("is not valid")
    # Of the secret itself no more is left than its first or last few letters.
    assert not any(shown[at : at + 8] in text for at in range(len(shown) - 8))


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=12, max_size=60
    ),
    st.binary(max_size=5),
)
def test_any_secret_is_found_in_base64_behind_anything(secret: str, before: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = encode(before + secret.encode()).decode()
        assert MASK in masker_of(secret).text(f"x {shown} y")


@given(st.text(min_size=8, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_any_secret_is_gone_whatever_stands_around_it(secret: str, before: str, after: str) -> None:
    assert secret not in masker_of(secret).text(before + secret + after).replace(MASK, "")


def test_nothing_else_is_touched() -> None:
    masker = masker_of(TOKEN)
    value = {"id": 7, "list": [1.5, None, True, "ya29.A0AR", "two\nlines"], "name": "Ada"}
    assert masker.json(value) == value
    assert masker.text("ya29.A0ARrdaM") == "ya29.A0ARrdaM"
    assert Masker().json(value) is value
    assert masker.json({"a": "b"}) == {"a": "b"}


def test_what_is_short_is_left() -> None:
    assert masker_of("hunter2", "").text("hunter2 is short") == "hunter2 is short"
    assert masker_of("hunter22").text("hunter22 is not") == f"{MASK} is not"


def test_json_is_masked_in_names_and_at_any_depth() -> None:
    found = masker_of(TOKEN).json({TOKEN: [{"deep": (f"Bearer {TOKEN}", {"n": 1})}]})
    assert found == {MASK: [{"deep": [f"Bearer {MASK}", {"n": 1}]}]}


def test_of_a_document_what_is_open_is_left() -> None:
    masker = Masker()
    masker.note_document(
        {
            "username": "ada.lovelace@example.com",
            "password": "correct-horse-battery",
            "expires_at": 1.5,
            "token_type": "Bearer-of-things",
            "earlier": [{"secret": "an-older-secret", "until": "2026-11-23T10:00:00Z"}],
        }
    )
    told = masker.text(
        "ada.lovelace@example.com correct-horse-battery an-older-secret Bearer-of-things 2026-11-23T10:00:00Z"
    )
    assert told == f"ada.lovelace@example.com {MASK} {MASK} Bearer-of-things 2026-11-23T10:00:00Z"


def test_a_private_key_is_found_whole_by_lines_and_within_its_document() -> None:
    lines = [base64.b64encode(bytes(range(at, at + 48))).decode() for at in (0, 50, 100)]
    pem = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
    document = json.dumps({"type": "service_account", "client_email": "a@b.example", "private_key": pem})
    for masker in (masker_of(pem), masker_of(document)):
        assert masker.text(f"see {lines[1]}") == f"see {MASK}"
        assert lines[0] not in masker.text(json.dumps({"key": pem}))
    assert masker_of(document).text("a@b.example") == "a@b.example"


@pytest.mark.parametrize("name", sorted(SENSITIVE_HEADERS))
def test_members_named_like_headers_with_secrets_are_masked_whole(name: str) -> None:
    details = {"headers": {name.title(): "s3cr3t", "content-type": "text/plain"}, "sent": [{name: ["x"]}]}
    assert Masker().details(details) == {
        "headers": {name.title(): MASK, "content-type": "text/plain"},
        "sent": [{name: MASK}],
    }


def test_a_masker_hears_what_is_noted_in_its_block_and_thread() -> None:
    outer, inner = Masker(), Masker()
    note_secrets({"api_key": "noted-before-anybody-listens"})
    with listening(outer):
        note_secrets({"api_key": "of-the-outer-call"})
        with listening(inner):
            note_secrets({"api_key": "of-the-inner-call"})
            assert masked({"a": "of-the-inner-call"}) == {"a": MASK}
        assert masked_json(["of-the-inner-call", "of-the-outer-call"]) == ["of-the-inner-call", MASK]
    assert masked({"a": "of-the-outer-call"}) == {"a": "of-the-outer-call"}
    assert not masker_of()
    assert outer.text("noted-before-anybody-listens") == "noted-before-anybody-listens"


def test_a_line_is_masked_for_every_call_under_way_and_from_any_thread() -> None:
    said: list[str] = []
    with listening(Masker()):
        note_secrets({"api_key": TOKEN})
        with listening(Masker()):
            thread = threading.Thread(target=lambda: said.append(mask_line(f"said {TOKEN}")))
            thread.start()
            thread.join()
    assert said == [f"said {MASK}"]
    assert mask_line(f"said {TOKEN}") == f"said {TOKEN}"
