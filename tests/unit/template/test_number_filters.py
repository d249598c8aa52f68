"""Number filters: what each gives and refuses, locales, and that rounding goes by written digits."""

import json
import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

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


GIVES = [
    Case("round goes up at half", "round", 2.5, 3),
    Case("round goes away from zero at half", "round", -2.5, -3),
    Case("round below half", "round", 2.4999, 2),
    Case("round gives a zero without a sign", "round:1", -0.04, 0.0),
    Case("round by the digits as written", "round:2", 1.005, 1.01),
    Case("round by the digits as written, again", "round:2", 2.675, 2.68),
    Case("round keeps a whole number whole", "round:2", 5, 5),
    Case("round keeps a fraction's kind", "round:2", 5.0, 5.0),
    Case("round to hundreds", "round:-2", 1250, 1300),
    Case("round a fraction to hundreds", "round:-2", 1249.9, 1200),
    Case("round to more than there is", "round:-10", 3, 0),
    Case("round with many digits", "round:15", 0.1234567890123456, 0.123456789012346),
    Case("round a number beyond 64 bits", "round", 1e300, 1e300),
    Case("round the smallest fraction", "round:15", 5e-324, 0.0),
    Case("round the largest whole number", "round", 2**63 - 1, 2**63 - 1),
    Case("number", "number", 1234567.5, "1,234,567.5"),
    Case("number in German", "number:'de'", 1234567.5, "1.234.567,5"),
    Case("number in Austrian German", "number:'de-AT'", 1234567.5, "1.234.567,5"),
    Case("number in Swiss German", "number:'de_CH'", 1234567.5, "1’234’567.5"),
    Case("number in India", "number:'en-IN'", 1234567.5, "12,34,567.5"),
    Case("number in any case of letters", "number:'DE-at'", 0.5, "0,5"),
    Case("number rounds to three places", "number", 0.1 + 0.2, "0.3"),
    Case("number rounds half away from zero", "number", -1.0005, "-1.001"),
    Case("number of a whole number", "number:'de'", 1000, "1.000"),
    Case("number of a whole fraction", "number:'de'", 1000.0, "1.000"),
    Case("number with decimal places", "number:'de', 2", 1.005, "1,01"),
    Case("number with more places than it has", "number:'de', 4", 1.5, "1,5000"),
    Case("number without decimal places", "number:'en', 0", 1234.5, "1,235"),
    Case("number gives zero no sign", "number:'en', 1", -0.04, "0.0"),
    Case("number of negative zero", "number", -0.0, "0"),
    Case("number of 64 bits", "number:'de'", -(2**63), "-9.223.372.036.854.775.808"),
    Case("number with all its digits", "number:'en', 15", 1234567890.5, "1,234,567,890.500000000000000"),
    Case("number of a small fraction", "number", 1e-20, "0"),
    Case("currency", "currency:'EUR'", 1234.5, "€1,234.50"),
    Case("currency in German", "currency:'EUR', 'de'", 1234.5, "1.234,50\u00a0€"),
    Case("currency in Austrian German", "currency:'EUR', 'de_AT'", 1234.5, "€\u00a01.234,50"),
    Case("currency parts letters from digits", "currency:'CHF'", -1, "-CHF\u00a01.00"),
    Case("currency keeps a sign beside its digits", "currency:'USD', 'en-CA'", 1, "US$1.00"),
    Case("currency of a negative amount", "currency:'EUR', 'de'", -0.5, "-0,50\u00a0€"),
    Case("currency gives zero no sign", "currency:'EUR'", -0.001, "€0.00"),
    Case("currency rounds by written digits", "currency:'EUR'", 1.005, "€1.01"),
    Case("currency without minor units", "currency:'JPY', 'de'", 1234.5, "1.235\u00a0¥"),
    Case("currency with three decimal places", "currency:'KWD'", 1.5, "KWD\u00a01.500"),
    Case("currency in small letters", "currency:'chf', 'de-CH'", 1234.5, "CHF\u00a01’234.50"),
    Case("percent", "percent", 0.256, "26%"),
    Case("percent rounds half up", "percent", 0.285, "29%"),
    Case("percent in German", "percent:0, 'de'", 0.256, "26\u00a0%"),
    Case("percent with decimal places", "percent:2, 'de'", 0.25678, "25,68\u00a0%"),
    Case("percent beyond a hundred", "percent", 12, "1,200%"),
    Case("percent gives zero no sign", "percent", -0.001, "0%"),
    Case("abs of a whole number", "abs", -3, 3),
    Case("round a fraction of 65 bits, which stays one", "round", 2.0**63, 2.0**63),
    Case("abs of a fraction", "abs", -2.5, 2.5),
    Case("abs of the largest whole number", "abs", 1 - 2**63, 2**63 - 1),
    Case("to_number of a whole number", "to_number", "-12", -12),
    Case("to_number of a fraction", "to_number", "12.50", 12.5),
    Case("to_number of a power", "to_number", "1e3", 1000.0),
    Case("to_number of a number", "to_number", 7, 7),
    Case("to_number of 64 bits", "to_number", "-9223372036854775808", -(2**63)),
    Case("to_number of many digits", "to_number", "0." + "3" * 300, 0.3333333333333333),
    Case("to_text of a whole number", "to_text", 12, "12"),
    Case("to_text of a whole fraction", "to_text", 12.0, "12"),
    Case("to_text of a fraction", "to_text", 0.1, "0.1"),
    Case("to_text of true", "to_text", True, "true"),
    Case("to_text of a text", "to_text", "007", "007"),
    Case("a phone number stays text", "to_text", "+49401234", "+49401234"),
]


