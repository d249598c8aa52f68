"""describe: a schedule in plain words, in English and German."""

from functools import lru_cache
from typing import Final

from babel.dates import get_day_names, get_month_names
from cron_descriptor import ExpressionDescriptor, FormatError, Options

from revolution_hub.model.cron import cron_fields
from revolution_hub.model.schedule import Schedule

LANGUAGES: Final = {"en": "en_US", "de": "de_DE"}

_HIGHEST = (59, 59, 23, 31, 12, 7)
_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60))
_AS_WRITTEN = {"en": "As the cron expression {} says", "de": "Wie der Cron-Ausdruck {} sagt"}
_EVERY = {"en": "Every", "de": "Alle"}
_ONCE = {"en": "Once, at {}", "de": "Einmal, um {}"}
_OFTEN = {"en": "{} times, first at {}", "de": "{}-mal, zuerst um {}"}


def describe(schedule: Schedule) -> dict[str, str]:
    """Return what a schedule says, by language."""
    if schedule.cron is not None:
        return {language: _cron(cron_fields(schedule.cron), language) for language in LANGUAGES}
    if schedule.every_s is not None:
        return {language: f"{word} {_duration(schedule.every_s)}" for language, word in _EVERY.items()}
    count, first = len(schedule.at), min(schedule.at, default="")
    if count == 1:
        return {language: words.format(first) for language, words in _ONCE.items()}
    return {language: words.format(count, first) for language, words in _OFTEN.items()}


@lru_cache(maxsize=256)
def _cron(expression: str, language: str) -> str:
    options = Options(locale_code=LANGUAGES[language], use_24hour_time_format=True)
    try:
        told = str(ExpressionDescriptor(_with_ranges(expression), options).get_description())
    except FormatError:
        # It has no words for a few odd lists, such as `L,MON#2`.
        return _AS_WRITTEN[language].format(expression)
    # The names of days and months come from the machine's own language.
    for name, own in _names(language).items():
        told = told.replace(name, own)
    return told


def _with_ranges(expression: str) -> str:
    """Return the expression with `5/20` as `5-59/20`: not every language would tell where it begins."""
    fields = expression.split()
    highest = _HIGHEST[-len(fields) :]
    return " ".join(
        "*" if "*" in part.split(",") else ",".join(_with_range(one, high) for one in part.split(","))
        for part, high in zip(fields, highest, strict=True)
    )


def _with_range(text: str, high: int) -> str:
    start, slash, step = text.partition("/")
    return f"{start}-{high}/{step}" if slash and start != "*" and "-" not in start else text


@lru_cache(maxsize=len(LANGUAGES))
def _names(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for names in (get_day_names, get_month_names):
        english, own = names("wide", locale="en"), names("wide", locale=language)
        found |= {english[at]: own[at] for at in english if english[at] != own[at]}
    return found


def _duration(seconds: float) -> str:
    parts = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        parts += [f"{count:g}{unit}"] if count else []
    return "".join([*parts, f"{seconds:g}s"] if seconds else parts)
