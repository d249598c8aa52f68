"""difference: what changed from one document to another, as a list people and programs can read. Pure.

Members of lists are told apart by their `id` where they have one, else by what they are: a step that was put
in is one thing added, and those behind it are what they were.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise, zip_longest

from revolution_hub.model.json_schema import path_of
from revolution_hub.model.strict_json import canonical_json
from revolution_sdk.types import Json, JsonObject


class Kind(StrEnum):
    """What happened to a value."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One change. `path` is that in the later document; of what was removed, that in the earlier one.

    `before` and `after` are the values; of what was moved and stayed what it was, its two paths.
    """

    path: str
    kind: Kind
    before: Json = None
    after: Json = None

    def as_json(self) -> JsonObject:
        """Return the change as a JSON object."""
        return {"path": self.path, "kind": str(self.kind), "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class _Place:
    """A value in both documents, and where it is in each."""

    before: Json
    after: Json
    path_before: str
    path_after: str


def differences(before: Json, after: Json) -> list[Difference]:
    """Return every change from one document to the other, in the order of the documents; none if equal."""
    return list(_between(_Place(before, after, "", "")))


def _between(at: _Place) -> Iterator[Difference]:
    if isinstance(at.before, dict) and isinstance(at.after, dict):
        yield from _objects(at)
    elif isinstance(at.before, list) and isinstance(at.after, list):
        yield from _lists(at)
    elif canonical_json(at.before) != canonical_json(at.after):
        yield Difference(path=at.path_after, kind=Kind.CHANGED, before=at.before, after=at.after)


def _objects(at: _Place) -> Iterator[Difference]:
    for name in dict.fromkeys((*at.before, *at.after)):
        before, after = path_of([name], at.path_before), path_of([name], at.path_after)
        if name not in at.after:
            yield Difference(path=before, kind=Kind.REMOVED, before=at.before[name])
        elif name not in at.before:
            yield Difference(path=after, kind=Kind.ADDED, after=at.after[name])
        else:
            yield from _between(_Place(at.before[name], at.after[name], before, after))


def _lists(at: _Place) -> Iterator[Difference]:
    pairs = _pairs(at.before, at.after)
    staying = set(_longest_rising([(old, new) for old, new in pairs if old is not None and new is not None]))
    for old, new in pairs:
        before, after = f"{at.path_before}[{old}]", f"{at.path_after}[{new}]"
        if new is None:
            yield Difference(path=before, kind=Kind.REMOVED, before=at.before[old])
        elif old is None:
            yield Difference(path=after, kind=Kind.ADDED, after=at.after[new])
        else:
            if (old, new) not in staying:
                yield Difference(path=after, kind=Kind.MOVED, before=before, after=after)
            yield from _between(_Place(at.before[old], at.after[new], before, after))


def _pairs(before: Sequence[Json], after: Sequence[Json]) -> list[tuple[int | None, int | None]]:
    """Return which member became which, by their indexes, in the order of the later list.

    What was removed stands behind the member it stood behind before.
    """
    olds, news = _names(before), _names(after)
    index = {name: at for at, name in enumerate(olds)}
    became = {index[name]: at for at, name in enumerate(news) if name in index}
    became |= _left_over(before, after, became)
    came_from = {new: old for old, new in became.items()}
    gone = iter(old for old in range(len(before)) if old not in became)
    waiting = next(gone, None)
    pairs: list[tuple[int | None, int | None]] = []
    for new in range(len(after)):
        old = came_from.get(new)
        while old is not None and waiting is not None and waiting < old:
            pairs.append((waiting, None))
            waiting = next(gone, None)
        pairs.append((old, new))
    while waiting is not None:
        pairs.append((waiting, None))
        waiting = next(gone, None)
    return pairs


def _left_over(before: Sequence[Json], after: Sequence[Json], became: dict[int, int]) -> dict[int, int]:
    """Pair what no name pairs: without an id and of one type, both between the same two that are paired."""
    found: dict[int, int] = {}
    bounds = [(-1, -1), *_longest_rising(sorted(became.items())), (len(before), len(after))]
    taken = set(became.values())
    for (low_old, low_new), (high_old, high_new) in pairwise(bounds):
        olds = [at for at in range(low_old + 1, high_old) if at not in became and _id_of(before[at]) is None]
        news = [at for at in range(low_new + 1, high_new) if at not in taken and _id_of(after[at]) is None]
        for old, new in zip_longest(olds, news):
            if old is not None and new is not None and type(before[old]) is type(after[new]):
                found[old] = new
    return found


def _names(members: Sequence[Json]) -> list[str]:
    """Return a name for each member that no other one has: its id, else its value and how often it came."""
    seen: dict[str, int] = {}
    names = []
    for one in members:
        found = _id_of(one)
        name = f"id {found}" if found is not None else f"value {canonical_json(one)}"
        seen[name] = seen.get(name, 0) + 1
        names.append(f"{seen[name]} {name}")
    return names


def _id_of(member: Json) -> str | None:
    found = member.get("id") if isinstance(member, dict) else None
    return found if isinstance(found, str) else None


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the most pairs whose indexes rise in both lists: what did not move."""
    ordered = sorted(pairs)
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for at, (_, new) in enumerate(ordered):
        length = bisect_left(tails, new)
        before.append(ends[length - 1] if length else None)
        tails[length : length + 1] = [new]
        ends[length : length + 1] = [at]
    found: list[tuple[int, int]] = []
    last = ends[-1] if ends else None
    while last is not None:
        found.append(ordered[last])
        last = before[last]
    return found[::-1]
