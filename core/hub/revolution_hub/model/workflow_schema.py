"""The published JSON Schema of a workflow document, for editors and for programs that write workflows.

It is made of the words and limits that `parse` uses. What it accepts, `parse` accepts, except where JSON
Schema has no words for it: ids that differ from each other, how deep and how many steps there are in all,
the value of a duration written as text, whether an address is one, and `respond` in a place where nobody
waits for an answer.
"""

from functools import lru_cache
from typing import Final

from revolution_hub.model.durations import PATTERN
from revolution_hub.model.schedule_schema import schedule_schema
from revolution_hub.model.schema_parts import (
    TEMPLATE,
    block,
    described,
    either,
    object_of,
    one_of,
    text,
    whole,
)
from revolution_hub.model.step_schema import step_definition
from revolution_hub.model.webhook_schema import webhook_schema
from revolution_hub.model.words import (
    LONGEST_TEXT,
    MOST_AT_A_TIME,
    MOST_STEPS,
    MOST_TRIGGERS,
    TOP,
    WHEN_FULL,
)
from revolution_sdk.types import JsonObject

ID: Final = "urn:revolution-hub:schema:workflow"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


@lru_cache(maxsize=1)
def workflow_schema() -> JsonObject:
    """Return the schema. It is made once, so nobody changes it."""
    words = _words()
    root = object_of({word: words[word] for word in TOP}, required=("name", "steps"))
    return {
        "$schema": DIALECT,
        "$id": ID,
        "title": "Workflow",
        "description": "What starts it, and what then happens, step by step.",
        **root,
        "$defs": {
            "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}, "maxItems": MOST_STEPS},
            "template": {"type": "string", "pattern": r"\{\{", "maxLength": LONGEST_TEXT},
            "duration": {"type": "string", "minLength": 1, "pattern": PATTERN},
            "step": step_definition(),
        },
    }


def _words() -> dict[str, JsonObject]:
    key = "Executions with the same key share the limit. A template over `trigger`; without it all do."
    once = "What has the same key as an earlier one does not start again. A template over `trigger`."
    return {
        "name": text("The workflow's name. Other workflows call it by this name.", examples=["welcome"]),
        "description": {
            "type": "string",
            "maxLength": LONGEST_TEXT,
            "description": "What it is for, for people.",
        },
        "on": _triggers(),
        "inputs": _inputs(),
        "vars": {
            "type": "object",
            "description": "Values that templates read as `vars`; `set` changes them.",
            "default": {},
            "examples": [{"threshold": 60}],
        },
        "concurrency": object_of(
            {
                "key": text(key, longest=LONGEST_TEXT, examples=["{{ trigger.data.account }}"]),
                "limit": whole("So many are under way at a time.", 1, MOST_AT_A_TIME, default=1),
                "when_full": one_of("Whether the others wait for their turn or are skipped.", WHEN_FULL),
            },
            describe="How many executions of this workflow may be under way at a time.",
        ),
        "idempotency": object_of(
            {"key": described(TEMPLATE, once, examples=["{{ trigger.data.id }}"])},
            required=("key",),
            describe="The same thing, reported twice, starts once.",
        ),
        "steps": block("What happens, in this order."),
        "on_failure": _on_failure(),
    }


def _on_failure() -> JsonObject:
    workflow = text("The name of the workflow that is started.", examples=["tell_the_team"])
    return described(
        either(
            object_of({"steps": block("The steps of the new execution.")}, required=("steps",)),
            object_of({"workflow": workflow}, required=("workflow",)),
        ),
        "What is started, as an execution of its own, when one has failed. Its `trigger.data` tells which.",
    )


def _inputs() -> JsonObject:
    named = {"type": "object", "additionalProperties": {"type": ["object", "boolean"]}}
    return {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"const": "object"},
            "properties": described(named, "The inputs by name, each with its own schema and `default`."),
            "required": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        },
        "description": "The JSON Schema of what a person or a calling workflow hands in, read as `inputs`.",
        "examples": [{"type": "object", "properties": {"city": {"type": "string", "default": "Berlin"}}}],
    }


def _triggers() -> JsonObject:
    webhook = {"anyOf": [{"const": "webhook"}, {"type": "object", "required": ["webhook"]}]}
    return {
        "type": "array",
        "maxItems": MOST_TRIGGERS,
        "items": {"anyOf": [_named(), _manual(), _event(), _webhook(), _schedule()]},
        "contains": webhook,
        "minContains": 0,
        "maxContains": 1,
        "description": "What starts it; without it a person does. At most one webhook.",
        "default": ["manual"],
    }


def _named() -> JsonObject:
    return {"enum": ["manual", "webhook"], "description": "A trigger with nothing to set."}


def _manual() -> JsonObject:
    nothing = {"type": ["object", "null"], "maxProperties": 0, "description": "Started by a person."}
    return object_of({"manual": nothing}, required=("manual",))


def _event() -> JsonObject:
    event = text(
        "The type of event, under the connector's name for it or the provider-neutral one. A * at the end "
        "stands for whatever comes there.",
        examples=["crm.contact.created", "hubspot.contact.created", "crm.contact.*", "custom.order.packed"],
    )
    connection = text("Only what comes through the connection of this name counts.")
    only = "Only what this holds for counts. One expression over `trigger`."
    where = described(TEMPLATE, only, examples=["{{ trigger.data.amount > 1000 }}"])
    return object_of({"event": event, "connection": connection, "where": where}, required=("event",))


def _webhook() -> JsonObject:
    told = described(webhook_schema(), "Started by a request to the workflow's own address.")
    return object_of({"webhook": told}, required=("webhook",))


def _schedule() -> JsonObject:
    return object_of({"schedule": schedule_schema()}, required=("schedule",))
