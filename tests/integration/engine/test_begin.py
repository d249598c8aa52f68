"""Whoever waits for a workflow's result is answered from its first stretch, with one commit and no worker."""

from typing import Any

from revolution_hub.bus.hook import Arrived, HookStarted, receive_hook, receive_hooks
from revolution_hub.engine.begin import begin
from revolution_hub.engine.versions import get_version
from revolution_hub.errors import NotFoundError
from revolution_hub.services import starts
from revolution_sdk import Delivery

GREET = {"id": "greet", "set": {"greeting": "Hello {{ trigger.data.name }}"}}
ANSWER = {"id": "answer", "respond": {"body": {"said": "{{ vars.greeting }}"}}}
CALL = {"id": "call", "uses": "lab.read_page"}


def publish(bench: Any, *steps: Any, answer: str = "result", **document: Any) -> str:
    published = bench.publish(*steps, on=[{"webhook": {"auth": "none", "answer": answer}}], **document)
    return str(published.hook).removeprefix("/hooks/")


def post(bench: Any, **headers: str) -> Delivery:
    return Delivery(
        method="POST", url="/", headers=headers, body=b'{"name": "Ada"}', received_at=bench.clock.now
    )


def test_control_words_alone_are_done_before_the_answer_and_stored_with_the_event(bench: Any) -> None:
    key = publish(bench, GREET, {"id": "warm", "if": "{{ true }}", "then": [ANSWER], "else": []})
    bench.wakes.clear()
    started = receive_hook(bench.hub, key, post(bench))
    assert started.execution is not None
    assert started.execution.response == {"status": 200, "body": {"said": "Hello Ada"}}
    seen = bench.look(started.execution_id)
    assert (seen.status, seen.order, seen.execution.finished_at) == (
        "succeeded",
        ["greet", "warm", "answer"],
        bench.clock.now,
    )
    assert seen.execution == started.execution
    assert (bench.wakes, bench.claim()) == ([], None)


def test_the_first_action_hands_over_to_a_worker_that_goes_on_behind_what_is_done(bench: Any) -> None:
    tail = {"id": "tail", "set": {"end": "{{ vars.greeting }}"}}
    key = publish(bench, GREET, ANSWER, CALL, tail)
    bench.wakes.clear()
    started = receive_hook(bench.hub, key, post(bench))
    assert (bench.script.calls, bench.wakes) == ([], ["wake"])
    assert bench.look(started.execution_id).order == ["greet", "answer"]
    assert bench.look(started.execution_id).execution.response is not None
    bench.work()
    seen = bench.look(started.execution_id)
    assert (seen.status, seen.order) == ("succeeded", ["greet", "answer", "call", "tail"])
    assert [one.position for one in seen.steps.values()] == [0, 1, 2, 3]


def test_an_action_whose_condition_says_no_is_skipped_on_the_way(bench: Any) -> None:
    key = publish(bench, {**CALL, "if": "{{ false }}"}, GREET)
    started = receive_hook(bench.hub, key, post(bench))
    assert (bench.look(started.execution_id).status, bench.script.calls) == ("succeeded", [])


def test_a_template_that_fails_ends_the_execution_with_its_reason(bench: Any) -> None:
    key = publish(bench, {"id": "broken", "set": {"n": "{{ trigger.data.missing.more }}"}})
    started = receive_hook(bench.hub, key, post(bench))
    seen = bench.look(started.execution_id)
    assert (seen.status, seen.step("broken"), seen.execution.error["step"]) == ("failed", "failed", "broken")


def test_who_wants_only_the_receipt_is_not_kept_waiting_for_steps(bench: Any) -> None:
    key = publish(bench, GREET, answer="accepted")
    started = receive_hook(bench.hub, key, post(bench))
    assert bench.look(started.execution_id).status == "queued"
    bench.work()
    assert bench.look(started.execution_id).status == "succeeded"


def test_what_takes_longer_than_the_budget_is_a_workers_work(bench: Any) -> None:
    published = bench.publish(GREET, ANSWER)
    execution_id = starts.execute_workflow(bench.hub, bench.principal, published.workflow.id, {}, None)[0]
    execution = bench.look(execution_id).execution
    begun = begin(bench.hub, execution, get_version(bench.hub.store, execution), budget_s=0.0)
    assert (begun.execution, begun.steps) == (execution, ())


def test_a_repeated_delivery_in_one_batch_or_later_is_told_the_first_execution(bench: Any) -> None:
    key = publish(bench, GREET, ANSWER)
    twice = [Arrived(key=key, delivery=post(bench, **{"idempotency-key": "k"})) for _ in range(2)]
    first, second = receive_hooks(bench.hub, twice)
    later = receive_hook(bench.hub, key, twice[0].delivery)
    assert isinstance(first, HookStarted)
    assert isinstance(second, HookStarted)
    assert {first.execution_id, second.execution_id, later.execution_id} == {first.execution_id}
    assert sorted(one.execution is None for one in (first, second, later)) == [False, True, True]
    assert bench.counts() == [0, 3, 1, 1]


def test_what_is_wrong_with_one_delivery_of_a_batch_is_told_to_its_sender_alone(bench: Any) -> None:
    key = publish(bench, GREET)
    good = Arrived(key=key, delivery=post(bench))
    lost = Arrived(key="guess", delivery=post(bench))
    torn = Arrived(key=key, delivery=Delivery(**{**fields(good.delivery), "body": b"{"}))
    answers = receive_hooks(bench.hub, [lost, good, torn, good])
    assert [type(one).__name__ for one in answers] == [
        "NotFoundError",
        "HookStarted",
        "InputError",
        "HookStarted",
    ]
    assert isinstance(answers[0], NotFoundError)
    assert bench.counts() == [0, 2, 2, 2]


def fields(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in ("method", "url", "headers", "received_at")}


def test_a_first_stretch_that_fails_starts_what_is_provided_for_that(bench: Any) -> None:
    bad = {"id": "bad", "set": {"n": "{{ trigger.data.name + 1 }}"}}
    key = publish(bench, bad, on_failure={"steps": [{"id": "note", "uses": "lab.send_letter"}]})
    started = receive_hook(bench.hub, key, post(bench))
    assert bench.look(started.execution_id).status == "failed"
    bench.work()
    assert bench.script.count("send_letter") == 1


def test_what_waits_for_its_turn_is_not_begun(bench: Any) -> None:
    key = publish(bench, GREET, {"wait": {"for": "1h"}}, concurrency={})
    first, second = (receive_hook(bench.hub, key, post(bench)).execution_id for _ in range(2))
    bench.work()
    assert (bench.look(first).waits_for, bench.look(second).waits_for) == ("timer", "turn")
    assert bench.look(second).order == []


def test_a_delivery_with_a_key_the_workflow_has_seen_is_told_the_first_execution(bench: Any) -> None:
    key = publish(bench, GREET, idempotency={"key": "{{ trigger.data.name }}"})
    first, second = (receive_hook(bench.hub, key, post(bench)) for _ in range(2))
    assert (first.execution_id, second.execution) == (second.execution_id, None)
    assert bench.counts()[2:] == [2, 1]
