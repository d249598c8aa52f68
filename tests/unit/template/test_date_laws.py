"""Laws that hold for every moment, zone and pattern."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from revolution_hub.errors import TemplateError
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json

LAW = settings(derandomize=True, deadline=None)


def render(value: Json, pipe: str) -> str:
    return str(compile_template("{{ v | " + pipe + " }}").render({"v": value}))


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(timezones=OFFSETS).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)

# A zone may be a day away from either end of the calendar.
INNER_DATES = st.dates(date.min + timedelta(days=2), date.max - timedelta(days=2))
INNER_MOMENTS = st.builds(datetime.combine, INNER_DATES, st.times(timezones=st.just(UTC)))
WALL_CLOCKS = st.builds(datetime.combine, st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.times())


@LAW
@given(MOMENTS, st.sampled_from(["Z", "ZZ"]))
def test_a_moment_formatted_as_iso_reads_back_as_the_same_moment(at: datetime, zone: str) -> None:
    text = render(at.isoformat(), f'format:"YYYY-MM-DDTHH:mm:ss.SSS{zone}"')
    assert datetime.fromisoformat(text) == at
    assert render(text, "to_epoch") == render(at.isoformat(), "to_epoch")


@LAW
@given(
    INNER_MOMENTS,
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Monrovia", "UTC"]),
)
def test_a_time_zone_never_changes_the_moment(at: datetime, zone: str) -> None:
    assert datetime.fromisoformat(render(at.isoformat(), f'timezone:"{zone}"')) == at


@LAW
@given(st.dates(date(1000, 1, 1), date(9000, 1, 1)), st.integers(-10_000, 10_000))
def test_adding_months_keeps_the_day_or_takes_the_last_one(day: date, months: int) -> None:
    moved = datetime.fromisoformat(render(day.isoformat(), f'date_add:{months},"months"'))
    assert (moved.year - day.year) * 12 + moved.month - day.month == months
    assert moved.day == min(day.day, monthrange(moved.year, moved.month)[1])


@LAW
@given(WALL_CLOCKS, st.integers(-5_000, 5_000))
def test_adding_days_keeps_the_wall_clock_unless_it_is_skipped(wall: datetime, days: int) -> None:
    value = {"dateTime": wall.isoformat(), "timeZone": "Europe/Berlin"}
    start = datetime.fromisoformat(render(value, 'date_add:0,"days"')).replace(tzinfo=None)
    expect = start + timedelta(days=days)
    moved = datetime.fromisoformat(render(value, f'date_add:{days},"days"')).replace(tzinfo=None)
    assert moved - expect in (timedelta(), timedelta(hours=1))


@LAW
@given(st.text() | st.from_regex(r"[0-9T:Z+.\- ]{0,30}", fullmatch=True), st.text(max_size=30))
def test_any_text_as_date_or_pattern_gives_text_or_a_template_error(value: str, pattern: str) -> None:
    for template, scope in (
        ("{{ v | to_epoch }}", {"v": value}),
        ("{{ d | format:v }}", {"d": "2026-11-23", "v": pattern}),
        ("{{ d | timezone:v }}", {"d": "2026-11-23", "v": value}),
    ):
        try:
            given_ = compile_template(template).render(scope)
        except TemplateError as error:
            error.pointed().encode()
        else:
            assert isinstance(given_, str | int | float)
