"""Large payloads are in files and small ones in rows; what is read is what was written, on both databases."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revolution_hub.errors import LimitError, NotFoundError, PayloadError
from revolution_hub.files.file_store import FileStore
from revolution_hub.model.change import Applied, Duplicate, Intake, Move, Progress, Start
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import new_id
from revolution_hub.model.payload import Filed
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.store import executions, listing
from revolution_hub.store import tables as t
from revolution_hub.store.claim import Caps, Turns, claim
from revolution_hub.store.errors import FilesError
from revolution_hub.store.paging import Page
from revolution_hub.store.payloads import PAYLOADS, whole_execution
from revolution_hub.store.submit import submit, submit_all
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
INLINE = 1024
BIG = {"text": "x" * INLINE}
ROOMY = Caps(tenant=1000, connection=1000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(database: str, folder: Path) -> Iterator[Store]:
    files = FileStore(folder, inline_bytes=INLINE)
    files.prepare()
    made = Store(database, files=files)
    yield made
    made.close()


def kept(folder: Path) -> dict[str, Any]:
    """Return the files' contents by their path in the folder."""
    return {
        str(one.relative_to(folder)): json.loads(one.read_bytes())
        for one in folder.rglob("*")
        if one.is_file()
    }


def stored(store: Store, table: sa.Table, name: str) -> list[str]:
    """Return what really stands in a column, as text."""
    with store.read_across() as tx:
        return list(tx.conn.execute(sa.select(sa.cast(table.c[name], sa.Text))).scalars())


def read(store: Store, execution: Execution, **more: Any) -> Execution:
    with store.read(execution.tenant_id) as tx:
        return executions.get(tx, execution.id, **more)


def taken(store: Store, execution: Execution) -> Execution:
    submit(store, Start(execution=execution))
    (one,) = claim(store, "wrk_1", NOW, NOW + timedelta(seconds=30), limit=1, caps=ROOMY, turns=Turns())
    return one


