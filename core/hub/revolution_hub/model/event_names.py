"""Names of event types: words joined by dots, and wildcards that stand for whole words at the end."""

import re
from collections.abc import Iterable

from revolution_sdk.canonical import CANONICAL, CUSTOM

LONGEST = 200
WILDCARD = "*"
EXAMPLE = "crm.contact.*"

_WORDS = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")


def names_above(name: str) -> list[str]:
    """Return the name and every wildcard it falls under: `a.b.c`, `a.b.*`, `a.*`."""
    parts = name.split(".")
    return [name, *(".".join((*parts[:count], WILDCARD)) for count in range(len(parts) - 1, 0, -1))]


def falls_under(name: str, asked: str) -> bool:
    """Tell whether an event of this name is asked for by a name or a wildcard."""
    return asked in names_above(name)


def is_wildcard(asked: str) -> bool:
    """Tell whether a name asks for more than one type."""
    return WILDCARD in asked


def is_own(name: str) -> bool:
    """Tell whether this is a type, or a wildcard, of a tenant's own."""
    plain = name.removesuffix(f".{WILDCARD}")
    if plain == CUSTOM:
        return name != plain
    return plain.startswith(f"{CUSTOM}.") and len(name) <= LONGEST and _WORDS.match(plain) is not None


def may_be_emitted(name: str) -> bool:
    """Tell whether a workflow or a person may report events of this type: a canonical, or an own one."""
    return name in CANONICAL or (is_own(name) and not is_wildcard(name))


def is_asked_for(asked: str, names: Iterable[str]) -> bool:
    """Tell whether a name or a wildcard asks for one of these types, or for a tenant's own."""
    if is_own(asked):
        return True
    return any(falls_under(name, asked) for name in names) if is_wildcard(asked) else asked in names
