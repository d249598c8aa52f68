"""The date filters: what each gives and refuses, around the days on which calendars and clocks are odd."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.filters import date_tokens
from revolution_hub.template.limits import DEFAULT, Limits, Run
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    name: str
    value: Json
    pipe: str
    expect: Json


def render(value: Json, pipe: str, now: datetime | None = NOW) -> Json:
    return compile_template("{{ v | " + pipe + " }}").render_in(Run({"v": value}, DEFAULT, now))


def berlin(at: str) -> Json:
    return {"dateTime": at, "timeZone": "Europe/Berlin"}


AT = "2026-03-05T07:08:09.0126Z"
EVENING = "2026-11-23T18:45:00+01:00"

TOKENS = [
    ("YYYY", "2026"),
    ("YY", "26"),
    ("Q", "1"),
    ("MMMM", "March"),
    ("MMM", "Mar"),
    ("MM", "03"),
    ("M", "3"),
    ("DD", "05"),
    ("D", "5"),
    ("Do", "5th"),
    ("dddd", "Thursday"),
    ("ddd", "Thu"),
    ("dd", "Th"),
    ("d", "4"),
    ("HH", "07"),
    ("H", "7"),
    ("hh", "07"),
    ("h", "7"),
    ("mm", "08"),
    ("m", "8"),
    ("ss", "09"),
    ("s", "9"),
    ("SSS", "012"),
    ("A", "AM"),
    ("a", "am"),
    ("Z", "+00:00"),
    ("ZZ", "+0000"),
    ("z", "UTC"),
    ("X", "1772694489"),
    ("x", "1772694489012"),
    ("GGGG", "2026"),
    ("WW", "10"),
    ("W", "10"),
    ("T", "T"),
]


@pytest.mark.parametrize(("token", "expect"), TOKENS)
def test_a_token_writes(token: str, expect: str) -> None:
    assert render(AT, f'format:"{token}"') == expect


def test_every_token_is_in_the_table_above() -> None:
    assert {token for token, _ in TOKENS} == set(date_tokens.TOKENS)


FORMATTED = [
    Case("evening, 12 hours", EVENING, 'format:"hh:mm A, h a"', "06:45 PM, 6 pm"),
    Case("midnight is 12 AM", "2026-11-23T00:05", 'format:"h:mm A"', "12:05 AM"),
    Case("noon is 12 PM", "2026-11-23T12:05", 'format:"h:mm A"', "12:05 PM"),
    Case("Sunday is 0", "2026-11-22", 'format:"d"', "0"),
    Case("Saturday is 6", "2026-11-21", 'format:"d"', "6"),
    Case("German names", EVENING, 'format:"dddd ddd dd MMMM MMM","de"', "Montag Mo. Mo. November Nov."),
    Case("German March", "2026-03-01", 'format:"D. MMMM, dddd","de"', "1. März, Sonntag"),
    Case("a name within a date, not alone", "2026-11-23", 'format:"D MMMM","ru"', "23 ноября"),
    Case("a regional locale", "2026-01-23", 'format:"MMMM","de-AT"', "Jänner"),
    Case("English ordinals", "2026-11-01", 'format:"Do"', "1st"),
    Case("English 2nd", "2026-11-22", 'format:"Do"', "22nd"),
    Case("English 3rd", "2026-11-03", 'format:"Do"', "3rd"),
    Case("English 11th, not 11st", "2026-11-11", 'format:"Do"', "11th"),
    Case("English 13th, not 13rd", "2026-11-13", 'format:"Do","en-GB"', "13th"),
    Case("German ordinal", "2026-11-22", 'format:"Do MMMM","de"', "22. November"),
    Case("French first", "2026-11-01", 'format:"Do MMMM","fr"', "1er novembre"),
    Case("French second", "2026-11-02", 'format:"Do MMMM","fr"', "2 novembre"),
    Case("Spanish has plain days", "2026-11-02", 'format:"Do [de] MMMM","es"', "2 de noviembre"),
    Case("text in brackets", EVENING, 'format:"[um] HH [Uhr, YYYY]"', "um 18 Uhr, YYYY"),
    Case("empty brackets", EVENING, 'format:"HH[]mm"', "1845"),
    Case("brackets hold an opening one", EVENING, 'format:"[[]HH]"', "[18]"),
    Case("tokens side by side", EVENING, 'format:"YYYYMMDDTHHmmss"', "20261123T184500"),
    Case("punctuation and digits pass", EVENING, 'format:"D/M – 100% {0} \\\\ %"', "23/11 – 100% {0} \\ %"),
    Case("other scripts pass", EVENING, 'format:"YYYY年M月D日"', "2026年11月23日"),
    Case("an empty pattern", EVENING, 'format:""', ""),
    Case("January is quarter 1", "2026-01-01", 'format:"Q"', "1"),
    Case("December is quarter 4", "2026-12-31", 'format:"Q"', "4"),
    Case("week 53", "2026-12-31", 'format:"GGGG-[W]WW"', "2026-W53"),
    Case("week 53 in the next year", "2027-01-03", 'format:"YYYY GGGG-[W]WW"', "2027 2026-W53"),
    Case("week 1", "2027-01-04", 'format:"WW W"', "01 1"),
    Case("leap day", "2028-02-29", 'format:"D.M.YY"', "29.2.28"),
    Case("the first year", "0001-01-01", 'format:"YYYY YY"', "0001 01"),
    Case("the last moment", "9999-12-31T23:59:59.999999Z", 'format:"YYYY SSS"', "9999 999"),
    Case("an offset east", EVENING, 'format:"Z ZZ z"', "+01:00 +0100 UTC+01:00"),
    Case("an offset west", "2026-11-23T18:45-03:30", 'format:"Z ZZ z"', "-03:30 -0330 UTC-03:30"),
    Case("a zone with an abbreviation", berlin("2026-07-01T12:00"), 'format:"HH:mm z"', "12:00 CEST"),
    Case("a zone without one", EVENING, 'format:"HH z","en","America/Sao_Paulo"', "14 UTC-03:00"),
    Case("a zone given", EVENING, 'format:"HH:mm z","de","America/New_York"', "12:45 EST"),
    Case("a plain date stays in every zone", "2026-11-23", 'format:"D HH","en","America/New_York"', "23 00"),
    Case("before 1970", "1969-12-31T23:59:59.5Z", 'format:"X x"', "-1 -500"),
    Case(
        "before spring forward",
        "2026-03-29T00:59:59Z",
        'format:"HH:mm:ss z","en","Europe/Berlin"',
        "01:59:59 CET",
    ),
    Case(
        "after spring forward",
        "2026-03-29T01:00:00Z",
        'format:"HH:mm:ss z","en","Europe/Berlin"',
        "03:00:00 CEST",
    ),
    Case(
        "before fall back",
        "2026-10-25T00:59:59Z",
        'format:"HH:mm:ss Z","en","Europe/Berlin"',
        "02:59:59 +02:00",
    ),
    Case(
        "after fall back",
        "2026-10-25T01:00:00Z",
        'format:"HH:mm:ss Z","en","Europe/Berlin"',
        "02:00:00 +01:00",
    ),
    Case("a far summer", "2150-07-01T12:00:00Z", 'format:"HH z","en","Europe/Berlin"', "14 CEST"),
    Case(
        "before standard time",
        "1800-01-01T00:00Z",
        'format:"HH:mm:ss Z","en","Europe/Berlin"',
        "00:53:00 +00:53",
    ),
]

READ = [
    Case("a date", "2026-11-23", "to_epoch", 1795392000),
    Case("without seconds", "2026-11-23T14:30Z", "to_epoch", 1795444200),
    Case("without a zone, as UTC", "2026-11-23T14:30:00", "to_epoch", 1795444200),
    Case("a space instead of T", "2026-11-23 14:30:00Z", "to_epoch", 1795444200),
    Case("small letters", "2026-11-23t14:30:00z", "to_epoch", 1795444200),
    Case("an offset", "2026-11-23T15:30:00+01:00", "to_epoch", 1795444200),
    Case("an offset without a colon", "2026-11-23T09:00:00-0530", "to_epoch", 1795444200),
    Case("an offset of hours", "2026-11-23T15:30:00+01", "to_epoch", 1795444200),
    Case("a fraction", "2026-11-23T14:30:00.25Z", "to_epoch", 1795444200.25),
    Case("a fraction with a comma", "2026-11-23T14:30:00,5Z", "to_epoch", 1795444200.5),
    Case("seven digits, as Microsoft sends", "2026-11-23T14:30:00.0000000", "to_epoch", 1795444200),
    Case("nine digits are cut", "2026-11-23T14:30:00.000001999Z", "to_epoch", 1795444200.000001),
    Case("seconds", 1795444200, "to_epoch", 1795444200),
    Case("seconds with a fraction", 1795444200.5, "to_epoch", 1795444200.5),
    Case("a whole float", 1795444200.0, "to_epoch", 1795444200),
    Case("milliseconds", 1795444200000, "to_epoch", 1795444200),
    Case("milliseconds with a rest", 1795444200250, "to_epoch", 1795444200.25),
    Case("the last seconds", 99_999_999_999, 'format:"YYYY"', "5138"),
    Case("the first milliseconds", 100_000_000_000, 'format:"YYYY-MM-DD"', "1973-03-03"),
    Case("zero", 0, 'format:"YYYY-MM-DD HH"', "1970-01-01 00"),
    Case("negative seconds", -86400, 'format:"YYYY-MM-DD"', "1969-12-31"),
    Case("negative milliseconds", -200_000_000_000, 'format:"YYYY-MM-DD"', "1963-08-31"),
    Case("an object with an offset", {"dateTime": "2026-11-23T15:30:00+01:00"}, "to_epoch", 1795444200),
    Case("an object with a zone", berlin("2026-11-23T15:30:00"), "to_epoch", 1795444200),
    Case("an offset overrules the zone", berlin("2026-11-23T14:30:00Z"), 'format:"HH:mm z"', "15:30 CET"),
    Case(
        "an object without a zone", {"dateTime": "2026-11-23T14:30", "timeZone": None}, "to_epoch", 1795444200
    ),
    Case("an object of a day", {"date": "2026-11-23", "dateTime": None}, 'date_add:0,"days"', "2026-11-23"),
    Case("an object of a day in dateTime", berlin("2026-11-23"), 'date_add:0,"days"', "2026-11-23"),
    Case("a skipped time moves ahead", berlin("2026-03-29T02:30"), 'format:"HH:mm Z"', "03:30 +02:00"),
    Case("a repeated time is the first", berlin("2026-10-25T02:30"), 'format:"HH:mm Z"', "02:30 +02:00"),
]

ADDED = [
    Case("a second", "2026-12-31T23:59:59Z", 'date_add:1,"second"', "2027-01-01T00:00:00Z"),
    Case("minutes", "2026-11-23T14:30Z", 'date_add:-45,"minutes"', "2026-11-23T13:45:00Z"),
    Case("hours keep the offset", EVENING, 'date_add:6,"hours"', "2026-11-24T00:45:00+01:00"),
    Case("a day to a date", "2026-12-31", 'date_add:1,"day"', "2027-01-01"),
    Case("a week to a date", "2028-02-23", 'date_add:1,"week"', "2028-03-01"),
    Case("hours to a date", "2026-11-23", 'date_add:9,"hours"', "2026-11-23T09:00:00Z"),
    Case(
        "hours to a date in a zone",
        "2026-11-23",
        'date_add:9,"hours","Europe/Berlin"',
        "2026-11-23T09:00:00+01:00",
    ),
    Case("a day to a date in a zone", "2026-11-23", 'date_add:1,"day","Europe/Berlin"', "2026-11-24"),
    Case("a month is clamped", "2026-01-31", 'date_add:1,"month"', "2026-02-28"),
    Case("a month in a leap year", "2028-01-31", 'date_add:1,"month"', "2028-02-29"),
    Case("a month back", "2026-03-31", 'date_add:-1,"month"', "2026-02-28"),
    Case("a month over the year", "2026-12-15", 'date_add:1,"month"', "2027-01-15"),
    Case("months back over the year", "2026-01-15", 'date_add:-13,"months"', "2024-12-15"),
    Case("a year from a leap day", "2028-02-29", 'date_add:1,"year"', "2029-02-28"),
    Case("four years from a leap day", "2028-02-29", 'date_add:4,"years"', "2032-02-29"),
    Case(
        "a month keeps the time", "2026-01-31T10:00:00.5Z", 'date_add:1,"month"', "2026-02-28T10:00:00.500Z"
    ),
    Case(
        "microseconds stay", "2026-01-31T10:00:00.000001Z", 'date_add:1,"day"', "2026-02-01T10:00:00.000001Z"
    ),
    Case("an epoch number", 1795444200, 'date_add:1,"day"', "2026-11-24T14:30:00Z"),
    Case(
        "a day over spring forward",
        berlin("2026-03-28T09:00"),
        'date_add:1,"day"',
        "2026-03-29T09:00:00+02:00",
    ),
    Case("24 hours over it", berlin("2026-03-28T09:00"), 'date_add:24,"hours"', "2026-03-29T10:00:00+02:00"),
    Case("a day over fall back", berlin("2026-10-24T09:00"), 'date_add:1,"day"', "2026-10-25T09:00:00+01:00"),
    Case(
        "24 hours over that", berlin("2026-10-24T09:00"), 'date_add:24,"hours"', "2026-10-25T08:00:00+01:00"
    ),
    Case("a month over it", berlin("2026-03-28T09:00"), 'date_add:1,"month"', "2026-04-28T09:00:00+02:00"),
    Case(
        "a day onto a skipped time",
        berlin("2026-03-28T02:30"),
        'date_add:1,"day"',
        "2026-03-29T03:30:00+02:00",
    ),
    Case(
        "a day onto a repeated time",
        berlin("2026-10-24T02:30"),
        'date_add:1,"day"',
        "2026-10-25T02:30:00+02:00",
    ),
    Case(
        "nothing to a repeated time",
        berlin("2026-10-25T01:30Z"),
        'date_add:0,"days"',
        "2026-10-25T02:30:00+01:00",
    ),
    Case(
        "a zone given", "2026-03-28T08:00Z", 'date_add:1,"day","Europe/Berlin"', "2026-03-29T09:00:00+02:00"
    ),
    Case(
        "without it, a day has 24 hours",
        "2026-03-28T09:00+01:00",
        'date_add:1,"day"',
        "2026-03-29T09:00:00+01:00",
    ),
    Case(
        "before standard time", "1800-01-01T00:00Z", 'timezone:"Europe/Berlin"', "1800-01-01T00:53:00+00:53"
    ),
]

COUNTED = [
    Case("seconds", "2026-11-23T14:30:01Z", 'date_diff:"2026-11-23T14:30Z","seconds"', 1),
    Case("a fraction", "2026-11-23T14:30:00.5Z", 'date_diff:"2026-11-23T14:30Z","second"', 0.5),
    Case("minutes over offsets", EVENING, 'date_diff:"2026-11-23T17:00Z","minutes"', 45),
    Case("hours with a fraction", EVENING, 'date_diff:"2026-11-23T17:00Z","hours"', 0.75),
    Case("an earlier date is negative", "2026-11-20", 'date_diff:"2026-11-23","days"', -3),
    Case("days over a leap day", "2028-03-01", 'date_diff:"2028-02-28","days"', 2),
    Case("weeks", "2026-12-07", 'date_diff:"2026-11-23","weeks"', 2),
    Case("an epoch and a date", 1795392000, 'date_diff:"2026-11-22","days"', 1),
    Case("equal moments", EVENING, 'date_diff:"2026-11-23T17:45Z","days"', 0),
]

ZONED = [
    Case("winter", "2026-11-23T14:30Z", 'timezone:"Europe/Berlin"', "2026-11-23T15:30:00+01:00"),
    Case("summer", "2026-07-23T14:30Z", 'timezone:"Europe/Berlin"', "2026-07-23T16:30:00+02:00"),
    Case("to UTC", EVENING, 'timezone:"UTC"', "2026-11-23T17:45:00Z"),
    Case("an offset of zero", EVENING, 'timezone:"Europe/London"', "2026-11-23T17:45:00Z"),
    Case("three quarters of an hour", EVENING, 'timezone:"Asia/Kathmandu"', "2026-11-23T23:30:00+05:45"),
    Case(
        "a name of three parts", EVENING, 'timezone:"America/Argentina/Ushuaia"', "2026-11-23T14:45:00-03:00"
    ),
    Case("a plain date stays", "2026-11-23", 'timezone:"America/New_York"', "2026-11-23"),
    Case("an epoch number", 1795444200000, 'timezone:"Asia/Tokyo"', "2026-11-23T23:30:00+09:00"),
]

RELATIVE = [
    Case("now", "2026-11-23T14:30Z", "relative", "in 0 seconds"),
    Case("a second ago", "2026-11-23T14:29:59Z", "relative", "1 second ago"),
    Case("59 seconds", "2026-11-23T14:30:59Z", "relative", "in 59 seconds"),
    Case("nearly a minute", "2026-11-23T14:30:59.6Z", "relative", "in 1 minute"),
    Case("90 seconds round up", "2026-11-23T14:31:30Z", "relative", "in 2 minutes"),
    Case("three hours", "2026-11-23T11:30Z", "relative", "3 hours ago"),
    Case("three hours in German", "2026-11-23T11:30Z", 'relative:"de"', "vor 3 Stunden"),
    Case("one hour in German", "2026-11-23T13:30Z", 'relative:"de"', "vor 1 Stunde"),
    Case("23 hours", "2026-11-24T13:30Z", "relative", "in 23 hours"),
    Case("a moment less than two days", "2026-11-25T14:29:59Z", "relative", "in 2 days"),
    Case("29 days", "2026-12-22T14:30Z", "relative", "in 29 days"),
    Case("30 days", "2026-12-23T14:30Z", "relative", "in 1 month"),
    Case("eleven months", "2025-12-23T14:30Z", "relative", "11 months ago"),
    Case("a year", "2027-11-23T14:30Z", "relative", "in 1 year"),
    Case("centuries", "1026-11-23T14:30Z", 'relative:"de"', "vor 1000 Jahren"),
    Case("the plural of a language that has several", "2026-11-25T14:30Z", 'relative:"pl"', "za 2 dni"),
    Case("another zone", "2026-11-23T15:30+01:00", "relative", "in 0 seconds"),
    Case("a plain date counts days", "2026-11-25", "relative", "in 2 days"),
    Case("a first hour that UTC lacks", "0001-01-01T00:00+14:00", "relative", "2026 years ago"),
    Case("a last hour that UTC lacks", "9999-12-31T23:59-14:00", "relative", "in 7973 years"),
    Case("yesterday as a plain date", "2026-11-22", 'relative:"de"', "vor 1 Tag"),
    Case("today as a plain date", "2026-11-23", "relative", "in 0 days"),
]


@pytest.mark.parametrize(
    "case",
    [*FORMATTED, *READ, *ADDED, *COUNTED, *ZONED, *RELATIVE],
    ids=lambda case: f"{case.pipe} {case.name}",
)
def test_a_date_filter_gives(case: Case) -> None:
    given_ = render(case.value, case.pipe)
    assert (type(given_), given_) == (type(case.expect), case.expect)


def test_date_diff_of_two_moments_in_one_zone_counts_the_hour_that_the_clocks_skip() -> None:
    scope = {"start": berlin("2026-03-28T12:00"), "end": berlin("2026-03-29T12:00")}
    assert compile_template('{{ end | date_diff:start,"hours" }}').render(scope) == 23


def test_relative_needs_the_present_moment() -> None:
    with pytest.raises(TemplateError, match="the present moment, which is not known here"):
        render("2026-11-23", "relative", now=None)


def test_a_pattern_is_charged_for_what_it_makes() -> None:
    template = compile_template('{{ v | format:"' + "d," * 100 + '" }}')
    with pytest.raises(TemplateLimitError):
        template.render({"v": "2026-11-23"}, Limits(output_chars=1_000))


def test_the_caches_stay_bounded() -> None:
    for count in range(date_tokens.MOST_CACHED + 100):
        date_tokens.compiled(f"D {count}")
    assert date_tokens._compiled.cache_info().currsize <= date_tokens.MOST_CACHED
