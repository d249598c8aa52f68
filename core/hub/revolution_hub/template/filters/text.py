"""Filters that take text, make text, or lead from one to the other."""

import re
from unicodedata import category

from revolution_hub.template.filters.complaints import (
    argument_filled,
    complain_filled,
    complain_text,
    complain_whole,
)
from revolution_hub.template.filters.filter import (
    Example,
    Filter,
    argument_text,
    argument_whole,
    list_of,
    text_of,
)
from revolution_hub.template.filters.slug import SLUG
from revolution_hub.template.limits import Run
from revolution_hub.template.output import scalar_text
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

ELLIPSIS = "…"
LONGEST_TRUNCATED = 1_000_000
LONGEST_CLUSTER = 64
JOINER = "\u200d"
FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))

# A word begins with a letter or digit; an apostrophe or an accent within it does not begin another one.
_WORD = re.compile(r"[^\W_][^\s_\-‐-―/.,;:!?\"“”„«»()\[\]{}&+|]*")


def lower(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text in small letters."""
    return text_of("lower", value, run, place).lower()


def upper(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write a text in capital letters."""
    return text_of("upper", value, run, place).upper()


def title(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write every word of a text with a capital first letter and small ones behind it."""
    text = text_of("title", value, run, place)
    run.work(len(text), place)  # a word takes longer than its characters
    return _WORD.sub(_capitalized, text)


def _capitalized(word: re.Match[str]) -> str:
    return word[0].capitalize()


def trim(value: Json, _arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Remove white space at both ends of a text."""
    return text_of("trim", value, run, place).strip()


def truncate(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Shorten a text to at most so many characters, "…" or another ending included."""
    text = text_of("truncate", value, run, place)
    most = argument_whole("truncate", "the length", arguments[0], 1, LONGEST_TRUNCATED, place)
    ending = argument_text("truncate", "the ending", (*arguments, ELLIPSIS)[1], run, place)
    if len(ending) > most:
        raise place.error("truncate needs an ending that is not longer than the length it shortens to")
    if len(text) <= most:
        return text
    return text[: _boundary(text, most - len(ending))] + ending


def _boundary(text: str, cut: int) -> int:
    """Return the last place, at or before `cut`, that parts no character from its accents or its joiner."""
    for at in range(cut, max(0, cut - LONGEST_CLUSTER), -1):
        if text[at - 1] != JOINER and not _continues(text[at]):
            return at - _half_flags(text, at)
    # Either the text begins here, or this is a heap of accents that nobody reads as one character.
    return 0 if cut <= LONGEST_CLUSTER else cut


def _continues(character: str) -> bool:
    """Tell whether a character belongs to the one before: an accent, a joiner or a color of skin."""
    return category(character)[0] == "M" or character == JOINER or "\U0001f3fb" <= character <= "\U0001f3ff"


def _half_flags(text: str, cut: int) -> int:
    """Return 1 if `cut` parts the two letters of a flag, else 0."""
    if text[cut] not in FLAG_LETTERS:
        return 0
    before = text[:cut]
    return (cut - len(before.rstrip(FLAG_LETTERS))) % 2


def replace(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Replace every occurrence of one text by another."""
    text = text_of("replace", value, run, place)
    old = argument_filled("replace", "the text to find", arguments[0], run, place)
    new = argument_text("replace", "the replacement", arguments[1], run, place)
    growth = text.count(old) * (len(new) - len(old))
    run.work(max(0, growth), place)
    return text.replace(old, new)


def split(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Cut a text at every separator into a list of texts."""
    text = text_of("split", value, run, place)
    separator = argument_filled("split", "the separator", arguments[0], run, place)
    run.look(text.count(separator) + 1, place)
    return list(text.split(separator))


def join(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Write the members of a list one after another, with ", " or another separator between them."""
    members = list_of("join", value, run, place)
    separator = argument_text("join", "the separator", (*arguments, ", ")[0], run, place)
    run.work(len(separator) * max(0, len(members) - 1), place)
    texts = []
    for index, member in enumerate(members):
        if not isinstance(member, str | bool | int | float):
            needs = "join needs texts, numbers, true or false in its list"
            raise place.error(f"{needs}; its member [{index}] is {kind_of(member)}")
        text = member if isinstance(member, str) else scalar_text(member, place)
        run.work(len(text), place)
        texts.append(text)
    return separator.join(texts)


def _complain_truncate(index: int, value: Json) -> str | None:
    if index == 0:
        return complain_whole("truncate", "the length", value, 1, LONGEST_TRUNCATED)
    return complain_text("truncate", "the ending", value)


def _complain_replace(index: int, value: Json) -> str | None:
    if index == 0:
        return complain_filled("replace", "the text to find", value)
    return complain_text("replace", "the replacement", value)


def _complain_split(_index: int, value: Json) -> str | None:
    return complain_filled("split", "the separator", value)


def _complain_join(_index: int, value: Json) -> str | None:
    return complain_text("join", "the separator", value)


TEXT = (
    Filter(name="lower", function=lower, examples=(Example("{{ v | lower }}", {"v": "ÄB"}, "äb"),)),
    Filter(name="upper", function=upper, examples=(Example("{{ v | upper }}", {"v": "äb"}, "ÄB"),)),
    Filter(
        name="title",
        function=title,
        examples=(Example("{{ name | title }}", {"name": "ANNA-MARIA o'neil"}, "Anna-Maria O'neil"),),
    ),
    Filter(name="trim", function=trim, examples=(Example("{{ v | trim }}", {"v": " a b "}, "a b"),)),
    Filter(
        name="truncate",
        function=truncate,
        arguments=("most", "ending?"),
        complaint=_complain_truncate,
        examples=(
            Example("{{ note | truncate:10 }}", {"note": "Call back on Monday"}, "Call back…"),
            Example('{{ note | truncate:10, "" }}', {"note": "Call back on Monday"}, "Call back "),
        ),
    ),
    Filter(
        name="replace",
        function=replace,
        arguments=("old", "new"),
        complaint=_complain_replace,
        examples=(Example('{{ phone | replace:" ", "" }}', {"phone": "+49 40 1234"}, "+49401234"),),
    ),
    Filter(
        name="split",
        function=split,
        arguments=("separator",),
        complaint=_complain_split,
        examples=(Example('{{ tags | split:"," }}', {"tags": "a,b,,c"}, ["a", "b", "", "c"]),),
    ),
    Filter(
        name="join",
        function=join,
        arguments=("separator?",),
        complaint=_complain_join,
        examples=(
            Example("{{ tags | join }}", {"tags": ["new", "vip", 3]}, "new, vip, 3"),
            Example('{{ tags | join:" / " }}', {"tags": ["new", "vip"]}, "new / vip"),
        ),
    ),
    SLUG,
)
