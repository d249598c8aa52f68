"""Bodies: whatever comes, it is read as what it says it is, or refused with what is wrong."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.bus.body import read_body
from revolution_hub.bus.multipart import MOST_FILES, MOST_PARTS
from revolution_hub.bus.request import dedup_key, parameters_of, request_of
from revolution_hub.errors import InputError
from revolution_hub.model.parse_webhook import webhook_of
from revolution_sdk import Delivery

AT = datetime(2026, 11, 23, tzinfo=UTC)
PLAIN = webhook_of({"auth": "none"})


def sent(body: bytes = b"{}", kind: str | None = "application/json", url: str = "/", **more: str) -> Delivery:
    headers = {name.replace("_", "-"): text for name, text in more.items() if name != "method"}
    headers |= {} if kind is None else {"content-type": kind}
    method = more.get("method", "POST")
    return Delivery(method=method, url=url, headers=headers, body=body, received_at=AT)


def read(
    body: bytes, kind: str | None = "application/json", kept: list[bytes] | None = None, **more: str
) -> Any:
    files: list[bytes] = [] if kept is None else kept

    def keep(content: bytes) -> str:
        files.append(content)
        return f"file{len(files)}"

    return read_body(sent(body, kind, **more), keep, max_bytes=1_000_000)


def part(name: str, content: bytes, *, filename: str | None = None, kind: str = "", more: str = "") -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    typed = f"\r\nContent-Type: {kind}" if kind else ""
    head = f'--cut\r\nContent-Disposition: form-data; name="{name}"{file}{typed}{more}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = b"--cut--\r\n"
MULTI = "multipart/form-data; boundary=cut"


def test_a_form_of_several_parts_has_texts_and_files() -> None:
    kept: list[bytes] = []
    body = (
        part("a", "é".encode())
        + part("a", b"2")
        + part("f", b"\0\xff", filename="C:\\x\\y.bin", kind="image/png")
    )
    assert read(body + END, MULTI, kept) == {
        "a": ["é", "2"],
        "f": {"file": "file1", "name": "y.bin", "content_type": "image/png", "bytes": 2},
    }
    assert kept == [b"\0\xff"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--cut",
        b"nothing of the kind",
        part("a", b"1"),
        part("a", b"\xff") + END,
        part("a", b"\0") + END,
        part("a", b"1", more="\r\nX: " + "y" * 5000) + END,
        part("a", b"1", more="".join(f"\r\nX-{n}: y" for n in range(20))) + END,
        b"--cut\r\n\r\nno head\r\n" + END,
        b'--cut\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n' + END,
        b"--cut\r\nContent-Disposition: form-data\r\n\r\n1\r\n" + END,
        part("a", b"") * (MOST_PARTS + 1) + END,
        part("a", b"", filename="x") * (MOST_FILES + 1) + END,
    ],
)
def test_parts_that_cannot_be_read_are_refused_before_anything_is_kept(body: bytes) -> None:
    kept: list[bytes] = []
    with pytest.raises(InputError) as refused:
        read(part("f", b"file", filename="f") + body if body.endswith(END) else body, MULTI, kept)
    assert refused.value.code == "body_invalid"
    assert kept == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\passwd", "a/../passwd", "pass\nwd"])
def test_a_files_name_has_no_path_in_it(name: str) -> None:
    found = read(part("f", b"x", filename=name.replace("\n", "%0A")) + END, MULTI)["f"]["name"]
    assert "/" not in found
    assert "\\" not in found


@given(
    st.binary(max_size=400), st.sampled_from([MULTI, "multipart/form-data", "multipart/form-data; boundary="])
)
def test_whatever_comes_as_parts_is_read_or_refused(body: bytes, kind: str) -> None:
    for tried in (body, part("a", body) + END, b"--cut\r\n" + body + b"\r\n\r\n\r\n" + END):
        try:
            found = read(tried, kind)
        except InputError:
            continue
        assert isinstance(found, dict)


@given(st.binary(max_size=300), st.text(max_size=60), st.sampled_from(["POST", "GET"]))
def test_whatever_comes_as_whatever_is_read_or_refused(body: bytes, kind: str, method: str) -> None:
    try:
        read(body, kind, method=method)
        code = ""
    except InputError as error:
        code = error.code
    assert code in ("", "json_invalid", "body_invalid", "content_type")


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=6))
def test_a_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    from urllib.parse import urlencode

    clean = {
        name: text for name, text in fields.items() if "\0" not in name + text and _is_unicode(name + text)
    }
    assert read(urlencode(clean).encode(), "application/x-www-form-urlencoded") == clean


def _is_unicode(text: str) -> bool:
    return not any(0xD800 <= ord(one) < 0xE000 for one in text)


@pytest.mark.parametrize("body", [b"a=%00", b"a=%ff", b"a=\xc3\xa9", b"&".join([b"a=1"] * 1001)])
def test_a_form_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(body, "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"abc", "text/plain", "abc"),
        ("é".encode(), "text/html; charset=UTF-8", "é"),
        (b"\xe9", 'text/plain; charset="iso-8859-1"', "é"),
        (b"<a/>", "application/xml", "<a/>"),
        (b"<a/>", "application/atom+xml", "<a/>"),
        (b"", "text/plain", ""),
    ],
)
def test_a_text_is_a_text(body: bytes, kind: str, text: str) -> None:
    assert read(body, kind) == text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xe9", "text/plain"),
        (b"\0", "text/plain"),
        (b"a", "text/plain; charset=utf-7"),
        (b"\xff", "text/xml"),
    ],
)
def test_a_text_that_is_none_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(body, kind)


def test_nothing_is_unfolded() -> None:
    with pytest.raises(InputError, match="Content-Encoding"):
        read(b"\x1f\x8b", content_encoding="gzip")
    assert read(b"{}", content_encoding="identity") == {}


def test_a_plain_request_has_nothing_worth_keeping() -> None:
    assert request_of(PLAIN, sent()) is None
    assert request_of(PLAIN, sent(kind=None)) is None
    assert request_of(PLAIN, sent(user_agent="x", webhook_id="y", authorization="z", cookie="c")) is None
    for telling in (
        sent(url="/?a=1"),
        sent(kind="text/plain"),
        sent(method="PUT"),
        sent(x_github_event="push"),
    ):
        found = request_of(PLAIN, telling)
        assert found is not None
        assert found.keys() == {"method", "query", "headers", "content_type"}


def test_a_query_is_read_as_far_as_it_goes() -> None:
    assert parameters_of("a=1&a=2&b") == [("a", "1"), ("a", "2"), ("b", "")]
    assert parameters_of("a=%ff") == [("a", "\ufffd")]
    assert len(parameters_of("&".join(f"a{n}=1" for n in range(1000)))) == 200
    assert len(parameters_of("a=" + "x" * 5000)[0][1]) == 2000
    assert parameters_of("") == []


@given(st.text(max_size=100))
def test_whatever_a_query_says_is_read(query: str) -> None:
    assert all("\0" not in name + value for name, value in parameters_of(query))


def test_keys_of_different_kinds_never_meet() -> None:
    body = {"id": "1"}
    keys = {
        dedup_key(webhook_of({"auth": "none", "dedup": said}), sent(url="/?id=1", id="1"), None, body)
        for said in ({"header": "id"}, {"body": "id"}, {"query": "id"})
    }
    keys.add(dedup_key(PLAIN, sent(), "1", body))
    assert len(keys) == 4


@pytest.mark.parametrize("path", ["a.b.c", "x", "a.9", "a.-1", "a.b", "", ".", "a..b"])
def test_a_path_that_leads_nowhere_names_no_key(path: str) -> None:
    data = {"a": [{"b": None}], "": ""}
    webhook = webhook_of({"auth": "none", "dedup": {"body": path or "none"}})
    first, second = (dedup_key(webhook, sent(), None, data) for _ in range(2))
    assert first != second
