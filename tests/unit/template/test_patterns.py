"""The filters with patterns: what each gives, what it refuses, and that no pattern takes long."""

import time
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.filters.pattern_reach import reach_of
from revolution_hub.template.limits import DEFAULT, Limits
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json

LAW = settings(derandomize=True, deadline=None)
CANARY = "tok_live_canary"


def render(pipe: str, limits: Limits = DEFAULT, **scope: Json) -> Json:
    return compile_template("{{ v | " + pipe + " }}").render(scope, limits)


@dataclass(frozen=True)
class Case:
    name: str
    pipe: str
    value: Json
    expect: Json


GIVES = [
    Case("found anywhere", "matches:'b+'", "abbc", True),
    Case("not found", "matches:'x'", "abbc", False),
    Case("tied to both ends", "matches:'^b$'", "abc", False),
    Case("without regard to case", "matches:'(?i)ä'", "Ä", True),
    Case("a dot is one character", "matches:'^.{3}$'", "ä😀€", True),
    Case("empty pattern", "matches:''", "", True),
    Case("zero character", "matches:'a.b'", "a\x00b", True),
    Case("extract the first match", "extract:'[0-9]+'", "ä1 22", "1"),
    Case("extract behind characters of many bytes", "extract:'b(.)', 1", "äöü😀€b😀x", "😀"),
    Case("extract all of a match by number", "extract:'b(.)', 0", "äbc", "bc"),
    Case("extract by name", "extract:'(?P<y>[0-9]{4})-(?P<m>[0-9]+)', 'm'", "in 2026-11", "11"),
    Case("extract by the other form of a name", "extract:'(?<y>[0-9]{4})', 'y'", "in 2026", "2026"),
    Case("extract nothing", "extract:'x'", "abc", None),
    Case("extract nothing takes a default", "extract:'x' | 'none'", "abc", "none"),
    Case("extract a group that took no part", "extract:'(a)|(b)', 1", "b", None),
    Case("extract an empty group", "extract:'b(x*)', 1", "ab", ""),
    Case("extract is leftmost and first", "extract:'a|ab'", "xab", "a"),
    Case("extract a group in its surroundings", "extract:'\\\\bc(a)t\\\\b', 1", "cats cat", "a"),
    Case("replace every match", "replace_pattern:'[0-9]+', '#'", "a1b22c", "a#b#c"),
    Case("replace with nothing", "replace_pattern:'\\\\s', ''", " a\tb\n", "ab"),
    Case("replace nothing", "replace_pattern:'x', 'y'", "ab", "ab"),
    Case("a replacement is taken as it stands", "replace_pattern:'(b)', '\\\\1 $1 \\\\g<1> {0}'", "abc",
         "a\\1 $1 \\g<1> {0}c"),
    Case("replace empty matches between characters", "replace_pattern:'', '-'", "ä😀", "-ä-😀-"),
    Case("replace tags", "replace_pattern:'<[^>]*>', ''", "<p>Hi <b>ä</b></p>", "Hi ä"),
]  # fmt: skip


@pytest.mark.parametrize("case", GIVES, ids=lambda case: case.name)
def test_a_pattern_filter_gives(case: Case) -> None:
    rendered = render(case.pipe, v=case.value)
    assert (type(rendered), rendered) == (type(case.expect), case.expect)


WRONG = [
    ("(?=a)", "look-ahead or look-behind"),
    ("(?<!a)b", "is not"),
    (r"(a)\1", "back reference"),
    (r"\Ca", "apart"),
    ("a{1001}", "more than 1,000 times"),
    ("((a{100}){100}){100}", "repeat"),
    (r"\pN{999}", "too large"),
    (r"\pL{30}", "too large"),
    ("a**", "follow each other"),
    ("*a", "nothing to repeat"),
    ("[b-a]", "range"),
    ("[a", "[ is not closed"),
    ("(a", "( is not closed"),
    ("a)", ") closes nothing"),
    ("a\\", "single backslash"),
    ("(?P<n", "name of a group"),
    ("x" * 501, "more than 500 characters"),
    ("a\ud800", "half of a surrogate pair"),
]