@pytest.mark.parametrize("case", GIVES, ids=lambda case: case.name)
def test_a_number_filter_gives(case: Case) -> None:
    result = rendered(case.pipe, case.value)
    assert (type(result), repr(result)) == (type(case.expect), repr(case.expect))


NUMBER_ONLY = ["round", "number", "currency:'EUR'", "percent", "abs"]


@pytest.mark.parametrize("pipe", NUMBER_ONLY)
@pytest.mark.parametrize(
    ("value", "expect"),
    [
        ("4915", "needs a number, not a text"),
        (True, "needs a number, not true or false"),
        (None, "needs a number, not null"),
        ([1], "needs a number, not a list"),
        (math.inf, "needs a number of ordinary size"),
        (math.nan, "needs a number of ordinary size"),
        (2**63, "needs a number of ordinary size"),
        pytest.param(10**5000, "needs a number of ordinary size", id="too many digits"),
    ],
)
def test_a_number_filter_takes_nothing_but_ordinary_numbers(pipe: str, value: Json, expect: str) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(pipe, value)
    assert caught.value.message == f"{pipe.partition(':')[0]} {expect}"


PLAIN = "to_number needs a text that is a plain number and nothing else, such as -12.5"
ORDINARY = "to_number needs a number of ordinary size"
NO_NUMBERS = ["", " 1", "1 ", "1\n", "+1", "007", "1.", ".5", "1,5", "1_000", "0x10", "1e", "--1", "१", "NaN"]
NO_NUMBERS += ["Infinity", "-Infinity", "true", "null", "12 345 secret", "1" * 401]


@pytest.mark.parametrize("text", NO_NUMBERS, ids=lambda one: repr(one)[:20])
def test_a_text_that_is_not_written_like_a_number_becomes_none(text: str) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered("to_number", text)
    assert caught.value.message == PLAIN


REFUSES = [
    Case("to_number of a whole number beyond 64 bits", "to_number", "9223372036854775809", ORDINARY),
    Case("to_number of hundreds of digits", "to_number", "-" + "9" * 399, ORDINARY),
    Case("to_number of a power without an end", "to_number", "1e999", ORDINARY),
    Case("to_number of a number without an end", "to_number", math.inf, ORDINARY),
    Case("to_number of true", "to_number", True, "to_number needs a text or a number, not true or false"),
    Case("to_number of null", "to_number", None, "to_number needs a text or a number, not null"),
    Case("to_text of null", "to_text", None, "to_text needs a text, a number, true or false, not null"),
    Case("to_text of a list", "to_text", [], "to_text needs a text, a number, true or false, not a list"),
    Case("to_text of no number", "to_text", math.nan, "this number is not finite"),
    Case("to_text of too many digits", "to_text", 10**5000, "this number has too many digits"),
    Case("round beyond 64 bits", "round:-10", 2**63 - 1, "round needs a number of ordinary size"),
    Case("abs of the least whole number", "abs", -(2**63), "abs needs a number of ordinary size"),
    Case("to_number of 65 bits", "to_number", "9223372036854775808", ORDINARY),
]


