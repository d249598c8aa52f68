"""lane: how one child of a `for_each` goes through the items it is given, one after the other.

So many children as items may be under way at a time share the list: each takes some items, goes through
them, and takes more under the lock on its parent's row, until there are none. An item leaves a record of
its own, so that one that has ended is never begun again.
"""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from revolution_hub.model.workflow import Step, StepKind
from revolution_sdk.types import Json, JsonObject

MOST_AT_ONCE = 64
"""So many items a lane takes at most in one go, however quick they are."""
FIRST = 4
"""So many it is given first, before anybody knows how long an item takes."""
STRETCH_S = 0.5
"""For about so long a lane goes on before it asks again. A failure that stops the loop is heard of then."""
AHEAD_S = 0.1
"""So long before it has nothing left it asks for more, which takes a commit that it need not wait for."""

_MAY_TAKE_LONG = frozenset({StepKind.WAIT, StepKind.CALL, StepKind.PARALLEL, StepKind.FOR_EACH})


@dataclass(slots=True, kw_only=True)
class Lane:
    """The items of one hand-out. `step` is the `for_each`, `items` its list, `index` the item under way.

    `todo` are the indexes that have not been begun. `more` says that others may be left for it to take.
    """

    step: Step
    items: list[Json]
    round: int
    todo: deque[int] = field(default_factory=deque)
    index: int = -1
    done: int = 0
    more: bool = True
    began_s: float = field(default_factory=time.monotonic)
    one_by_one: bool = field(init=False)

    def __post_init__(self) -> None:
        self.one_by_one = first_share(self.step) == 1

    def seen(self) -> JsonObject:
        """Return what templates read of the item under way."""
        return {self.step.loop.variable: self.items[self.index], "index": self.index}

    def enter(self, index: int) -> None:
        """Go on with this item."""
        self.index = index

    def take(self, indexes: Iterable[int]) -> None:
        """Add a hand-out to what is to be done; an empty one was the last."""
        before = len(self.todo)
        self.round += 1
        self.todo.extend(indexes)
        self.more = len(self.todo) > before

    def wanted(self) -> int:
        """Return how many items to take next, by how long those so far have taken."""
        if self.one_by_one:
            return 1
        return max(1, min(MOST_AT_ONCE, int(STRETCH_S / max(self._each_s(), 1e-6))))

    def runs_low(self) -> bool:
        """Tell whether to ask for further items before these are done."""
        return self.more and not self.one_by_one and len(self.todo) * self._each_s() <= AHEAD_S

    def _each_s(self) -> float:
        return (time.monotonic() - self.began_s) / max(1, self.done)


def first_share(step: Step) -> int:
    """Return how many items a lane of this `for_each` may be given first.

    Where the body may wait, an item that does must not hold up others.
    """
    return 1 if any(may_take_long(one) for block in step.blocks for one in block.steps) else FIRST


def may_take_long(step: Step) -> bool:
    """Tell whether a step, or one within it, may suspend its execution for long."""
    if step.kind in _MAY_TAKE_LONG or step.approval is not None:
        return True
    return any(may_take_long(one) for block in step.all_blocks() for one in block.steps)
