"""Filters: what may stand behind a `|`. Each takes JSON and gives JSON; none formats by a given pattern."""
