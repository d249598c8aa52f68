"""The published JSON Schema: what it accepts, `parse` accepts, and both know the same words."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from revolution_hub.errors import LimitError
from revolution_hub.model.json_schema import judge
from revolution_hub.model.parse_workflow import read
from revolution_hub.model.words import CONCURRENCY, STEP, TOP
from revolution_hub.model.words import RETRY as RETRY_WORDS
from revolution_hub.model.workflow_schema import DIALECT, workflow_schema

SCHEMA = workflow_schema()
ACT = {"uses": "acme.send_mail"}
LIST = [ACT]

NOT_SAID = ("it has five fields", "is already used at", "has nobody to answer", "nested at most")
"""Problems that JSON Schema has no words for."""


def accepted(document: Any) -> bool:
    try:
        return judge(SCHEMA, document, "") == []
    except LimitError:
        # A machine that is busy with other things says nothing about the document.
        reject()


def readable(document: Any) -> bool:
    return read(document)[1] == []


def whole(**words: Any) -> dict[str, Any]:
    return {"name": "x", "steps": LIST, **words}


def one(**step: Any) -> dict[str, Any]:
    return {"name": "x", "steps": [step]}


def test_it_is_json_schema_2020_12() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DIALECT
    assert SCHEMA["$id"].startswith("urn:")


def described(schema: Any, path: str = "") -> Iterator[str]:
    """Yield the words of a document that nothing is said about."""
    if isinstance(schema, list):
        for member in schema:
            yield from described(member, path)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties", {})
    for word, below in properties.items() if schema.get("additionalProperties") is False else ():
        if not {"description", "title"} & set(below):
            yield f"{path}.{word}"
    for key, below in schema.items():
        if key not in ("examples", "default"):
            yield from described(below, f"{path}.{key}")


def test_it_knows_every_word_and_says_what_each_means() -> None:
    assert list(SCHEMA["properties"]) == [*TOP]
    step = SCHEMA["$defs"]["step"]
    assert set(step["properties"]) == {*STEP}
    assert list(described(SCHEMA)) == []


def test_the_examples_it_shows_follow_it() -> None:
    shown = {word: below.get("examples", []) for word, below in SCHEMA["properties"].items()}
    assert sum(map(len, shown.values())) >= 3
    for word, examples in shown.items():
        for example in examples:
            assert accepted(whole(**{word: example})), (word, example)
    for word, below in SCHEMA["$defs"]["step"]["properties"].items():
        for example in below.get("examples", []):
            beside = {} if word in ("uses", "wait") else ACT
            assert accepted(one(**{**beside, word: example})), (word, example)


GOOD: list[Any] = [
    whole(),
    whole(on=[]),
    whole(on=["manual", "webhook", {"event": "a.b", "connection": "m"}, {"manual": None}]),
    whole(on=[{"webhook": None}]),
    whole(
        on=[{"schedule": {"cron": "0 8 * * *", "timezone": "Europe/Berlin"}}, {"schedule": {"every": "1h"}}]
    ),
    whole(inputs={"type": "object", "properties": {"a": True}, "required": ["a"]}),
    whole(vars={"a": None}, description="", idempotency={"key": "{{ trigger.data.id }}"}),
    whole(concurrency={}),
    whole(concurrency={"key": "all", "limit": 1000, "when_full": "queue"}),
    whole(on_failure={"steps": LIST}),
    whole(on_failure={"workflow": "tell"}),
    one(**ACT, id="a", connection="m", timeout=5, on_error="fail", retry={"on": ["timeout"], "delay": "2s"}),
    one(**ACT, on_error={"continue": None}, **{"if": False, "with": {"a": 1}}),
    one(**ACT, on_error={"steps": LIST}),
    one(**{"if": "{{ x }}", "then": [], "else": LIST}),
    one(**{"if": True, "else": LIST}),
    one(switch="{{ x }}", cases={"": [], "é": LIST}, default=[]),
    one(parallel={"a": LIST, "b": LIST}, timeout="1d12h", on_error="continue"),
    one(
        for_each=[], steps=LIST, concurrency=1000, on_item_error="continue", result={"a": 1}, **{"as": "row"}
    ),
    one(for_each="{{ x }}", steps=LIST),
    one(wait={"for": "1.5s"}),
    one(wait={"for": "{{ x }}"}),
    one(wait={"until": "2027-01-31T08:00:00Z"}),
    one(wait={"callback": {}}, timeout="2h"),
    one(call="other flow", timeout=0.5, **{"with": {"a": "{{ x }}"}}),
    one(set={"a": 1, "b2": None}, on_error="continue"),
    one(respond={"status": 599, "body": [1]}),
    one(finish={"status": "failed", "reason": "no", "output": {}}),
]

BAD: list[Any] = [
    None,
    [],
    {},
    {"name": "x"},
    {"steps": LIST},
    {"name": " ", "steps": LIST},
    {"name": "n" * 201, "steps": LIST},
    {"name": "x", "steps": []},
    {"name": "x", "steps": ACT},
    whole(description="d" * 4001),
    whole(on="manual"),
    whole(on=["event"]),
    whole(on=["webhook", {"webhook": {}}]),
    whole(on=["manual"] * 51),
    whole(on=[{"webhook": {}, "connection": "m"}]),
    whole(on=[{"webhook": {"auth": "basic"}}]),
    whole(on=[{"schedule": {}}]),
    whole(on=[{"schedule": {"at": "2027-01-31T08:00"}}]),
    whole(on=[{"schedule": {"at": []}}]),
    whole(on=[{"schedule": {"at": ["2027-01-31T08:00Z"], "cron": "@daily"}}]),
    whole(on=[{"schedule": {"every": 60, "timezone": "UTC"}}]),
    whole(on=[{"schedule": {"every": 60, "missed": "twice"}}]),
    whole(on=[{"schedule": {"every": 60, "catch_up": 59}}]),
    whole(on=[{"schedule": {"every": 60, "most": 0}}]),
    whole(on=[{"schedule": {"every": 60, "overlap": True}}]),
    whole(on=[{"schedule": {"every": 60, "jitter": 86_401}}]),
    whole(on=[{"schedule": {"every": 59}}]),
    whole(on=[{"schedule": {"every": 60, "cron": "* * * * *"}}]),
    whole(inputs=[]),
    whole(vars=[]),
    whole(concurrency={"limit": 1001}),
    whole(concurrency={"key": 5}),
    whole(idempotency={}),
    whole(idempotency={"key": "constant"}),
    whole(on_failure={}),
    whole(on_failure={"steps": LIST, "workflow": "x"}),
    whole(on_failure={"steps": []}),
    whole(stepz=LIST),
    one(),
    one(id="a"),
    one(id="At", **ACT),
    one(id="at_home", **ACT),
    one(id="a\n", **ACT),
    one(id="a" * 65, **ACT),
    one(uses="nodot"),
    one(uses="a.b", set={}),
    one(use="a.b"),
    one(uses="a.b", steps=LIST),
    one(uses="a.b", then=LIST),
    one(then=LIST),
    one(**{"if": 5, "uses": "a.b"}),
    one(**{"if": "{{ x }}"}),
    one(**ACT, timeout=0),
    one(**ACT, timeout="soon"),
    one(**ACT, timeout=366 * 86_400 + 1),
    one(**ACT, retry={"on": []}),
    one(**ACT, retry={"on": ["No"]}),
    one(**ACT, retry={"attempts": 0}),
    one(**ACT, retry={"attempts": 1.5}),
    one(**ACT, retry={"delay": 86_401}),
    one(**ACT, retry={"tries": 1}),
    one(**ACT, retry={"backoff": 11}),
    one(**ACT, retry={"jitter": 1.5}),
    one(**ACT, retry={"longest": 604_801}),
    one(**ACT, on_error="ignore"),
    one(**ACT, on_error={}),
    one(**ACT, on_error={"continue": 1, "steps": LIST}),
    one(**ACT, on_error={"steps": []}),
    one(switch="{{ x }}"),
    one(switch="x", cases={"a": []}),
    one(switch="{{ x }}", cases={}),
    one(switch="{{ x }}", cases={"a": ACT}),
    one(switch="{{ x }}", cases={"c" * 91: []}),
    one(switch="{{ x }}", cases={str(n): [] for n in range(101)}),
    one(parallel={}),
    one(parallel={"a": []}),
    one(parallel={"A": LIST}),
    one(parallel={f"b{n}": LIST for n in range(21)}),
    one(parallel={"a": LIST}, retry={}),
    one(for_each=[]),
    one(for_each=5, steps=LIST),
    one(for_each="x", steps=LIST),
    one(for_each=[], steps=[]),
    one(for_each=[], steps=LIST, concurrency=0),
    one(for_each=[], steps=LIST, **{"as": "vars"}),
    one(wait="2h"),
    one(wait={}),
    one(wait={"for": "2 hours"}),
    one(wait={"for": ""}),
    one(wait={"for": 5, "callback": {}}),
    one(wait={"for": 5}, timeout=9),
    one(wait={"until": "tea"}),
    one(wait={"callback": {"a": 1}}),
    one(call="{{ x }}"),
    one(call=""),
    one(set={"A": 1}),
    one(set=[], on_error="continue"),
    one(respond={"status": 199}),
    one(respond={}, on_error="continue"),
    one(finish={"status": "ok"}),
    one(finish={}, timeout=5),
]  # fmt: skip


@pytest.mark.parametrize("document", GOOD, ids=lambda one: str(one)[:60])
def test_both_accept_a_good_document(document: Any) -> None:
    assert judge(SCHEMA, document, "") == []
    assert read(document)[1] == []


@pytest.mark.parametrize("document", BAD, ids=lambda one: str(one)[:60])
def test_both_refuse_a_bad_document(document: Any) -> None:
    assert not accepted(document)
    assert not readable(document)


TEXT = st.sampled_from(["{{ x }}", "a {{ vars.b }}", "{{ steps.c.d }}m"])
SECONDS = st.integers(60, 80_000) | st.sampled_from(["90s", "15m", "2h", "20h30m", "1h1.5s"])
NAME = st.from_regex(r"[b-z][a-z0-9_]{0,5}", fullmatch=True).filter(lambda one: one not in ("index", "vars"))
ANY = st.none() | st.booleans() | st.integers() | TEXT | st.just({"k": ["{{ y }}"]})


def some(required: dict[str, Any], **optional: Any) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional={key.strip("_"): one for key, one in optional.items()})


def steps_of(step: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[Any]:
    return st.lists(step, min_size=least, max_size=3)


RETRY = some(
    {},
    attempts=st.integers(1, 100),
    delay=SECONDS,
    longest=SECONDS,
    backoff=st.floats(1, 10),
    jitter=st.floats(0, 1),
    on=st.lists(NAME, min_size=1, max_size=3),
)
VALUE_ON_ERROR = st.sampled_from(["fail", "continue"]) | some({"continue": ANY})
WAITS = some({"for": SECONDS | TEXT}) | some({"until": TEXT | st.just("2027-01-31T08:00Z")})
PLAIN = st.one_of(
    some({"uses": st.just("a.b")}, with_=st.just({"x": 1}), connection=NAME, retry=RETRY, timeout=SECONDS),
    some({"set": st.dictionaries(NAME, ANY, max_size=2)}, if_=TEXT | st.booleans()),
    some({"finish": some({}, status=st.sampled_from(["failed", "succeeded"]), output=ANY)}),
    some({"respond": some({}, status=st.integers(200, 599), body=ANY)}),
    some({"wait": WAITS}, on_error=VALUE_ON_ERROR),
    some({"wait": st.just({"callback": {}})}, timeout=SECONDS),
    some({"call": NAME}, with_=st.just({}), timeout=SECONDS, on_error=VALUE_ON_ERROR),
)


def nested(step: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    inner = steps_of(step)
    on_error = VALUE_ON_ERROR | some({"steps": inner})
    return st.one_of(
        some({"if": TEXT, "then": steps_of(step, 0)}, else_=inner),
        some({"switch": TEXT, "cases": st.dictionaries(st.text(max_size=5), inner, min_size=1, max_size=2)},
             default=inner),
        some({"parallel": st.dictionaries(NAME, inner, min_size=1, max_size=2)}, timeout=SECONDS,
             on_error=on_error),
        some({"for_each": TEXT | st.lists(ANY, max_size=2), "steps": inner}, as_=NAME, result=ANY,
             concurrency=st.integers(1, 1000), on_item_error=st.sampled_from(["stop", "continue"])),
        some({"uses": st.just("a.b"), "on_error": on_error}),
    )  # fmt: skip


STEP_ST = st.recursive(PLAIN, nested, max_leaves=6)
MOMENT = st.sampled_from(["2027-01-31T08:00Z", "2027-01-31T08:00:00.500000-03:30"])
MOMENTS = MOMENT | st.lists(MOMENT, min_size=1, max_size=3)
POLICIES: dict[str, Any] = {
    "missed": st.sampled_from(["once", "skip", "all"]),
    "catch_up": SECONDS.filter(lambda one: one != "1s"),
    "most": st.integers(1, 100),
    "overlap": st.sampled_from(["allow", "skip", "queue", "cancel_previous"]),
    "jitter": SECONDS,
    "description": st.just("each night"),
}
TRIGGER = st.one_of(
    st.just("manual"),
    some({"event": NAME}, connection=NAME),
    some({"schedule": some({"every": SECONDS.filter(lambda one: one != "1s")}, **POLICIES)}),
    some({"schedule": some({"cron": st.just("0 8 * * *")}, timezone=st.just("UTC"), **POLICIES)}),
    some({"schedule": some({"at": MOMENTS}, **POLICIES)}),
    some({"schedule": some({"at": st.just("2027-03-28T02:30"), "timezone": st.just("UTC")}, **POLICIES)}),
)
DOCUMENT = some(
    {"name": NAME, "steps": steps_of(STEP_ST)},
    on=st.lists(TRIGGER, max_size=3),
    vars=st.dictionaries(NAME, ANY, max_size=2),
    inputs=st.just({"type": "object"}),
    concurrency=some({}, key=TEXT, limit=st.integers(1, 1000), when_full=st.sampled_from(["queue", "skip"])),
    idempotency=some({"key": TEXT}),
    on_failure=some({"steps": steps_of(STEP_ST)}) | some({"workflow": NAME}),
)
ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        0.5,
        1.5,
        12,
        700,
        10**7,
        10**9,
        "",
        " ",
        "x",
        "A B",
        "a.b",
        "{{ x }}",
        "90s",
        [],
        {},
        ["x"],
        {"x": 1},
    ]
) | st.sampled_from([[{"set": {}}], {"set": {}}, {"steps": LIST}, {"callback": {}}, {"for": 1}, "2027"])
WORD = st.sampled_from([*TOP, *STEP, *RETRY_WORDS, *CONCURRENCY, "auth", "key", "x", "at_x", "A", ""])


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document: what holds it, and its key or index."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, below in members:
        yield value, key
        yield from places(below)


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """A good document in which something is replaced, left out or added."""
    document = copy.deepcopy(draw(DOCUMENT))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(document))
        holder, key = draw(st.sampled_from(found))
        how = draw(st.sampled_from(["replace", "remove", "add"]))
        if how == "replace":
            holder[key] = copy.deepcopy(draw(ODD))
        elif how == "remove" and len(found) > 1:
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(WORD)] = copy.deepcopy(draw(ODD))
        assume(document)
        if not list(places(document)):
            break
    return document


def faults(document: Any) -> list[str]:
    return [one.message for one in read(document)[1] if not any(says in one.message for says in NOT_SAID)]


@settings(max_examples=150)
@given(DOCUMENT)
def test_both_accept_any_good_document(document: Any) -> None:
    assert accepted(document)
    assert faults(document) == []


@settings(max_examples=400)
@given(changed())
def test_what_the_schema_accepts_can_be_read(document: Any) -> None:
    if accepted(document):
        assert faults(document) == []


def test_a_document_that_is_wrong_deep_down_is_refused_soon() -> None:
    step: dict[str, Any] = {"uses": 5}
    for _ in range(40):
        step = {**ACT, "on_error": {"steps": [step]}}
    assert not accepted({"name": "x", "steps": [step]})
