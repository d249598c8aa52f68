"""Values on their way into a document, JSON, HTML or a URL: they stay inside, whatever they hold."""

import json
from html.parser import HTMLParser
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.template.document import compile_document
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject

LAW = settings(derandomize=True, deadline=None)

PAYLOADS = [
    "\r\nX-Injected: yes",
    "\r\n\r\nGET /admin HTTP/1.1",
    "'; DROP TABLE leads; --",
    "$(id) `id` ; id | id && id",
    "</script><script>alert(1)</script>",
    '" onmouseover="alert(1)" x=\'',
    "' onmouseover='alert(1)' x=\"",
    "<!--<img src=x onerror=alert(1)>-->",
    "&lt;b&gt; &amp;amp; &#x3c;",
    '"}',
    '", "admin": true, "x": "',
    '"]}, {"admin": true',
    "\\",
    '\\", "admin": true, "x": "\\',
    "\u2028\u2029\x00\x1f\x7f",
    "{{ secret }}{{#each secret}}{{/each}}",
    "../../etc/passwd",
    "a/b?c=d&e=f#g%2e%2e;h:i@j[k]",
    "javascript:alert(1)",
    "//evil.example/",
    "+ %20%0d%0a",
    "ünïcödé 😀",
    "",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))

DOCUMENT: JsonObject = {
    "to": ["{{ v }}", "<{{ v }}>"],
    "nested": {"note": "Note: {{ v }}", "fixed": True},
    "list": [{"a": "{{#if v}}{{ v }}{{else}}{{/if}}"}, None, 1],
    "each": "{{#each one}}{{ this }}{{/each}}",
}


def filled(value: Json) -> Json:
    return compile_document(DOCUMENT).render({"v": value, "one": [value]})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_value_does_not_change_the_shape_of_a_document(payload: str) -> None:
    assert filled(payload) == {
        "to": [payload, f"<{payload}>"],
        "nested": {"note": f"Note: {payload}", "fixed": True},
        "list": [{"a": payload}, None, 1],
        "each": payload,
    }


@LAW
@given(TEXTS)
def test_no_text_changes_the_shape_of_a_document(text: str) -> None:
    test_a_value_does_not_change_the_shape_of_a_document(text)


def test_keys_of_a_document_are_never_templates() -> None:
    document = compile_document({"{{ v }}": "{{ v }}", "{{#each v}}": 1})
    assert document.render({"v": "x"}) == {"{{ v }}": "x", "{{#each v}}": 1}


def assert_held_by_json(value: Json) -> None:
    source = '{"a": {{ v | json }}, "b": [{{ v | json }}, {"c": {{ o }}}], "d": {{ v | json | json }}}'
    text = compile_template(source).render({"v": value, "o": {"k": value}})
    read = json.loads(text)
    assert read == {"a": value, "b": [value, {"c": {"k": value}}], "d": read["d"]}
    assert json.loads(read["d"]) == value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_value_does_not_break_out_of_json_text(payload: str) -> None:
    assert_held_by_json(payload)
    assert_held_by_json([payload, {payload: payload}])


@LAW
@given(TEXTS, TEXTS)
def test_no_text_breaks_out_of_json_text(one: str, other: str) -> None:
    assert_held_by_json({one: [other, None, True, 1.5]})


class Seen(HTMLParser):
    """Writes down what a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.events: list[object] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.events.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.events.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.events.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.events.append(("declaration", decl))

    def handle_pi(self, data: str) -> None:
        self.events.append(("instruction", data))


def assert_held_by_html(value: str) -> None:
    source = "<p title=\"{{ v | html_escape }}\" lang='{{ v | html_escape }}'>{{ v | html_escape }}</p>"
    seen = Seen(compile_template(source).render({"v": value}))
    assert seen.events == [("p", [("title", value), ("lang", value)]), "p"]
    assert seen.text == value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_value_does_not_break_out_of_html(payload: str) -> None:
    assert_held_by_html(payload)


@LAW
@given(st.text("<>&\"'/=!-a;#x0123456789 `?\n"))
def test_no_text_breaks_out_of_html(text: str) -> None:
    assert_held_by_html(text)


def assert_held_by_url(value: str) -> None:
    source = "https://example.com/a/{{ v | url_encode }}/b?q={{ v | url_encode }}&r=1#{{ v | url_encode }}"
    parts = urlsplit(compile_template(source).render({"v": value}))
    assert (parts.scheme, parts.netloc) == ("https", "example.com")
    before, written, after = parts.path.removeprefix("/").split("/")
    assert (before, unquote(written), after) == ("a", value, "b")
    assert parse_qsl(parts.query, keep_blank_values=True) == [("q", value), ("r", "1")]
    assert unquote(parts.fragment) == value
    assert all(one.isascii() and one.isprintable() and one not in ' "<>\\^`{|}' for one in written)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_value_does_not_break_out_of_a_url(payload: str) -> None:
    assert_held_by_url(payload)


@LAW
@given(TEXTS)
def test_no_text_breaks_out_of_a_url(text: str) -> None:
    assert_held_by_url(text)


@pytest.mark.parametrize("pipe", ["url_encode", "base64", "slug", "hash", "json"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_written_for_elsewhere_has_no_line_end_that_begins_a_header(pipe: str, payload: str) -> None:
    written = compile_template("{{ v | " + pipe + " }}").render({"v": payload})
    assert not set(written) & set("\r\n\x00")
