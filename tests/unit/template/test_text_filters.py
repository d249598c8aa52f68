"""Text filters: what each gives and refuses, what holds for any text, and that none blows up."""

import base64
import hashlib
import html
import json
from dataclasses import dataclass
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.limits import Limits
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json


@dataclass(frozen=True)
class Case:
    name: str
    pipe: str
    value: Json
    expect: Json


def rendered(pipe: str, value: Json, argument: Json = None, limits: Limits | None = None) -> Json:
    scope = {"v": value, "a": argument}
    return compile_template("{{ v | " + pipe + " }}").render(scope, limits or Limits())


CODER = "\U0001f469\u200d\U0001f4bb"
FLAGS = "\U0001f1e9\U0001f1ea\U0001f1e6\U0001f1f9"

GIVES = [
    Case("title", "title", "ada LOVELACE of london", "Ada Lovelace Of London"),
    Case("title keeps an apostrophe within a word", "title", "it's o’neil 'so'", "It's O’neil 'So'"),
    Case("title begins a word behind a hyphen", "title", "anna-maria bad–münster", "Anna-Maria Bad–Münster"),
    Case("title of separate accents", "title", "cafe\u0301s e\u0301cole", "Cafe\u0301s E\u0301cole"),
    Case("title keeps digits and signs", "title", "3RD floor, 10€", "3rd Floor, 10€"),
    Case("title of nothing", "title", "", ""),
    Case("truncate keeps what fits", "truncate:5", "Hallo", "Hallo"),
    Case("truncate counts the ending", "truncate:5", "Hallo!", "Hall…"),
    Case("truncate with an ending", "truncate:8, '...'", "Hallo Welt", "Hallo..."),
    Case("truncate without an ending", "truncate:3, ''", "Hallo", "Hal"),
    Case("truncate to the ending alone", "truncate:1", "Hallo", "…"),
    Case("truncate parts no accent", "truncate:3", "Mu\u0308ller", "M…"),
    Case("truncate keeps an accent that fits", "truncate:4", "Mu\u0308ller", "Mu\u0308…"),
    Case("truncate parts no joined emoji", "truncate:3", f"a{CODER}b", "a…"),
    Case("truncate leaves no joiner at its end", "truncate:4", f"a{CODER}bc", "a…"),
    Case("truncate keeps a joined emoji that fits", "truncate:5", f"a{CODER}bc", f"a{CODER}…"),
    Case("truncate parts no color from a thumb", "truncate:2", "\U0001f44d\U0001f3fdok", "…"),
    Case("truncate parts no flag", "truncate:4", f"{FLAGS}x", f"{FLAGS[:2]}…"),
    Case("truncate keeps a flag that fits", "truncate:3", f"{FLAGS}x", f"{FLAGS[:2]}…"),
    Case("truncate counts flags from where they begin", "truncate:4", f"a{FLAGS}x", f"a{FLAGS[:2]}…"),
    Case("truncate cuts a heap of accents", "truncate:100", "a" + "\u0301" * 500, "a" + "\u0301" * 98 + "…"),
    Case("replace", "replace:'a', 'bb'", "banana", "bbbnbbnbb"),
    Case("replace by nothing", "replace:' ', ''", "+49 40 12", "+494012"),
    Case("replace knows no patterns", "replace:'.', '\\\\0'", "a.b", "a\\0b"),
    Case("replace what is not there", "replace:'x', 'y'", "abc", "abc"),
    Case("split", "split:','", "a,b,,c", ["a", "b", "", "c"]),
    Case("split by several characters", "split:', '", "a, b,c", ["a", "b,c"]),
    Case("split of nothing", "split:','", "", [""]),
    Case("join", "join", ["a", "b"], "a, b"),
    Case("join with a separator", "join:''", ["a", "b"], "ab"),
    Case("join of numbers, true and false", "join:' '", [1, 2.0, 2.5, True, False], "1 2 2.5 true false"),
    Case("join of nothing", "join", [], ""),
    Case("split and join", "split:';' | join:';'", "a;;b;", "a;;b;"),
    Case("slug of German", "slug", "Ärger: Öl & Übermaß (ẞ)", "aerger-oel-uebermass-ss"),
    Case("slug of separate accents", "slug", "Mu\u0308ller cafe\u0301", "mueller-cafe"),
    Case("slug of other letters", "slug", "Œuvre Łódź Ærø þór ﬁn", "oeuvre-lodz-aero-thor-fin"),
    Case("slug drops apostrophes", "slug", "Don't — O’Neil's", "dont-oneils"),
    Case("slug of letters without ASCII", "slug", "日本語", ""),
    Case("slug splits at letters without ASCII", "slug", "a日b½", "a-b1-2"),
    Case("slug of nothing", "slug", " -- ", ""),
    Case("url_encode", "url_encode", "a b/c?d=é&~-._", "a%20b%2Fc%3Fd%3D%C3%A9%26~-._"),
    Case("url_encode of line ends", "url_encode", "a\r\nX: y", "a%0D%0AX%3A%20y"),
    Case("html_escape", "html_escape", """<a b="c">'&amp;""", "&lt;a b=&quot;c&quot;&gt;&#x27;&amp;amp;"),
    Case("base64", "base64", "üäö\x00", "w7zDpMO2AA=="),
    Case("base64 of nothing", "base64", "", ""),
    Case("base64_decode", "base64_decode", "w7zDpMO2AA==", "üäö\x00"),
    Case("base64_decode of nothing", "base64_decode", "", ""),
    Case("hash", "hash", "ä", hashlib.sha256("ä".encode()).hexdigest()),
    Case("hash by SHA-512", "hash:'sha512'", "ä", hashlib.sha512("ä".encode()).hexdigest()),
    Case("hash by SHA-1", "hash:'sha1'", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    Case("hash by MD5", "hash:'md5'", "", "d41d8cd98f00b204e9800998ecf8427e"),
    Case("a template in a value stays text", "replace:'x', 'y' | truncate:50", "{{ v }} {v}", "{{ v }} {v}"),
]  # fmt: skip


@pytest.mark.parametrize("case", GIVES, ids=lambda case: case.name)
def test_a_text_filter_gives(case: Case) -> None:
    assert rendered(case.pipe, case.value) == case.expect


TEXT_ONLY = ["title", "truncate:3", "replace:'a', 'b'", "split:','", "slug", "url_encode", "html_escape"]
TEXT_ONLY += ["base64", "base64_decode", "hash"]


@pytest.mark.parametrize("pipe", TEXT_ONLY)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (4915, "a number"),
        (True, "true or false"),
        (["secret"], "a list"),
        ({"secret": 1}, "an object"),
    ],
)
def test_a_text_filter_takes_nothing_but_text(pipe: str, value: Json, kind: str) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(pipe, value)
    assert caught.value.message == f"{pipe.partition(':')[0]} needs a text, not {kind}"


