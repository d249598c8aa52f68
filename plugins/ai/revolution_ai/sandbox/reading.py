"""What the sandbox's model finds in the messages: the lead, the language asked for, the sender.

It reads the JSON in the user messages, whoever wrote it, and knows no prompt: other clients may put the
same things into other words.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from revolution_sdk import Json, JsonObject

LEAD_NAMES = ("lead", "contact", "customer", "prospect", "person")
WRITTEN_NAMES = frozenset(
    (
        "message",
        "note",
        "notes",
        "comment",
        "comments",
        "description",
        "nachricht",
        "bemerkung",
        "anfrage",
        "text",
    )
)
LONGEST_TEXT = 200_000

_FIRST = ("firstname", "vorname", "givenname")
_LAST = ("lastname", "nachname", "surname", "familyname")
_FULL = ("name", "fullname", "contactname")
_COMPANY = ("company", "companyname", "firma", "organization", "organisation", "unternehmen", "employer")
_JOB = ("jobtitle", "position", "role", "title", "beruf", "funktion")
_MAIL = ("email", "mail", "emailaddress")

_GERMAN = re.compile(
    r"\b(und|wir|ich|sie|der|die|das|ein|eine|für|mit|ist|sind|nicht|suchen|suche|bitte|unser\w*|haben|kein\w*|"
    r"uns|bis|zum|zur|auf|oder|möchte\w*)\b",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"\b(and|we|i|you|the|a|an|for|with|is|are|not|looking|please|our|have|no|us|until|to|on|or|would|of)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the messages say. Texts are empty where nothing was found; `language` is `de` or `en`.

    `written` is what the lead wrote in its own words, `fields` every named value of the lead.
    """

    language: str
    asked: str = ""
    first_name: str = ""
    name: str = ""
    company: str = ""
    job_title: str = ""
    email: str = ""
    written: str = ""
    goal: str = ""
    tone: str = ""
    sender: str = ""
    sender_company: str = ""
    has_history: bool = False
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def read_facts(messages: Sequence[JsonObject]) -> Facts:
    """Return what the user messages of a chat say, with the last of them as `asked`."""
    texts = [message_text(one) for one in messages if one.get("role") == "user"]
    documents = [document for text in texts for document in documents_in(text)]
    lead = _first_object(documents, LEAD_NAMES)
    around = [_without(document, LEAD_NAMES) for document in documents]
    about = lead if lead is not None else {str(index): one for index, one in enumerate(documents)}
    fields = tuple(dict.fromkeys(_leaves(about)))
    written = " ".join(_written(fields)) if documents else " ".join(texts)
    return Facts(
        language=_language(documents, around, written if lead is None else ""),
        asked=texts[-1] if texts else "",
        written=written,
        fields=fields,
        has_history=bool(_first(documents, ("history",))),
        goal=_text(_first(around, ("goal",))),
        tone=_text(_first(around, ("tone",))),
        **_person(fields),
        **_sender(documents),
    )


def message_text(message: JsonObject) -> str:
    """Return a message's text: its content, or the text parts of it."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def documents_in(text: str) -> list[JsonObject]:
    """Return the JSON objects written in a text, outermost only, in order."""
    decoder, found, at = json.JSONDecoder(), [], 0
    text = text[:LONGEST_TEXT]
    while (at := text.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
            found.append(value)
        except (ValueError, RecursionError):
            at += 1
    return found


def detected_language(text: str) -> str:
    """Tell whether a text is rather German (`de`) or English (`en`), by its small words."""
    return "de" if len(_GERMAN.findall(text)) > len(_ENGLISH.findall(text)) else "en"


def _language(documents: list[JsonObject], around: list[JsonObject], written: str) -> str:
    asked = _text(_first(around, ("language",)))
    if asked:
        return "de" if asked.lower().split("-")[0].split("_")[0] == "de" else "en"
    criteria = _text(_first(documents, ("criteria",)))
    return detected_language(criteria or written)


def _person(fields: tuple[tuple[str, str], ...]) -> dict[str, str]:
    first, last = _field(fields, _FIRST), _field(fields, _LAST)
    full = f"{first} {last}".strip() or _field(fields, _FULL)
    return {
        "first_name": first or full.partition(" ")[0],
        "name": full,
        "company": _field(fields, _COMPANY),
        "job_title": _field(fields, _JOB),
        "email": _field(fields, _MAIL),
    }


def _sender(documents: list[JsonObject]) -> dict[str, str]:
    sender = _first_object(documents, ("sender",)) or {}
    return {"sender": _text(sender.get("name")), "sender_company": _text(sender.get("company"))}


def _written(fields: tuple[tuple[str, str], ...]) -> Iterator[str]:
    named = {*_FIRST, *_LAST, *_FULL, *_COMPANY, *_JOB, *_MAIL}
    seen: set[str] = set()
    for name, value in fields:
        if value not in seen and name not in named and (name in WRITTEN_NAMES or len(value.split()) >= 3):
            seen.add(value)
            yield value if value[-1:] in ".!?" else f"{value}."


def _leaves(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, re.sub(r"[^a-zäöüß]", "", key.lower()))
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, name)
    elif value is not None and not isinstance(value, bool) and str(value).strip():
        yield name, str(value).strip()


def _field(fields: tuple[tuple[str, str], ...], names: Sequence[str]) -> str:
    return next((value for name, value in fields if name in names), "")


def _first(documents: Sequence[Json], names: Sequence[str]) -> Json:
    """Find a member by name, the least deeply nested first; None if there is none."""
    level = list(documents)
    while level:
        for value in level:
            if isinstance(value, dict):
                for name in names:
                    if value.get(name):
                        return value[name]
        level = [member for value in level for member in _members(value)]
    return None


def _first_object(documents: Sequence[Json], names: Sequence[str]) -> JsonObject | None:
    found = _first(documents, names)
    return found if isinstance(found, dict) else None


def _members(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _without(document: JsonObject, names: Sequence[str]) -> JsonObject:
    return {key: value for key, value in document.items() if key not in names}


def _text(value: Json) -> str:
    return value.strip() if isinstance(value, str) else ""
