"""Filters for lists and objects."""

from revolution_hub.template.filters.filter import Filter

LISTS: tuple[Filter, ...] = ()
