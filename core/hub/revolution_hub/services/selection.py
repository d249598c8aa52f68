"""selection: which executions something is done to at once, and what came of each."""

from collections.abc import Callable
from dataclasses import dataclass

from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.services.guard import require_some, visible
from revolution_hub.store.errors import StoreError
from revolution_hub.store.listing import Filter, list_page
from revolution_hub.store.paging import Page

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Executions by id, or those a filter finds, the oldest first."""

    ids: tuple[str, ...] = ()
    wanted: Filter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one execution: what it led to, or why it could not be done."""

    id: str
    done: str | None = None
    error: HubError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What came of each; there are `more` if a filter finds others beside these."""

    items: list[Outcome]
    more: bool


def select(hub: Hub, principal: Principal, which: Selection) -> tuple[tuple[str, ...], bool]:
    """Return the ids of what is selected, and whether there are more than may be taken at once.

    Of a filter only what the principal may start, and only what belongs to no other execution.
    """
    require_some(principal, "execution:start")
    if which.wanted is None:
        return tuple(dict.fromkeys(which.ids)), False
    page = Page(limit=MOST_AT_ONCE, newest_first=False)
    with hub.store.read(principal.tenant_id) as tx:
        only = visible(tx, principal, "execution:start")
        found, after = list_page(tx, page, which.wanted, only=only)
    return tuple(one.id for one in found), after is not None


def failed_ones(which: Selection) -> Selection:
    """Return the selection with a filter that names no status for those that have failed."""
    if which.wanted is None or which.wanted.statuses:
        return which
    return Selection(wanted=which.wanted.of(ExecutionStatus.FAILED))


def each(ids: tuple[str, ...], do: Callable[[str], str]) -> list[Outcome]:
    """Do something to every execution; one that refuses does not keep the others from it."""
    outcomes = []
    for one in ids:
        try:
            outcomes.append(Outcome(id=one, done=do(one)))
        except StoreError:
            raise
        except HubError as error:
            outcomes.append(Outcome(id=one, error=error))
    return outcomes
