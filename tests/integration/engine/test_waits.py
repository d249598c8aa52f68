"""Steps that wait for a moment or for a callback, and time-outs of steps."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from revolution_hub.api.app import make_api
from revolution_hub.bus.callback import receive_callback
from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.model.time import rfc3339
from revolution_hub.services.executions import cancel_execution
from revolution_sdk.errors import RetryableError

ASK = {"id": "ask", "wait": {"callback": {}}}
TELL = {"id": "tell", "set": {"url": "{{ callbacks.ask }}"}}


def call(bench: Any, url: str, data: Any) -> None:
    execution_id, step, mark = url.rpartition("/hooks/callbacks/")[2].split("/")
    receive_callback(bench.hub, execution_id, step, mark, data)


def asked(bench: Any, *steps: Any, **document: Any) -> tuple[str, str]:
    """Start a workflow that waits for a callback; return the execution's id and the address."""
    execution_id = bench.start(TELL, *(steps or (ASK,)), {"id": "end", "set": {}}, **document)
    bench.work()
    return execution_id, bench.look(execution_id).steps["tell"].output["url"]


@pytest.mark.parametrize(("length", "seconds"), [("2h", 7200), (90, 90), ("1d12h", 129600)])
def test_a_wait_holds_no_worker_and_ends_on_time(length: Any, seconds: float, bench: Any) -> None:
    execution_id = bench.start({"id": "pause", "wait": {"for": length}}, {"id": "end", "set": {}})
    bench.work()
    waiting = bench.look(execution_id)
    assert (waiting.status, waiting.waits_for, waiting.order) == ("waiting", "timer", ["pause"])
    assert waiting.execution.wake_at == bench.clock.now + timedelta(seconds=seconds)
    assert bench.pass_time(seconds - 1) == 0
    assert bench.pass_time(2) == 1
    assert bench.look(execution_id).status == "succeeded"


def test_a_wait_until_a_moment_that_has_passed_is_no_wait(bench: Any) -> None:
    past = rfc3339(bench.clock.now - timedelta(days=1))
    seen = bench.run({"id": "pause", "wait": {"until": "{{ inputs.at }}"}}, data={"at": past})
    assert (seen.status, seen.steps["pause"].output) == ("succeeded", {"until": past})


@pytest.mark.parametrize(
    ("wait", "code"),
    [
        ({"until": "{{ inputs.x }}"}, "bad_moment"),
        ({"for": "{{ inputs.x }}"}, "bad_duration"),
        ({"for": "{{ inputs.list }}"}, "bad_duration"),
    ],
)
def test_a_wait_for_nonsense_fails_its_step(wait: Any, code: str, bench: Any) -> None:
    seen = bench.run({"id": "pause", "wait": wait}, data={"x": "soon", "list": [1]})
    assert (seen.status, seen.execution.error["code"]) == ("failed", code)


def test_the_first_callback_is_the_result_and_the_second_is_refused(bench: Any) -> None:
    execution_id, url = asked(bench)
    assert bench.look(execution_id).waits_for == "callback"
    call(bench, url, {"yes": True})
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["ask"].output["body"]) == ("succeeded", {"yes": True})
    with pytest.raises(ConflictError) as refused:
        call(bench, url, {"yes": False})
    assert refused.value.code == "already_called"
    assert bench.look(execution_id).steps["ask"].output["body"] == {"yes": True}


def test_a_callback_that_comes_early_is_kept(bench: Any) -> None:
    execution_id, url = asked(bench, {"wait": {"for": "1h"}}, ASK)
    call(bench, url, "early")
    bench.work()
    assert bench.look(execution_id).waits_for == "timer"
    bench.pass_time(3601)
    assert bench.look(execution_id).steps["ask"].output["body"] == "early"


def test_a_callback_without_a_body_counts(bench: Any) -> None:
    execution_id, url = asked(bench)
    call(bench, url, None)
    bench.work()
    assert bench.look(execution_id).steps["ask"].output["body"] is None


