"""Filters for dates and times."""

from revolution_hub.template.filters.filter import Filter

DATES: tuple[Filter, ...] = ()