def test_a_large_trigger_is_in_a_file_and_a_small_one_in_its_row(
    store: Store, folder: Path, make: Any
) -> None:
    large, small = make.execution(trigger=BIG), make.execution(trigger={"text": "x"})
    assert submit_all(store, [Start(execution=large), Start(execution=small)]) == [
        Applied(execution_ids=(large.id,)),
        Applied(execution_ids=(small.id,)),
    ]
    ((path, content),) = kept(folder).items()
    assert content == BIG
    assert path.startswith(f"ten_a/{large.id}/")
    assert max(map(len, stored(store, t.executions, "trigger"))) < 250
    assert read(store, large) == large
    assert read(store, small) == small


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("x" * (INLINE - 2), 0),
        ("x" * (INLINE - 1), 1),
        ("é" * (INLINE // 2 - 1), 0),
        ("é" * (INLINE // 2), 1),
        ("🎈" * (INLINE // 4), 1),
    ],
)
def test_what_counts_is_the_bytes_of_the_json(
    store: Store, folder: Path, make: Any, text: str, files: int
) -> None:
    execution = make.execution(output=text, status=ExecutionStatus.SUCCEEDED)
    submit(store, Start(execution=execution))
    assert len(kept(folder)) == files
    assert read(store, execution).output == text


def test_every_column_for_payloads_takes_large_ones(store: Store, folder: Path, make: Any) -> None:
    values = {name: {name: "x" * INLINE} for name in PAYLOADS["executions"]}
    execution = make.execution(**values)
    step = make.step(execution, input={"in": "x" * INLINE}, output=["x" * INLINE])
    submit(store, Start(execution=execution, steps=(step,)))
    assert len(kept(folder)) == len(values) + 2
    assert read(store, execution) == execution
    with store.read("ten_a") as tx:
        assert executions.list_steps(tx, execution.id) == [step]


def test_a_delivery_brings_an_event_and_executions_with_files_of_their_own(
    store: Store, folder: Path, make: Any
) -> None:
    event, delivery = make.event(data=BIG), make.delivery()
    execution = make.execution(trigger={"data": BIG}, event_id=event.id)
    intake = Intake(delivery=delivery, event=event, executions=(execution,))
    assert submit(store, intake) == Applied(execution_ids=(execution.id,))
    assert {path.split("/")[1] for path in kept(folder)} == {event.id, execution.id}
    assert read(store, execution) == execution
    again = replace(intake, event=replace(event, id=new_id("evt")))
    assert submit(store, again) == Duplicate(of=event.id, execution_ids=(execution.id,))


def test_progress_writes_large_outputs_of_executions_and_steps(store: Store, folder: Path, make: Any) -> None:
    execution = taken(store, make.execution())
    step = make.step(execution, status=StepStatus.SUCCEEDED, input=BIG, output=BIG)
    move = Move(status=ExecutionStatus.SUCCEEDED, at=NOW, output=BIG)
    submit(
        store,
        Progress(
            tenant_id="ten_a",
            execution_id=execution.id,
            fence=execution.fence,
            steps=(step,),
            response={"status": 200, "body": BIG},
            move=move,
        ),
    )
    # Three times the same payload is one file.
    assert sorted(map(len, map(json.dumps, kept(folder).values()))) == [1036, 1061]
    found = read(store, execution)
    assert (found.output, found.response) == (BIG, {"status": 200, "body": BIG})


def test_a_claim_and_a_list_read_no_file(store: Store, folder: Path, make: Any) -> None:
    execution = taken(store, make.execution(trigger=BIG))
    size = len(json.dumps(BIG, separators=(",", ":")))
    assert execution.trigger == {"$file": {"bytes": size}}
    assert whole_execution(store.files, execution).trigger == BIG
    with store.read("ten_a") as tx:
        (listed,), _ = listing.list_page(tx, Page(), listing.Filter())
    assert listed.trigger == {"$file": {"bytes": size}}


def test_what_was_not_read_may_be_written_again(store: Store, folder: Path, make: Any) -> None:
    execution = taken(store, make.execution(trigger=BIG))
    assert isinstance(execution.trigger, Filed)
    step = make.step(execution, input=execution.trigger)
    submit(
        store, Progress(tenant_id="ten_a", execution_id=execution.id, fence=execution.fence, steps=(step,))
    )
    with store.read("ten_a") as tx:
        assert executions.list_steps(tx, execution.id)[0].input == BIG
    assert len(kept(folder)) == 1


def test_what_another_execution_had_becomes_a_file_of_its_own(store: Store, folder: Path, make: Any) -> None:
    first = taken(store, make.execution(trigger=BIG))
    second = make.execution(trigger=first.trigger, replay_of=first.id)
    submit(store, Start(execution=second))
    assert store.files is not None
    store.files.remove("ten_a", first.id)
    assert read(store, second).trigger == BIG


def test_a_person_may_resolve_a_step_with_a_large_result(store: Store, folder: Path, make: Any) -> None:
    execution = make.execution()
    step = make.step(execution, status=StepStatus.UNCERTAIN, input={"$file": {"value": 1}})
    submit(store, Start(execution=execution, steps=(step,)))
    done = replace(step, status=StepStatus.SUCCEEDED, output=BIG)
    with store.begin("ten_a") as tx:
        executions.replace_step(tx, done)
    assert list(kept(folder).values()) == [BIG]
    with store.read("ten_a") as tx:
        assert executions.list_steps(tx, execution.id) == [done]


def test_a_missing_file_is_an_error_or_a_note(store: Store, make: Any) -> None:
    execution = make.execution(trigger=BIG)
    submit(store, Start(execution=execution))
    assert store.files is not None
    store.files.remove("ten_a", execution.id)
    with pytest.raises(PayloadError) as told:
        read(store, execution)
    assert told.value.code == "payload_missing"
    noted = read(store, execution, strict=False).trigger
    assert noted["$file"]["error"] == "payload_missing"


def test_a_full_folder_refuses_one_change_and_not_its_neighbors(
    store: Store, folder: Path, make: Any
) -> None:
    folder.rename(folder.with_name("away"))
    folder.write_text("")
    large = [make.execution(trigger=BIG) for _ in range(2)]
    small = [make.execution() for _ in range(5)]
    outcomes = submit_all(store, [Start(execution=one) for one in (*small[:3], *large, *small[3:])])
    assert [type(one) for one in outcomes] == [Applied] * 3 + [FilesError] * 2 + [Applied] * 2
    with store.read("ten_a") as tx:
        found, _ = listing.list_page(tx, Page(), listing.Filter())
    assert {one.id for one in found} == {one.id for one in small}


def test_a_payload_that_is_too_large_is_refused_alone(database: str, tmp_path: Path, make: Any) -> None:
    store = Store(database, files=FileStore(tmp_path, inline_bytes=INLINE, payload_bytes=4096))
    changes = [Start(execution=make.execution(trigger={"text": "x" * size})) for size in (10, 2000, 5000, 10)]
    outcomes = submit_all(store, changes)
    assert [type(one) for one in outcomes] == [Applied, Applied, LimitError, Applied]
    assert outcomes[2].details["setting"] == "REVOLUTION_PAYLOAD_BYTES"
    store.close()


def test_without_a_file_store_everything_is_in_rows(
    open_store: Callable[..., Store], folder: Path, make: Any
) -> None:
    plain, execution = open_store(), make.execution(trigger=BIG, output={"$file": {"value": 1}})
    submit(plain, Start(execution=execution))
    assert read(plain, execution) == execution


def test_a_reference_without_a_file_store_is_an_error(
    store: Store, open_store: Callable[..., Store], make: Any
) -> None:
    execution = make.execution(trigger=BIG)
    submit(store, Start(execution=execution))
    with pytest.raises(PayloadError):
        read(open_store(), execution)


DIE = """
import sys
from datetime import datetime
from pathlib import Path
from revolution_hub.crashpoint import arm, parse_crash_point
from revolution_hub.files.file_store import FileStore
from revolution_hub.model.change import Start
from revolution_hub.model.execution import Execution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store
arm(parse_crash_point("payload.after_keep"), "worker", Path(sys.argv[3]))
store = Store(sys.argv[1], files=FileStore(Path(sys.argv[2]), inline_bytes=1024))
execution = Execution(
    id="exe_1",
    tenant_id="ten_a",
    workflow_id="wf_1",
    version=1,
    status=ExecutionStatus.QUEUED,
    trigger={"text": "x" * 1024},
    created_at=datetime.fromisoformat("2026-11-22T10:00:00+00:00"),
)
submit(store, Start(execution=execution))
print("kept")
store.close()
"""


def test_a_process_that_dies_behind_the_file_leaves_no_row_without_one(
    store: Store, database: str, folder: Path, tmp_path: Path
) -> None:
    def started() -> tuple[int, bytes]:
        command = [sys.executable, "-c", DIE, database, folder, tmp_path]
        done = subprocess.run(command, capture_output=True, check=False)
        return done.returncode, done.stdout

    # Given a process that is killed when the file is written and the row is not
    assert started() == (-signal.SIGKILL, b"")
    (path,) = kept(folder)
    with store.read("ten_a") as tx, pytest.raises(NotFoundError):
        executions.get(tx, "exe_1")
    # When whoever was not answered tries again, the same file serves the row
    assert started() == (0, b"kept\n")
    assert list(kept(folder)) == [path]
    with store.read("ten_a") as tx:
        assert executions.get(tx, "exe_1").trigger == BIG


scalars = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "$file", "x" * 900, "é" * 600])
)
names = st.sampled_from(["$file", "value", "tenant", "owner", "bytes", "sha256"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)
)


@given(trigger=st.dictionaries(names, values, max_size=4), output=values, inputs=st.lists(values, max_size=4))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_is_written_is_read(
    store: Store, make: Any, trigger: Any, output: Any, inputs: list[Any]
) -> None:
    execution = make.execution(trigger=trigger)
    steps = tuple(
        make.step(execution, f"s{at}", position=at, input=one, output=one) for at, one in enumerate(inputs)
    )
    submit(store, Start(execution=execution, steps=steps))
    with store.begin_across() as tx:
        # One more way to write: statements of SQLAlchemy's own.
        same = t.executions.c.id == execution.id
        tx.conn.execute(sa.update(t.executions).where(same).values(output=output))
    assert read(store, execution) == replace(execution, output=output)
    with store.read("ten_a") as tx:
        assert executions.list_steps(tx, execution.id) == list(steps)
