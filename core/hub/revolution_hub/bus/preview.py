"""preview: the next instants of a schedule, as the clocks of its zone show them and in UTC. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from revolution_hub.bus.clocks import is_shown_twice
from revolution_hub.bus.instants import Timing, instants_from, zone_of
from revolution_hub.model.cron import cron_fields

MOST_PREVIEWED: Final = 100
_SECOND = timedelta(seconds=1)


class Change(StrEnum):
    """What the clocks being changed means for an instant."""

    FIRST_OF_TWO = "first_of_two"
    SECOND_OF_TWO = "second_of_two"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An instant, as `local` clocks show it; `change` says what a change of them does to it, if anything.

    A time that clocks show twice is the first or the second of the two; one that they skip is moved right
    behind the gap.
    """

    instant: datetime
    local: datetime
    change: Change | None


def preview(timing: Timing, begin: datetime, count: int) -> list[Shown]:
    """Return the first instants from a moment on, at most so many."""
    zone = zone_of(timing.schedule)
    return [shown(timing, one, zone) for one in islice(instants_from(timing, begin), count)]


def shown(timing: Timing, instant: datetime, zone: ZoneInfo) -> Shown:
    """Return an instant as the clocks of a zone show it."""
    local = instant.astimezone(zone)
    return Shown(instant=instant, local=local, change=_change(timing, local, zone))


def _change(timing: Timing, local: datetime, zone: ZoneInfo) -> Change | None:
    if is_shown_twice(local, zone):
        return Change.SECOND_OF_TWO if local.fold else Change.FIRST_OF_TWO
    wall = local.replace(tzinfo=None, fold=0)
    if timing.schedule.cron is not None:
        meant = next(CronSim(cron_fields(timing.schedule.cron), wall - _SECOND), None) == wall
        return None if meant else Change.MOVED
    written = [datetime.fromisoformat(one) for one in timing.schedule.at]
    meant = not written or any(one.tzinfo is not None or one == wall for one in written)
    return None if meant else Change.MOVED
