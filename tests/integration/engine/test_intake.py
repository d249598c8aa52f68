"""The queue in front of the intake: everybody gets their own answer, and too many are told so in time."""

import asyncio
from typing import Any

from revolution_hub.api.intake import Intake
from revolution_hub.bus.hook import HookStarted
from revolution_hub.errors import LimitError, NotFoundError
from revolution_sdk import Delivery

SAY = {"id": "say", "respond": {"body": "{{ trigger.data.n }}"}}


def publish(bench: Any) -> str:
    published = bench.publish(SAY, on=[{"webhook": {"auth": "none", "answer": "result"}}])
    return str(published.hook).removeprefix("/hooks/")


def delivery(bench: Any, number: int) -> Delivery:
    body = b'{"n": %d}' % number
    return Delivery(method="POST", url="/", headers={}, body=body, received_at=bench.clock.now)


def receive(bench: Any, keys: list[str], **limits: Any) -> list[Any]:
    """Deliver to these addresses at once; returns what each sender got."""

    async def deliver() -> list[Any]:
        made = Intake(bench.hub, **limits)
        waiting = [made.receive(key, delivery(bench, number)) for number, key in enumerate(keys)]
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    return asyncio.run(deliver())


def test_every_sender_of_many_gets_the_answer_to_its_own_delivery(bench: Any) -> None:
    key = publish(bench)
    answers = [one for one in receive(bench, [key] * 150) if isinstance(one, HookStarted)]
    # What a slow machine leaves to the workers is answered by them.
    while (execution := bench.claim()) is not None:
        bench.drive(execution)
    said = [bench.look(one.execution_id).execution.response["body"] for one in answers]
    assert said == list(range(150))
    assert bench.counts() == [0, 150, 150, 150]


def test_a_wrong_address_among_them_is_told_to_its_own_sender(bench: Any) -> None:
    key = publish(bench)
    answers = receive(bench, [key, "guess", key])
    assert [type(one).__name__ for one in answers] == ["HookStarted", "NotFoundError", "HookStarted"]
    assert isinstance(answers[1], NotFoundError)


def test_beyond_the_queue_senders_are_refused_before_anything_is_accepted(bench: Any) -> None:
    key = publish(bench)
    (answer,) = receive(bench, [key], most_waiting=0)
    assert isinstance(answer, LimitError)
    assert (answer.code, answer.retry_after_s) == ("overloaded", 1.0)
    assert bench.counts() == [0, 0, 0, 0]


def test_who_has_waited_too_long_is_refused_before_anything_is_accepted(bench: Any) -> None:
    key = publish(bench)
    answers = receive(bench, [key] * 3, patience_s=-1.0)
    assert [one.code for one in answers] == ["overloaded"] * 3
    assert bench.counts() == [0, 0, 0, 0]


def test_a_database_that_is_away_is_told_to_every_sender(bench: Any) -> None:
    key = publish(bench)
    bench.hub.store.close()
    answers = receive(bench, [key] * 3)
    assert [one.code for one in answers] == ["database_unavailable"] * 3
