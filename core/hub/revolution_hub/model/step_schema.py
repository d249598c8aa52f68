"""The part of the published JSON Schema that says what a step may be."""

from revolution_hub.model.answer import HEADERS, LOCATION
from revolution_hub.model.approval import (
    LONGEST_DEADLINE_S,
    LONGEST_MESSAGE,
    MOST_ASSIGNEES,
    MOST_QUORUM,
    SHORTEST_DEADLINE_S,
    ApprovalRule,
)
from revolution_hub.model.schema_parts import (
    STEPS,
    TEMPLATE,
    block,
    described,
    duration,
    either,
    name,
    number,
    object_of,
    one_of,
    text,
    whole,
)
from revolution_hub.model.words import (
    ASSIGNEE,
    BESIDE,
    EVERYWHERE,
    ID,
    LONGEST_CASE,
    LONGEST_DELAY_S,
    LONGEST_GROWN_S,
    LONGEST_TEXT,
    MOST_AT_A_TIME,
    MOST_BRANCHES,
    MOST_CASES,
    MOST_CODES,
    ON_ITEM_ERROR,
    RESERVED,
    SHORTEST_TIMEOUT_S,
    STATUSES,
    STEP,
    USES,
    WORK,
)
from revolution_hub.model.workflow import RetryPolicy, StepKind
from revolution_sdk.types import Json, JsonObject

_REQUIRED = {StepKind.SWITCH: ("cases",), StepKind.FOR_EACH: ("steps",)}

_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"

_TITLES = {
    StepKind.ACTION: "Call an action",
    StepKind.BRANCH: "Take one of two ways",
    StepKind.SWITCH: "Take one of several ways",
    StepKind.PARALLEL: "Several things at the same time",
    StepKind.FOR_EACH: "The same for every item of a list",
    StepKind.WAIT: "Wait",
    StepKind.CALL: "Call another workflow",
    StepKind.EMIT: "Report an event",
    StepKind.SET: "Set variables",
    StepKind.RESPOND: "Answer the webhook",
    StepKind.FINISH: "End here",
}


def step_definition() -> JsonObject:
    """Return the definition of a step.

    Every word has one meaning, told once. Which words stand together is said by their names alone, so that
    looking at a document costs no more the deeper its steps are nested.
    """
    words = {**_common(), **_works(), **_beside()}
    return {
        "title": "Step",
        **object_of({word: words[word] for word in STEP}),
        "oneOf": [_kind(work, kind) for work, kind in {**WORK, "if": StepKind.BRANCH}.items()],
    }


def _kind(work: str, kind: StepKind) -> JsonObject:
    shape: JsonObject = {
        "title": _TITLES[kind],
        "required": [work, *_REQUIRED.get(kind, ())],
        "propertyNames": {"enum": list(dict.fromkeys((*EVERYWHERE, work, *BESIDE[kind])))},
    }
    if kind is StepKind.BRANCH:
        shape["anyOf"] = [{"required": ["then"]}, {"required": ["else"]}]
    if kind is StepKind.WAIT:
        # How long a wait for a moment lasts is said by the moment.
        called: JsonObject = {"properties": {"wait": {"required": ["callback"]}}}
        shape |= {"if": {"required": ["timeout"]}, "then": called}
    return shape


def _common() -> dict[str, JsonObject]:
    told = "How later steps read the result: `steps.<id>`. Unique in the whole document."
    condition = "Skip the step unless this holds. With `then` or `else`: which of them is taken."
    return {
        "id": {**name(told, examples=["contact"]), "not": {"pattern": "^at_"}},
        "if": described(either({"type": "boolean"}, TEMPLATE), condition, examples=["{{ vars.score > 60 }}"]),
    }


def _works() -> dict[str, JsonObject]:
    called = text("The name of the workflow that is called; its result is the output of its `finish`.")
    items = "The list, or an expression that gives one; its items are read as `item`, the place as `index`."
    return {
        "uses": {
            "type": "string",
            "pattern": f"^{USES}$",
            "maxLength": 200,
            "description": "The action that is called, as connector.action.",
            "examples": ["hubspot.get_contact"],
        },
        "switch": described(TEMPLATE, "The value whose text form chooses the case."),
        "parallel": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MOST_BRANCHES,
            "propertyNames": {"pattern": f"^{ID}$"},
            "additionalProperties": block("The steps of this branch."),
            "description": "Branches by name. All are awaited; read as `steps.<id>.<branch>.<step id>`.",
        },
        "for_each": described(either(TEMPLATE, {"type": "array"}), items),
        "wait": _wait(),
        "call": {**called, "not": {"pattern": r"\{\{"}},
        "emit": _emit(),
        "set": {
            "type": "object",
            "propertyNames": {"pattern": f"^{ID}$"},
            "description": "Values that later steps read as `vars.<name>`.",
        },
        "respond": _respond(),
        "finish": _finish(),
    }


def _wait() -> JsonObject:
    until = either(TEMPLATE, {"type": "string", "pattern": _MOMENT})
    long = "How long: a number of seconds, a text such as 2h, or a template that gives one."
    nothing: JsonObject = {"type": ["object", "null"], "maxProperties": 0}
    link = "Until somebody posts to the step's own address, which is read as `callbacks.<id>`."
    return described(
        either(
            object_of({"for": described(either(duration(), TEMPLATE), long)}, required=("for",)),
            object_of({"until": described(until, "The moment it goes on.")}, required=("until",)),
            object_of({"callback": described(nothing, link)}, required=("callback",)),
        ),
        "Wait for a time, until a moment, or for a callback.",
        examples=[{"for": "2h"}, {"until": "{{ vars.due }}"}, {"callback": {}}],
    )


