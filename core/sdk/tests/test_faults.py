"""Faults are taken one by one, for the operation they name or for any."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from revolution_sdk import Json
from revolution_sdk.sandbox import Fault
from revolution_sdk.sandbox.faults import Faults


def test_a_fault_lasts_as_often_as_it_says() -> None:
    faults = Faults()
    faults.add(Fault(operation="send", kind="slow", times=2))
    assert [faults.take("send") is not None for _ in range(3)] == [True, True, False]


def test_a_fault_waits_for_its_operation() -> None:
    faults = Faults()
    faults.add(Fault(operation="send", kind="status"))
    assert faults.take("search") is None
    assert faults.take("send") is not None


def test_a_star_means_any_operation_and_the_first_armed_comes_first() -> None:
    faults = Faults()
    faults.add(Fault(operation="*", kind="status", status=500))
    faults.add(Fault(operation="send", kind="status", status=429))
    taken = [faults.take("send"), faults.take("send")]
    assert [one.status for one in taken if one] == [500, 429]


def test_cleared_faults_never_come() -> None:
    faults = Faults()
    faults.add(Fault(operation="send", kind="slow"))
    faults.clear()
    assert faults.take("send") is None


def test_a_fault_of_many_threads_is_used_up_exactly() -> None:
    faults = Faults()
    faults.add(Fault(operation="*", kind="slow", times=100))
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: faults.take("send"), range(400)))
    assert sum(one is not None for one in taken) == 100


def test_a_fault_is_read_from_json() -> None:
    fault = Fault.from_json({"operation": "send", "kind": "withhold", "seconds": 2, "status": 504})
    assert (fault.operation, fault.kind, fault.seconds, fault.status, fault.times) == (
        "send",
        "withhold",
        2,
        504,
        1,
    )


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"operation": "send"},
        {"kind": "slow"},
        {"operation": "", "kind": "slow"},
        {"operation": "send", "kind": "explode"},
        {"operation": "send", "kind": "slow", "secs": 1},
    ],
)
def test_a_fault_that_cannot_be_is_refused(value: Json) -> None:
    with pytest.raises(ValueError, match="a fault has operation, kind"):
        Fault.from_json(value)
