"""parse: what is wrong with the control words is told with its exact path, all at once."""

import time
from typing import Any, NamedTuple

import pytest

from revolution_hub.errors import DefinitionError
from revolution_hub.model.parse_workflow import MOST_PROBLEMS, parse, read
from revolution_hub.model.words import BESIDE, EVERYWHERE, MOST_CASES, STEP, WORK
from revolution_hub.model.workflow import StepKind

ACT = {"uses": "acme.send_mail"}
LIST = [ACT]


class Case(NamedTuple):
    name: str
    given: dict[str, Any]
    path: str
    says: str
    code: str = "invalid"


def problems(document: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(DefinitionError) as caught:
        parse(document)
    return [(one.path, one.code, one.message) for one in caught.value.problems]


def whole(**words: Any) -> dict[str, Any]:
    return {"name": "x", "steps": LIST, **words}


def one(step: dict[str, Any]) -> dict[str, Any]:
    return {"name": "x", "steps": [step]}


def switch(cases: Any, **more: Any) -> dict[str, Any]:
    return one({"switch": "{{ x }}", "cases": cases, **more})


def loop(**more: Any) -> dict[str, Any]:
    return one({"for_each": [1], "steps": LIST, **more})


def wait(value: Any, **more: Any) -> dict[str, Any]:
    return one({"wait": value, **more})


def act(**more: Any) -> dict[str, Any]:
    return one({**ACT, **more})


def on(value: Any) -> dict[str, Any]:
    return whole(on=[{"schedule": value}])


W, U = "steps[0]", "unknown_word"

CASES = [
    Case("a switch on a constant", one({"switch": "x", "cases": {"a": []}}), f"{W}.switch", "{{ expression"),
    Case("a switch on a number", one({"switch": 5, "cases": {"a": []}}), f"{W}.switch", "a text"),
    Case("a switch without cases", one({"switch": "{{ x }}"}), f"{W}.cases", "an object is needed"),
    Case("a switch with no case", switch({}), f"{W}.cases", "at least one case"),
    Case("cases that are a list", switch([[]]), f"{W}.cases", "an object is needed"),
    Case("a case that is no list", switch({"de": ACT}), f"{W}.cases.de", "a list is needed"),
    Case("a default that is no list", switch({"de": []}, default=1), f"{W}.default", "a list is needed"),
    Case("a long case", switch({"c" * 91: []}), f"{W}.cases.{'c' * 80}", "at most 90"),
    Case("101 cases", switch({str(n): [] for n in range(101)}), f"{W}.cases", "at most 100 cases"),
    Case("a parallel of a list", one({"parallel": [LIST]}), f"{W}.parallel", "an object is needed"),
    Case("a parallel of nothing", one({"parallel": {}}), f"{W}.parallel", "at least one branch"),
    Case("an empty branch", one({"parallel": {"a": []}}), f"{W}.parallel.a", "at least one step"),
    Case("a branch in capitals", one({"parallel": {"A": LIST}}), f"{W}.parallel.A", "name of a branch"),
    Case(
        "21 branches",
        one({"parallel": {f"b{n}": LIST for n in range(21)}}),
        f"{W}.parallel",
        "a parallel has at most 20 branches",
    ),
    Case("a loop over a number", one({"for_each": 5, "steps": LIST}), f"{W}.for_each", "a list, or one"),
    Case("a loop over plain text", one({"for_each": "x", "steps": LIST}), f"{W}.for_each", "{{ expression"),
    Case("a loop without steps", one({"for_each": []}), f"{W}.steps", "a list is needed"),
    Case("a loop of no steps", one({"for_each": [], "steps": []}), f"{W}.steps", "at least one step"),
    Case("an odd variable", loop(**{"as": "My Item"}), f"{W}.as", "a name is lower case"),
    Case("a variable that is taken", loop(**{"as": "steps"}), f"{W}.as", "something else as 'steps'"),
    Case("nobody at a time", loop(concurrency=0), f"{W}.concurrency", "from 1 to 1000"),
    Case("1001 at a time", loop(concurrency=1001), f"{W}.concurrency", "from 1 to 1000"),
    Case("an odd item error", loop(on_item_error="skip"), f"{W}.on_item_error", "one of: stop, continue"),
    Case("a wait that is text", wait("2h"), f"{W}.wait", "an object is needed"),
    Case("a wait for nothing", wait({}), f"{W}.wait", "exactly one of: for, until, callback", U),
    Case("a wait for two", wait({"for": 1, "until": "{{ x }}"}), f"{W}.wait", "exactly one of", U),
    Case("a wait of odd length", wait({"for": "soon"}), f"{W}.wait.for", "write a duration"),
    Case("a wait of two years", wait({"for": "104w"}), f"{W}.wait.for", "at most 366 days"),
    Case("a wait into the past", wait({"for": -1}), f"{W}.wait.for", "at least 0"),
    Case("a wait of null", wait({"for": None}), f"{W}.wait.for", "a number of seconds"),
    Case("a wait until a day", wait({"until": "2027-01-31"}), f"{W}.wait.until", "a moment with its zone"),
    Case("a wait until tea", wait({"until": "tea"}), f"{W}.wait.until", "a moment with its zone"),
    Case("a wait until 5", wait({"until": 5}), f"{W}.wait.until", "a text is needed"),
    Case("a callback with words", wait({"callback": {"u": 1}}), f"{W}.wait.callback.u", "not a known", U),
    Case("a timer with a timeout", wait({"for": 5}, timeout=9), f"{W}.timeout", "wait for a callback"),
    Case("a call of a template", one({"call": "{{ x }}"}), f"{W}.call", "not a template"),
    Case("a call of nothing", one({"call": " "}), f"{W}.call", "a text is needed"),
    Case("a call with a list", one({"call": "a", "with": []}), f"{W}.with", "an object is needed"),
    Case("a timeout of nothing", act(timeout=0), f"{W}.timeout", "longer than nothing"),
    Case("a timeout of null", act(timeout=None), f"{W}.timeout", "a duration is needed"),
    Case("a timeout of a list", act(timeout=[]), f"{W}.timeout", "a duration is"),
    Case("a backoff below", act(retry={"backoff": 0.5}), f"{W}.retry.backoff", "from 1 to 10"),
    Case("a backoff above", act(retry={"backoff": 11}), f"{W}.retry.backoff", "from 1 to 10"),
    Case("much jitter", act(retry={"jitter": 1.1}), f"{W}.retry.jitter", "from 0 to 1"),
    Case("a delay of 2 days", act(retry={"delay": "2d"}), f"{W}.retry.delay", "0 to 86400 seconds"),
    Case("codes as a text", act(retry={"on": "timeout"}), f"{W}.retry.on", "a list is needed"),
    Case("no codes at all", act(retry={"on": []}), f"{W}.retry.on", "at least one error code"),
    Case("an odd code", act(retry={"on": ["a", "Time Out"]}), f"{W}.retry.on[1]", "an error code is"),
    Case("a code of 5", act(retry={"on": [5]}), f"{W}.retry.on[0]", "an error code is"),
    Case("an odd on_error", act(on_error="ignore"), f"{W}.on_error", "one of: fail, continue"),
    Case("on_error of null", act(on_error=None), f"{W}.on_error", "one of: fail, continue"),
    Case("on_error of two", act(on_error={"continue": 1, "steps": LIST}), f"{W}.on_error", "exactly one", U),
    Case("on_error of none", act(on_error={}), f"{W}.on_error", "exactly one of: continue, steps", U),
    Case("on_error, no steps", act(on_error={"steps": []}), f"{W}.on_error.steps", "at least one step"),
    Case("inputs of a list", whole(inputs=[]), "inputs", "an object is needed"),
    Case("an odd limit", whole(concurrency={"limit": 0}), "concurrency.limit", "from 1 to 1000"),
    Case("a word too many", whole(concurrency={"size": 1}), "concurrency.size", "not a known word", U),
    Case("odd when full", whole(concurrency={"when_full": "x"}), "concurrency.when_full", "queue, skip"),
    Case("a key of 5", whole(concurrency={"key": 5}), "concurrency.key", "a text is needed"),
    Case("once without key", whole(idempotency={}), "idempotency.key", "a text is needed"),
    Case("once for ever", whole(idempotency={"key": "a"}), "idempotency.key", "{{ expression }}"),
    Case("after nothing", whole(on_failure={}), "on_failure", "exactly one of: steps, workflow", U),
    Case("after a list", whole(on_failure={"steps": ACT}), "on_failure.steps", "a list is needed"),
    Case("after no name", whole(on_failure={"workflow": 5}), "on_failure.workflow", "a text is needed"),
    Case("a schedule of text", on("daily"), "on[0].schedule", "an object is needed"),
    Case("a schedule of nothing", on({}), "on[0].schedule", "exactly one of: cron, every", U),
    Case("a schedule of both", on({"cron": "* * * * *", "every": 60}), "on[0].schedule", "exactly one", U),
    Case("an odd cron", on({"cron": "every day"}), "on[0].schedule.cron", "five fields", "bad_cron"),
    Case("a cron of 5", on({"cron": 5}), "on[0].schedule.cron", "a text is needed"),
    Case("a zone of 5", on({"cron": "* * * * *", "timezone": 5}), "on[0].schedule.timezone", "a text"),
    Case("each second", on({"every": "1s"}), "on[0].schedule.every", "from 60 to"),
    Case("each null", on({"every": None}), "on[0].schedule.every", "write a duration"),
    Case("an interval in a zone", on({"every": 60, "timezone": "UTC"}), "on[0].schedule.timezone", "'cron'"),
    Case("a schedule with words", on({"cron": "* * * * *", "on": 1}), "on[0].schedule.on", "known", U),
    Case("a schedule of all", on({"cron": "* * * * *", "at": 1}), "on[0].schedule", "exactly one", U),
    Case("no moments", on({"at": []}), "on[0].schedule.at", "from 1 to 100 moments"),
    Case("101 moments", on({"at": ["2027-01-31T08:00Z"] * 101}), "on[0].schedule.at", "from 1 to 100"),
    Case("a moment of 5", on({"at": 5}), "on[0].schedule.at", "a text is needed"),
    Case("tea time", on({"at": ["tea"]}), "on[0].schedule.at[0]", "such as 2027-01-31T08:00:00Z"),
    Case("the year 1", on({"at": "0001-01-01T00:00Z"}), "on[0].schedule.at", "such as 2027"),
    Case("no such day", on({"at": "2027-02-30T00:00Z"}), "on[0].schedule.at", "such as 2027"),
    Case("whose clocks", on({"at": "2027-01-31T08:00"}), "on[0].schedule.at", "which clocks show this"),
    Case("missed", on({"every": 60, "missed": "two"}), "on[0].schedule.missed", "one of: once, skip, all"),
    Case(
        "overlap", on({"every": 60, "overlap": "no"}), "on[0].schedule.overlap", "one of: allow, skip, queue"
    ),
    Case("catch up", on({"every": 60, "catch_up": 5}), "on[0].schedule.catch_up", "from 60 to"),
    Case("most", on({"every": 60, "most": 101}), "on[0].schedule.most", "from 1 to 100"),
    Case("jitter", on({"every": 60, "jitter": "2d"}), "on[0].schedule.jitter", "from 0 to 86400"),
    Case("told", on({"every": 60, "description": 5}), "on[0].schedule.description", "a text"),
    Case("at reboot", on({"cron": "@reboot"}), "on[0].schedule.cron", "is none of @yearly", "bad_cron"),
    Case("never", on({"cron": "0 0 30 2 *"}), "on[0].schedule.cron", "never such a day", "bad_cron"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_named_with_its_exact_path(case: Case) -> None:
    ((path, code, message),) = problems(case.given)
    assert (path, code) == (case.path, case.code)
    assert case.says in message


NEEDED: dict[str, dict[str, Any]] = {
    "uses": ACT,
    "switch": {"switch": "{{ x }}", "cases": {"a": LIST}},
    "parallel": {"parallel": {"a": LIST}},
    "for_each": {"for_each": [1], "steps": LIST},
    "wait": {"wait": {"callback": {}}},
    "call": {"call": "other"},
    "emit": {"emit": {"event": "custom.a"}},
    "set": {"set": {"a": 1}},
    "respond": {"respond": {}},
    "finish": {"finish": {}},
    "if": {"if": "{{ x }}", "then": LIST},
}
VALUES: dict[str, Any] = {
    "with": {}, "connection": "main", "retry": {}, "timeout": "5m", "on_error": "continue",
    "then": LIST, "else": LIST, "cases": {"a": LIST}, "default": LIST, "as": "row", "steps": LIST,
    "concurrency": 2, "on_item_error": "stop", "result": 1,
}  # fmt: skip


@pytest.mark.parametrize("work", NEEDED)
def test_a_word_stands_beside_the_work_it_belongs_to_and_no_other(work: str) -> None:
    allowed = BESIDE[WORK.get(work, StepKind.BRANCH)]
    for word, value in VALUES.items():
        _, found = read(one({**NEEDED[work], word: value}))
        if word in allowed:
            assert found == [], (work, word)
        elif word in ("then", "else"):
            assert found[0].path == W
        else:
            assert [(one.path, "belongs to a step with" in one.message) for one in found] == [
                (f"{W}.{word}", True)
            ]


def test_every_word_is_in_these_tables() -> None:
    assert {*NEEDED, *VALUES, "id", "approval"} == {*STEP}
    assert {*NEEDED} == {*WORK, "if"}
    assert EVERYWHERE == ("id", "if", "approval")


@pytest.mark.parametrize(
    ("around", "path"),
    [
        (lambda step: one({"parallel": {"a": [step]}}), f"{W}.parallel.a[0]"),
        (lambda step: one({"for_each": [1], "steps": [step]}), f"{W}.steps[0]"),
        (lambda step: whole(on_failure={"steps": [step]}), "on_failure.steps[0]"),
        (
            lambda step: one({"for_each": [1], "steps": [{"if": "{{ x }}", "then": [step]}]}),
            f"{W}.steps[0].then[0]",
        ),
    ],
)
def test_nobody_waits_for_an_answer_there(around: Any, path: str) -> None:
    ((told, _, message),) = problems(around({"respond": {"status": 200}}))
    assert told == path
    assert message.startswith("'respond' has nobody to answer within")


def test_an_answer_may_stand_in_a_branch_and_after_an_error() -> None:
    answer = {"respond": {"status": 200}}
    parse(one({"if": "{{ x }}", "then": [answer], "else": [answer]}))
    parse(switch({"a": [answer]}, default=[answer]))
    parse(act(on_error={"steps": [answer]}))


def test_a_hundred_cases_and_twenty_branches_are_fine() -> None:
    parse(switch({str(number): [] for number in range(MOST_CASES)}))
    parse(one({"parallel": {f"b{number}": LIST for number in range(20)}}))


def test_steps_of_every_block_count_and_nest() -> None:
    many = {"switch": "{{ x }}", "cases": {str(number): LIST * 20 for number in range(100)}}
    assert problems(one(many))[0][2] == "a workflow has at most 2,000 steps"
    deep: dict[str, Any] = ACT
    for _ in range(4):
        deep = {**ACT, "on_error": {"steps": [{"for_each": [1], "steps": [{"parallel": {"a": [deep]}}]}]}}
    (found,) = problems(one(deep))
    assert found[2] == "steps are nested at most 12 deep"


def test_a_huge_document_full_of_faults_is_read_soon_and_told_in_part() -> None:
    step = {"switch": 1, "cases": {str(n): [{"usess": 1, "retry": {"on": [1] * 50}}] for n in range(100)}}
    begun = time.perf_counter()
    found = problems({"name": "x", "steps": [step] * 19, "on_failure": 5, "on": [{"schedule": 1}] * 50})
    assert len(found) == MOST_PROBLEMS
    assert time.perf_counter() - begun < 5


def test_keys_that_are_no_texts_are_refused_wherever_they_stand() -> None:
    for document, path in (
        (whole(vars={1: 2}), "vars"),
        (one({"switch": "{{ x }}", "cases": {True: LIST, "a": LIST}}), f"{W}.cases"),
        (one({5: 1, **ACT}), W),
    ):
        assert [(one[0], one[2]) for one in problems(document)] == [
            (path, "every key of an object is a text; write it in quotes")
        ]
