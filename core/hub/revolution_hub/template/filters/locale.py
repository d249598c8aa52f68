"""Which language and region a filter writes for: read from a short identifier, known to Babel or refused."""

import re
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from revolution_hub.template.place import Place
from revolution_sdk.types import Json

DEFAULT_LOCALE = "en"
LONGEST_IDENTIFIER = 35
MOST_CACHED = 256

# Babel looks for a file of this name, so nothing else of it may reach the file system.
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\Z")


def locale_of(filter_name: str, value: Json, place: Place) -> Locale:
    """Return the locale called `value`, such as "de", "de-AT" or "de_AT"; raises TemplateError."""
    locale = _locale(value)
    if locale is None:
        raise place.error(_refusal(filter_name))
    return locale


def complain_locale(filter_name: str, value: Json) -> str | None:
    """Return what is wrong with a locale that is written in a template, or None."""
    return _refusal(filter_name) if _locale(value) is None else None


def _refusal(filter_name: str) -> str:
    return f'{filter_name} needs a known locale such as "de" or "en-US"'


def _locale(value: Json) -> Locale | None:
    if not isinstance(value, str) or len(value) > LONGEST_IDENTIFIER or not _IDENTIFIER.match(value):
        return None
    return _read(value)


@lru_cache(maxsize=MOST_CACHED)
def _read(identifier: str) -> Locale | None:
    try:
        return Locale.parse(identifier.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return None