REFUSES = [
    Case("truncate with too long an ending", "truncate:2, '...'", "a", "an ending that is not longer"),
    Case("join of a text", "join", "abc", "join needs a list, not a text"),
    Case("join of null", "join", ["a", None], "its member [1] is null"),
    Case("join of a list in a list", "join", [["secret"]], "its member [0] is a list"),
    Case("join of an object", "join", [1, 2, {"secret": 1}], "its member [2] is an object"),
    Case("join of a number without an end", "join", [float("nan")], "this number is not finite"),
    Case("url_encode of half a character", "url_encode", "\ud83d", "without half characters"),
    Case("base64 of half a character", "base64", "\ud83d", "without half characters"),
    Case("hash of half a character", "hash", "\ud83d", "without half characters"),
    Case("base64_decode without padding", "base64_decode", "c2VjcmV0MQ", "padded base64"),
    Case("base64_decode of an odd character", "base64_decode", "c2Vj\ncmV0", "padded base64"),
    Case("base64_decode of the URL alphabet", "base64_decode", "_-__", "padded base64"),
    Case("base64_decode of half characters", "base64_decode", "\ud83d", "padded base64"),
    Case("base64_decode of text behind padding", "base64_decode", "YQ==YQ==", "padded base64"),
    Case("base64_decode of bytes that are no text", "base64_decode", "/w==", "a text in UTF-8"),
]


