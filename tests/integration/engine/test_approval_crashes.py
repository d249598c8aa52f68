"""A worker dies right behind the commit that uses an approval up: nothing runs twice or unasked."""

import signal
from pathlib import Path
from typing import Any

import pytest
from rig.approvals import WIRE, Desk, bank, enroll
from rig.approving import WORKER, calls_in, work_in_process

from revolution_hub.engine.recover import replace_worker
from revolution_hub.services import executions

POINT = "approval.after_consume"


@pytest.fixture
def desk(bench: Any, script: Any) -> Desk:
    """Two who may decide, and the bank among the connectors."""
    bench.hub.catalog.add(bank(script))
    enroll(bench.hub, ada="owner", bea="owner")
    return Desk(bench.hub)


def dies(bench: Any, desk: Desk, database: str, folder: Path, *steps: Any) -> str:
    """An execution whose worker has used the approval up, and has called nothing."""
    execution_id = str(bench.start(*steps))
    bench.work()
    desk.approve()
    assert work_in_process(database, folder, bench.hub.now(), POINT) == -signal.SIGKILL
    assert (calls_in(folder), desk.all()[0].status) == ([], "used")
    assert replace_worker(bench.hub, WORKER) == 1
    return execution_id


def test_what_may_be_repeated_goes_on_under_the_same_approval(
    bench: Any, desk: Desk, database: str, tmp_path: Path
) -> None:
    execution_id = dies(bench, desk, database, tmp_path, {"id": "pay", "uses": "bank.set_limit"})
    assert work_in_process(database, tmp_path, bench.hub.now()) == 0
    bench.clock.advance(600)
    bench.pass_time(0)
    assert work_in_process(database, tmp_path, bench.hub.now()) == 0
    calls = calls_in(tmp_path) + bench.script.names()
    assert (calls, bench.look(execution_id).status) == (["set_limit"], "succeeded")
    assert len(desk.all()) == 1


def test_what_must_not_be_repeated_is_asked_about_and_then_approved_anew(
    bench: Any, desk: Desk, database: str, tmp_path: Path
) -> None:
    execution_id = dies(bench, desk, database, tmp_path, {"id": "pay", "uses": WIRE})
    assert work_in_process(database, tmp_path, bench.hub.now()) == 0
    assert (calls_in(tmp_path), bench.look(execution_id).waits_for) == ([], "uncertain")
    executions.resolve_step(
        bench.hub, bench.principal, execution_id, "pay", executions.Verdict.DID_NOT_HAPPEN, None
    )
    assert work_in_process(database, tmp_path, bench.hub.now()) == 0
    assert (calls_in(tmp_path), bench.look(execution_id).waits_for) == ([], "approval")
    desk.approve()
    assert work_in_process(database, tmp_path, bench.hub.now()) == 0
    assert (calls_in(tmp_path), bench.look(execution_id).status) == (["wire_money"], "succeeded")


LETTER = [{"uses": "bank.print_letter"}]
STEPS: dict[str, Any] = {
    "emit": {"emit": {"event": "custom.told"}},
    "call": {"call": "inner"},
    "if": {"if": "{{ true }}", "then": LETTER},
    "for_each": {"for_each": [1], "steps": LETTER},
}


@pytest.mark.parametrize("kind", STEPS)
def test_a_step_that_calls_nothing_itself_is_done_once_under_the_same_approval(
    bench: Any, desk: Desk, database: str, tmp_path: Path, kind: str
) -> None:
    bench.publish(*LETTER, name="inner")
    bench.publish(*LETTER, name="listener", on=[{"event": "custom.told"}])
    execution_id = dies(bench, desk, database, tmp_path, {"id": "it", **STEPS[kind], "approval": {}})
    assert (bench.look(execution_id).status, bench.look(execution_id).step("it")) == ("queued", "running")
    bench.pass_time(1)
    bench.pass_time(1)
    assert bench.look(execution_id).status == "succeeded"
    assert (bench.script.count("print_letter"), len(desk.all())) == (1, 1)
