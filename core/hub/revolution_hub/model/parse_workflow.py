"""parse: a JSON document becomes a Workflow, or a DefinitionError with every problem and its path."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from revolution_hub.errors import DefinitionError, Problem
from revolution_hub.model.workflow import Block, RetryPolicy, Step, StepKind, Trigger, TriggerKind, Workflow
from revolution_sdk.types import Json, JsonObject

MOST_STEPS = 500
MOST_TRIGGERS = 50
DEEPEST = 8
MOST_PROBLEMS = 200

_ID = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_USES = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")
_TOP = ("name", "description", "on", "vars", "steps")
_STEP = ("id", "if", "then", "else", "uses", "with", "connection", "retry", "set", "finish", "respond")
_KINDS = {
    "uses": StepKind.ACTION,
    "set": StepKind.SET,
    "finish": StepKind.FINISH,
    "respond": StepKind.RESPOND,
}
_TRIGGER_WORDS = {
    "manual": ("manual",),
    "event": ("event", "connection"),
    "webhook": ("webhook",),
}


@dataclass(slots=True)
class _Reader:
    """Collects problems while the document is read."""

    problems: list[Problem] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    count: int = 0

    @property
    def full(self) -> bool:
        return len(self.problems) >= MOST_PROBLEMS

    def problem(self, path: str, message: str, code: str = "invalid") -> None:
        if not self.full:
            self.problems.append(Problem(path=path, message=message, code=code))

    def known_words(self, value: JsonObject, known: Sequence[str], path: str) -> None:
        for word in value:
            # Looking for near names costs the most, and nobody reads the hint to the thousandth problem.
            if self.full:
                return
            if word not in known:
                near = difflib.get_close_matches(word[:80], known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"
                self.problem(_join(path, word), f"{word[:80]!r} is not a known word{hint}", "unknown_word")

    def text(self, value: Json, path: str, *, longest: int = 200, needed: bool = True) -> str:
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or (needed and not value.strip()):
            self.problem(path, "a text is needed here")
            return ""
        if len(value) > longest:
            self.problem(path, f"at most {longest} characters")
        return value

    def object(self, value: Json, path: str) -> JsonObject:
        if not isinstance(value, dict):
            self.problem(path, "an object is needed here")
            return {}
        return value

    def list_(self, value: Json, path: str) -> list[Json]:
        if not isinstance(value, list):
            self.problem(path, "a list is needed here")
            return []
        return value

    def number(self, value: Json, path: str, low: float, high: float, default: float) -> float:
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.problem(path, f"a number from {low:g} to {high:g} is needed here")
            return default
        return value

    def whole(self, value: Json, path: str, low: int, high: int, default: int) -> int:
        found = self.number(value, path, low, high, default)
        if found != int(found):
            self.problem(path, "a whole number is needed here")
        return int(found)


def parse(document: Json) -> Workflow:
    """Return the workflow the document describes; raise DefinitionError with all problems otherwise.

    At most 500 steps, nested at most 8 deep. The first 200 problems are told.
    """
    workflow, problems = read(document)
    if problems:
        raise DefinitionError("the workflow is not valid", problems)
    return workflow


def read(document: Json) -> tuple[Workflow, list[Problem]]:
    """Return what could be read of the document, and everything that is wrong with it.

    With problems the workflow is good for nothing but looking for more of them.
    """
    reader = _Reader()
    root = reader.object(document, "")
    reader.known_words(root, _TOP, "")
    workflow = Workflow(
        name=reader.text(root.get("name"), "name"),
        description=reader.text(root.get("description"), "description", longest=4000, needed=False),
        triggers=_triggers(reader, root.get("on", [{"manual": {}}])),
        vars=reader.object(root.get("vars", {}), "vars"),
        steps=_steps(reader, root.get("steps"), "steps", 1),
    )
    if root.get("steps") == []:
        reader.problem("steps", "at least one step is needed")
    return workflow, reader.problems


def _triggers(reader: _Reader, value: Json) -> tuple[Trigger, ...]:
    found: list[Trigger] = []
    items = reader.list_(value, "on")
    if len(items) > MOST_TRIGGERS:
        reader.problem("on", f"a workflow has at most {MOST_TRIGGERS} triggers")
        return ()
    for index, item in enumerate(items):
        path = f"on[{index}]"
        entry = {item: {}} if isinstance(item, str) else reader.object(item, path)
        kinds = [word for word in entry if word in _TRIGGER_WORDS]
        if len(kinds) != 1:
            words = ", ".join(_TRIGGER_WORDS)
            reader.problem(path, f"name exactly one kind of trigger: {words}", "unknown_word")
            continue
        reader.known_words(entry, _TRIGGER_WORDS[kinds[0]], path)
        if kinds[0] == "webhook" and any(one.kind is TriggerKind.WEBHOOK for one in found):
            reader.problem(path, "a workflow has at most one webhook trigger")
        found.append(_TRIGGERS[kinds[0]](reader, entry, path))
    return tuple(found)


def _event_trigger(reader: _Reader, entry: JsonObject, path: str) -> Trigger:
    connection = entry.get("connection")
    return Trigger(
        kind=TriggerKind.EVENT,
        path=path,
        event=reader.text(entry["event"], _join(path, "event")),
        connection=reader.text(connection, _join(path, "connection"), needed=False) or None,
    )


def _webhook_trigger(reader: _Reader, entry: JsonObject, path: str) -> Trigger:
    place = _join(path, "webhook")
    settings = reader.object(entry["webhook"] or {}, place)
    reader.known_words(settings, ("auth", "answer"), place)
    for word, allowed in (("auth", ("standard-webhooks", "none")), ("answer", ("accepted", "result"))):
        if settings.get(word, allowed[0]) not in allowed:
            reader.problem(_join(place, word), f"one of: {', '.join(allowed)}")
    return Trigger(
        kind=TriggerKind.WEBHOOK,
        path=path,
        auth=str(settings.get("auth", "standard-webhooks")),
        answer=str(settings.get("answer", "accepted")),
    )


def _manual_trigger(reader: _Reader, entry: JsonObject, path: str) -> Trigger:
    reader.known_words(reader.object(entry["manual"] or {}, path), (), _join(path, "manual"))
    return Trigger(kind=TriggerKind.MANUAL, path=path)


_TRIGGERS: dict[str, Callable[[_Reader, JsonObject, str], Trigger]] = {
    "manual": _manual_trigger,
    "event": _event_trigger,
    "webhook": _webhook_trigger,
}


def _steps(reader: _Reader, value: Json, path: str, depth: int) -> tuple[Step, ...]:
    if depth > DEEPEST:
        reader.problem(path, f"steps are nested at most {DEEPEST} deep")
        return ()
    items = reader.list_(value, path)
    reader.count += len(items)
    if reader.count > MOST_STEPS:
        reader.problem(path, f"a workflow has at most {MOST_STEPS} steps")
        return ()
    return tuple(_step(reader, item, f"{path}[{index}]", depth) for index, item in enumerate(items))


def _step(reader: _Reader, value: Json, path: str, depth: int) -> Step:
    entry = reader.object(value, path)
    reader.known_words(entry, _STEP, path)
    kind = _kind(reader, entry, path)
    return Step(
        id=_step_id(reader, entry, path),
        path=path,
        kind=kind,
        condition=_condition(reader, entry, path),
        uses=_uses(reader, entry, path) if kind is StepKind.ACTION else None,
        connection=reader.text(entry.get("connection"), _join(path, "connection"), needed=False) or None,
        body=_body(reader, entry, kind, path),
        retry=_retry(reader, entry.get("retry", {}), _join(path, "retry")),
        blocks=_blocks(reader, entry, path, depth),
    )


def _blocks(reader: _Reader, entry: JsonObject, path: str, depth: int) -> tuple[Block, ...]:
    return tuple(
        Block(
            name=word,
            path=_join(path, word),
            steps=_steps(reader, entry[word], _join(path, word), depth + 1),
        )
        for word in ("then", "else")
        if word in entry
    )


def _kind(reader: _Reader, entry: JsonObject, path: str) -> StepKind:
    works = [word for word in _KINDS if word in entry]
    branches = [word for word in ("then", "else") if word in entry]
    if branches:
        if works:
            reader.problem(path, f"a step with {branches[0]!r} cannot have {works[0]!r} as well")
        if "if" not in entry:
            reader.problem(path, f"{branches[0]!r} needs an 'if'")
        _only_for_actions(reader, entry, path)
        return StepKind.BRANCH
    if len(works) != 1:
        reader.problem(
            path, f"name exactly one of: {', '.join(_KINDS)} (or 'if' with 'then')", "unknown_word"
        )
        return StepKind.SET
    kind = _KINDS[works[0]]
    if kind is not StepKind.ACTION:
        _only_for_actions(reader, entry, path)
    return kind


def _only_for_actions(reader: _Reader, entry: JsonObject, path: str) -> None:
    for word in ("with", "connection", "retry"):
        if word in entry:
            reader.problem(_join(path, word), f"{word!r} belongs to a step with 'uses'")


def _step_id(reader: _Reader, entry: JsonObject, path: str) -> str:
    given = entry.get("id")
    if given is None:
        return "at_" + re.sub(r"\W+", "_", path).strip("_").lower()
    text = reader.text(given, _join(path, "id"))
    if text and not _ID.match(text):
        reader.problem(_join(path, "id"), "an id is lower case letters, digits and underscores, at most 64")
    elif text in reader.ids:
        reader.problem(_join(path, "id"), f"the id {text!r} is already used at {reader.ids[text]}")
    elif text.startswith("at_"):
        reader.problem(_join(path, "id"), "ids beginning with 'at_' are made by the hub")
    reader.ids.setdefault(text, path)
    return text


def _condition(reader: _Reader, entry: JsonObject, path: str) -> str | bool:
    condition = entry.get("if", True)
    if isinstance(condition, bool):
        return condition
    return reader.text(condition, _join(path, "if"), longest=4000)


def _uses(reader: _Reader, entry: JsonObject, path: str) -> str:
    uses = reader.text(entry.get("uses"), _join(path, "uses"))
    if uses and not _USES.match(uses):
        reader.problem(_join(path, "uses"), "write it as connector.action")
    return uses


def _body(reader: _Reader, entry: JsonObject, kind: StepKind, path: str) -> JsonObject:
    word = {StepKind.ACTION: "with", StepKind.BRANCH: ""}.get(kind, str(kind))
    given = entry.get(word) if word else None
    body = {} if given is None else reader.object(given, _join(path, word))
    if kind is StepKind.FINISH:
        reader.known_words(body, ("status", "reason", "output"), _join(path, word))
        if body.get("status", "succeeded") not in ("succeeded", "failed"):
            reader.problem(_join(path, "finish.status"), "one of: succeeded, failed")
    if kind is StepKind.RESPOND:
        reader.known_words(body, ("status", "body"), _join(path, word))
        reader.whole(body.get("status"), _join(path, "respond.status"), 200, 599, 200)
    if kind is StepKind.SET:
        for name in body:
            if not _ID.match(name):
                reader.problem(_join(path, f"set.{name[:80]}"), "a name is lower case, digits, underscores")
    return body


def _retry(reader: _Reader, value: Json, path: str) -> RetryPolicy:
    entry = reader.object(value, path)
    reader.known_words(entry, ("attempts", "delay", "longest"), path)
    plain = RetryPolicy()
    return RetryPolicy(
        attempts=reader.whole(entry.get("attempts"), _join(path, "attempts"), 1, 100, plain.attempts),
        delay_s=reader.number(entry.get("delay"), _join(path, "delay"), 0, 86400, plain.delay_s),
        longest_s=reader.number(entry.get("longest"), _join(path, "longest"), 0, 604800, plain.longest_s),
    )


def _join(path: str, word: str) -> str:
    return f"{path}.{word[:80]}" if path else word[:80]
