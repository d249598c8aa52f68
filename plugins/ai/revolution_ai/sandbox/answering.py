"""The sandbox's model: messages and a format in, text out. The same messages get the same text. Pure."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence

from revolution_ai.sandbox.instances import instance_of
from revolution_ai.sandbox.judging import judge
from revolution_ai.sandbox.reading import Facts, message_text, read_facts
from revolution_ai.sandbox.writing import body, next_actions, plain_answer, reasoning, subject
from revolution_sdk import Json, JsonObject

_TOKEN = re.compile(r"\w{1,6}|[^\w\s]|\s{2,}")


def answer_text(messages: Sequence[JsonObject], response_format: JsonObject | None, variant: int = 0) -> str:
    """Return the assistant's text. `variant` tells several choices of one request apart.

    Raises NoInstanceError for a schema without a known instance.
    """
    facts = read_facts(messages)
    kind = (response_format or {}).get("type", "text")
    if kind == "text":
        return plain_answer(facts)
    if kind == "json_object":
        return json.dumps({"answer": plain_answer(facts)}, ensure_ascii=False)
    schema = (response_format or {})["json_schema"].get("schema", {})
    seed = f"{variant}\n" + "\n".join(message_text(message) for message in messages)
    value = instance_of(
        schema, hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest(), _Expert(facts).value
    )
    return json.dumps(value, ensure_ascii=False)


def tokens_in(text: str) -> list[str]:
    """Split a text into pieces about as long as a model's tokens."""
    return _TOKEN.findall(text)


def cut_after(text: str, tokens: int) -> str:
    """Return the beginning of a text up to this many tokens."""
    ends = [found.end() for found in _TOKEN.finditer(text)]
    return text if len(ends) <= tokens else text[: ends[tokens - 1] if tokens > 0 else 0]


class _Expert:
    """Knows what to put into properties that sales people use; the instance maker asks for all others."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.judgment = judge(facts)

    def value(self, name: str, schema: JsonObject) -> Json:
        """Return the value for a property, None if it is not one of those known."""
        plain = re.sub(r"[^a-z]", "", name.lower())
        if plain == "score":
            return _scaled(self.judgment.score, schema)
        if plain in self.judgment.bant:
            return self.judgment.bant[plain]
        writers: dict[str, Callable[[], Json]] = {
            "reasoning": lambda: reasoning(self.facts, self.judgment),
            "nextactions": lambda: next_actions(self.facts, self.judgment),
            "subject": lambda: subject(self.facts),
            "body": lambda: body(self.facts, self.judgment),
            "name": lambda: self.facts.name or None,
            "company": lambda: self.facts.company or None,
            "email": lambda: self.facts.email or None,
        }
        return writers[plain]() if plain in writers else None


def _scaled(score: int, schema: JsonObject) -> Json:
    """Bring a score of 0 to 100 to the range the schema names."""
    if "minimum" not in schema or "maximum" not in schema:
        return score
    value = schema["minimum"] + (schema["maximum"] - schema["minimum"]) * score / 100
    return value if schema.get("type") == "number" else round(value)
