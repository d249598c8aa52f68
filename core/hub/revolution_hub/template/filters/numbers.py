"""Filters for numbers."""

from revolution_hub.template.filters.filter import Filter

NUMBERS: tuple[Filter, ...] = ()
