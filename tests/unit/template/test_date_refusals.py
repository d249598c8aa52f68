"""What the date filters refuse, when a template is compiled and when it is rendered; no error quotes data."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from revolution_hub.errors import TemplateError
from revolution_hub.template.limits import DEFAULT, Run
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
AT = "2026-03-05T07:08:09.0126Z"


@dataclass(frozen=True)
class Case:
    name: str
    value: Json
    pipe: str
    expect: Json


def render(value: Json, pipe: str) -> Json:
    return compile_template("{{ v | " + pipe + " }}").render_in(Run({"v": value}, DEFAULT, NOW))


ISO_HINT = "needs a date: ISO 8601 text such as 2026-11-23T14:30:00Z, an epoch number or a date object"
NO_SUCH_DAY = "needs a date that exists, in the years 1 to 9999"

REFUSED = [
    Case("null", None, "to_epoch", f"to_epoch {ISO_HINT}, not null"),
    Case("true", True, "to_epoch", f"to_epoch {ISO_HINT}, not true or false"),
    Case("a list", [2026, 11, 23], 'format:"D"', f"format {ISO_HINT}, not a list"),
    Case("an empty object", {}, "relative", f"relative {ISO_HINT} with dateTime or date"),
    Case("an object of a number", {"dateTime": 1}, "to_epoch", f"{ISO_HINT} with dateTime or date"),
    Case("an object with a time as date", {"date": "2026-11-23T10:00"}, "to_epoch", ISO_HINT),
    Case(
        "an object with an unknown zone",
        {"dateTime": AT, "timeZone": "W. Europe Standard Time"},
        "to_epoch",
        "whose timeZone is known",
    ),
    Case(
        "an object with a number as zone",
        {"dateTime": AT, "timeZone": 1},
        "to_epoch",
        "whose timeZone is known",
    ),
    Case(
        "an object with a path as zone",
        {"dateTime": AT, "timeZone": "../../etc/passwd"},
        "to_epoch",
        "whose timeZone is known",
    ),
    Case(
        "an object beyond the calendar",
        {"dateTime": "9999-12-31T23:00", "timeZone": "America/New_York"},
        "to_epoch",
        NO_SUCH_DAY,
    ),
    Case("a phone number", "491701234567", "to_epoch", "a text of digits is none, an epoch is a number"),
    Case("a phone number with a plus", "+491701234567", 'timezone:"UTC"', "a text of digits is none"),
    Case("an epoch as text", "1795444200", 'format:"D"', "a text of digits is none, an epoch is a number"),
    Case("a German date", "23.11.2026", "to_epoch", f"{ISO_HINT}, not another text"),
    Case("a month", "2025-10", "to_epoch", "not another text"),
    Case("a time", "15:45", "to_epoch", "not another text"),
    Case("an empty text", "", "to_epoch", "not another text"),
    Case("a line break behind", "2026-11-23\n", "to_epoch", "not another text"),
    Case("digits of another script", "２０２６-11-23", "to_epoch", "not another text"),
    Case("a long text", "2026-11-23T14:30:00." + "0" * 1000, "to_epoch", "not another text"),
    Case("February 30", "2026-02-30", "to_epoch", NO_SUCH_DAY),
    Case("February 29 in another year", "2026-02-29", "to_epoch", NO_SUCH_DAY),
    Case("year 0", "0000-01-01", "to_epoch", NO_SUCH_DAY),
    Case("25 o'clock", "2026-11-23T25:00Z", "to_epoch", NO_SUCH_DAY),
    Case("an offset of 24 hours", "2026-11-23T10:00+24:00", "to_epoch", NO_SUCH_DAY),
    Case("an offset of 60 minutes", "2026-11-23T10:00+01:60", "to_epoch", NO_SUCH_DAY),
    Case("a number beyond the calendar", 10**18, "to_epoch", NO_SUCH_DAY),
    Case("a number of no size", 10**400, "to_epoch", NO_SUCH_DAY),
    Case("infinity", float("inf"), "to_epoch", NO_SUCH_DAY),
    Case("not a number", float("nan"), "to_epoch", NO_SUCH_DAY),
    Case("past the last year", "9999-12-31", 'date_add:1,"day"', "leaves the years 1 to 9999"),
    Case("past it by months", "9999-12-31", 'date_add:1,"month"', "leaves the years 1 to 9999"),
    Case(
        "past it by very much", "2026-11-23", 'date_add:1000000000000,"years"', "leaves the years 1 to 9999"
    ),
    Case("past it by weeks", "2026-11-23", 'date_add:1000000000000,"weeks"', "leaves the years 1 to 9999"),
    Case("before the first year", "0001-01-01T00:00Z", 'date_add:-1,"second"', "leaves the years 1 to 9999"),
    Case(
        "a zone before the first year",
        "0001-01-01T00:00Z",
        'timezone:"America/New_York"',
        "timezone leaves the years",
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_date_filter_refuses_a_value_and_never_quotes_it(case: Case) -> None:
    with pytest.raises(TemplateError) as caught:
        render(case.value, case.pipe)
    assert str(case.expect) in caught.value.message
    if isinstance(case.value, str) and len(case.value) > 3:
        assert case.value not in caught.value.message


WRITTEN_WRONG = [
    ('format:"DD.MM.YYYY Uhr"', "Uhr is no token of a date pattern; literal text stands in brackets: [Uhr]"),
    ('format:"MMMM D at HH:mm"', "at is no token"),
    ('format:"[ok] für"', "für is no token"),
    ('format:"yyyy-MM-DD"', "yyyy is no token of a date pattern; the year is YYYY"),
    ('format:"YYYYY"', "YYYYY is no token"),
    ('format:"YYY"', "YYY is no token"),
    ('format:"MMMMM"', "MMMMM is no token"),
    ('format:"DDD"', "DDD is no token"),
    ('format:"DDo"', "DDo is no token"),
    ('format:"SS"', "SS is no token"),
    ('format:"hhh"', "hhh is no token"),
    ('format:"TT"', "TT is no token"),
    ('format:"%Y"', "Y is no token"),
    ('format:"{0.__class__}"', "class is no token"),
    ('format:"' + "b" * 150 + '"', "b" * 40 + "… is no token"),
    ('format:"HH [Uhr"', "a [ in a date pattern needs its ] behind it"),
    ('format:"' + "D" * 201 + '"', "a date pattern has at most 200 characters"),
    ("format:5", "a date pattern is a text"),
    ('format:"D","xx-nowhere"', "locale"),
    ('format:"D","en","Berlin"', "did you mean Europe/Berlin?"),
    ('date_add:1,"fortnight"', "the unit is one of seconds, minutes, hours, days, weeks, months, years"),
    ('date_add:1,"dayss"', "did you mean days?"),
    ('date_add:"1","day"', "the amount is a whole number"),
    ('date_add:1.5,"day"', "the amount is a whole number"),
    ('date_add:true,"day"', "the amount is a whole number"),
    ('date_add:1000000000001,"day"', "at most 1,000,000,000,000"),
    ('date_add:1,"day","Mars/Olympus"', "there is no time zone of this name"),
    ('date_diff:"2026-11-23","moths"', "the unit is one of seconds, minutes, hours, days, weeks"),
    (
        'date_diff:"2026-11-23","months"',
        "months and years differ in length; the unit is one of seconds, minutes",
    ),
    ('date_diff:"23.11.2026","days"', f"date_diff {ISO_HINT}, not another text"),
    ('timezone:"europe/berlin"', "did you mean Europe/Berlin?"),
    ('timezone:"new york"', "did you mean America/New_York?"),
    ('timezone:"../../etc/passwd"', "there is no time zone of this name; write the name of a time zone"),
    ('timezone:"/etc/passwd"', "there is no time zone of this name"),
    ('timezone:"Europe"', "there is no time zone of this name"),
    ('timezone:"Europe/../Europe/Berlin"', "there is no time zone of this name"),
    ('timezone:"Europe/Berlin\\u0000"', "there is no time zone of this name"),
    ('timezone:""', "there is no time zone of this name"),
    ('timezone:"+02:00"', "there is no time zone of this name"),
    ("timezone:1", "this should be the name of a time zone such as Europe/Berlin"),
    ('relative:"xx-nowhere"', "locale"),
]


@pytest.mark.parametrize(("pipe", "expect"), WRITTEN_WRONG)
def test_an_argument_that_is_written_wrong_is_refused_when_compiled(pipe: str, expect: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template("{{ v | " + pipe + " }}")
    assert expect in caught.value.message


CANARY = "canary_4711"

GIVEN_WRONG: list[tuple[str, Json, str]] = [
    ("format:x", CANARY, "format needs a pattern such as YYYY-MM-DD HH:mm, other words in [brackets]"),
    ("format:x", "D" * 201, "format needs a pattern"),
    ("format:x", 5, "format needs a text as its pattern, not a number"),
    ('format:"D","en",x', CANARY, "format needs the name of a time zone"),
    ('date_add:x,"days"', CANARY, "date_add needs a whole number"),
    ("date_add:1,x", CANARY, "date_add needs a unit; the unit is one of"),
    ("date_add:1,x", 5, "date_add needs a unit"),
    (
        'date_add:1,"day",x',
        "../../etc/passwd",
        "date_add needs the name of a time zone such as Europe/Berlin",
    ),
    ('date_diff:x,"days"', CANARY, f"date_diff {ISO_HINT}"),
    ('date_diff:"2026-11-23",x', "months", "date_diff needs a unit"),
    ("timezone:x", "../../etc/passwd", "timezone needs the name of a time zone such as Europe/Berlin"),
    ("timezone:x", None, "timezone needs the name of a time zone"),
    ("relative:x", CANARY, "locale"),
]


@pytest.mark.parametrize(("pipe", "argument", "expect"), GIVEN_WRONG)
def test_an_argument_from_data_that_is_wrong_is_refused_and_never_quoted(
    pipe: str, argument: Json, expect: str
) -> None:
    template = compile_template("{{ v | " + pipe + " }}")
    with pytest.raises(TemplateError) as caught:
        template.render_in(Run({"v": "2026-11-23", "x": argument}, DEFAULT, NOW))
    assert expect in caught.value.message
    assert not isinstance(argument, str) or argument not in caught.value.message
