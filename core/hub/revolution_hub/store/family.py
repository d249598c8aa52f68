"""family: executions and their children."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.status import ENDED
from revolution_hub.store import tables as t
from revolution_hub.store.executions import execution_of, step_of
from revolution_hub.store.tx import Tx

_TABLE = t.executions
_ENDED = [str(one) for one in ENDED]


def list_children(tx: Tx, parent_id: str, parent_step: str | None = None) -> list[Execution]:
    """Return the children of an execution, or of one step of it, in the order of their places."""
    query = sa.select(_TABLE).where(
        t.CHILD, _TABLE.c.parent_id == parent_id, _TABLE.c.tenant_id == tx.tenant_id
    )
    if parent_step is not None:
        query = query.where(_TABLE.c.parent_step == parent_step)
    query = t.through(query.order_by(_TABLE.c.parent_step, _TABLE.c.place), t.BY_PARENT)
    return [execution_of(row) for row in tx.conn.execute(query).mappings()]


def list_items(tx: Tx, children: Sequence[Execution]) -> list[StepExecution]:
    """Return what the items of a `for_each` have left, by place of the child and then in order."""
    table = t.step_executions
    found: list[StepExecution] = []
    for one in children:
        query = sa.select(table).where(
            table.c.tenant_id == tx.tenant_id, table.c.execution_id == one.id, table.c.kind == "item"
        )
        found += [step_of(row) for row in tx.conn.execute(query.order_by(table.c.position)).mappings()]
    return found


def living_descendants(conn: Connection, execution_ids: Sequence[str]) -> list[str]:
    """Return the id of every descendant that has not ended, in order."""
    if not execution_ids:
        return []
    root = sa.select(_TABLE.c.id).where(t.CHILD, _TABLE.c.parent_id.in_(execution_ids))
    below = root.cte("below", recursive=True)
    child = sa.select(_TABLE.c.id).where(t.CHILD, _TABLE.c.parent_id == below.c.id)
    below = below.union_all(child)
    query = sa.select(_TABLE.c.id).where(
        _TABLE.c.id.in_(sa.select(below.c.id)), _TABLE.c.status.not_in(_ENDED)
    )
    return list(conn.execute(query.order_by(_TABLE.c.id)).scalars())
