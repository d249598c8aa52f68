"""How work is held: retry, approvals, timeouts, a loop's bounds, and limits of a workflow's executions."""

import re

from revolution_hub.model.approval import (
    LONGEST_DEADLINE_S,
    LONGEST_MESSAGE,
    MOST_ASSIGNEES,
    MOST_QUORUM,
    SHORTEST_DEADLINE_S,
    ApprovalRule,
)
from revolution_hub.model.reading import Reader, is_name, join
from revolution_hub.model.words import (
    APPROVAL,
    ASSIGNEE,
    CONCURRENCY,
    LONGEST_DELAY_S,
    LONGEST_GROWN_S,
    LONGEST_TEXT,
    MOST_AT_A_TIME,
    MOST_CODES,
    ON_ITEM_ERROR,
    RESERVED,
    RETRY,
    SHORTEST_TIMEOUT_S,
    WHEN_FULL,
)
from revolution_hub.model.workflow import Concurrency, Loop, RetryPolicy
from revolution_sdk.types import Json, JsonObject

_ASSIGNEE = re.compile(rf"{ASSIGNEE}\Z")


def read_retry(reader: Reader, value: Json, path: str) -> RetryPolicy:
    """Return how often and how soon an action is tried again."""
    entry = reader.object(value, path)
    reader.known_words(entry, RETRY, path)
    plain = RetryPolicy()
    return RetryPolicy(
        attempts=reader.whole(entry.get("attempts"), join(path, "attempts"), 1, 100, plain.attempts),
        delay_s=reader.duration(entry.get("delay"), join(path, "delay"), plain.delay_s, high=LONGEST_DELAY_S),
        longest_s=reader.duration(
            entry.get("longest"), join(path, "longest"), plain.longest_s, high=LONGEST_GROWN_S
        ),
        backoff=reader.number(entry.get("backoff"), join(path, "backoff"), 1, 10, plain.backoff),
        jitter=reader.number(entry.get("jitter"), join(path, "jitter"), 0, 1, plain.jitter),
        only=_codes(reader, entry["on"], join(path, "on")) if "on" in entry else (),
    )


def _codes(reader: Reader, value: Json, path: str) -> tuple[str, ...]:
    codes = reader.list_(value, path)
    if codes == [] and isinstance(value, list):
        reader.problem(path, "name at least one error code")
    if len(codes) > MOST_CODES:
        reader.problem(path, f"at most {MOST_CODES} error codes")
        return ()
    for index, code in enumerate(codes):
        if not isinstance(code, str) or not is_name(code):
            message = "an error code is lower case letters, digits and underscores, such as rate_limited"
            reader.problem(f"{path}[{index}]", message)
    return tuple(dict.fromkeys(code for code in codes if isinstance(code, str)))


def read_timeout(reader: Reader, entry: JsonObject, path: str) -> float | None:
    """Return how many seconds a step may take in all, None if nothing is said."""
    if "timeout" not in entry:
        return None
    place = join(path, "timeout")
    if entry["timeout"] is None:
        reader.problem(place, "a duration is needed here, such as 90s, 15m or 2h")
        return None
    timeout_s = reader.duration(entry["timeout"], place, 1.0)
    if timeout_s < SHORTEST_TIMEOUT_S:
        reader.problem(place, "a timeout is longer than nothing")
    return timeout_s


def read_approval(reader: Reader, value: Json, path: str) -> ApprovalRule:
    """Return who has to agree before a step is done."""
    entry = reader.object(value, path)
    reader.known_words(entry, APPROVAL, path)
    plain = ApprovalRule()
    deadline_s = reader.duration(
        entry.get("deadline"),
        join(path, "deadline"),
        plain.deadline_s,
        low=SHORTEST_DEADLINE_S,
        high=LONGEST_DEADLINE_S,
    )
    return ApprovalRule(
        assignees=read_assignees(reader, entry, path, "assignees"),
        quorum=reader.whole(entry.get("quorum"), join(path, "quorum"), 1, MOST_QUORUM, plain.quorum),
        deadline_s=deadline_s,
        escalate_to=read_assignees(reader, entry, path, "escalate_to"),
        message=reader.text(
            entry.get("message"), join(path, "message"), longest=LONGEST_MESSAGE, needed=False
        ),
    )


def read_assignees(reader: Reader, entry: JsonObject, path: str, word: str) -> tuple[str, ...]:
    """Return who is named under a word: users by id, roles by name; nobody if the word is not there."""
    if word not in entry:
        return ()
    place = join(path, word)
    named = reader.list_(entry[word], place)
    if named == [] and isinstance(entry[word], list):
        reader.problem(place, "name at least one user or role, or leave the word out")
    if len(named) > MOST_ASSIGNEES:
        reader.problem(place, f"at most {MOST_ASSIGNEES} users and roles")
        return ()
    for index, one in enumerate(named):
        if not isinstance(one, str) or not _ASSIGNEE.match(one):
            reader.problem(
                f"{place}[{index}]", "the id of a user (usr_…) or the name of a role is needed here"
            )
    return tuple(dict.fromkeys(one for one in named if isinstance(one, str)))


def read_loop(reader: Reader, entry: JsonObject, path: str) -> Loop:
    """Return how a `for_each` goes through its items."""
    variable = entry.get("as", "item")
    reader.name(variable, join(path, "as"), "a name")
    if isinstance(variable, str) and variable in RESERVED:
        reader.problem(join(path, "as"), f"templates read something else as {variable!r}")
    at_once = reader.whole(entry.get("concurrency"), join(path, "concurrency"), 1, MOST_AT_A_TIME, 1)
    then = reader.one_of(
        entry.get("on_item_error", ON_ITEM_ERROR[0]), join(path, "on_item_error"), ON_ITEM_ERROR
    )
    return Loop(
        variable=variable if isinstance(variable, str) and is_name(variable) else "item",
        concurrency=at_once,
        stop=then == "stop",
    )


def read_concurrency(reader: Reader, value: Json) -> Concurrency:
    """Return how many executions may be under way at once, and which ones share that number."""
    path = "concurrency"
    entry = reader.object(value, path)
    reader.known_words(entry, CONCURRENCY, path)
    key = entry.get("key")
    when_full = reader.one_of(entry.get("when_full", WHEN_FULL[0]), join(path, "when_full"), WHEN_FULL)
    return Concurrency(
        key=reader.text(key, join(path, "key"), longest=LONGEST_TEXT, needed=False),
        limit=reader.whole(entry.get("limit"), join(path, "limit"), 1, MOST_AT_A_TIME, 1),
        skip=when_full == "skip",
    )


def read_idempotency(reader: Reader, value: Json) -> str:
    """Return the template of the key that starts once."""
    path = "idempotency"
    entry = reader.object(value, path)
    reader.known_words(entry, ("key",), path)
    return reader.template(entry.get("key"), join(path, "key"), longest=LONGEST_TEXT)
