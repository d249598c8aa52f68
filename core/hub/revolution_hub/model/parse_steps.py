"""Steps and the steps within them: lists under `steps`, `then`, a case, a branch become values."""

import re
import zlib
from dataclasses import dataclass, replace

from revolution_hub.model.parse_bodies import read_body
from revolution_hub.model.parse_policies import read_approval, read_loop, read_retry, read_timeout
from revolution_hub.model.reading import Reader, is_name, join
from revolution_hub.model.words import (
    BESIDE,
    DEEPEST,
    LONGEST_CASE,
    LONGEST_TEXT,
    MOST_BRANCHES,
    MOST_CASES,
    MOST_STEPS,
    ON_ERROR,
    STEP,
    USES,
    WORK,
)
from revolution_hub.model.workflow import Block, Loop, OnError, RetryPolicy, Step, StepKind, Steps
from revolution_sdk.types import Json, JsonObject

ON_ERROR_BLOCK = "on_error"
BODY_BLOCK = "steps"

_USES = re.compile(rf"{USES}\Z")
_LONGEST_MADE_ID = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of steps stands: how deep, and within which word, if that is one of its own kind."""

    path: str
    depth: int = 1
    within: str = ""

    def below(self, path: str, within: str = "") -> "Place":
        """Return a place one deeper; `within` is kept from above if nothing is given."""
        return replace(self, path=path, depth=self.depth + 1, within=within or self.within)


def read_steps(reader: Reader, value: Json, place: Place, *, needed: bool = False) -> Steps:
    """Return the steps of a list; with `needed` it must have one."""
    if place.depth > DEEPEST:
        reader.problem(place.path, f"steps are nested at most {DEEPEST} deep")
        return ()
    items = reader.list_(value, place.path)
    reader.steps += len(items)
    if reader.steps > MOST_STEPS:
        reader.problem(place.path, f"a workflow has at most {MOST_STEPS:,} steps")
        return ()
    if needed and value == []:
        reader.problem(place.path, "at least one step is needed")
    return tuple(
        _step(reader, item, replace(place, path=f"{place.path}[{index}]")) for index, item in enumerate(items)
    )


def _step(reader: Reader, value: Json, place: Place) -> Step:
    path = place.path
    entry = reader.object(value, path)
    reader.known_words(entry, STEP, path)
    kind = _kind(reader, entry, path)
    step_id = _step_id(reader, entry, path)
    if kind is None:
        return Step(id=step_id, path=path, kind=StepKind.SET, blocks=_leftovers(reader, entry, place))
    if kind is StepKind.RESPOND and place.within:
        reader.problem(path, f"'respond' has nobody to answer within {place.within!r}")
    action = kind is StepKind.ACTION
    return Step(
        id=step_id,
        path=path,
        kind=kind,
        condition=_condition(reader, entry, path),
        uses=_uses(reader, entry["uses"], path) if action else None,
        connection=reader.text(entry.get("connection"), join(path, "connection"), needed=False) or None,
        target=_target(reader, entry["call"], join(path, "call")) if kind is StepKind.CALL else None,
        event=_event(reader, entry["emit"], join(path, "emit")) if kind is StepKind.EMIT else None,
        body=read_body(reader, kind, entry, path),
        blocks=_blocks(reader, kind, entry, place),
        loop=read_loop(reader, entry, path) if kind is StepKind.FOR_EACH else Loop(),
        retry=read_retry(reader, entry["retry"], join(path, "retry")) if "retry" in entry else RetryPolicy(),
        timeout_s=read_timeout(reader, entry, path),
        on_error=_on_error(reader, entry, place),
        approval=read_approval(reader, entry["approval"], join(path, "approval"))
        if "approval" in entry
        else None,
    )


def _kind(reader: Reader, entry: JsonObject, path: str) -> StepKind | None:
    works = [word for word in WORK if word in entry]
    branches = [word for word in BESIDE[StepKind.BRANCH] if word in entry]
    if branches:
        if works:
            reader.problem(path, f"a step with {branches[0]!r} cannot have {works[0]!r} as well")
        if "if" not in entry:
            reader.problem(path, f"{branches[0]!r} needs an 'if'")
        kind = StepKind.BRANCH
    elif len(works) == 1:
        kind = WORK[works[0]]
    else:
        words = ", ".join(WORK)
        reader.problem(path, f"name exactly one of: {words} (or 'if' with 'then')", "unknown_word")
        return None
    for word in entry:
        if word in _BELONGS and kind not in _BELONGS[word]:
            owners = " or ".join(repr(_WORD[one]) for one in _BELONGS[word])
            reader.problem(join(path, word), f"{word!r} belongs to a step with {owners}")
    return kind


def _step_id(reader: Reader, entry: JsonObject, path: str) -> str:
    given = entry.get("id")
    if given is None:
        return _made_id(reader, path)
    place = join(path, "id")
    text = reader.text(given, place)
    if text and not is_name(text):
        reader.problem(place, "an id is lower case letters, digits and underscores, at most 64")
    elif text in reader.ids:
        reader.problem(place, f"the id {text!r} is already used at {reader.ids[text]}")
    elif text.startswith("at_"):
        reader.problem(place, "ids beginning with 'at_' are made by the hub")
    reader.ids.setdefault(text, path)
    return text


def _made_id(reader: Reader, path: str) -> str:
    made = "at_" + re.sub(r"[^a-z0-9]+", "_", path.lower()).strip("_")
    # Cases are any text, so two places may come to the same name, and a name may become very long.
    if len(made) > _LONGEST_MADE_ID or made in reader.ids:
        made = f"{made[: _LONGEST_MADE_ID - 20]}_{zlib.crc32(path.encode(errors='replace')):08x}"
    while made in reader.ids:
        made += "_"
    reader.ids[made] = path
    return made


def _condition(reader: Reader, entry: JsonObject, path: str) -> str | bool:
    condition = entry.get("if", True)
    if isinstance(condition, bool):
        return condition
    return reader.text(condition, join(path, "if"), longest=LONGEST_TEXT)


def _uses(reader: Reader, value: Json, path: str) -> str:
    uses = reader.text(value, join(path, "uses"))
    if uses and not _USES.match(uses):
        reader.problem(join(path, "uses"), "write it as connector.action")
    return uses


def _target(reader: Reader, value: Json, path: str) -> str:
    name = reader.text(value, path)
    if "{{" in name:
        reader.problem(path, "the name of a workflow is needed here, not a template")
    return name


def _event(reader: Reader, value: Json, path: str) -> str:
    """Return the type of event under `emit`; whatever else is wrong there is told with the body."""
    given = value.get("event") if isinstance(value, dict) else None
    name = reader.text(given, join(path, "event")) if isinstance(value, dict) else ""
    if "{{" in name:
        reader.problem(join(path, "event"), "the name of an event type is needed here, not a template")
    return name


def _blocks(reader: Reader, kind: StepKind, entry: JsonObject, place: Place) -> tuple[Block, ...]:
    if kind is StepKind.SWITCH:
        return _cases(reader, entry, place)
    if kind is StepKind.PARALLEL:
        return _branches(reader, entry["parallel"], place)
    if kind is StepKind.FOR_EACH:
        inner = place.below(join(place.path, "steps"), "for_each")
        return (Block(name=BODY_BLOCK, path=inner.path, steps=_body(reader, entry, inner)),)
    return _two_ways(reader, entry, place)


def _body(reader: Reader, entry: JsonObject, inner: Place) -> Steps:
    return read_steps(reader, entry.get("steps"), inner, needed=True)


def _two_ways(reader: Reader, entry: JsonObject, place: Place) -> tuple[Block, ...]:
    words = [word for word in BESIDE[StepKind.BRANCH] if word in entry]
    return tuple(_block(reader, word, entry[word], place.below(join(place.path, word))) for word in words)


def _cases(reader: Reader, entry: JsonObject, place: Place) -> tuple[Block, ...]:
    path = join(place.path, "cases")
    cases = reader.object(entry.get("cases"), path)
    if len(cases) > MOST_CASES:
        reader.problem(path, f"a switch has at most {MOST_CASES} cases")
        return ()
    if not cases and isinstance(entry.get("cases"), dict):
        reader.problem(path, "at least one case is needed")
    found = []
    for text, steps in cases.items():
        if len(text) > LONGEST_CASE:
            reader.problem(join(path, text), f"a case has at most {LONGEST_CASE} characters")
        found.append(_block(reader, f"case:{text}", steps, place.below(_member(path, text))))
    if "default" in entry:
        inner = place.below(join(place.path, "default"))
        found.append(_block(reader, "default", entry["default"], inner))
    return tuple(found)


def _member(path: str, text: str) -> str:
    return join(path, text) if is_name(text) else f'{path}["{text[:LONGEST_CASE]}"]'


def _branches(reader: Reader, value: Json, place: Place) -> tuple[Block, ...]:
    path = join(place.path, "parallel")
    branches = reader.object(value, path)
    if len(branches) > MOST_BRANCHES:
        reader.problem(path, f"a parallel has at most {MOST_BRANCHES} branches")
        return ()
    if value == {}:
        reader.problem(path, "at least one branch is needed")
    found = []
    for name, steps in branches.items():
        inner = place.below(join(path, name), "parallel")
        if not is_name(name):
            message = "the name of a branch is lower case letters, digits and underscores, at most 64"
            reader.problem(inner.path, message)
        found.append(_block(reader, name, steps, inner, needed=True))
    return tuple(found)


def _on_error(reader: Reader, entry: JsonObject, place: Place) -> OnError | None:
    path = join(place.path, "on_error")
    value = entry.get("on_error", "fail")
    if value == "fail":
        return None
    if value == "continue":
        return OnError(path=path)
    if not isinstance(value, dict):
        reader.problem(path, "one of: fail, continue, {continue: value}, {steps: [...]}")
        return None
    word, settings = reader.choice(value, ON_ERROR, path)
    if word == "continue":
        return OnError(path=path, value=settings["continue"])
    if word == "steps":
        inner = place.below(join(path, "steps"))
        return OnError(path=path, block=_block(reader, ON_ERROR_BLOCK, settings["steps"], inner, needed=True))
    return None


def _leftovers(reader: Reader, entry: JsonObject, place: Place) -> tuple[Block, ...]:
    """Read what is told without doubt in a step whose work is not, so that its problems come as well."""
    if isinstance(entry.get("steps"), list):
        return (_block(reader, BODY_BLOCK, entry["steps"], place.below(join(place.path, "steps"))),)
    return ()


def _block(reader: Reader, name: str, value: Json, place: Place, *, needed: bool = False) -> Block:
    return Block(name=name, path=place.path, steps=read_steps(reader, value, place, needed=needed))


_WORD = {kind: word for word, kind in WORK.items()} | {StepKind.BRANCH: "then"}
_BELONGS = {
    word: tuple(kind for kind, words in BESIDE.items() if word in words)
    for word in STEP
    if any(word in words for words in BESIDE.values())
}
