"""When Debian's cron would run a job, found out by watching a clock minute by minute. Slow, and not clever.

It shares nothing with the hub: fields are read here, and the time zones come from the standard library.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NAMES = {name: str(at) for at, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])}
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@dataclass(frozen=True)
class Job:
    """A line of a crontab. `fixed` jobs have neither a minute nor an hour that begins with a star."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both_days: bool
    fixed: bool

    def on(self, day: date) -> bool:
        """Whether it runs on a day at all."""
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        meant = (of_month and of_week) if self.both_days else (of_month or of_week)
        return meant and day.month in self.months

    def at(self, wall: datetime) -> bool:
        """Whether it runs when a clock shows this."""
        return wall.minute in self.minutes and wall.hour in self.hours and self.on(wall.date())


def job(line: str) -> Job:
    """Read five fields."""
    fields = line.split()
    minutes, hours, days, months, weekdays = (
        frozenset(_numbers(text, *bounds)) for text, bounds in zip(fields, RANGES, strict=True)
    )
    return Job(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(one % 7 for one in weekdays),
        both_days=fields[2][0] == "*" or fields[4][0] == "*",
        fixed=fields[0][0] != "*" and fields[1][0] != "*",
    )


def _numbers(text: str, low: int, high: int) -> Iterator[int]:
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = low if span == "*" else int(NAMES.get(first, first))
        end = high if span == "*" or (step and not last) else int(NAMES.get(last or first, last or first))
        yield from range(begin, end + 1, int(step or 1))


Watched = list[tuple[datetime, datetime, int]]
"""Each minute of UTC, what the clocks of a zone show then, and how many minutes of that are new to them."""


def watch(zone: ZoneInfo, begin: datetime, end: datetime) -> Watched:
    """Look at the clocks of a zone each minute."""
    found: Watched = []
    at, shown = begin, _wall(begin - MINUTE, zone)
    while at < end:
        wall = _wall(at, zone)
        found.append((at, wall, (wall - shown) // MINUTE))
        shown = max(shown, wall)
        at += MINUTE
    return found


def runs(job: Job, watched: Watched) -> Iterator[datetime]:
    """Yield the minutes of UTC at which Debian's cron would run a job.

    A job at fixed times runs for every minute the clocks show for the first time, and for those they jump
    over, right behind the gap. Any other runs when the clocks show its time, however often.
    """
    for at, wall, new in watched:
        if job.fixed and new != 1:
            if any(job.at(wall - back * MINUTE) for back in range(new)):
                yield at
        elif wall.minute in job.minutes and job.at(wall):
            yield at


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def changes(zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """Return the days, as their beginnings in UTC, during which the clocks of a zone are changed."""
    days = [begin + number * DAY for number in range((end - begin) // DAY)]
    return [day for day in days if _offset(day, zone) != _offset(day + DAY, zone)]


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def utc(year: int, month: int = 1, day: int = 1) -> datetime:
    """The beginning of a day in UTC."""
    return datetime(year, month, day, tzinfo=UTC)