def _emit() -> JsonObject:
    told = "Its type: a canonical one such as crm.contact.created, or one of your own under custom."
    event = text(told, examples=["custom.order.packed"])
    data = described(either(TEMPLATE, {"type": "object"}), "What it says.", default={})
    once = "Of this type and key there is one event, however often it is reported."
    key = text(once, longest=LONGEST_TEXT, examples=["{{ trigger.data.order_id }}"])
    return object_of(
        {"event": {**event, "not": {"pattern": r"\{\{"}}, "data": data, "key": key},
        required=("event",),
        describe="Report an event, which starts every workflow that listens to its type.",
    )


def _respond() -> JsonObject:
    status = whole("The HTTP status.", 200, 599, default=200)
    body: JsonObject = {"description": "The body, as JSON; a text as it is if `Content-Type` is no JSON."}
    return object_of(
        {"status": status, "headers": _answer_headers(), "body": body},
        describe="Answer a webhook with `answer: result`, and go on. Not in `parallel` or `for_each`.",
    )


def _answer_headers() -> JsonObject:
    said: JsonObject = {"type": ["string", "number", "null"], "maxLength": LONGEST_TEXT, "pattern": r"\S"}
    named = {name: described(said, "A header of the answer.") for name in HEADERS}
    host = LOCATION.replace(r"\Z", "$")
    named["Location"] = {
        "type": "string",
        "pattern": f"^{host}",
        "maxLength": LONGEST_TEXT,
        "description": "Where to look next: a host that is written out, and whatever stands behind it.",
    }
    return described(object_of(named), "Headers of the answer.", examples=[{"Content-Type": "text/plain"}])


def _finish() -> JsonObject:
    return object_of(
        {
            "status": one_of("How it ends.", STATUSES),
            "reason": {"description": "Why, for people."},
            "output": {"description": "The result: of the execution, of a branch, or of an item."},
        },
        describe="End the execution; in a branch or an item, end that.",
    )


def _beside() -> dict[str, JsonObject]:
    limit = duration(SHORTEST_TIMEOUT_S)
    return {
        "with": {"type": "object", "description": "The inputs; every text may hold templates."},
        "connection": text("Which connection is used; without it the connector's oldest one."),
        "approval": _approval(),
        "retry": _retry(),
        "timeout": described(limit, "How long it may take in all, retries and waits included."),
        "on_error": _on_error(),
        "then": described(STEPS, "What is done if the condition holds."),
        "else": described(STEPS, "What is done if it does not."),
        "cases": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MOST_CASES,
            "propertyNames": {"maxLength": LONGEST_CASE},
            "additionalProperties": STEPS,
            "description": "Steps by the text of the value.",
        },
        "default": described(STEPS, "What is done if no case fits."),
        "as": name("The name templates read an item by.", never=RESERVED, default="item"),
        "steps": block("What is done for every item."),
        "concurrency": whole("So many items are under way at a time.", 1, MOST_AT_A_TIME, default=1),
        "on_item_error": one_of("Whether the others go on when an item has failed.", ON_ITEM_ERROR),
        "result": {"description": "The result of an item; without it the output of its last step."},
    }


def _approval() -> JsonObject:
    plain = ApprovalRule()
    limit = duration(SHORTEST_DEADLINE_S, LONGEST_DEADLINE_S)
    return object_of(
        {
            "assignees": _assignees("Who may agree; without it whoever has the permission approval:decide."),
            "quorum": whole("So many different people have to agree.", 1, MOST_QUORUM, default=plain.quorum),
            "deadline": described(limit, "How long is waited for an answer.", default=plain.deadline_s),
            "escalate_to": _assignees(
                "Who may agree as well once the deadline has passed; without it, a no."
            ),
            "message": {
                "type": "string",
                "maxLength": LONGEST_MESSAGE,
                "description": "What those who are asked are told; may hold templates.",
            },
        },
        describe="People have to agree before the step is done, to exactly what it does.",
    )


def _assignees(description: str) -> JsonObject:
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_ASSIGNEES,
        "items": {"type": "string", "pattern": f"^{ASSIGNEE}$"},
        "description": description,
        "examples": [["approver", "usr_01kd0000000000000000000000"]],
    }


def _retry() -> JsonObject:
    plain = RetryPolicy()
    codes: JsonObject = {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_CODES,
        "items": {"type": "string", "pattern": f"^{ID}$"},
        "description": "Only errors of these codes are tried again.",
        "examples": [["rate_limited", "timeout"]],
    }
    return object_of(
        {
            "attempts": whole("How often in all.", 1, 100, default=plain.attempts),
            "delay": _up_to("The wait before the second attempt.", LONGEST_DELAY_S, plain.delay_s),
            "longest": _up_to("The longest wait between two attempts.", LONGEST_GROWN_S, plain.longest_s),
            "backoff": number("By how much each wait is longer.", 1, 10, default=plain.backoff),
            "jitter": number("Up to which share is added by chance.", 0, 1, default=plain.jitter),
            "on": codes,
        },
        describe="How often and how soon a failed attempt is repeated, where that is safe.",
    )


def _up_to(description: str, most_s: float, default: Json) -> JsonObject:
    return described(duration(high=most_s), description, default=default)


def _on_error() -> JsonObject:
    value: JsonObject = {"description": "What stands for the result; templates read `error.code`."}
    return described(
        either(
            {"enum": ["fail", "continue"]},
            object_of({"continue": value}, required=("continue",)),
            object_of({"steps": block("What is done instead.")}, required=("steps",)),
        ),
        "What follows when the step has failed for good.",
        default="fail",
    )