@pytest.mark.parametrize("case", REFUSES, ids=lambda case: case.name)
def test_a_text_filter_refuses_and_quotes_no_data(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(case.pipe, case.value)
    assert str(case.expect) in caught.value.message
    assert "secret" not in caught.value.message


ARGUMENTS = [
    ("truncate", [0], "truncate needs a whole number from 1 to 1,000,000 as the length"),
    ("truncate", [2.5], "truncate needs a whole number from 1 to 1,000,000 as the length"),
    ("truncate", [True], "truncate needs a whole number from 1 to 1,000,000 as the length"),
    ("truncate", [5, None], "truncate needs a text as the ending, not null"),
    ("replace", ["", "x"], "replace needs a text as the text to find, not an empty one"),
    ("replace", [1, "x"], "replace needs a text as the text to find, not a number"),
    ("replace", ["x", 1], "replace needs a text as the replacement, not a number"),
    ("split", [""], "split needs a text as the separator, not an empty one"),
    ("split", [None], "split needs a text as the separator, not null"),
    ("join", [1], "join needs a text as the separator, not a number"),
    ("hash", ["sha3"], "hash knows sha256, sha512, sha1 and md5 as the algorithm"),
]


@pytest.mark.parametrize(("name", "arguments", "expect"), ARGUMENTS)
def test_an_argument_that_never_fits_is_refused_when_compiled(
    name: str, arguments: list[Json], expect: str
) -> None:
    written = ", ".join(map(json.dumps, arguments))
    with pytest.raises(TemplateError) as caught:
        compile_template("{{ v | " + f"{name}:{written}" + " }}")
    assert caught.value.message == expect


@pytest.mark.parametrize(("name", "arguments", "expect"), ARGUMENTS)
def test_an_argument_that_does_not_fit_is_refused_when_rendered(
    name: str, arguments: list[Json], expect: str
) -> None:
    paths = ", ".join(f"a[{index}]" for index in range(len(arguments)))
    with pytest.raises(TemplateError) as caught:
        rendered(f"{name}:{paths}", ["x"] if name == "join" else "x", arguments)
    assert caught.value.message == expect


def test_an_unknown_algorithm_in_data_is_not_quoted() -> None:
    with pytest.raises(TemplateError) as caught:
        rendered("hash:a", "x", "secret")
    assert "secret" not in caught.value.message


BLOW_UPS = [
    Case("replace", "replace:'a', a", "a" * 900, "b" * 900),
    Case("replace that doubles", " | ".join(["replace:'a', 'aa'"] * 3), "a" * 900, None),
    Case("title", "title", "a" * 5_001, None),
    Case("split", "split:'a'", "a" * 2_000, None),
    Case("join of many", "join:''", [""] * 2_000, None),
    Case("join by a long separator", "join:a", [""] * 100, "-" * 200),
    Case("join of long members", "join:''", ["x" * 300] * 100, None),
    Case("slug", "slug", "㎯" * 4_000, None),
    Case("url_encode", "url_encode", "€" * 1_500, None),
    Case("url_encode of ASCII", "url_encode", " " * 4_000, None),
    Case("html_escape", "html_escape", '"' * 2_000, None),
    Case("base64", "base64", "😀" * 2_000, None),
    Case("hash", "hash", "😀" * 3_000, None),
    Case("truncate with a long ending", "truncate:1000000, a", "a", "b" * 10_001),
]  # fmt: skip


@pytest.mark.parametrize("case", BLOW_UPS, ids=lambda case: case.name)
def test_a_blow_up_ends_at_the_limit(case: Case) -> None:
    # The length alone is written, so it is not the output that meets the limit.
    with pytest.raises(TemplateLimitError, match="handles more data"):
        rendered(f"{case.pipe} | length", case.value, case.expect, Limits(output_chars=10_000))


def test_a_replacement_beyond_memory_is_refused_before_it_is_made() -> None:
    half = "a" * 300_000
    with pytest.raises(TemplateLimitError):
        rendered("replace:'a', a", half, half)


def test_a_long_row_of_accents_takes_no_longer_than_its_length() -> None:
    # Normalizing it as a whole would take minutes: the time grows with the square of the row.
    assert rendered("slug", "a" + "\u0301\u0316" * 200_000) == "a"


LONG = "a1 <&\"'>/ä" * 5_000


@pytest.mark.parametrize("pipe", [*TEXT_ONLY[:3], "split:'<' | length", *TEXT_ONLY[4:8], "hash"])
def test_a_text_of_ordinary_length_stays_within_the_default_limits(pipe: str) -> None:
    assert rendered(pipe, LONG)


@given(st.text())
def test_escaped_html_holds_no_markup_and_reads_back(text: str) -> None:
    escaped = rendered("html_escape", text)
    assert not set(str(escaped)) & set("<>\"'")
    assert html.unescape(str(escaped)) == html.unescape(html.escape(text))


@given(st.text(alphabet="<>&\"'a"))
def test_escaping_plain_signs_can_be_undone(text: str) -> None:
    assert html.unescape(str(rendered("html_escape", text))) == text


@given(st.text())
def test_base64_reads_back(text: str) -> None:
    encoded = rendered("base64", text)
    assert base64.b64decode(str(encoded)) == text.encode()
    assert rendered("base64_decode", encoded) == text


@given(st.text())
def test_an_encoded_url_part_is_what_the_standard_says_and_reads_back(text: str) -> None:
    encoded = str(rendered("url_encode", text))
    assert encoded == quote(text, safe="")
    assert unquote(encoded) == text


@given(
    st.text(alphabet=st.characters() | st.sampled_from(CODER + FLAGS + "\u0301")),
    st.integers(1, 20),
)
def test_a_truncated_text_is_never_longer_than_asked(text: str, most: int) -> None:
    short = str(rendered(f"truncate:{most}", text))
    assert len(short) <= most
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]) and len(text) > most)


@given(st.text())
def test_a_slug_is_words_of_small_ascii_and_its_own_slug(text: str) -> None:
    made = str(rendered("slug", text))
    assert all(word.isascii() and word.isalnum() and word == word.lower() for word in made.split("-") if made)
    assert rendered("slug", made) == made


@given(st.lists(st.text(alphabet="ab"), min_size=1))
def test_joined_texts_split_back(texts: list[str]) -> None:
    assert rendered("join:';' | split:';'", texts) == texts


@given(st.text(alphabet="abc"), st.text(alphabet="abc", min_size=1), st.text(alphabet="abc"))
def test_the_size_of_a_replacement_is_charged_exactly(text: str, old: str, new: str) -> None:
    expect = text.replace(old, new)
    cost = len(text) + len(old) + len(new) + max(0, len(expect) - len(text))
    template = compile_template("{{ v | replace:o, n }}")
    scope = {"v": text, "o": old, "n": new}
    assert template.render(scope, Limits(output_chars=max(1, cost))) == expect
    if cost > max(1, len(expect)):
        with pytest.raises(TemplateLimitError):
            template.render(scope, Limits(output_chars=cost - 1))
