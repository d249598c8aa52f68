"""Text to tokens. Yields text between expressions whole, and the words of each expression one by one.

Linear in the length of the source. What the words mean together is left to the parser.
"""

import json
import math
import re
import unicodedata
from enum import Enum, auto
from typing import NamedTuple

from revolution_hub.template.place import Place, Source, printable
from revolution_sdk.types import Json

BLANKS = " \t\r\n"
LONGEST_NUMBER = 100

# Possessive quantifiers (*+) never give back what they took, so no input makes this backtrack.
_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
        (?P<close> \}\} )
      | (?P<name> [A-Za-z_][A-Za-z0-9_]*+ )
      | (?P<number> [0-9]++ (?:\.[0-9]++)? (?:[eE][+-]?[0-9]++)? )
      | (?P<string> "[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+"
                  | '[^'\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^'\\\x00-\x1f]*+)*+' )
      | (?P<symbol> == | != | <= | >= | [<>()\[\].,:|\-] )
    )""",
    re.VERBOSE,
)
_TO_DOUBLE_QUOTES = re.compile(r"\\.|\"")
_SURROGATE = re.compile("[\ud800-\udfff]")

_MISTAKES = {
    "=": "write == to compare",
    "&": "write and",
    "!": "write not",
    **dict.fromkeys("“”„‟‘’‚‛«»‹›", "write straight quotes"),
}


class Kind(Enum):
    """What a token is."""

    TEXT = auto()
    OPEN = auto()
    CLOSE = auto()
    NAME = auto()
    NUMBER = auto()
    STRING = auto()
    SYMBOL = auto()
    END = auto()


class Token(NamedTuple):
    """One token: its kind, what it stands for (text, name, symbol, decoded literal) and its offset."""

    kind: Kind
    value: Json
    offset: int


_KINDS = {
    "close": Kind.CLOSE,
    "name": Kind.NAME,
    "number": Kind.NUMBER,
    "string": Kind.STRING,
    "symbol": Kind.SYMBOL,
}


def tokenize(source: Source) -> list[Token]:
    """Split a template into tokens; the last one is END. Raises TemplateError with the place."""
    tokens: list[Token] = []
    text, position = source.text, 0
    while (open_at := text.find("{{", position)) >= 0:
        if text.startswith("{{{", open_at):
            raise Place(source, open_at).error(
                'three { in a row; to write a literal one before an expression use {{ "{" }}'
            )
        if open_at > position:
            tokens.append(Token(Kind.TEXT, text[position:open_at], position))
        tokens.append(Token(Kind.OPEN, "{{", open_at))
        position = _tokenize_expression(source, open_at, tokens)
    if position < len(text):
        tokens.append(Token(Kind.TEXT, text[position:], position))
    tokens.append(Token(Kind.END, "", len(text)))
    return tokens


def _tokenize_expression(source: Source, open_at: int, tokens: list[Token]) -> int:
    """Append the tokens after `{{` up to and with `}}`; return the offset behind it."""
    position = open_at + 2
    while found := _TOKEN.match(source.text, position):
        group = found.lastgroup or ""
        kind, word, offset = _KINDS[group], found[group], found.start(group)
        tokens.append(Token(kind, _value(kind, word, source, offset), offset))
        position = found.end()
        if kind is Kind.CLOSE:
            return position
    raise _unreadable(source, open_at, position)


def _value(kind: Kind, word: str, source: Source, offset: int) -> Json:
    if kind is Kind.NUMBER:
        return _number(word, Place(source, offset))
    if kind is Kind.STRING:
        return _string(word, Place(source, offset))
    return word


def _number(word: str, place: Place) -> int | float:
    if len(word) > LONGEST_NUMBER:
        raise place.error(f"a number has at most {LONGEST_NUMBER} characters")
    if len(word) > 1 and word[0] == "0" and word[1].isdigit():
        raise place.error('a number has no leading zeros; a phone number or code is a text: "0…"')
    number = int(word) if word.isdigit() else float(word)
    if not math.isfinite(number):
        raise place.error("this number is too large")
    return number


def _string(word: str, place: Place) -> str:
    if "\\" not in word:
        return word[1:-1]
    swapped = {"\\'": "'", '"': '\\"'}
    body = _TO_DOUBLE_QUOTES.sub(lambda found: swapped.get(found[0], found[0]), word[1:-1])
    try:
        decoded = str(json.loads(f'"{body}"'))
    except ValueError as error:
        raise place.error(r"this text has an unknown escape; \n, \t, \", \\ and \u0041 are known") from error
    if _SURROGATE.search(decoded):
        raise place.error(r"this text has half a surrogate pair; write both \u escapes")
    return decoded


def _unreadable(source: Source, open_at: int, position: int) -> Exception:
    text = source.text
    while position < len(text) and text[position] in BLANKS:
        position += 1
    place = Place(source, position)
    if position < len(text) and text[position] == "}":
        return place.error("unexpected }; an expression ends with two }")
    close_at, open_again = text.find("}}", position), text.find("{{", position)
    if close_at < 0:
        return Place(source, open_at).error("this {{ has no }}")
    character = text[position]
    if character in "\"'":
        return place.error("this text has no closing quote on its line")
    if 0 <= open_again < close_at:
        return Place(source, open_at).error("this {{ has no }}")
    if character in _MISTAKES:
        return place.error(f"unexpected {character}; {_MISTAKES[character]}")
    if character.isascii() and character.isprintable():
        return place.error(f"unexpected {character}")
    name = unicodedata.name(character, "unnamed").lower()
    shown = f"{printable(character)} (U+{ord(character):04X}, {name})"
    if character.isalnum():
        return place.error(f'unexpected {shown}; a key that is not ASCII is written ["…"]')
    return place.error(f"unexpected {shown}")
