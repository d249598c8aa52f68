"""Retries: an execution that has failed goes on from the step that failed. It stays the same execution."""

from revolution_hub.access.rbac import require
from revolution_hub.catalog import Catalog
from revolution_hub.engine.reopen import Reopener
from revolution_hub.engine.versions import workflow_version
from revolution_hub.errors import ConflictError, InputError, NotFoundError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.workflow import StepKind, Workflow
from revolution_hub.services.guard import require_on_execution, require_some
from revolution_hub.services.selection import Outcomes, Selection, each, failed_ones, select
from revolution_hub.store import audit, executions, reopen
from revolution_hub.store.approvers import add_requester
from revolution_hub.store.details import root_of
from revolution_hub.store.payloads import files_of, whole
from revolution_hub.store.tx import Tx
from revolution_sdk.types import Json, JsonObject


def retry_execution(
    hub: Hub, principal: Principal, execution_id: str, input_: JsonObject | None = None
) -> Execution:
    """Let an execution that has failed go on from the step that failed.

    With an `input_`, the action it failed at is called with that. Raises ConflictError if it has not failed,
    if the workflow itself decided to, if it is a part of another one, or if others with its concurrency key
    are under way and it has children that would not wait for that.
    """
    require_on_execution(hub, principal, "execution:start", execution_id)
    with hub.store.begin(principal.tenant_id) as tx:
        family = {one.id: one for one in reopen.lock_family(tx, execution_id)}
        execution = family.get(execution_id)
        if execution is None:
            raise NotFoundError("there is no such execution")
        _require_retryable(tx, execution)
        if input_ is not None or by_hand(execution):
            require(principal, "connection:use")
        reopener = Reopener(
            tx=tx, now=hub.now(), workflow_of=lambda one: definition_of(tx, one), family=family
        )
        begun = reopener.open(execution, input_)
        if input_ is not None:
            _require_input(hub, begun, input_)
        _require_turn(reopen.write(tx, reopener.opening, hub.now()))
        # Whoever has it go on cannot be the one who agrees to what it does then.
        add_requester(tx, execution_id, principal.id)
        retried = executions.get(tx, execution_id, strict=False)
        after = {} if input_ is None else {"input": True}
        audit.append(tx, entry_of(principal, "execution.retry", execution_id, hub.now(), after=after))
    hub.wake()
    return retried


def retry_executions(hub: Hub, principal: Principal, which: Selection) -> Outcomes:
    """Let many executions go on, each for itself; by a filter without status those that have failed."""
    require_some(principal, "execution:start")
    ids, more = select(hub, principal, failed_ones(which))
    return Outcomes(items=each(ids, lambda one: str(retry_execution(hub, principal, one).status)), more=more)


def by_hand(execution: Execution) -> bool:
    """Tell whether an execution runs what nobody has published, or with results fed to it."""
    return execution.definition is not None or execution.pins is not None


def definition_of(tx: Tx, execution: Execution) -> Workflow:
    """Return the definition of an execution that is no part of another one."""
    if execution.definition is not None:
        return parse(whole(files_of(tx.conn), execution.definition))
    return workflow_version(tx, execution.workflow_id, execution.version)


def part_of_another(tx: Tx, execution: Execution) -> ConflictError:
    """Return the error for what can be done to a whole execution only."""
    root = root_of(tx, execution.id)
    return ConflictError(
        f"the execution is a part of {root}", code="part_of_another", details={"execution_id": root}
    )


def _require_retryable(tx: Tx, execution: Execution) -> None:
    if execution.parent_id is not None:
        raise part_of_another(tx, execution)
    if execution.status is not ExecutionStatus.FAILED:
        message = f"the execution is {execution.status}; only one that has failed can be retried"
        raise ConflictError(message, code="not_failed")


def _require_input(hub: Hub, begun: StepExecution | None, input_: JsonObject) -> None:
    if begun is None or begun.kind != StepKind.ACTION:
        problem = Problem(
            path="input", message="only an action that has failed takes another input", code="no_action"
        )
        raise InputError("the request is not valid", [problem])
    problems = input_problems(hub.catalog, str(begun.uses), input_, "input")
    if problems:
        raise InputError(f"the input does not fit {begun.uses}", problems)


def _require_turn(turned_away: list[reopen.Opened]) -> None:
    # Whoever only waits in line may do so; its children, or one that does not want to wait, may not.
    for one in turned_away:
        if one.left or one.execution.turn_skip:
            raise ConflictError(
                "others with the same concurrency key are under way; retry when they have ended",
                code="turn_taken",
            )


def input_problems(catalog: Catalog, uses: str, value: Json, at: str) -> list[Problem]:
    """Return what is wrong with an input that was given for an action at this place."""
    if catalog.find_action(uses) is None:
        return [Problem(path=at, message=f"no installed plugin offers {uses}", code="unknown_action")]
    return placed(at, catalog.check_input(uses, value))


def placed(at: str, problems: list[Problem]) -> list[Problem]:
    """Return the problems of a value with their paths below the place where it was given."""
    return [
        Problem(path=f"{at}.{one.path}" if one.path else at, message=one.message, code=one.code)
        for one in problems
    ]
