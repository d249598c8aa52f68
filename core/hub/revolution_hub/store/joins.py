"""joins: what the change of a child means for its parent. Called with the parents' rows locked.

Two children that end together would otherwise each see the other as still under way.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection, RowMapping

from revolution_hub.model.change import Progress, Take
from revolution_hub.model.status import ENDED, ExecutionStatus, WaitReason
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import change
from revolution_sdk.types import JsonObject


@dataclass(slots=True)
class Joining:
    """What the changes of one batch come to for the parents. `allotted` is by the child's id."""

    parents: dict[str, JsonObject] = field(default_factory=dict)
    allotted: dict[str, tuple[int, ...]] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)


def parents_of(changes: Iterable[Progress]) -> set[str]:
    """Return the parents that these changes concern."""
    return {one.parent_id for one in changes if one.parent_id is not None and _concerns(one)}


def _concerns(one: Progress) -> bool:
    return one.take is not None or (one.move is not None and one.move.status in ENDED)


def join(changes: Iterable[Progress], rows: Mapping[str, RowMapping]) -> Joining:
    """Hand out items and count off children that end. The changes must be in their children's id order."""
    joining = Joining()
    for one in changes:
        if one.parent_id is None or not _concerns(one):
            continue
        child, parent = rows[one.execution_id], rows.get(one.parent_id)
        joins = _joins_of(joining, child, parent)
        if one.take is not None:
            given = _hand_out(joins, one.take, child["allotted"])
            joining.allotted[one.execution_id] = given
            if given:
                continue
        if joins is None or one.move is None or one.move.status not in ENDED:
            continue
        joins["left"] -= 1
        if one.move.status is not ExecutionStatus.SUCCEEDED and "stop" in joins:
            joins["stop"] = True
        if joins["left"] <= 0 and parent is not None and _waits(parent):
            joining.woken.add(one.parent_id)
    return joining


def _joins_of(joining: Joining, child: RowMapping, parent: RowMapping | None) -> JsonObject | None:
    """Return what the parent knows of its children, None if it no longer waits for this one."""
    if parent is None or parent["tenant_id"] != child["tenant_id"]:
        return None
    joins: JsonObject | None = joining.parents.get(parent["id"], parent["joins"])
    if joins is None or joins.get("step") != child["parent_step"] or parent["status"] in ENDED:
        return None
    joining.parents[parent["id"]] = joins
    return joins


def _waits(parent: RowMapping) -> bool:
    state = (parent["status"], parent["wait_reason"])
    return state == (str(ExecutionStatus.WAITING), str(WaitReason.CHILDREN))


def _hand_out(joins: JsonObject | None, take: Take, had: JsonObject | None) -> tuple[int, ...]:
    """Return the indexes handed out, and take them off the list."""
    if had is not None and had["round"] == take.round + 1:
        # An earlier try of this very change was committed, and only the answer was lost.
        return tuple(had["items"][len(take.kept) :])
    if joins is None:
        return ()
    joins["returned"] += take.given_back
    if joins["stop"] or not take.most:
        return ()
    left = joins["total"] - joins["next"] + len(joins["returned"])
    # Towards the end the shares become smaller, so that all lanes end at about the same time.
    count = max(1, min(take.most, math.ceil(left / (2 * joins["left"]))))
    given: list[int] = []
    while joins["returned"] and len(given) < count:
        given.append(joins["returned"].pop())
    fresh = min(count - len(given), joins["total"] - joins["next"])
    given += range(joins["next"], joins["next"] + fresh)
    joins["next"] += fresh
    return tuple(given)


def allotment(take: Take, given: tuple[int, ...]) -> JsonObject:
    """Return what a child has after a hand-out."""
    return {"round": take.round + 1, "items": [*take.kept, *given]}


def write_parents(conn: Connection, joining: Joining) -> None:
    """Write what the parents know now, and queue those whose last child has ended."""
    woken: dict[str, Any] = {"status": str(ExecutionStatus.QUEUED)}
    woken |= dict.fromkeys(("wait_reason", "wait_on", "wake_at"))
    rows = [{"id": one, "joins": joins} for one, joins in sorted(joining.parents.items())]
    change(conn, t.executions, [row for row in rows if row["id"] not in joining.woken])
    change(conn, t.executions, [{**row, **woken} for row in rows if row["id"] in joining.woken])
