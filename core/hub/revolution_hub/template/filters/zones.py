"""Time zones, from the `tzdata` package alone: the same rules on every machine, whatever it has installed."""

from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from revolution_hub.template.place import Place
from revolution_sdk.types import Json

MOST_CACHED = 1024
MOST_NEAR = 3
LONGEST_SHOWN = 80
NEEDED = "the name of a time zone such as Europe/Berlin"


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())


@lru_cache(maxsize=1)
def _names_by_city() -> dict[str, str]:
    """Map `berlin` and `europe/berlin` to `Europe/Berlin`; of two zones of one city, the first by name."""
    by_city: dict[str, str] = {}
    for name in sorted(_names()):
        by_city.setdefault(name.rpartition("/")[2].lower(), name)
    return by_city | {name.lower(): name for name in sorted(_names())}


def zone_named(name: str) -> ZoneInfo | None:
    """Return a time zone by its exact name, or None.

    Only names in the list of the package are looked up, so that no name leads to another file.
    """
    return _loaded(name) if name in _names() else None


@lru_cache(maxsize=MOST_CACHED)
def _loaded(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def zone_argument(filter_name: str, value: Json, place: Place) -> ZoneInfo:
    """Return the time zone that an argument of the filter names."""
    zone = zone_named(value) if isinstance(value, str) else None
    if zone is None:
        raise place.error(f"{filter_name} needs {NEEDED}")
    return zone


def complain_zone(value: Json) -> str | None:
    """Say what is wrong with a name written in a template, and which one may be meant."""
    if not isinstance(value, str):
        return f"this should be {NEEDED}"
    if zone_named(value) is not None:
        return None
    meant = _names_by_city().get(value.strip().replace(" ", "_").lower())
    return "there is no time zone of this name; " + (f"did you mean {meant}?" if meant else f"write {NEEDED}")


@lru_cache(maxsize=MOST_CACHED)
def zone_problem(name: str) -> str | None:
    """Say that there is no time zone of this name, and which ones are near; None if there is one."""
    if zone_named(name) is not None:
        return None
    asked = name.strip().replace(" ", "_").lower()[:LONGEST_SHOWN]
    known = _names_by_city()
    near = dict.fromkeys(known[one] for one in get_close_matches(asked, known, n=MOST_NEAR))
    meant = f"did you mean {' or '.join(near)}?" if near else f"write {NEEDED}"
    return f"there is no time zone {name[:LONGEST_SHOWN]!r}; {meant}"


def in_zone(filter_name: str, at: datetime, zone: ZoneInfo, place: Place) -> datetime:
    """Return the same moment on the clocks of a zone."""
    try:
        return at.astimezone(zone)
    except OverflowError as error:
        raise place.error(f"{filter_name} leaves the years 1 to 9999") from error
