"""Text to tokens."""

from dataclasses import dataclass

import pytest

from revolution_hub.errors import TemplateError
from revolution_hub.template.lexer import Kind, tokenize
from revolution_hub.template.place import Source


@dataclass(frozen=True)
class Case:
    name: str
    given: str
    expect: object


def words(source: str) -> list[object]:
    return [token.value for token in tokenize(Source.of(source)) if token.kind is not Kind.END]


CASES = [
    Case("nothing", "", []),
    Case("text alone", "Hallo Welt", ["Hallo Welt"]),
    Case("text and expression", "a {{b}} c", ["a ", "{{", "b", "}}", " c"]),
    Case("two expressions side by side", "{{a}}{{b}}", ["{{", "a", "}}", "{{", "b", "}}"]),
    Case("white space and newlines inside", "{{\n\t a \r\n}}", ["{{", "a", "}}"]),
    Case("path", '{{a.b[0]["c d"]}}', ["{{", "a", ".", "b", "[", 0, "]", "[", "c d", "]", "}}"]),
    Case(
        "every sign", "{{== != <= >= < >|:,()-}}", ["{{", "==", "!=", "<=", ">=", "<", ">", *"|:,()-", "}}"]
    ),
    Case("whole and decimal numbers", "{{0 12 1.5 2e3 1.5E-1}}", ["{{", 0, 12, 1.5, 2000.0, 0.15, "}}"]),
    Case("closing braces in a text do not close", '{{ "}}" }}', ["{{", "}}", "}}"]),
    Case("opening braces in a text do not open", '{{ "{{" }}', ["{{", "{{", "}}"]),
    Case("stray closing braces are text", "a }} b", ["a }} b"]),
    Case("a third closing brace is text", '{"a":{ {{b}}}}', ['{"a":{ ', "{{", "b", "}}", "}}"]),
    Case("one brace is text", "{ a } {", ["{ a } {"]),
    Case("homoglyph braces are text", "｛｛ a ｝｝ ❴❴ a ❵❵", ["｛｛ a ｝｝ ❴❴ a ❵❵"]),
    Case("the other quote inside quotes", """{{ "it's" 'say "x"' }}""", ["{{", "it's", 'say "x"', "}}"]),
    Case(
        "JSON escapes in both quotes",
        r"""{{ "a\"\\\/\n\t\u00e4" '\'"\"\u00e4' }}""",
        ["{{", 'a"\\/\n\tä', '\'""ä', "}}"],
    ),
    Case("a surrogate pair is one character", r'{{ "\ud83d\ude00" }}', ["{{", "😀", "}}"]),
    Case("an escaped backslash before the quote", r'{{ "a\\" }}', ["{{", "a\\", "}}"]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_template_is_split_into_tokens(case: Case) -> None:
    assert words(case.given) == case.expect


def test_whole_numbers_stay_whole_and_decimal_ones_decimal() -> None:
    assert [type(value) for value in words("{{1 1.0 1e0}}")[1:-1]] == [int, float, float]


def test_tokens_carry_their_kind_and_offset() -> None:
    tokens = [(token.kind, token.offset) for token in tokenize(Source.of('ab{{ c | "d" }}'))]
    assert tokens == [
        (Kind.TEXT, 0),
        (Kind.OPEN, 2),
        (Kind.NAME, 5),
        (Kind.SYMBOL, 7),
        (Kind.STRING, 9),
        (Kind.CLOSE, 13),
        (Kind.END, 15),
    ]


REFUSED = [
    Case("never closed", "a {{ b", "this {{ has no }} (line 1, column 3)"),
    Case("closed by one brace", "{{ b }", "unexpected }; an expression ends with two } (line 1, column 6)"),
    Case("never closed before prose", "{{ a\nTschüss, wie geht's?", "this {{ has no }} (line 1, column 1)"),
    Case("never closed before another", "{{ a\nTschüss {{ b }}", "this {{ has no }} (line 1, column 1)"),
    Case("never closed before an open quote", "{{ a 'b", "this {{ has no }}"),
    Case("opened again", "{{ a {{ b }}", "this {{ has no }} (line 1, column 1)"),
    Case("three braces", "x {{{ a }}}", "three { in a row"),
    Case("an open quote", '{{ "abc }}', "this text has no closing quote on its line (line 1, column 4)"),
    Case("a newline in a text", "{{ 'a\nb' }}", "this text has no closing quote on its line"),
    Case("an unknown escape", r'{{ "\x41" }}', "unknown escape"),
    Case("half a surrogate pair", r'{{ "\ud83d" }}', "half a surrogate pair"),
    Case("leading zeros", "{{ 0049 }}", "no leading zeros"),
    Case("an endless number", "{{ " + "9" * 5000 + " }}", "at most 100 characters"),
    Case("an infinite number", "{{ 1e999 }}", "too large"),
    Case("one equals sign", "{{ a = b }}", "unexpected =; write == to compare (line 1, column 6)"),
    Case("ampersands", "{{ a && b }}", "unexpected &; write and"),
    Case("an exclamation mark", "{{ !a }}", "unexpected !; write not"),
    Case("typographic quotes", "{{ a|„x“ }}", "unexpected „; write straight quotes"),
    Case("any other sign", "{{ a ; b }}", "unexpected ; (line 1, column 6)"),
    Case("an umlaut in a name", "{{ straße }}", "unexpected ß (U+00DF, latin small letter sharp s)"),
    Case("a no-break space", "{{\u00a0a }}", "U+00A0, no-break space"),
    Case("a zero-width space in a name", "{{ a\u200bb }}", "U+200B, zero width space"),
    Case("a byte order mark", "{{ \ufeffa }}", "U+FEFF, zero width no-break space"),
    Case("a lone surrogate", "{{ \ud800 }}", "U+D800, unnamed"),
    Case("a zero byte", "{{ \x00 }}", "U+0000, unnamed"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_is_no_token_is_refused_with_its_place(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        words(case.given)
    assert str(case.expect) in caught.value.pointed()


def test_lexing_stays_linear_on_inputs_that_make_naive_patterns_backtrack() -> None:
    # Quadratic behavior would take minutes here; the suite's patience is the clock.
    for given in ['{{ "' + "\\a" * 200_000, "{{" + " " * 400_000, "{{ " + "1" * 400_000, '{{"' * 100_000]:
        with pytest.raises(TemplateError):
            words(given)