@pytest.mark.parametrize("damage", ["execution", "step", "mark", "key"])
def test_an_address_the_hub_has_not_made_leads_nowhere(damage: str, bench: Any) -> None:
    execution_id, url = asked(bench)
    execution, step, mark = url.rpartition("/hooks/callbacks/")[2].split("/")
    other, _ = asked(bench)
    changed = {
        "execution": (other, step, mark),
        "step": (execution, "end", mark),
        "mark": (execution, step, mark[:-2] + ("AA" if mark[-2:] != "AA" else "BB")),
        "key": (execution, step, "dek_unknown." + mark.partition(".")[2]),
    }[damage]
    with pytest.raises(NotFoundError):
        receive_callback(bench.hub, *changed, data={})
    bench.work()
    assert bench.look(execution_id).waits_for == "callback"


def test_a_callback_that_never_comes_is_given_up(bench: Any) -> None:
    step = {**ASK, "timeout": "10m", "on_error": {"continue": "{{ error.code }}"}}
    execution_id, url = asked(bench, step)
    assert bench.pass_time(599) == 0
    assert bench.pass_time(2) == 1
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["ask"].output) == ("succeeded", "timeout")
    with pytest.raises(ConflictError) as refused:
        call(bench, url, {})
    assert refused.value.code == "not_waiting"


def test_nobody_is_called_back_for_what_was_cancelled(bench: Any) -> None:
    execution_id, url = asked(bench)
    cancel_execution(bench.hub, bench.principal, execution_id)
    with pytest.raises(ConflictError) as refused:
        call(bench, url, {})
    assert refused.value.code == "not_waiting"


def test_each_item_of_a_loop_has_an_address_of_its_own(bench: Any) -> None:
    loop = {
        "id": "each",
        "for_each": ["a", "b"],
        "concurrency": 2,
        "steps": [
            {
                "id": "page",
                "uses": "lab.read_page",
                "with": {"url": "{{ callbacks.ask }}", "n": "{{ index }}"},
            },
            ASK,
        ],
        "result": "{{ steps.ask.body }}",
    }
    execution_id = bench.start(loop)
    bench.work()
    urls = {value["n"]: value["url"] for _, value, _ in bench.script.calls}
    assert len(set(urls.values())) == 2
    for number, url in urls.items():
        call(bench, url, number)
    bench.work()
    assert bench.look(execution_id).steps["each"].output["items"] == [0, 1]


def test_a_step_is_not_tried_again_when_its_time_is_over(bench: Any, script: Any) -> None:
    script.next("read_page", *[RetryableError("busy", code="busy")] * 9)
    step = {
        "id": "page",
        "uses": "lab.read_page",
        "timeout": "30s",
        "retry": {"attempts": 9, "delay": 10, "backoff": 1, "jitter": 0},
    }
    execution_id = bench.start(step)
    bench.work()
    for _ in range(5):
        bench.pass_time(10.5)
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.error["code"]) == ("failed", "timeout")
    assert (script.count("read_page"), seen.execution.error["details"]) == (3, {"last": "busy"})


def test_an_attempt_gets_no_more_time_than_its_step_has_left(bench: Any, script: Any) -> None:
    deadlines = []

    def play(ctx: Any, value: Any) -> Any:
        deadlines.append((ctx.deadline - bench.clock.now).total_seconds())
        return {}

    script.next("read_page", play)
    bench.run({"uses": "lab.read_page", "timeout": "5s"})
    assert deadlines == [5.0]


def test_the_address_of_a_callback_is_a_door_of_the_api(bench: Any) -> None:
    execution_id, url = asked(bench)
    path = url.removeprefix(bench.hub.settings.public())
    with TestClient(make_api(bench.hub), raise_server_exceptions=False) as client:
        for body, status, code in [
            (b"{", 422, "json_invalid"),
            (b'{"a": 1, "a": 2}', 422, "json_invalid"),
            (b'{"yes": 1}', 202, None),
            (b'{"yes": 2}', 409, "already_called"),
        ]:
            answer = client.post(path, content=body)
            assert (answer.status_code, answer.json().get("code")) == (status, code)
        assert client.post(path[:-3] + "xyz", content=b"{}").status_code == 404
        assert client.get(path).status_code == 405
    bench.work()
    assert bench.look(execution_id).steps["ask"].output["body"] == {"yes": 1}
