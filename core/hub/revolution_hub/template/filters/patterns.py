"""Filters with patterns, in the syntax of RE2: no look-around, no back references, and always linear time.

Source: https://github.com/google/re2/wiki/Syntax
"""

from dataclasses import dataclass
from functools import lru_cache

import re2

from revolution_hub.template.filters.filter import Example, Filter, argument_text
from revolution_hub.template.filters.pattern_reach import reach_of
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

LONGEST_PATTERN_CHARS = 500
MOST_CACHED = 64
MOST_MEMORY_BYTES = 1 << 20
"""What one compiled pattern may take, with the states it keeps while searching."""

MOST_INSTRUCTIONS = 10_000

STEPS_PER_WORK = 64
"""At worst a search takes one step per character and instruction, each much cheaper than a character made."""

WORK_PER_MATCH = 32
"""Reporting a match takes about as long as making this many characters."""

INSTRUCTIONS_PER_WORK = 8

_REASONS = {
    "invalid perl operator": "a (?…) group it uses is not supported, such as look-ahead or look-behind",
    "invalid escape sequence": "an escape it uses is not supported, such as a back reference",
    "invalid repetition size": "it repeats something more than 1,000 times or the wrong way round",
    "bad repetition operator": "two signs of repetition follow each other",
    "no argument for repetition operator": "there is nothing to repeat before a *, +, ? or {",
    "invalid character class": "a class in [ ] is not valid",
    "invalid character class range": "a class or a range in it is not valid",
    "invalid named capture group": "the name of a group is not valid",
    "missing ]": "a [ is not closed",
    "missing )": "a ( is not closed",
    "unexpected )": "a ) closes nothing",
    "trailing \\": "it ends in a single backslash",
    "pattern too large - compile failed": "it is too large",
}


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A compiled pattern twice: `plain` searches only, which is faster; `grouped` also finds the groups.

    `reach`: how many characters each search may read beyond its match, None if there is no bound.
    """

    plain: re2._Regexp
    grouped: re2._Regexp
    instructions: int
    reach: int | None

    def cost(self, chars: int) -> int:
        """Return the work that one search through `chars` characters may take."""
        return chars * self.instructions // STEPS_PER_WORK

    def cost_of_match(self, chars_left: int) -> int:
        """Return the work of one match with so many characters behind it, beyond reading up to its end."""
        in_vain = chars_left if self.reach is None else min(chars_left, self.reach)
        return WORK_PER_MATCH + self.cost(in_vain)


@lru_cache(maxsize=MOST_CACHED)
def _compiled(pattern: str) -> Pattern | str:
    """Compile a pattern, or say what is wrong with it in words that quote none of it."""
    if _reads_bytes(pattern):
        return "\\C is not supported; it would take characters apart"
    try:
        plain = re2.compile(pattern, _options(never_capture=True))
        grouped = re2.compile(pattern, _options(never_capture=False))
    except UnicodeEncodeError:
        return "it holds half of a surrogate pair"
    except re2.error as error:
        words = error.args[0].decode(errors="replace")
        return _REASONS.get(words.partition(": ")[0], "it cannot be read")
    instructions = max(plain.programsize, grouped.programsize)
    if instructions > MOST_INSTRUCTIONS:
        return _REASONS["pattern too large - compile failed"]
    return Pattern(plain, grouped, instructions, reach_of(pattern))


def _options(*, never_capture: bool) -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY_BYTES
    options.never_capture = never_capture
    return options


def _reads_bytes(pattern: str) -> bool:
    return "\\C" in pattern.replace("\\\\", "")


def _compile(pattern: str) -> Pattern | str:
    if len(pattern) > LONGEST_PATTERN_CHARS:
        return f"it has more than {LONGEST_PATTERN_CHARS} characters"
    return _compiled(pattern)


def complain_pattern(index: int, value: Json) -> str | None:
    """Say what is wrong with a pattern that is written in the template."""
    if index != 0:
        return None
    if not isinstance(value, str):
        return f"a pattern is a text, not {kind_of(value)}"
    compiled = _compile(value)
    return _wrong(compiled) if isinstance(compiled, str) else None


def _wrong(reason: str) -> str:
    return f"this pattern cannot be used: {reason}"


def _pattern_of(name: str, value: Json, run: Run, place: Place) -> Pattern:
    text = argument_text(name, "the pattern", value, run, place)
    compiled = _compile(text)
    if isinstance(compiled, str):
        raise place.error(_wrong(compiled))
    run.work(compiled.instructions // INSTRUCTIONS_PER_WORK, place)
    return compiled


def _searched(name: str, value: Json, pattern: Pattern, run: Run, place: Place) -> str:
    """Return the text to search, charged for one search."""
    if not isinstance(value, str):
        raise place.error(f"{name} needs a text, not {kind_of(value)}")
    run.scan(len(value), place)
    run.work(pattern.cost(len(value)), place)
    try:
        value.encode()
    except UnicodeEncodeError:  # which holds the text, and an error tells no data
        raise place.error(f"{name} needs a text of whole characters, not half of a surrogate pair") from None
    return value


def matches(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> bool:
    """Tell whether a pattern is found anywhere in a text; ^ and $ tie it to the ends."""
    pattern = _pattern_of("matches", arguments[0], run, place)
    text = _searched("matches", value, pattern, run, place)
    return pattern.plain.search(text) is not None


def extract(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str | None:
    """Take the first part of a text that a pattern matches, or a group of it by number or name; else null."""
    pattern = _pattern_of("extract", arguments[0], run, place)
    text = _searched("extract", value, pattern, run, place)
    group = _group_of(pattern, arguments[1] if len(arguments) > 1 else 0, place)
    if group == 0:
        found = pattern.plain.search(text)
    else:
        run.work(pattern.cost(len(text)), place)
        found = pattern.grouped.search(text)
    if found is None or found.start(group) < 0:
        return None
    run.work(found.end(group) - found.start(group), place)
    return text[found.start(group) : found.end(group)]


def _group_of(pattern: Pattern, wanted: Json, place: Place) -> int:
    if isinstance(wanted, str) and wanted in pattern.grouped.groupindex:
        return int(pattern.grouped.groupindex[wanted])
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted <= pattern.grouped.groups:
        return wanted
    if isinstance(wanted, str | int) and not isinstance(wanted, bool):
        raise place.error("extract needs a group that the pattern has")
    raise place.error(f"extract needs the number or the name of a group, not {kind_of(wanted)}")


def replace_pattern(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> str:
    """Replace every part of a text that a pattern matches by another text, which is taken as it stands."""
    pattern = _pattern_of("replace_pattern", arguments[0], run, place)
    text = _searched("replace_pattern", value, pattern, run, place)
    replacement = argument_text("replace_pattern", "the replacement", arguments[1], run, place)
    run.work(len(text), place)
    pieces: list[str] = []
    end = 0
    for found in pattern.plain.finditer(text):
        run.work(len(replacement) + pattern.cost_of_match(len(text) - found.end()), place)
        pieces.append(text[end : found.start()])
        end = found.end()
    pieces.append(text[end:])
    return replacement.join(pieces)


PATTERNS = (
    Filter(
        name="matches",
        function=matches,
        arguments=("pattern",),
        complaint=complain_pattern,
        examples=(
            Example(r'{{ phone | matches:"^\\+49" }}', {"phone": "+49 731 1234"}, True),
            Example('{{ subject | matches:"(?i)invoice|bill" }}', {"subject": "Your Invoice"}, True),
        ),
    ),
    Filter(
        name="extract",
        function=extract,
        arguments=("pattern", "group?"),
        complaint=complain_pattern,
        examples=(
            Example('{{ subject | extract:"[A-Z]+-[0-9]+" }}', {"subject": "Re: AB-12 late"}, "AB-12"),
            Example('{{ email | extract:"@(.+)$", 1 }}', {"email": "ada@example.org"}, "example.org"),
        ),
    ),
    Filter(
        name="replace_pattern",
        function=replace_pattern,
        arguments=("pattern", "replacement"),
        complaint=complain_pattern,
        examples=(
            Example('{{ phone | replace_pattern:"[^0-9+]", "" }}', {"phone": "+49 (731) 12"}, "+4973112"),
        ),
    ),
)
