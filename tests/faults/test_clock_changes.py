"""F25, whole: every minute of five years in every zone, watched, against when a schedule is due."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from rig.cron_oracle import job, runs, utc, watch

from revolution_hub.bus.instants import Timing, instants_from
from revolution_hub.model.schedule import Schedule

pytestmark = pytest.mark.faults

ZONES = [
    *("Europe/Berlin", "America/New_York", "America/Los_Angeles", "America/Santiago", "America/St_Johns"),
    *("Asia/Beirut", "Asia/Tehran", "Australia/Lord_Howe", "Australia/Sydney", "Africa/Cairo"),
    *("Pacific/Chatham", "Pacific/Apia", "UTC"),
]
LINES = ["0 */3 * * *", "*/30 2 * * *", "30 2 * * *", "0 0 * * *"]


def months() -> Iterator[tuple[datetime, datetime]]:
    """Five years, month by month. They begin on a tenth, at an hour at which no zone changes its clocks."""
    begins = [utc(2025 + number // 12, number % 12 + 1, 10) for number in range(61)]
    yield from pairwise(begins)


def before(end: datetime, found: Iterator[datetime]) -> Iterator[datetime]:
    for one in found:
        if one >= end:
            return
        yield one


@pytest.mark.parametrize("zone", ZONES)
def test_f25_what_is_due_in_five_years_is_what_a_watched_cron_runs(zone: str) -> None:
    counts = dict.fromkeys(LINES, 0)
    for begin, end in months():
        watched = watch(ZoneInfo(zone), begin, end)
        for line in LINES:
            timing = Timing(schedule=Schedule(cron=line, timezone=zone), anchor=begin)
            due = list(before(end, instants_from(timing, begin)))
            assert due == list(runs(job(line), watched)), (line, begin)
            counts[line] += len(due)
    # Nothing but a change of clocks makes a day have more or fewer.
    assert (
        counts["30 2 * * *"]
        == counts["0 0 * * *"]
        == (utc(2030, 1, 10) - utc(2025, 1, 10)) // timedelta(days=1)
    )
