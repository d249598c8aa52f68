"""Large payloads in executions: driven from files, refused when too large, visible when they are gone."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from revolution_hub.access.rbac import permissions_of
from revolution_hub.engine.drive import drive
from revolution_hub.engine.retain import Rounds, retain
from revolution_hub.errors import AccessError, ConflictError, LimitError, NotFoundError
from revolution_hub.files.file_store import FileStore
from revolution_hub.services import executions
from revolution_hub.settings import Settings
from revolution_hub.store.tx import Store
from revolution_sdk.errors import RetryableError

BIG = "x" * 5000
LARGEST = 24_000
READ = {"id": "read", "uses": "lab.read_page"}
PUT = {"id": "put", "uses": "lab.put_page", "with": {"text": "{{ steps.read.text }}"}}
SHORT = Settings(lease_s=30, payload_bytes=8192)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(database: str, folder: Path) -> Iterator[Store]:
    files = FileStore(folder, inline_bytes=1024, payload_bytes=LARGEST)
    files.prepare()
    made = Store(database, files=files)
    yield made
    made.close()


def owners(folder: Path) -> set[str]:
    return {one.parent.name for one in folder.rglob("*") if one.is_file()}


def limited(bench: Any, settings: Settings = SHORT) -> Any:
    return replace(bench, hub=replace(bench.hub, settings=settings))


def test_a_large_result_is_read_by_later_steps_also_after_a_wait(bench: Any, folder: Path) -> None:
    bench.script.next("read_page", {"text": BIG})
    bench.script.next("put_page", RetryableError("busy"), {"text": BIG})
    execution_id = bench.start(READ, PUT)
    bench.work()
    assert bench.look(execution_id).status == "waiting"
    bench.pass_time(400)
    seen = bench.look(execution_id)
    assert seen.status == "succeeded"
    assert [value for name, value, _ in bench.script.calls if name == "put_page"] == [{"text": BIG}] * 2
    assert seen.steps["put"].input == seen.steps["read"].output == {"text": BIG}
    assert owners(folder) == {execution_id}


def test_a_large_trigger_is_read_by_the_worker(bench: Any, folder: Path) -> None:
    step = {"id": "put", "uses": "lab.put_page", "with": {"text": "{{ trigger.data.text }}"}}
    execution_id = bench.start(step, data={"text": BIG})
    assert owners(folder) == {execution_id}
    bench.work()
    assert bench.script.calls[0][1] == {"text": BIG}
    assert bench.look(execution_id).execution.trigger["data"] == {"text": BIG}


def test_an_execution_whose_file_is_gone_fails_visibly_and_alone(bench: Any, folder: Path) -> None:
    lost = bench.start(READ, data={"text": BIG})
    bench.hub.store.files.remove("ten_a", lost)
    other = bench.start(READ)
    bench.work()
    seen = bench.look(lost)
    assert seen.status == "failed"
    assert seen.execution.error["code"] == "payload_missing"
    assert seen.execution.trigger["$file"]["error"] == "payload_missing"
    assert bench.look(other).status == "succeeded"
    assert bench.script.count("read_page") == 1


def test_an_execution_whose_file_is_gone_can_be_cancelled(bench: Any) -> None:
    lost = bench.start(READ, data={"text": BIG})
    bench.hub.store.files.remove("ten_a", lost)
    executions.cancel_execution(bench.hub, bench.principal, lost)
    assert bench.look(lost).status == "cancelled"


def test_an_unmounted_folder_fails_nothing(bench: Any, folder: Path) -> None:
    execution_id = bench.start(READ, data={"text": BIG})
    folder.rename(folder.with_name("unmounted"))
    execution = bench.claim()
    with pytest.raises(Exception, match="the folder of large payloads does not answer"):
        bench.drive(execution)
    folder.with_name("unmounted").rename(folder)
    bench.pass_time(60)
    assert bench.look(execution_id).status == "succeeded"


def test_a_result_that_is_too_large_names_its_limit(bench: Any) -> None:
    bench.script.next("read_page", {"text": "x" * 8192})
    error = limited(bench).run(READ).execution.error
    assert error["code"] == "limit_exceeded"
    assert error["message"].startswith("the result of lab.read_page has 8,203 bytes as JSON")
    assert {**error["details"], "problems": None} == {
        "limit": "payload_bytes",
        "setting": "REVOLUTION_PAYLOAD_BYTES",
        "value": 8203,
        "most": 8192,
        "problems": None,
    }


def test_a_value_that_is_too_large_ends_the_execution(bench: Any, folder: Path) -> None:
    bench.script.next("read_page", {"text": BIG * 3})
    seen = bench.run(
        READ, {"id": "twice", "set": {"one": "{{ steps.read.text }}", "two": "{{ steps.read.text }}"}}
    )
    assert seen.status == "failed"
    assert seen.execution.error["code"] == "limit_exceeded"
    assert seen.execution.error["details"]["setting"] == "REVOLUTION_PAYLOAD_BYTES"
    with pytest.raises(LimitError, match="REVOLUTION_PAYLOAD_BYTES"):
        bench.start(READ, data={"text": "x" * LARGEST})


def test_a_once_action_that_answers_too_much_is_asked_about(bench: Any) -> None:
    bench.script.next("send_letter", {"text": "x" * 8192})
    seen = limited(bench).run({"id": "send", "uses": "lab.send_letter"})
    assert (seen.status, seen.waits_for) == ("waiting", "uncertain")
    assert seen.tried("send") == ["unknown:limit_exceeded"]


def test_what_was_kept_long_enough_goes_with_its_files(bench: Any, folder: Path) -> None:
    bench.script.next("read_page", {"text": BIG})
    ended = bench.run(READ).execution.id
    waiting = bench.start({"id": "send", "uses": "club.invite_member"}, data={"text": BIG})
    bench.work()
    stop = threading.Event()
    settings = Settings(keep_days=0, keep_failed_days=0, keep_events_days=0)
    bench.clock.advance(timedelta(days=400).total_seconds())
    assert retain(limited(bench, settings).hub, Rounds(), stop) == 0
    assert retain(bench.hub, Rounds(), stop) == 1
    with pytest.raises(NotFoundError):
        bench.look(ended)
    assert bench.look(waiting).status == "waiting"
    assert owners(folder) == {waiting}


def test_a_person_removes_an_execution_that_has_ended(bench: Any, folder: Path) -> None:
    bench.script.next("read_page", {"text": BIG})
    execution_id = bench.start(READ)
    with pytest.raises(ConflictError, match="cancel it first"):
        executions.delete_execution(bench.hub, bench.principal, execution_id)
    bench.work()
    for principal, error in (
        (replace(bench.principal, role="viewer", permissions=permissions_of("viewer")), AccessError),
        (replace(bench.principal, tenant_id="ten_b"), NotFoundError),
    ):
        with pytest.raises(error):
            executions.delete_execution(bench.hub, principal, execution_id)
    executions.delete_execution(bench.hub, bench.principal, execution_id)
    with pytest.raises(NotFoundError):
        bench.look(execution_id)
    assert owners(folder) == set()


def echo(step_id: str, text: str) -> dict[str, Any]:
    return {"id": step_id, "uses": "lab.read_page", "with": {"text": text}}


def say_again(ctx: Any, value: Any) -> Any:
    return value


@pytest.mark.parametrize(
    ("step", "result"),
    [
        (
            {"parallel": {"left": [echo("one", BIG)], "right": [echo("two", "small")]}},
            {"left": {"one": {"text": BIG}}, "right": {"two": {"text": "small"}}},
        ),
        (
            {"for_each": ["a", "b"], "concurrency": 2, "steps": [echo("each", "{{ item }}" + BIG)]},
            {
                "items": [{"text": "a" + BIG}, {"text": "b" + BIG}],
                "succeeded": 2,
                "failed": 0,
                "errors": [],
            },
        ),
        ({"for_each": [BIG, BIG], "steps": [{"set": {"n": "{{ item | length }}"}}]}, None),
    ],
    ids=["parallel", "for_each", "large items"],
)
def test_large_results_of_children_are_joined_whole(
    bench: Any, folder: Path, step: dict[str, Any], result: Any
) -> None:
    bench.script.next("read_page", *[say_again] * 3)
    seen = bench.run({"id": "wide", **step})
    assert seen.status == "succeeded"
    if result is not None:
        assert seen.steps["wide"].output == result
    else:
        assert seen.steps["wide"].output["items"] == [{"n": 5000}] * 2
    assert seen.execution.id in owners(folder)


def test_a_workflow_that_is_called_gives_and_takes_large_values(bench: Any) -> None:
    bench.publish(
        {"finish": {"output": {"text": "{{ inputs.text }}!"}}},
        name="inner",
        inputs={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    )
    seen = bench.run({"id": "call", "call": "inner", "with": {"text": BIG}})
    assert seen.steps["call"].output == {"text": BIG + "!"}


def test_an_end_too_large_to_be_written_fails_the_execution_and_not_its_worker(bench: Any) -> None:
    three = "{{ inputs.text }}" * 3
    execution_id = bench.start({"id": "one", "set": {"a": three}}, data={"text": "x" * 10_000})
    drive(bench.hub, bench.watch, bench.claim(), later=True)
    for _ in range(200):
        bench.watch.keep(bench.clock.now)
        if not bench.watch.held():
            break
        time.sleep(0.02)
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.error["code"]) == ("failed", "limit_exceeded")
    assert seen.execution.crashes == 0
