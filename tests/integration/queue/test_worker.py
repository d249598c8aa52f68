"""A worker process: claims what it has room for, hands back what it cannot finish, tells what it sees."""

import socket
import sqlite3
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.queue.wake import SocketEar, channel
from revolution_hub.store import tables as t


def _leases(plant: Any) -> dict[str, int]:
    """How many executions each worker holds."""
    owner = t.executions.c.lease_owner
    with plant.store.read_across() as tx:
        return Counter(tx.conn.execute(sa.select(owner).where(owner.is_not(None))).scalars())


def test_a_worker_takes_what_it_has_room_for_and_the_rest_when_there_is_room(
    plant: Any, eventually: Any
) -> None:
    started = plant.start_executions(10, "pass_gate")
    plant.work("wrk_1")
    eventually(lambda: len(plant.gate.entered) == 4, "four threads are busy")
    assert sorted(plant.statuses(started)) == ["queued"] * 6 + ["running"] * 4
    assert _leases(plant) == {"wrk_1": 4}
    plant.gate.opened.set()
    eventually(lambda: set(plant.statuses(started)) == {"succeeded"}, "all end")
    assert len(set(plant.gate.entered)) == len(plant.gate.entered) == 10


def test_a_worker_that_is_full_at_once_passes_the_ring_on(plant: Any, eventually: Any) -> None:
    started = plant.start_executions(6, "pass_gate")
    before = plant.wakes.count("wrk_1")
    plant.work("wrk_1")
    eventually(lambda: len(plant.gate.entered) == 4, "four threads are busy")
    eventually(lambda: plant.wakes.count("wrk_1") == before + 1, "the ring goes on")
    plant.work("wrk_2")
    eventually(lambda: len(plant.gate.entered) == 6, "the other has the rest")
    plant.gate.opened.set()
    eventually(lambda: set(plant.statuses(started)) == {"succeeded"}, "all end")
    # The second had room left, and ending executions woke nobody else.
    assert plant.wakes.count("wrk_2") == 0
    assert plant.wakes.count("wrk_1") == before + 1


def test_a_stopping_worker_hands_back_what_another_takes_at_once(plant: Any, eventually: Any) -> None:
    # Given a worker with four executions in the middle of a step, and six queued ones
    started = plant.start_executions(10, "pass_gate", "walk_on")
    first = plant.work("wrk_1", lease_s=3600)
    eventually(lambda: len(plant.gate.entered) == 4, "four threads are busy")
    # When it is told to stop while a second one waits for work
    first.stop()
    eventually(lambda: "draining" in plant.told["wrk_1"], "it takes nothing more")
    plant.gate.opened.set()
    plant.wait_for_end_of("wrk_1")
    # Then the steps it was at are recorded, nothing behind them was begun, and nothing is held
    assert _leases(plant) == {}
    assert plant.gate.behind == []
    assert plant.statuses(started) == ["queued"] * 10
    done = [one for one in started if plant.look(one).steps]
    assert len(done) == 4
    # And a second worker finishes everything, although no lease ran out and no clock runs
    plant.work("wrk_2", lease_s=3600)
    eventually(lambda: set(plant.statuses(started)) == {"succeeded"}, "all end")
    assert len(set(plant.gate.entered)) == len(plant.gate.entered) == 10
    assert len(set(plant.gate.behind)) == len(plant.gate.behind) == 10
    assert all(plant.look(one).execution.crashes == 0 for one in started)


def test_a_worker_stopped_while_it_claims_leaves_nothing_behind(plant: Any, eventually: Any) -> None:
    plant.gate.opened.set()
    started = plant.start_executions(40, "walk_on", "walk_on")
    for round_number in range(8):
        worker = plant.work(f"wrk_{round_number}", lease_s=3600)
        behind = len(plant.gate.behind)
        eventually(
            lambda behind=behind: (
                len(plant.gate.behind) > behind or set(plant.statuses(started)) == {"succeeded"}
            ),
            "it works",
        )
        worker.stop()
        plant.wait_for_end_of(f"wrk_{round_number}")
        assert _leases(plant) == {}
    plant.work("wrk_last", lease_s=3600)
    eventually(lambda: set(plant.statuses(started)) == {"succeeded"}, "all end")
    assert len(set(plant.gate.behind)) == len(plant.gate.behind) == 80


def test_a_worker_whose_drain_time_is_over_goes_without_waiting_for_a_step(
    plant: Any, eventually: Any
) -> None:
    plant.start_executions(1, "pass_gate")
    worker = plant.work("wrk_1", drain_s=1)
    eventually(lambda: plant.gate.entered, "it is at work")
    worker.stop()
    plant.wait_for_end_of("wrk_1")
    # The supervisor sees it go and ends its lease.
    assert _leases(plant) == {"wrk_1": 1}


def test_a_worker_tells_of_suspects_wherever_they_come_from(plant: Any, eventually: Any, store: Any) -> None:
    (suspect,) = plant.start_executions(1, "walk_on")
    with store.begin_across() as tx:
        tx.conn.execute(sa.update(t.executions).where(t.executions.c.id == suspect).values(crashes=2))
    plant.work("wrk_1")
    eventually(lambda: "suspects" in plant.told["wrk_1"], "it tells")
    assert plant.statuses([suspect]) == ["queued"]
    plant.work("wrk_2", isolated=True)
    eventually(lambda: plant.statuses([suspect]) == ["succeeded"], "the isolated worker drives it")
    assert plant.told["wrk_2"].count("suspects") == 0


@pytest.mark.parametrize("locked_s", [3])
def test_a_worker_is_alive_while_the_database_keeps_it_waiting(
    plant: Any, eventually: Any, database_file: Path, locked_s: int
) -> None:
    plant.start_executions(1, "pass_gate")
    plant.work("wrk_1")
    eventually(lambda: plant.gate.entered, "it is at work")
    other = sqlite3.connect(database_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = plant.told["wrk_1"].count("alive")
    eventually(lambda: plant.told["wrk_1"].count("alive") >= before + locked_s, "it says so every second")
    other.execute("ROLLBACK")
    other.close()


class Asleep(SocketEar):
    """An ear that tells when somebody waits at it."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(end)
        self.asleep = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        self.asleep.set()
        return super().wait(timeout_s)


def test_a_ring_makes_a_worker_look_at_once(plant: Any, eventually: Any) -> None:
    bell, end = channel()
    plant.gate.opened.set()
    # One that has looked once and would look again in an hour finds its work by the ring alone.
    ear = Asleep(end)
    plant.work("wrk_1", ear=ear, poll_s=3600.0)
    assert ear.asleep.wait(20)
    started = plant.start_executions(1, "walk_on")
    bell.send(b"!")
    eventually(lambda: plant.statuses(started) == ["succeeded"], "it is driven")
    bell.close()
    plant.running["wrk_1"][0].stop()
    ear.nudge()
    plant.wait_for_end_of("wrk_1")
    end.close()
