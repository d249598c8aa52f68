"""Filters that take numbers or make them. Rounding goes by the digits a number is written with."""

import re
from copy import copy
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import cache

from babel import Locale
from babel.numbers import NumberPattern, get_currency_precision, list_currencies

from revolution_hub.template.filters.complaints import complain_whole
from revolution_hub.template.filters.filter import (
    LARGEST_NUMBER,
    Example,
    Filter,
    argument_whole,
    is_ordinary,
    number_of,
)
from revolution_hub.template.filters.locale import DEFAULT_LOCALE, complain_locale, locale_of
from revolution_hub.template.limits import Run
from revolution_hub.template.output import scalar_text
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

LEAST_PLACES = -10
MOST_PLACES = 15
LONGEST_NUMBER_CHARS = 400

FORMAT_WORK = 100
"""Writing a number for a locale takes about as long as making this many characters."""

# The largest float has 309 digits before the point; half goes away from zero, as on an invoice.
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
# CLDR parts a currency's letters from its digits (UTS 35, currencySpacing); Babel does not.
_TOUCHING = re.compile(r"(?<=[^\W\d_])(?=[0-9])|(?<=[0-9])(?=[^\W\d_])")

_CURRENCY_REFUSAL = 'currency needs a currency code such as "EUR" or "USD"'


def round_(value: Json, arguments: tuple[Json, ...], _run: Run, place: Place) -> int | float:
    """Round a number to a whole one, or to so many decimal places; half goes away from zero."""
    given = number_of("round", value, place)
    wanted = (*arguments, 0)[0]
    places = argument_whole("round", "the decimal places", wanted, LEAST_PLACES, MOST_PLACES, place)
    rounded = _rounded(_decimal(given), places)
    fits = -LARGEST_NUMBER <= rounded < LARGEST_NUMBER
    if isinstance(given, float) and (places > 0 or not fits):
        return float(rounded)
    if not fits:
        raise place.error("round needs a number of ordinary size")
    return int(rounded)


