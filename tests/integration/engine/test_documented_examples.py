"""Every example of the page on workflows is run, and gives what the page says.

The connectors are stand-ins that declare what the real ones declare and answer as their schemas say.
"""

import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rig.approvals import Desk, enroll

from revolution_ai.sandbox.instances import instance_of
from revolution_hub.bus.callback import receive_callback
from revolution_hub.catalog import Catalog, load_catalog
from revolution_hub.engine.watch import Watch
from revolution_hub.errors import ConflictError
from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.services import executions
from revolution_hub.store.paging import Page
from revolution_sdk import Action, ActionContext, Connector, JsonObject

PAGE = Path(__file__).parents[3] / "docs/workflows.md"
FENCE = re.compile(r"^```(yaml|json)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
DATA = {"object_id": "1", "account": "acme", "order_id": "o-1"}
"""What an example is started with that says nothing of it."""
ENDED = ("succeeded", "failed", "cancelled")
FAILS = {"with-a-net"}
DAY_S = 86_400
MOST_DAYS = 1_000


def stand_in(real: Connector) -> Connector:
    """A connector that needs no account and reaches nothing."""
    made = Connector(real.name, title=real.title)
    for action in real.actions.values():
        declare = made.action(input=action.input, output=action.output, effect=action.effect)
        declare(acting(action))
    for event in real.events.values():
        made.event(event.name, title=event.title, data=event.data, canonical=event.canonical)
    return made


def plausible(name: str, schema: JsonObject) -> str | None:
    return "ada@example.com" if name == "email" else None


def acting(action: Action) -> Any:
    def act(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Answer as the schema of the action says."""
        answer: JsonObject = instance_of(action.output, action.name, plausible)
        return answer

    act.__name__ = action.name
    return act


def examples() -> list[tuple[Any, Any]]:
    """Return every workflow of the page, with what the page says of it, None if it says nothing."""
    found: list[tuple[Any, Any]] = []
    for kind, text in FENCE.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "yaml":
            found.append((read_yaml(text), None))
        else:
            found[-1] = (found[-1][0], json.loads(text))
    return found


EXAMPLES = {workflow["name"]: (workflow, said) for workflow, said in examples()}


@pytest.fixture(name="desk")
def _desk(bench: Any) -> Any:
    """A hub with the stand-ins, on which every example is published."""
    catalog = Catalog()
    for connector in load_catalog().connectors.values():
        catalog.add(stand_in(connector))
    enroll(bench.hub, ada="owner", bea="owner")
    hub = replace(bench.hub, catalog=catalog)
    return replace(bench, hub=hub, watch=Watch(hub, hub.process))


def publish_called(desk: Any, workflow: Any) -> None:
    for step in workflow["steps"]:
        if "call" in step:
            desk.publish(**EXAMPLES[step["call"]][0])


def agree(desk: Any) -> bool:
    """Let two people agree to whatever is asked; tells whether anything was."""
    asking = Desk(desk.hub)
    asked = asking.all(status="pending")
    for one in asked:
        for name in ("ada", "bea"):
            with suppress(ConflictError):
                asking.approve(name, one)
    desk.work()
    return bool(asked)


def ended(desk: Any, execution_id: str) -> Any:
    """Let days pass until the execution has ended."""
    desk.work()
    for _ in range(MOST_DAYS):
        seen = desk.look(execution_id)
        if seen.status in ENDED:
            return seen
        if not agree(desk):
            desk.pass_time(DAY_S)
    raise AssertionError(f"it is still {seen.status} after {MOST_DAYS} days")


def started(desk: Any, name: str, data: Any) -> str:
    workflow = EXAMPLES[name][0]
    publish_called(desk, workflow)
    execution_id: str = desk.start(data=data, **workflow)
    return execution_id


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs_and_gives_what_the_page_says(name: str, desk: Any) -> None:
    workflow, said = EXAMPLES[name]
    inputs = DATA if said is None and "inputs" not in workflow else {} if said is None else said["inputs"]
    seen = ended(desk, started(desk, name, inputs))
    assert seen.status == ("failed" if name in FAILS else "succeeded"), seen.execution.error
    if said is not None:
        assert seen.execution.output == said["output"]


def test_people_are_asked_for_the_step_and_for_the_block(desk: Any) -> None:
    execution_id = started(desk, "raise-prices", {"percent": 50})
    ended(desk, execution_id)
    asked = Desk(desk.hub).all()
    assert [(one.uses, one.content["input"], one.status) for one in asked] == [
        ("set", {"factor": 1.5}, "used"),
        ("for_each", {"items": [100, 250]}, "used"),
    ]
    assert asked[0].message == "Raise every price by 50 %?"


def test_an_example_that_gives_something_else_is_found(desk: Any) -> None:
    workflow, said = EXAMPLES["quote"]
    seen = ended(desk, desk.start(data={"amount": 101}, **workflow))
    assert seen.execution.output != said["output"]


def test_the_answer_to_the_callback_goes_on_at_once(desk: Any) -> None:
    execution_id = started(desk, "approval", {})
    desk.work()
    waiting = desk.look(execution_id)
    assert (waiting.status, waiting.waits_for) == ("waiting", "callback")
    address = next(iter(waiting.steps.values())).input["body"].removeprefix("Answer here: ")
    place = address.rpartition("/hooks/callbacks/")[2].split("/")
    receive_callback(desk.hub, *place, {"approved": True})
    assert ended(desk, execution_id).execution.output == {"approved": True}


def test_what_follows_a_failure_is_an_execution_of_its_own(desk: Any) -> None:
    failed = ended(desk, started(desk, "with-a-net", {}))
    page, _ = executions.list_executions(desk.hub, desk.principal, Page(limit=10))
    (after,) = [one for one in page if one.id != failed.execution.id]
    seen = desk.look(after.id)
    (step,) = seen.steps.values()
    assert (seen.status, step.input["subject"]) == ("succeeded", "with-a-net has failed")
    assert step.input["body"] == f"Execution {failed.execution.id}: as an example"


def test_the_answer_of_the_webhook_is_what_respond_says(desk: Any) -> None:
    seen = ended(desk, started(desk, "ask-me", {"a": 1}))
    answer = {"status": 201, "headers": {"Cache-Control": "no-store"}, "body": {"received": {"a": 1}}}
    assert seen.execution.response == answer
