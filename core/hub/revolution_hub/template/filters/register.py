"""The register: every filter there is, by name, in the groups the documentation shows them in."""

from collections.abc import Mapping
from types import MappingProxyType

from revolution_hub.template.filters.basic import BASIC
from revolution_hub.template.filters.dates import DATES
from revolution_hub.template.filters.filter import Filter
from revolution_hub.template.filters.lists import LISTS
from revolution_hub.template.filters.numbers import NUMBERS
from revolution_hub.template.filters.text import TEXT

GROUPS: Mapping[str, tuple[Filter, ...]] = MappingProxyType(
    {
        "Any value": BASIC,
        "Text": TEXT,
        "Numbers": NUMBERS,
        "Dates and times": DATES,
        "Lists and objects": LISTS,
    }
)

FILTERS: Mapping[str, Filter] = MappingProxyType(
    {one.name: one for group in GROUPS.values() for one in group}
)
