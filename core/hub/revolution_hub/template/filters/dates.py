"""Filters for dates and times.

Each takes ISO 8601 text, an epoch number (seconds; milliseconds from 100,000,000,000 on) or a date object
such as {"dateTime": "2026-11-23T14:30:00", "timeZone": "Europe/Berlin"} or {"date": "2026-11-23"}. A
date-time without a zone is read as UTC, and a plain date as its midnight in UTC where a moment is needed.
"""

from datetime import UTC

from revolution_hub.template.filters.date_math import (
    OF_THE_CLOCK,
    complain_unit,
    difference,
    moved,
    relative_text,
    unit_of,
)
from revolution_hub.template.filters.date_tokens import compiled
from revolution_hub.template.filters.filter import Example, Filter, argument_text, argument_whole
from revolution_hub.template.filters.locale import DEFAULT_LOCALE, complain_locale, locale_of
from revolution_hub.template.filters.moments import (
    Moment,
    epoch_microseconds,
    iso_date,
    iso_text,
    moment_of,
    read_moment,
    to_the_minute,
)
from revolution_hub.template.filters.zones import complain_zone, in_zone, zone_argument
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_sdk.types import Json

MOST_ADDED = 10**12
"""More of any unit than the calendar has."""


def format_date(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a date with a pattern such as "DD.MM.YYYY", in a language and a time zone if they are given.

    Day and month names are those of the language, English if none is given. Of a text with an offset the
    abbreviation of the zone is not known; z writes it for a date object, or with a time zone as argument.
    """
    moment = moment_of("format", value, run, place)
    parts = compiled(argument_text("format", "its pattern", arguments[0], run, place))
    if isinstance(parts, str):  # not what is wrong with it: it comes from data, which no error quotes
        raise place.error("format needs a pattern such as YYYY-MM-DD HH:mm, other words in [brackets]")
    locale = locale_of("format", arguments[1] if len(arguments) > 1 else DEFAULT_LOCALE, place)
    zone = zone_argument("format", arguments[2], place) if len(arguments) > 2 else None
    at = moment.at
    if zone is not None and not moment.is_date:
        at = in_zone("format", at, zone, place)
    at = to_the_minute(at)
    run.look(len(parts), place)
    return "".join([part if isinstance(part, str) else part(at, locale) for part in parts])


def complain_format(index: int, value: Json) -> str | None:
    """Say what is wrong with a written argument of `format`."""
    if index == 1:
        return complain_locale("format", value)
    if index == 2:
        return complain_zone(value)
    if not isinstance(value, str):
        return 'a date pattern is a text such as "DD.MM.YYYY"'
    parts = compiled(value)
    return parts if isinstance(parts, str) else None


def date_add(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Move a date by a number of seconds, minutes, hours, days, weeks, months or years.

    Gives ISO 8601; a plain date stays one if days or longer units are added. Those keep the time on the
    clock, in the zone of a date object or of the third argument; a text with an offset keeps the offset.
    Months and years end on the last day of a month that is too short.
    """
    moment = moment_of("date_add", value, run, place)
    amount = argument_whole("date_add", "the amount", arguments[0], -MOST_ADDED, MOST_ADDED, place)
    unit = unit_of(arguments[1], with_months=True)
    if unit is None:
        raise place.error(f"date_add needs a unit; {complain_unit(None, with_months=True)}")
    zone = zone_argument("date_add", arguments[2], place) if len(arguments) > 2 else None
    if moment.is_date and unit in OF_THE_CLOCK:
        moment = Moment(moment.at.replace(tzinfo=zone or UTC))
    elif zone is not None and not moment.is_date:
        moment = Moment(in_zone("date_add", moment.at, zone, place))
    try:
        later = moved(moment, amount, unit)
    except OverflowError as error:
        raise place.error("date_add leaves the years 1 to 9999") from error
    return iso_date(later.at) if later.is_date else iso_text(later.at)


def complain_add(index: int, value: Json) -> str | None:
    """Say what is wrong with a written argument of `date_add`."""
    if index == 1:
        return complain_unit(value, with_months=True)
    if index == 2:
        return complain_zone(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_ADDED
    return None if is_whole else f"the amount is a whole number of at most {MOST_ADDED:,}"


def date_diff(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> int | float:
    """Count the seconds, minutes, hours, days or weeks since another date; negative if that is later.

    The number is exact, with a fraction if it is not whole; `round` makes it whole. A day has 24 hours.
    """
    later = moment_of("date_diff", value, run, place)
    earlier = moment_of("date_diff", arguments[0], run, place)
    unit = unit_of(arguments[1], with_months=False)
    if unit is None:
        raise place.error(f"date_diff needs a unit; {complain_unit(None, with_months=False)}")
    return difference(later, earlier, unit)


def complain_diff(index: int, value: Json) -> str | None:
    """Say what is wrong with a written argument of `date_diff`."""
    if index == 1:
        return complain_unit(value, with_months=False)
    found = read_moment(value)
    return f"date_diff {found}" if isinstance(found, str) else None


def timezone(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Show a moment on the clocks of a time zone such as "Europe/Berlin"; a plain date stays as it is.

    Gives ISO 8601 with the offset that the zone has at that moment.
    """
    moment = moment_of("timezone", value, run, place)
    zone = zone_argument("timezone", arguments[0], place)
    return iso_date(moment.at) if moment.is_date else iso_text(in_zone("timezone", moment.at, zone, place))


def complain_timezone(_index: int, value: Json) -> str | None:
    """Say what is wrong with a written argument of `timezone`."""
    return complain_zone(value)


def relative(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Say how far a date is from now: "3 hours ago", "in 2 days", in a language if one is given.

    Rounded to the largest unit; a plain date counts whole days in UTC.
    """
    moment = moment_of("relative", value, run, place)
    locale = locale_of("relative", arguments[0] if arguments else DEFAULT_LOCALE, place)
    if run.now is None:
        raise place.error("relative counts from the present moment, which is not known here")
    return relative_text(moment, run.now, locale)


def complain_relative(_index: int, value: Json) -> str | None:
    """Say what is wrong with a written argument of `relative`."""
    return complain_locale("relative", value)


def to_epoch(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> int | float:
    """Count the seconds from 1970 in UTC to a date, with a fraction if there is one."""
    seconds, rest = divmod(epoch_microseconds(moment_of("to_epoch", value, run, place).at), 1_000_000)
    return seconds + rest / 1_000_000 if rest else seconds


_AT = {"at": "2026-11-23T14:30:00Z"}
_MEETING = {"start": {"dateTime": "2026-03-28T09:00:00", "timeZone": "Europe/Berlin"}}

DATES = (
    Filter(
        name="format",
        function=format_date,
        arguments=("pattern", "locale?", "timezone?"),
        complaint=complain_format,
        examples=(
            Example('{{ date | format:"DD.MM.YYYY" }}', {"date": "2026-11-23"}, "23.11.2026"),
            Example('{{ at | format:"dddd, D. MMMM YYYY","de" }}', _AT, "Montag, 23. November 2026"),
            Example('{{ at | format:"MMMM Do [at] h:mm a" }}', _AT, "November 23rd at 2:30 pm"),
            Example('{{ at | format:"HH:mm z","de","Europe/Berlin" }}', _AT, "15:30 CET"),
            Example('{{ created | format:"YYYY-MM-DD" }}', {"created": 1795444200000}, "2026-11-23"),
        ),
    ),
    Filter(
        name="date_add",
        function=date_add,
        arguments=("amount", "unit", "timezone?"),
        complaint=complain_add,
        examples=(
            Example('{{ at | date_add:90,"minutes" }}', _AT, "2026-11-23T16:00:00Z"),
            Example('{{ date | date_add:1,"month" }}', {"date": "2027-01-31"}, "2027-02-28"),
            Example('{{ start | date_add:1,"day" }}', _MEETING, "2026-03-29T09:00:00+02:00"),
        ),
    ),
    Filter(
        name="date_diff",
        function=date_diff,
        arguments=("other", "unit"),
        complaint=complain_diff,
        examples=(
            Example('{{ at | date_diff:"2026-11-23T13:00:00Z","hours" }}', _AT, 1.5),
            Example('{{ due | date_diff:today,"days" }}', {"due": "2026-12-24", "today": "2026-11-23"}, 31),
        ),
    ),
    Filter(
        name="timezone",
        function=timezone,
        arguments=("name",),
        complaint=complain_timezone,
        examples=(
            Example('{{ at | timezone:"Europe/Berlin" }}', _AT, "2026-11-23T15:30:00+01:00"),
            Example('{{ at | timezone:"Asia/Tokyo" | format:"HH:mm" }}', _AT, "23:30"),
        ),
    ),
    Filter(
        name="relative",
        function=relative,
        arguments=("locale?",),
        complaint=complain_relative,
        examples=(
            Example("{{ at | relative }}", {"at": "2026-11-23T11:30:00Z"}, "3 hours ago"),
            Example('{{ at | relative:"de" }}', {"at": "2026-11-25T14:30:00Z"}, "in 2 Tagen"),
        ),
    ),
    Filter(name="to_epoch", function=to_epoch, examples=(Example("{{ at | to_epoch }}", _AT, 1795444200),)),
)
