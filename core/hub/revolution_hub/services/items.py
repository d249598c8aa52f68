"""Items: what became of those of a `for_each`, counted and page by page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from revolution_hub.errors import NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.execution import StepExecution
from revolution_hub.model.payload import Filed
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.model.workflow import SPREADING, StepKind
from revolution_hub.services.guard import require_on_execution
from revolution_hub.store import details, executions
from revolution_hub.store.details import Child
from revolution_hub.store.payloads import files_of, whole_step
from revolution_hub.store.tx import Tx


class ItemStatus(StrEnum):
    """How an item stands. One `not_begun` never will be if its `for_each` has ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RUNNING = "running"
    NOT_BEGUN = "not_begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCounts:
    """How many items a `for_each` has, None if its list cannot be read, and how they stand."""

    total: int | None
    succeeded: int
    failed: int
    under_way: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a `for_each`. `execution_id` is the child that has it or had it, None before it has one."""

    index: int
    status: ItemStatus
    execution_id: str | None = None
    record: StepExecution | None = None


def list_items(
    hub: Hub,
    principal: Principal,
    execution_id: str,
    step_id: str,
    *,
    limit: int,
    after: int | None,
    status: ItemStatus | None,
) -> tuple[list[Item], str | None]:
    """Return one page of the items of a `for_each`, in order, and the cursor for the next one.

    Files are not read: of a large result a list shows the size alone.
    """
    require_on_execution(hub, principal, "execution:read", execution_id)
    first = 0 if after is None else after + 1
    with hub.store.read(principal.tenant_id) as tx:
        step = executions.find_step(tx, execution_id, step_id)
        if step is None or not has_items(step):
            executions.get(tx, execution_id, strict=False)
            raise NotFoundError("there is no such for_each in this execution")
        total = total_of(whole_step(files_of(tx.conn), step, strict=False)) or 0
        lanes = children_by_step(tx, [step])[step_id]
        indexes = range(first, min(first + limit + 1, total) if status is None else total)
        found = _marked(tx, step_id, lanes, indexes, narrow=status is None)
        wanted = [one for one in found if status is None or one.status is status][: limit + 1]
        page = _with_records(tx, step_id, wanted[:limit])
    return page, str(page[-1].index) if len(wanted) > limit else None


def has_items(step: StepExecution) -> bool:
    """Tell whether a step goes through items."""
    return step.kind == StepKind.FOR_EACH


def has_children(step: StepExecution) -> bool:
    """Tell whether a step's work is done by children that are shown each for itself."""
    return _spreads(step) and not has_items(step)


def _spreads(step: StepExecution) -> bool:
    # What an action records itself is no step, though it may be called like one.
    return step.kind in SPREADING and "/" not in step.step_id


def children_by_step(tx: Tx, steps: Sequence[StepExecution]) -> Mapping[str, list[Child]]:
    """Return the children that do the work of these steps of one execution, by step."""
    spreading = [one for one in steps if _spreads(one)]
    found: dict[str, list[Child]] = {one.step_id: [] for one in spreading}
    for owner in {one.execution_id for one in spreading}:
        for child in details.list_children_of_steps(tx, owner, list(found)):
            found[child.parent_step].append(child)
    return found


def counts_of(tx: Tx, step: StepExecution, lanes: Sequence[Child]) -> ItemCounts:
    """Count how the items of a `for_each` stand."""
    counts = details.count_items(tx, [one.id for one in lanes])
    return ItemCounts(
        total=total_of(step),
        succeeded=counts.get(StepStatus.SUCCEEDED, 0),
        failed=counts.get(StepStatus.FAILED, 0),
        under_way=sum(1 for one in lanes if one.status in _BUSY),
    )


def total_of(step: StepExecution) -> int | None:
    """Return how many items a step goes through, None if that cannot be read."""
    given = step.input
    if isinstance(given, Filed):
        return None
    return len(given["items"]) if isinstance(given, dict) and "items" in given else 0


_BUSY = frozenset({ExecutionStatus.RUNNING, ExecutionStatus.WAITING})


def _marked(
    tx: Tx, step_id: str, lanes: Sequence[Child], indexes: Sequence[int], *, narrow: bool
) -> list[Item]:
    keys = [_key(step_id, one) for one in indexes] if narrow else None
    marks = details.mark_items(tx, [one.id for one in lanes], keys)
    found = {
        index: Item(index=index, status=ItemStatus(str(status)), execution_id=owner)
        for index, (owner, status) in marks.items()
    }
    for lane in lanes:
        found |= {one.index: one for one in _given(tx, step_id, lane, indexes) if one.index not in found}
    return [found.get(one) or Item(index=one, status=ItemStatus.NOT_BEGUN) for one in indexes]


def _given(tx: Tx, step_id: str, lane: Child, indexes: Sequence[int]) -> Iterator[Item]:
    """Yield what a child has and has not ended; it goes through its items one after the other."""
    given: list[int] = (lane.allotted or {}).get("items", [])
    if lane.ended or not any(one in indexes for one in given):
        return
    ended = details.mark_items(tx, [lane.id], [_key(step_id, one) for one in given])
    status = ItemStatus.RUNNING if lane.status in _BUSY else ItemStatus.NOT_BEGUN
    for index in given:
        if index not in ended:
            yield Item(index=index, status=status, execution_id=lane.id)
            status = ItemStatus.NOT_BEGUN


def _with_records(tx: Tx, step_id: str, items: Sequence[Item]) -> list[Item]:
    keys = [
        (str(one.execution_id), _key(step_id, one.index))
        for one in items
        if one.status in (ItemStatus.SUCCEEDED, ItemStatus.FAILED)
    ]
    records = {(one.execution_id, one.step_id): one for one in details.list_records(tx, keys)}
    return [
        Item(
            index=one.index,
            status=one.status,
            execution_id=one.execution_id,
            record=records.get((str(one.execution_id), _key(step_id, one.index))),
        )
        for one in items
    ]


def _key(step_id: str, index: int) -> str:
    return f"{step_id.partition('#')[0]}#{index}"
