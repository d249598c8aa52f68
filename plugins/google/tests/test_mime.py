"""The mail as bytes: what was meant is what is read, and nothing can slip into a header."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_google.mime import KEY_HEADER, compose
from revolution_sdk import RejectedError

KEY = "ab" * 16
SENT_AT = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
PLAIN = {"to": "anna@example.com", "subject": "Hello", "body": "Good morning"}


def raw(sender: str = "", **value: Any) -> bytes:
    return compose({**PLAIN, **value}, key=KEY, sent_at=SENT_AT, sender=sender)


def mail(sender: str = "", **value: Any) -> EmailMessage:
    return message_from_bytes(raw(sender, **value), policy=SMTP)


def test_a_plain_mail_has_exactly_these_headers() -> None:
    assert list(mail().items()) == [
        ("To", "anna@example.com"),
        ("Subject", "Hello"),
        ("Date", "Mon, 23 Nov 2026 07:30:00 +0000"),
        ("Message-ID", f"<{KEY}@revolution-hub.invalid>"),
        (KEY_HEADER, KEY),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "7bit"),
        ("MIME-Version", "1.0"),
    ]


@pytest.mark.parametrize(
    "subject",
    [
        "Grüße aus Köln",
        "Ihr Angebot: 20 % Rabatt (gültig bis Freitag), ja?",
        "日本語の件名",
        "🙂 " * 50,
        "ü" * 998,
        "a" * 998,
        "word " * 199,
        "two  blanks",
        "1 + 1 =? 2",
        "Bcc: evil@example.com",
    ],
)
def test_a_subject_is_read_as_it_was_written(subject: str) -> None:
    assert mail(subject=subject)["Subject"] == subject.strip()


def test_a_subject_with_umlauts_is_an_encoded_word_on_the_wire() -> None:
    assert b"Subject: =?utf-8?" in raw(subject="Grüße")


def test_every_line_is_short_ascii_and_ends_with_crlf() -> None:
    content = raw(subject="ü" * 500, body="ä" * 5000 + "\nzwei\r\n\r\n.\nfünf", html="<p>ö</p>" * 500)
    lines = content.split(b"\r\n")
    assert max(len(line) for line in lines) <= 78
    assert all(b"\n" not in line and b"\r" not in line and line.isascii() for line in lines)


def test_a_short_text_with_umlauts_is_ascii_on_the_wire() -> None:
    assert raw(body="Grüße", html="<p>Grüße</p>").isascii()


@pytest.mark.parametrize(
    "body", ["Grüße\n\nIhre Anna", "a" * 3000, ".\n..\n.", "From me", "=3D\n", "🙂\n" * 90]
)
def test_the_text_is_read_as_it_was_written(body: str) -> None:
    assert mail(body=body).get_content().replace("\r\n", "\n").removesuffix("\n") == body.removesuffix("\n")


def test_html_travels_beside_the_text() -> None:
    message = mail(html="<p>Grüße</p>")
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    html = message.get_body(("html",))
    assert html is not None
    assert html.get_content().strip() == "<p>Grüße</p>"


def test_copies_and_the_answer_address_are_headers_of_their_own() -> None:
    message = mail(cc=["a@example.com", "b@example.com"], bcc=["c@example.com"], reply_to="r@example.com")
    assert message["Cc"] == "a@example.com, b@example.com"
    assert message["Bcc"] == "c@example.com"
    assert message["Reply-To"] == "r@example.com"


def test_fifty_copies_are_fifty_people() -> None:
    people = [f"someone.with.a.long.name.{number}@department.example.com" for number in range(50)]
    assert [one.addr_spec for one in mail(cc=people)["Cc"].addresses] == people


@pytest.mark.parametrize(
    "name",
    [
        "Anna",
        "Müller, Jörg",
        'O\'Brien "x" <y>',
        "Dr. A. Groß (Vertrieb)",
        "a@b.c, d@e.f",
        "日本",
        "a, b; " * 10,
    ],
)
def test_a_sender_name_never_becomes_an_address(name: str) -> None:
    senders = mail("me@example.com", from_name=name)["From"].addresses
    assert [(one.display_name, one.addr_spec) for one in senders] == [(name.strip(), "me@example.com")]


def test_a_name_the_library_would_fold_into_several_addresses_is_refused() -> None:
    # The schema ends names at 64 characters; this is the net below it.
    with pytest.raises(RejectedError, match="read differently"):
        raw("me@example.com", from_name="a, b, c; " * 20)


def test_without_a_sender_gmail_writes_its_own() -> None:
    assert "From" not in mail()


INJECTIONS = [
    "Hello\r\nBcc: evil@example.com",
    "Hello\nBcc: evil@example.com",
    "Hello\rBcc: evil@example.com",
    "Hello\n\n<script>",
    "Hello\r\n",
    "\nHello",
    "Hello\0",
    "Hello\x0bBcc: evil@example.com",
    "Hello\x0cBcc: evil@example.com",
    "Hello\x1c\x1d\x1e",
    "Hello\x85Bcc: evil@example.com",
    "Hello\u2028Bcc: evil@example.com",
    "Hello\u2029Bcc: evil@example.com",
    "Hello\x1b[31m",
    "Hello\x7f",
    "half a pair \ud83d",
    "=?utf-8?q?hello=0D=0ABcc:_evil=40example.com?=",
    "=?UTF-8?B?aGkNCkJjYzogZXZpbEBleGFtcGxlLmNvbQ==?=",
    "x =?iso-8859-1?Q?=0ABcc:_e?= y",
    "=?utf-8?q?only_hello?=",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("field", ["subject", "from_name"])
def test_nothing_slips_into_a_header(field: str, text: str) -> None:
    with pytest.raises(RejectedError) as refusal:
        raw("me@example.com", **{"from_name": "Anna", field: text})
    assert refusal.value.code == "invalid_header"


ADDRESSES = [
    *INJECTIONS,
    "anna",
    "@example.com",
    "anna@",
    "anna@example.com\r\nBcc: evil@example.com",
    "anna@example.com\n",
    " anna@example.com",
    "anna@example.com, evil@example.com",
    "anna@example.com;evil@example.com",
    "anna@example.com evil@example.com",
    "Anna <anna@example.com>",
    "<anna@example.com>",
    "Group: anna@example.com;",
    "anna@example.com(comment)",
    '"anna x"@example.com',
    "a..b@example.com",
    ".anna@example.com",
    "anna@@example.com",
    "anna@-example.com",
    "anna@example..com",
    "anna@[127.0.0.1]",
    "anna@münchen.example",
    "änna@example.com",
    "anna\0@example.com",
    "a" * 65 + "@example.com",
    "a@" + "b" * 63 + ("." + "b" * 63) * 5,
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("field", ["to", "cc", "bcc", "reply_to"])
def test_only_one_plain_address_is_taken(field: str, address: str) -> None:
    value = [address] if field in ("cc", "bcc") else address
    with pytest.raises(RejectedError) as refusal:
        raw(**dict[str, Any]([(field, value)]))
    assert refusal.value.code == "invalid_address"


@pytest.mark.parametrize("value", [{"to": ""}, {"cc": [""]}, {"bcc": ["a@example.com", ""]}])
def test_an_empty_address_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(RejectedError, match="not a plain mail address"):
        raw(**value)


@pytest.mark.parametrize(
    "address",
    ["a.b+c@sub.example.co.uk", "o'neil_{x}@example.com", "a@xn--mnchen-3ya.example", "a" * 64 + "@b.c"],
)
def test_plain_addresses_are_taken_as_they_are(address: str) -> None:
    assert [one.addr_spec for one in mail(to=address)["To"].addresses] == [address]


@pytest.mark.parametrize("field", ["body", "html"])
@pytest.mark.parametrize("text", ["a\0b", "half a pair \udc00"])
def test_texts_that_no_mail_can_carry_are_refused(field: str, text: str) -> None:
    with pytest.raises(RejectedError) as refusal:
        raw(**{field: text})
    assert refusal.value.code == "invalid_text"


@given(subject=st.text(max_size=200), name=st.text(min_size=1, max_size=64))
def test_any_text_is_either_refused_or_read_as_it_was_written(subject: str, name: str) -> None:
    try:
        message = mail("me@example.com", subject=subject, from_name=name)
    except RejectedError:
        return
    assert " ".join(message["Subject"].split()) == " ".join(subject.split())
    assert message.keys() == ["From", *mail().keys()]
    assert [one.addr_spec for one in message["From"].addresses] == ["me@example.com"]
