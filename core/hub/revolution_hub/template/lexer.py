"""Text to tokens. Yields text between expressions whole, and the words of each expression one by one.

White space that a template asks to have removed is gone afterwards, and so are comments. Linear in the length
of the source. What the words mean together is left to the parser.
"""

import json
import math
import re
import unicodedata
from enum import Enum, auto
from typing import NamedTuple

from revolution_hub.errors import TemplateError
from revolution_hub.template.place import Place, Source, printable
from revolution_sdk.types import Json

BLANKS = " \t\r\n"
LONGEST_NUMBER = 100
RAW = "raw"
ELSE = "else"

# Possessive quantifiers (*+) never give back what they took, so no input makes this backtrack.
_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
        (?P<close> ~?\}\} )
      | (?P<local> @[A-Za-z_]++ )
      | (?P<name> [A-Za-z_][A-Za-z0-9_]*+ )
      | (?P<number> [0-9]++ (?:\.[0-9]++)? (?:[eE][+-]?[0-9]++)? )
      | (?P<string> "[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+"
                  | '[^'\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^'\\\x00-\x1f]*+)*+' )
      | (?P<symbol> == | != | <= | >= | \?\? | [<>()\[\].,:|\-+*/%?] )
    )""",
    re.VERBOSE,
)
_OPENING = re.compile(
    r"""\{\{ (?P<trim>~?)
        (?: (?P<comment> !(?:--)? ) | [ \t\r\n]*+ (?P<sign>[#/]) [ \t]*+ (?P<block>[A-Za-z_]*+) )?""",
    re.VERBOSE,
)
_END_OF_TAG = re.compile(r"[ \t\r\n]*+(?P<trim>~?)\}\}")
_END_OF_COMMENT = re.compile(r"(?P<trim>~?)\}\}")
_END_OF_LONG_COMMENT = re.compile(r"--(?P<trim>~?)\}\}")
_END_OF_RAW = re.compile(rf"\{{\{{(?P<trim>~?)[ \t\r\n]*+/[ \t]*+{RAW}[ \t\r\n]*+(?P<after>~?)\}}\}}")
_BLANKS = re.compile(r"[ \t\r\n]*+")
_REST_OF_LINE = re.compile(r"[ \t]*+(?:\r?\n|\Z)")
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
    BLOCK = auto()
    END_BLOCK = auto()
    NAME = auto()
    LOCAL = auto()
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
    "local": Kind.LOCAL,
    "number": Kind.NUMBER,
    "string": Kind.STRING,
    "symbol": Kind.SYMBOL,
}


class _Tag(NamedTuple):
    """What stands between two braces and two braces: its tokens, and the offset behind it.

    `trim_before` and `trim_after` are the `~` beside its braces. A `quiet` one writes nothing itself, so the
    line it has for itself goes with it.
    """

    tokens: list[Token]
    end: int
    trim_before: bool
    trim_after: bool
    quiet: bool


def tokenize(source: Source) -> list[Token]:
    """Split a template into tokens; the last one is END. Raises TemplateError with the place."""
    return _Lexer(source).split()


class _Lexer:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.tokens: list[Token] = []
        self.position = 0

    def split(self) -> list[Token]:
        while (open_at := self.text.find("{{", self.position)) >= 0:
            self.tag(open_at)
        self.put_text(len(self.text))
        self.tokens.append(Token(Kind.END, "", len(self.text)))
        return self.tokens

    def tag(self, open_at: int) -> None:
        if self.text.startswith("{{{", open_at):
            raise self.error(
                open_at, 'three { in a row; to write a literal one before an expression use {{ "{" }}'
            )
        opening = _OPENING.match(self.text, open_at)
        if opening is None:
            raise AssertionError("the two braces were just found")
        if opening["comment"]:
            self.put(open_at, self.comment(open_at, opening))
        elif opening["sign"] == "#" and opening["block"] == RAW:
            self.raw(open_at, opening)
        else:
            self.put(open_at, self.expression(open_at, opening))

    def comment(self, open_at: int, opening: re.Match[str]) -> _Tag:
        closing = (_END_OF_LONG_COMMENT if opening["comment"] == "!--" else _END_OF_COMMENT).search(
            self.text, opening.end()
        )
        if closing is None:
            ending = "--}}" if opening["comment"] == "!--" else "}}"
            raise self.error(open_at, f"this comment has no {ending}")
        return _Tag([], closing.end(), bool(opening["trim"]), bool(closing["trim"]), quiet=True)

    def raw(self, open_at: int, opening: re.Match[str]) -> None:
        behind = _END_OF_TAG.match(self.text, opening.end())
        if behind is None:
            raise self.error(open_at, "{{#raw}} takes nothing behind its name")
        self.put(open_at, _Tag([], behind.end(), bool(opening["trim"]), bool(behind["trim"]), quiet=True))
        closing = _END_OF_RAW.search(self.text, behind.end())
        if closing is None:
            raise self.error(open_at, "this {{#raw}} has no {{/raw}}")
        # What stands alone begins where its own line does, which may be before the text that was kept.
        at = max(closing.start(), self.position)
        self.put(at, _Tag([], closing.end(), bool(closing["trim"]), bool(closing["after"]), quiet=True))

    def expression(self, open_at: int, opening: re.Match[str]) -> _Tag:
        if opening["sign"]:
            kind = Kind.BLOCK if opening["sign"] == "#" else Kind.END_BLOCK
            tokens = [Token(kind, opening["block"], opening.start("sign"))]
        else:
            tokens = [Token(Kind.OPEN, "{{", open_at)]
        position = opening.end()
        while found := _TOKEN.match(self.text, position):
            group = found.lastgroup or ""
            kind, word, offset = _KINDS[group], found[group], found.start(group)
            tokens.append(Token(kind, _value(kind, word, self.source, offset), offset))
            position = found.end()
            if kind is Kind.CLOSE:
                quiet = tokens[0].kind is not Kind.OPEN or tokens[1].value == ELSE
                return _Tag(tokens, position, bool(opening["trim"]), word.startswith("~"), quiet)
        raise _unreadable(self.source, open_at, position)

    def put(self, open_at: int, tag: _Tag) -> None:
        """Append the text before a tag, then the tag."""
        before = self.text[self.position : open_at]
        text_end, end = open_at, tag.end
        if tag.trim_before:
            text_end = self.position + len(before.rstrip(BLANKS))
        if tag.trim_after:
            end = _blanks_end(self.text, end)
        elif tag.quiet and not tag.trim_before and self.begins_a_line(before):
            rest = _REST_OF_LINE.match(self.text, tag.end)
            if rest is not None:
                text_end, end = self.position + len(before.rstrip(" \t")), rest.end()
        self.put_text(text_end)
        self.tokens += tag.tokens
        self.position = end

    def begins_a_line(self, before: str) -> bool:
        """Tell whether a tag behind this text, which ends the text read so far, is the first on its line."""
        blank = before.rstrip(" \t")
        if blank:
            return blank.endswith("\n")
        return self.position == 0 or self.text[self.position - 1] == "\n"

    def put_text(self, end: int) -> None:
        if end > self.position:
            self.tokens.append(Token(Kind.TEXT, self.text[self.position : end], self.position))

    def error(self, offset: int, message: str) -> TemplateError:
        return Place(self.source, offset).error(message)


def _blanks_end(text: str, start: int) -> int:
    found = _BLANKS.match(text, start)
    return start if found is None else found.end()


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
