"""The `slug` filter: a text as the small ASCII words of an address."""

import re
from collections import Counter
from unicodedata import category, normalize

from revolution_hub.template.filters.filter import Example, Filter, text_of
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_sdk.types import Json

# Letters that are spelled out, or that Unicode does not take apart.
_SPELLED = {
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
    "'": "",
    "’": "",
}
_UMLAUT_IN_TWO = re.compile("([aou])\u0308")
_NO_WORD = re.compile("[^a-z0-9]+")


def slug(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text as ASCII words in small letters joined by "-", for addresses and file names."""
    text = text_of("slug", value, run, place).lower()
    run.work(len(text), place)  # for counting the characters before they are spelled
    text = _UMLAUT_IN_TWO.sub(r"\1e", text)
    counts = Counter(text)
    spelled = {ord(one): _spelled(one) for one in counts}
    size = sum(count * len(spelled[ord(one)]) for one, count in counts.items())
    run.work(max(0, size - len(text)), place)
    return _NO_WORD.sub("-", text.translate(spelled)).strip("-")


def _spelled(character: str) -> str:
    """Write one character in ASCII; marks vanish, and what has no ASCII form ends a word.

    One at a time, because normalizing a long row of marks takes time that grows with its square.
    """
    known = _SPELLED.get(character)
    if known is not None:
        return known
    if character.isascii():
        return character
    parts = normalize("NFKD", character).lower()
    return "".join(one if one.isascii() else " " for one in parts if category(one)[0] != "M")


SLUG = Filter(
    name="slug",
    function=slug,
    examples=(
        Example("{{ title | slug }}", {"title": "Grüße aus Köln!"}, "gruesse-aus-koeln"),
        Example("{{ title | slug }}", {"title": "Crème brûlée, 2 ½ €"}, "creme-brulee-2-1-2"),
    ),
)