def number(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a number as people of a locale do, with up to three decimal places or exactly as many as told."""
    given = number_of("number", value, place)
    locale = locale_of("number", (*arguments, DEFAULT_LOCALE)[0], place)
    pattern = locale.decimal_formats[None]
    places = (_places("number", arguments[1], place),) * 2 if len(arguments) > 1 else pattern.frac_prec
    return _written(given, _with_places(pattern, places), locale, run, place)


def currency(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write an amount of money as people of a locale do, with the decimal places of its currency."""
    given = number_of("currency", value, place)
    code = _currency_code(arguments[0])
    if code is None:
        raise place.error(_CURRENCY_REFUSAL)
    locale = locale_of("currency", (*arguments, DEFAULT_LOCALE)[1], place)
    places = get_currency_precision(code)
    pattern = _with_places(locale.currency_formats["standard"], (places, places))
    return _TOUCHING.sub("\u00a0", _written(given, pattern, locale, run, place, code))


def percent(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a share of one as a percentage, with no decimal places unless told."""
    given = number_of("percent", value, place)
    places = _places("percent", (*arguments, 0)[0], place)
    locale = locale_of("percent", arguments[1] if len(arguments) > 1 else DEFAULT_LOCALE, place)
    pattern = _with_places(locale.percent_formats[None], (places, places))
    return _written(given, pattern, locale, run, place)


def abs_(value: Json, _arguments: tuple[Json, ...], _run: Run, place: Place) -> int | float:
    """Write a number without its sign."""
    positive = abs(number_of("abs", value, place))
    if not is_ordinary(positive):
        raise place.error("abs needs a number of ordinary size")
    return positive


def to_number(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> int | float:
    """Make a number of a text that is written like one in JSON, such as "-12.5"; numbers stay as they are."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise place.error(f"to_number needs a text or a number, not {kind_of(value)}")
    if not isinstance(value, str):
        return number_of("to_number", value, place)
    run.work(len(value), place)
    found = _JSON_NUMBER.match(value) if len(value) <= LONGEST_NUMBER_CHARS else None
    if found is None:
        raise place.error("to_number needs a text that is a plain number and nothing else, such as -12.5")
    made = float(value) if found[1] or found[2] else int(value)
    if not is_ordinary(made):
        raise place.error("to_number needs a number of ordinary size")
    return made


def to_text(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Make a text of a number, true or false, as it would stand in the middle of a text."""
    if not isinstance(value, str | bool | int | float):
        raise place.error(f"to_text needs a text, a number, true or false, not {kind_of(value)}")
    text = value if isinstance(value, str) else scalar_text(value, place)
    run.work(len(text), place)
    return text


def _decimal(number: int | float) -> Decimal:
    """Return the number as it is written: 1.005 is that, and not the nearest binary fraction."""
    return Decimal(repr(number))


def _rounded(number: Decimal, places: int) -> Decimal:
    """Return the number with so many decimal places; zero has no sign."""
    return number.quantize(Decimal(1).scaleb(-places), context=_EXACT) or Decimal(0)


def _places(name: str, value: Json, place: Place) -> int:
    return argument_whole(name, "the decimal places", value, 0, MOST_PLACES, place)


def _with_places(pattern: NumberPattern, places: tuple[int, int]) -> NumberPattern:
    """Return a locale's own pattern with other decimal places, the least and the most."""
    adapted = copy(pattern)
    adapted.frac_prec = places
    return adapted


def _written(
    number: int | float,
    pattern: NumberPattern,
    locale: Locale,
    run: Run,
    place: Place,
    code: str | None = None,
) -> str:
    """Write a number by a pattern of its locale; `code` is the currency, if the pattern has one."""
    run.work(FORMAT_WORK, place)
    exact = _rounded(_decimal(number), pattern.frac_prec[1] + pattern.scale)
    with localcontext(_EXACT):
        text = str(pattern.apply(exact, locale, currency=code, currency_digits=False))
    run.work(len(text), place)
    return text


def _currency_code(value: Json) -> str | None:
    """Return the code of a known currency in capital letters, or None."""
    if not isinstance(value, str) or len(value) != 3:
        return None
    code = value.upper()
    return code if code in _currencies() else None


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def _complain_round(_index: int, value: Json) -> str | None:
    return complain_whole("round", "the decimal places", value, LEAST_PLACES, MOST_PLACES)


def _complain_number(index: int, value: Json) -> str | None:
    if index == 0:
        return complain_locale("number", value)
    return complain_whole("number", "the decimal places", value, 0, MOST_PLACES)


def _complain_currency(index: int, value: Json) -> str | None:
    if index == 1:
        return complain_locale("currency", value)
    return _CURRENCY_REFUSAL if _currency_code(value) is None else None


def _complain_percent(index: int, value: Json) -> str | None:
    if index == 1:
        return complain_locale("percent", value)
    return complain_whole("percent", "the decimal places", value, 0, MOST_PLACES)


NUMBERS: tuple[Filter, ...] = (
    Filter(
        name="round",
        function=round_,
        arguments=("digits?",),
        complaint=_complain_round,
        examples=(
            Example("{{ v | round }}", {"v": 2.5}, 3),
            Example("{{ v | round:2 }}", {"v": 1.005}, 1.01),
            Example("{{ v | round:-3 }}", {"v": 12_600}, 13_000),
        ),
    ),
    Filter(
        name="number",
        function=number,
        arguments=("locale?", "digits?"),
        complaint=_complain_number,
        examples=(
            Example('{{ v | number:"de" }}', {"v": 1234.5}, "1.234,5"),
            Example('{{ v | number:"en", 2 }}', {"v": 1234.5}, "1,234.50"),
        ),
    ),
    Filter(
        name="currency",
        function=currency,
        arguments=("code", "locale?"),
        complaint=_complain_currency,
        examples=(
            Example('{{ v | currency:"EUR", "de" }}', {"v": 1234.5}, "1.234,50\u00a0€"),
            Example('{{ v | currency:"USD" }}', {"v": -3}, "-$3.00"),
        ),
    ),
    Filter(
        name="percent",
        function=percent,
        arguments=("digits?", "locale?"),
        complaint=_complain_percent,
        examples=(
            Example("{{ v | percent }}", {"v": 0.256}, "26%"),
            Example('{{ v | percent:1, "de" }}', {"v": 0.256}, "25,6\u00a0%"),
        ),
    ),
    Filter(name="abs", function=abs_, examples=(Example("{{ v | abs }}", {"v": -2.5}, 2.5),)),
    Filter(
        name="to_number",
        function=to_number,
        examples=(Example("{{ v | to_number }}", {"v": "12.50"}, 12.5),),
    ),
    Filter(name="to_text", function=to_text, examples=(Example("{{ v | to_text }}", {"v": 12.0}, "12"),)),
)