@pytest.mark.parametrize(("pattern", "reason"), WRONG)
@pytest.mark.parametrize("filter_", ["matches:p", "extract:p", "replace_pattern:p, ''"])
def test_a_wrong_pattern_is_refused_without_being_quoted(filter_: str, pattern: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(filter_, v="a", p=pattern)
    assert caught.value.message.startswith("this pattern cannot be used: ")
    assert reason in caught.value.message
    assert pattern not in caught.value.message


def test_a_wrong_pattern_from_data_is_not_told() -> None:
    with pytest.raises(TemplateError) as caught:
        render("matches:p", v="a", p=f"(?{CANARY}")
    assert CANARY not in caught.value.pointed()


@pytest.mark.parametrize("call", ["matches:'(?=a)'", "extract:'('", "replace_pattern:'[', ''", "matches:5"])
def test_a_written_pattern_is_refused_before_anything_is_rendered(call: str) -> None:
    with pytest.raises(TemplateError, match="pattern"):
        compile_template("{{ v | " + call + " }}")


def test_nothing_is_printed_about_a_wrong_pattern(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TemplateError):
        render("matches:p", v="a", p="(?!never seen before)")
    assert capfd.readouterr() == ("", "")


REFUSES = [
    Case("matches of a number", "matches:'a'", 12, "matches needs a text, not a number"),
    Case("extract of null", "extract:'a'", None, "extract needs a text, not null"),
    Case("replace in a list", "replace_pattern:'a','b'", [], "replace_pattern needs a text, not a list"),
    Case(
        "replace by a number", "replace_pattern:'a',1", "a", "needs a text as the replacement, not a number"
    ),
    Case("pattern that is a list", "matches:l", "a", "matches needs a text as the pattern, not a list"),
    Case("half of a pair", "matches:'a'", "\ud800", "half of a surrogate pair"),
    Case("half of a pair to replace in", "replace_pattern:'a','b'", "a\udfff", "half of a surrogate pair"),
    Case("a group too high", "extract:'(a)', 2", "a", "extract needs a group that the pattern has"),
    Case("a group below none", "extract:'(a)', -1", "a", "extract needs a group that the pattern has"),
    Case("a group by another name", "extract:'(?P<n>a)', 'm'", "a", "a group that the pattern has"),
    Case("a group by truth", "extract:'(a)', true", "a", "number or the name of a group, not true or false"),
    Case("a group by half", "extract:'(a)', 0.5", "a", "number or the name of a group, not a number"),
]


@pytest.mark.parametrize("case", REFUSES, ids=lambda case: case.name)
def test_a_pattern_filter_refuses(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        render(case.pipe, v=case.value, l=[])
    assert str(case.expect) in caught.value.message


REDOS = [
    "^(a+)+$", "(a|a)*b", "(.*)*x", "(a|aa)+$", "([a-zA-Z]+)*$", "(a*)*b", "(a+)+b", "(.*a){12}$",
    "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "(a?){30}a{30}b", "^(a|b|ab)*c$", "((a+)*)+$", "(\\w+\\s?)*!",
    "(?:a|a|a|a)*b", "(a*a*)*b", "^(\\d+)*x", "(.+)+\\n", "(a+){2,}b", "((.)*)*z", "(a|b|c|a)+d", "(a.?)*b",
    "(?i)(A+)+$!", "^(a?a?)*b", ".*.*.*=.*", "(\\s*a\\s*)*b", "^([^b]*)*b", "(a{1,9}){1,9}b", "([a-a]+)*b",
    "a*a*a*a*a*a*a*b",
]  # fmt: skip


def test_patterns_that_hang_other_engines_take_no_time_to_speak_of() -> None:
    began = time.process_time()
    for pattern in REDOS:
        for filter_ in ["matches:p", "extract:p | json", "replace_pattern:p, '' | length"]:
            assert render(filter_, v="a" * 50_000 + "!", p=pattern) is not None
    assert time.process_time() - began < 5  # seconds, for what takes other engines years
    assert len(set(REDOS)) == 30


def test_a_megabyte_is_searched_for_a_simple_pattern() -> None:
    assert render("matches:'needle[0-9]'", v="x" * 999_000 + "needle7") is True
    assert render("replace_pattern:'[0-9]+', '' | length", v="x" * 500_000 + "1") == 500_000


def test_searching_is_charged_by_the_size_of_text_and_pattern() -> None:
    tight = Limits(output_chars=1_000)
    assert render("matches:'x'", tight, v="a" * 5_000) is False
    with pytest.raises(TemplateLimitError, match="handles more data"):
        render("matches:'x'", tight, v="a" * 20_000)
    with pytest.raises(TemplateLimitError, match="handles more data"):
        render("matches:'(a|b)*a(a|b){90}c'", tight, v="a" * 5_000)


def test_replacements_are_charged_before_they_are_made() -> None:
    with pytest.raises(TemplateLimitError, match="handles more data"):
        render("replace_pattern:'a', r | length", v="a" * 5_000, r="x" * 5_000)


def test_a_pattern_that_reads_to_the_end_for_every_match_is_charged_for_it() -> None:
    # At 300,000 characters, uncharged, it would read fifty billion.
    with pytest.raises(TemplateLimitError, match="handles more data"):
        render("replace_pattern:'a[^b]*b|a', '' | length", v="a" * 5_000)
    assert render("replace_pattern:'a', '' | length", v="a" * 5_000) == 0


def test_tags_are_removed_from_a_long_mail() -> None:
    mail = "<p>Hello <b>there</b></p>\n" * 4_000
    assert render("replace_pattern:'<[^>]*>', ''", v=mail) == "Hello there\n" * 4_000


REACH = [
    ("", 0),
    ("abc", 3),
    ("<[^>]*>", 3),
    (r"\s*,\s*", 3),
    ("a+?b", 2),
    ("(a|bc)d*", 4),
    ("(<)([a-z]+)>", 3),
    ("(?i)a{2,5}", 5),
    ("(ab){3}c", 7),
    (r"[]a\]]*[^]]", 2),
    (r"\x{1F600}+\p{Greek}\pL", 3),
    ("(?:a)(?P<n>b)(?s:c)", 3),
    ("a{2,}", 2),
    (r"\x41*(?i)b", 2),
    ("a[^b]*b|a", None),
    ("(a[^b]*b|a)", None),
    ("(?:a[^b]*b)?a", None),
    ("(a.*){2}", None),
    ("a(.*b)?", None),
    ("(ab)*", None),
    ("(a)+", None),
    ("(a|b){2,}", None),
    (r"\Qa*b\E", None),
]


@pytest.mark.parametrize(("pattern", "reach"), REACH)
def test_the_reach_of_a_pattern(pattern: str, reach: int | None) -> None:
    assert reach_of(pattern) == reach


PLAIN = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


@LAW
@given(PLAIN, PLAIN)
def test_a_replaced_character_is_replaced_as_by_replace(text: str, replacement: str) -> None:
    for one in set(text[:3]):
        pattern = f"\\x{{{ord(one):X}}}"
        assert render("replace_pattern:p, r", v=text, p=pattern, r=replacement) == text.replace(
            one, replacement
        )


@LAW
@given(PLAIN, PLAIN)
def test_what_is_extracted_is_where_it_was_found(before: str, inside: str) -> None:
    found = render("extract:p, 1", v=f"{before}\x01{inside}\x02", p="(?s)\\x01(.*)\\x02$")
    assert found == f"{before}\x01{inside}\x02"[:-1].partition("\x01")[2]


@LAW
@given(st.text(max_size=20), st.text(alphabet="ab(|)*+?{1,}[^]\\$.<>P=!", max_size=12))
def test_any_pattern_on_any_text_ends_in_a_value_or_a_template_error(text: str, pattern: str) -> None:
    for filter_ in ["matches:p", "extract:p", "extract:p, 1", "replace_pattern:p, 'x'"]:
        try:
            rendered = render(filter_, v=text, p=pattern)
        except TemplateError:
            continue
        assert rendered is None or isinstance(rendered, bool | str)
