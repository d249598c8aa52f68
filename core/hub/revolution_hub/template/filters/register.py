"""The register: every filter there is, by name, in the groups the documentation shows them in."""

from collections.abc import Mapping
from types import MappingProxyType

from revolution_hub.template.filters.basic import BASIC
from revolution_hub.template.filters.dates import DATES
from revolution_hub.template.filters.encode import ENCODE
from revolution_hub.template.filters.filter import Filter
from revolution_hub.template.filters.lists import LISTS
from revolution_hub.template.filters.members import MEMBERS
from revolution_hub.template.filters.numbers import NUMBERS
from revolution_hub.template.filters.objects import OBJECTS
from revolution_hub.template.filters.order import ORDER
from revolution_hub.template.filters.patterns import PATTERNS
from revolution_hub.template.filters.text import TEXT

GROUPS: Mapping[str, tuple[Filter, ...]] = MappingProxyType(
    {
        "Any value": BASIC,
        "Text": (*TEXT, *ENCODE, *PATTERNS),
        "Numbers": NUMBERS,
        "Dates and times": DATES,
        "Lists and objects": (*LISTS, *MEMBERS, *ORDER, *OBJECTS),
    }
)

FILTERS: Mapping[str, Filter] = MappingProxyType(
    {one.name: one for group in GROUPS.values() for one in group}
)