@pytest.mark.parametrize("case", REFUSES, ids=lambda case: case.name)
def test_a_number_filter_refuses(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(case.pipe, case.value)
    assert caught.value.message == case.expect


LOCALE = 'needs a known locale such as "de" or "en-US"'
PLACES = "needs a whole number from 0 to 15 as the decimal places"
CODE = 'currency needs a currency code such as "EUR" or "USD"'

ARGUMENTS = [
    ("round", [16], "round needs a whole number from -10 to 15 as the decimal places"),
    ("round", [-11], "round needs a whole number from -10 to 15 as the decimal places"),
    ("round", ["2"], "round needs a whole number from -10 to 15 as the decimal places"),
    ("number", [2], f"number {LOCALE}"),
    ("number", ["de", -1], f"number {PLACES}"),
    ("number", ["de", 16], f"number {PLACES}"),
    ("number", ["de", 1e3], f"number {PLACES}"),
    ("percent", [True], f"percent {PLACES}"),
    ("percent", [0, None], f"percent {LOCALE}"),
    ("currency", ["EURO"], CODE),
    ("currency", ["XQX"], CODE),
    ("currency", ["ſßı"], CODE),
    ("currency", [978], CODE),
    ("currency", ["EUR", "xx"], f"currency {LOCALE}"),
]


@pytest.mark.parametrize(("name", "arguments", "expect"), ARGUMENTS)
def test_an_argument_that_never_fits_is_refused_when_compiled(
    name: str, arguments: list[Json], expect: str
) -> None:
    written = ", ".join(map(json.dumps, arguments)).replace("1000.0", "1e3")
    with pytest.raises(TemplateError) as caught:
        compile_template("{{ v | " + f"{name}:{written}" + " }}")
    assert caught.value.message == expect


@pytest.mark.parametrize(("name", "arguments", "expect"), ARGUMENTS)
def test_an_argument_that_does_not_fit_is_refused_when_rendered(
    name: str, arguments: list[Json], expect: str
) -> None:
    paths = ", ".join(f"a[{index}]" for index in range(len(arguments)))
    with pytest.raises(TemplateError) as caught:
        rendered(f"{name}:{paths}", 1, arguments)
    assert caught.value.message == expect


NO_LOCALES: list[Json] = [
    "",
    "xx",
    "de_XX",
    "german",
    "de ",
    "../de",
    "de/../en",
    "de.dat",
    "de@euro",
    "de_DE.UTF-8",
    "_",
    "de-",
]
NO_LOCALES += ["d" * 36, "d" * 1_000_000, "dé", "de\n", "de\x00", "12", "con", "{0}", None, True, ["de"]]


@pytest.mark.parametrize("locale", NO_LOCALES, ids=lambda one: repr(one)[:20])
def test_a_locale_that_is_not_known_is_refused_without_being_quoted(locale: Json) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered("number:a", 1, locale)
    assert caught.value.message == f"number {LOCALE}"


@pytest.mark.parametrize(
    "locale", ["en", "en-US", "en_GB", "de", "de-DE", "fr", "pl", "ar", "hi", "zh-TW", "sr-Latn-RS"]
)
def test_every_locale_writes_latin_digits(locale: str) -> None:
    for pipe in ["number:a, 2", "currency:'EUR', a", "percent:1, a"]:
        written = str(rendered(pipe, 0.5, locale))
        assert "5" in written
        assert "¤" not in written
        assert all(one.isascii() for one in written if one.isdigit())


FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)


@given(FINITE, st.integers(-10, 15))
def test_rounding_moves_by_half_a_unit_at_most_and_only_once(value: float, places: int) -> None:
    pipe = f"round:{places}"
    try:
        rounded = rendered(pipe, value)
    except TemplateError:
        assert isinstance(value, int)
        assert abs(value) > 2**63 - 10**10
        return
    with localcontext(prec=400):
        exact = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert rounded == (float(exact) if isinstance(rounded, float) else int(exact))
    assert rendered(pipe, rounded) == rounded


@given(FINITE, st.integers(0, 15))
def test_a_number_written_for_a_locale_reads_back(value: float, places: int) -> None:
    text = str(rendered(f"number:'de', {places}", value))
    with localcontext(prec=400):
        exact = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert Decimal(text.replace(".", "").replace(",", ".")) == exact
    assert len(text.partition(",")[2]) == places
    assert not text.startswith("-0") or exact


@given(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_made_text_is_the_same_number_again(value: float) -> None:
    assert rendered("to_text | to_number", value) == value


@pytest.mark.parametrize("pipe", ["number:'de'", "currency:'EUR', 'de'", "percent"])
def test_formatting_is_charged(pipe: str) -> None:
    assert rendered(pipe, 1.5, limits=Limits(output_chars=120))
    with pytest.raises(TemplateLimitError):
        rendered(pipe, 1.5, limits=Limits(output_chars=90))


def test_a_long_text_is_charged_before_it_is_read_as_a_number() -> None:
    with pytest.raises(TemplateLimitError):
        rendered("to_number", "1" * 101, limits=Limits(output_chars=100))
    with pytest.raises(TemplateError, match="plain number"):
        rendered("to_number", "1" * 900_000)
