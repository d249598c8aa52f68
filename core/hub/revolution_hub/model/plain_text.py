"""Plain text: what data says, shown so that it can pretend nothing.

Characters that turn the direction of text, hide, or break lines are written as their code points.
"""

import unicodedata

from revolution_hub.model.strict_json import dump_json
from revolution_sdk.types import Json

_HIDING = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def plain(text: str, *, longest: int = 4_000, lines: bool = False) -> str:
    """Return the text on one line with whatever cannot be seen written out; longer text is cut.

    With `lines` the breaks between lines stay.
    """
    shown = "".join(one if lines and one == "\n" else _shown(one) for one in text[:longest])
    return shown if len(text) <= longest else f"{shown}… ({len(text):,} characters)"


def plain_json(value: Json, *, longest: int = 4_000) -> str:
    """Return JSON as one line of plain text."""
    return plain(dump_json(value), longest=longest)


def _shown(one: str) -> str:
    return f"\\u{ord(one):04x}" if unicodedata.category(one) in _HIDING else one
