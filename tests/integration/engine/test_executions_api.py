"""Executions over the API: lists, details with children and items, and what people do about them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from rig.asking import Asker

from revolution_hub.store import family
from revolution_sdk import Connector, UnknownOutcomeError
from revolution_sdk.errors import RejectedError
from revolution_sdk.schema import integer, object_

PATH = "/api/workflow-executions"
PAGE = {"id": "page", "uses": "lab.read_page", "with": {"n": "{{ trigger.data.n? }}"}}
FAN = {
    "id": "fan",
    "parallel": {"a": [{"id": "letter", "uses": "lab.send_letter"}], "b": [{"id": "x", "set": {"x": 1}}]},
}


def children(bench: Any, execution_id: str) -> list[Any]:
    with bench.hub.store.read("ten_a") as tx:
        return family.list_children(tx, execution_id)


def ids(listed: Any) -> list[str]:
    return [one["id"] for one in listed["items"]]


def test_the_list_is_filtered_sorted_and_paged(bench: Any, script: Any, owner: Asker) -> None:
    script.next("read_page", RejectedError("no", code="no_page"))
    failed = bench.run(PAGE).execution.id
    asleep = bench.run({"id": "nap", "wait": {"for": 60}}).execution.id
    spread = bench.run(FAN).execution.id
    assert ids(owner.ask("GET", PATH)) == [spread, asleep, failed]
    assert ids(owner.ask("GET", f"{PATH}?sort=created_at")) == [failed, asleep, spread]
    assert ids(owner.ask("GET", f"{PATH}?status=failed,waiting")) == [asleep, failed]
    assert ids(owner.ask("GET", f"{PATH}?wait_reason=timer")) == [asleep]
    assert ids(owner.ask("GET", f"{PATH}?error_code=no_page")) == [failed]
    assert len(owner.ask("GET", f"{PATH}?parent_id={spread}")["items"]) == 2
    first = owner.ask("GET", f"{PATH}?limit=2")
    rest = owner.ask("GET", f"{PATH}?limit=2&cursor={first['next_cursor']}")
    assert (ids(first), ids(rest), rest["next_cursor"]) == ([spread, asleep], [failed], None)
    assert ids(owner.ask("GET", f"{PATH}?created_after=2200-01-01T00:00:00Z")) == []
    assert len(ids(owner.ask("GET", f"{PATH}?created_before=2200-01-01T00:00:00Z"))) == 3


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("status=failed,lost", "status"),
        ("wait_reason=mood", "wait_reason"),
        ("created_after=yesterday", "created_after"),
        ("created_before=2026-01-01T00:00:00", "created_before"),
        ("cursor=x", "cursor"),
        ("state=failed", "state"),
    ],
)
def test_a_filter_that_is_none_is_refused(query: str, path: str, owner: Asker) -> None:
    answer = owner.call("GET", f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (422, path)


def test_every_fault_of_a_filter_is_told_at_once(owner: Asker) -> None:
    body = {"filter": {"status": "lost", "wait_reason": "mood", "created_after": "x"}}
    answer = owner.call("POST", f"{PATH}/retry", body)
    assert answer.status_code == 422
    paths = [one["path"] for one in answer.json()["problems"]]
    assert paths == ["filter.wait_reason", "filter.status", "filter.created_after"]


def test_a_detail_shows_steps_attempts_times_and_relatives(bench: Any, script: Any, owner: Asker) -> None:
    def play(ctx: Any, value: Any) -> Any:
        bench.clock.advance(1.5)
        return {"n": 1}

    script.next("read_page", play)
    execution_id = bench.start(PAGE, FAN, data={"n": 4})
    bench.clock.advance(2)
    bench.work()
    shown = owner.ask("GET", f"{PATH}/{execution_id}")
    assert (shown["status"], shown["queued_ms"], shown["duration_ms"]) == ("succeeded", 2_000, 1_500)
    page, fan = shown["steps"]
    assert (page["input"], page["output"], page["duration_ms"]) == ({"n": 4}, {"n": 1}, 1_500)
    assert [(one["status"], one["duration_ms"]) for one in page["attempts"]] == [("succeeded", 1_500)]
    assert [(one["branch"], one["place"], one["status"]) for one in fan["children"]] == [
        ("a", 0, "succeeded"),
        ("b", 1, "succeeded"),
    ]
    assert (shown["root_id"], shown["replays"], shown["steps_left_out"]) == (execution_id, [], 0)
    child = owner.ask("GET", f"{PATH}/{fan['children'][0]['execution_id']}")
    assert (child["parent_id"], child["parent_step"], child["block"]) == (execution_id, "fan", "a")
    assert (child["root_id"], [one["id"] for one in child["steps"]]) == (execution_id, ["letter"])


def test_replays_are_shown_on_both_sides(bench: Any, owner: Asker) -> None:
    execution_id = bench.run(PAGE).execution.id
    made = owner.call("POST", f"{PATH}/{execution_id}/replay", {"from_step": "page"}, idempotency_key="k")
    assert (made.status_code, made.headers["location"]) == (201, f"{PATH}/{made.json()['execution_id']}")
    again = owner.call("POST", f"{PATH}/{execution_id}/replay", {"from_step": "page"}, idempotency_key="k")
    assert (again.json(), again.headers["idempotent-replayed"]) == (made.json(), "true")
    other = owner.refused("POST", f"{PATH}/{execution_id}/replay", {}, idempotency_key="k")
    assert other == (409, "idempotency_key_reused")
    new = made.json()["execution_id"]
    assert owner.ask("GET", f"{PATH}/{execution_id}")["replays"] == [new]
    assert owner.ask("GET", f"{PATH}/{new}")["replay_of"] == execution_id
    assert ids(owner.ask("GET", f"{PATH}?replay_of={execution_id}")) == [new]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"version": "newest"}, "version"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"from_step": "none"}, "from_step"),
        ({"from_step": 1}, "from_step"),
        ({"inputs": {"page": {}}}, "inputs.page"),
        ({"inputs": {"page": 1}}, "inputs.page"),
        ({"more": 1}, "more"),
    ],
)
def test_a_replay_that_cannot_be_is_refused(body: Any, path: str, bench: Any, owner: Asker) -> None:
    execution_id = bench.run(PAGE).execution.id
    answer = owner.call("POST", f"{PATH}/{execution_id}/replay", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["problems"][0]["path"].startswith(path)


def each(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"id": "each", "for_each": "{{ inputs.list }}", "steps": list(steps), **more}


def test_the_items_of_a_for_each_are_counted_and_paged(bench: Any, script: Any, owner: Asker) -> None:
    script.next("put_page", {"n": 0}, RejectedError("no", code="no_one"), {"n": 2})
    seen = bench.run(
        each({"id": "put", "uses": "lab.put_page"}, on_item_error="continue", result="{{ steps.put.n }}"),
        data={"list": ["a", "b", "c"]},
    )
    shown = owner.ask("GET", f"{PATH}/{seen.execution.id}")["steps"][0]
    assert shown["items"] == {"total": 3, "succeeded": 2, "failed": 1, "under_way": 0}
    assert (shown["input"], shown["output"]["items"], "children" in shown) == ({"items": 3}, 3, False)
    (lane,) = children(bench, seen.execution.id)
    at = f"{PATH}/{seen.execution.id}/steps/each/items"
    first = owner.ask("GET", f"{at}?limit=2")
    rest = owner.ask("GET", f"{at}?limit=2&cursor={first['next_cursor']}")
    assert [(one["index"], one["status"], one["result"]) for one in first["items"] + rest["items"]] == [
        (0, "succeeded", 0),
        (1, "failed", None),
        (2, "succeeded", 2),
    ]
    assert rest["next_cursor"] is None
    (failed,) = owner.ask("GET", f"{at}?status=failed")["items"]
    assert (failed["index"], failed["error"]["code"], failed["execution_id"]) == (1, "no_one", lane.id)
    one = owner.ask("GET", f"{PATH}/{lane.id}?item=1")
    assert [(step["id"], step["status"], len(step["attempts"])) for step in one["steps"]] == [
        ("put#1", "failed", 1),
        ("each#1", "failed", 0),
    ]
    assert owner.refused("GET", f"{PATH}/{seen.execution.id}/steps/none/items") == (404, "not_found")
    assert owner.refused("GET", f"{PATH}/exe_none/steps/each/items") == (404, "not_found")


def test_items_are_shown_while_they_are_under_way(bench: Any, script: Any, owner: Asker) -> None:
    nap = {"id": "nap", "if": "{{ index > 0 }}", "wait": {"for": 60}}
    seen = bench.run(each(nap, concurrency=2), data={"list": list("abcde")})
    at = f"{PATH}/{seen.execution.id}/steps/each/items"
    found = {one["index"]: one["status"] for one in owner.ask("GET", at)["items"]}
    assert found == {0: "succeeded", 1: "running", 2: "running", 3: "not_begun", 4: "not_begun"}
    assert [one["index"] for one in owner.ask("GET", f"{at}?status=running")["items"]] == [1, 2]
    page = owner.ask("GET", f"{at}?status=not_begun&limit=1")
    assert [one["index"] for one in page["items"]] == [3]
    more = owner.ask("GET", f"{at}?status=not_begun&limit=1&cursor={page['next_cursor']}")
    assert ([one["index"] for one in more["items"]], more["next_cursor"]) == ([4], None)
    shown = owner.ask("GET", f"{PATH}/{seen.execution.id}")["steps"][0]
    assert shown["items"] == {"total": 5, "succeeded": 1, "failed": 0, "under_way": 2}


def test_a_for_each_within_an_item_has_its_items_too(bench: Any, script: Any, owner: Asker) -> None:
    inner = {"id": "inner", "for_each": "{{ item }}", "steps": [{"id": "x", "set": {"x": "{{ item }}"}}]}
    seen = bench.run(each(inner), data={"list": [[1], [2, 3]]})
    (lane,) = children(bench, seen.execution.id)
    at = f"{PATH}/{lane.id}/steps/{quote('inner#1', safe='')}/items"
    assert [one["result"] for one in owner.ask("GET", at)["items"]] == [{"x": 2}, {"x": 3}]


def test_what_was_under_way_is_told_when_it_is_cancelled(bench: Any, script: Any, owner: Asker) -> None:
    answers: list[Any] = []

    def play(ctx: Any, value: Any) -> Any:
        answers.append(owner.ask("POST", f"{PATH}/{execution_id}/cancel"))
        return {}

    script.next("send_letter", play)
    execution_id = bench.start(FAN)
    bench.work()
    (told,) = answers
    child = next(one for one in children(bench, execution_id) if one.place == 0)
    assert told["status"] == "cancelled"
    (under_way,) = told["under_way"]
    assert (under_way["execution_id"], under_way["step"], under_way["uses"]) == (
        child.id,
        "letter",
        "lab.send_letter",
    )
    assert str(children(bench, execution_id)[0].status) == "cancelled"
    assert owner.refused("POST", f"{PATH}/{execution_id}/cancel") == (409, "already_ended")


def test_a_branch_is_cancelled_with_the_whole_and_a_called_workflow_by_itself(
    bench: Any, owner: Asker
) -> None:
    bench.publish({"id": "nap", "wait": {"for": 60}}, name="inner")
    nap = [{"id": "sleep", "wait": {"for": 60}}]
    spread = bench.run({"id": "fan", "parallel": {"a": nap, "b": [{"id": "call", "call": "inner"}]}})
    branch = children(bench, spread.execution.id)[0]
    answer = owner.call("POST", f"{PATH}/{branch.id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "part_of_another")
    assert spread.execution.id in answer.json()["detail"]
    (called,) = children(bench, children(bench, spread.execution.id)[1].id)
    assert owner.ask("POST", f"{PATH}/{called.id}/cancel")["under_way"] == []
    assert owner.ask("POST", f"{PATH}/{spread.execution.id}/cancel")["status"] == "cancelled"


def test_retry_goes_over_the_api_one_by_one_and_in_bulk(bench: Any, script: Any, owner: Asker) -> None:
    script.next("read_page", *[RejectedError("no")] * 3)
    failed = [bench.run(PAGE).execution.id for _ in range(3)]
    assert owner.ask("POST", f"{PATH}/{failed[0]}/retry", {"input": {"n": 9}})["status"] == "queued"
    made = owner.ask("POST", f"{PATH}/retry", {"ids": [failed[1], failed[0]]})
    assert [(one["id"], one["status"]) for one in made["items"]] == [(failed[1], "queued"), (failed[0], None)]
    assert made["items"][1]["error"]["code"] == "not_failed"
    rest = owner.ask("POST", f"{PATH}/retry", {"filter": {"error_code": "rejected"}})
    assert (rest["items"], rest["more"]) == ([{"id": failed[2], "status": "queued", "error": None}], False)
    bench.work()
    assert {bench.look(one).status for one in failed} == {"succeeded"}
    assert {"n": 9} in [given for _, given, _ in script.calls]


@pytest.mark.parametrize("body", [{}, {"ids": ["exe_1"], "filter": {}}, {"ids": []}, {"ids": ["x"] * 501}])
@pytest.mark.parametrize("what", ["retry", "replay"])
def test_a_selection_says_what_it_means_in_one_way(what: str, body: Any, owner: Asker) -> None:
    assert owner.call("POST", f"{PATH}/{what}", body).status_code == 422


def test_bulk_replays_go_over_the_api(bench: Any, owner: Asker) -> None:
    old = [bench.run(PAGE).execution.id for _ in range(2)]
    body = {"filter": {"status": "succeeded"}, "from_step": "page"}
    made = owner.ask("POST", f"{PATH}/replay", body, idempotency_key="many")
    assert [one["id"] for one in made["items"]] == old
    assert owner.ask("POST", f"{PATH}/replay", body, idempotency_key="many") == made
    bench.work()
    assert [bench.look(one["execution_id"]).execution.replay_of for one in made["items"]] == old


def test_who_may_see_only_what_is_shared_repeats_only_that(
    bench: Any, asker_of: Callable[..., Asker], owner: Asker
) -> None:
    guest = asker_of("guest")
    mine, other = (bench.run(PAGE).execution for _ in range(2))
    assert guest.refused("POST", f"{PATH}/{mine.id}/replay", {}) == (403, "forbidden")
    owner.ask("PUT", f"/api/workflows/{mine.workflow_id}/shares/{guest.key_id}", {"right": "run"})
    made = guest.ask("POST", f"{PATH}/replay", {"filter": {}})
    assert [one["id"] for one in made["items"]] == [mine.id]
    by_id = guest.ask("POST", f"{PATH}/replay", {"ids": [other.id]})
    assert by_id["items"][0]["error"]["code"] == "forbidden"
    assert guest.refused("POST", f"{PATH}/{mine.id}/retry", {}) == (409, "not_failed")
    assert guest.refused("POST", f"{PATH}/{other.id}/retry", {}) == (403, "forbidden")
    foreign = asker_of("owner", "ten_b")
    for what in ("retry", "replay"):
        assert foreign.refused("POST", f"{PATH}/{mine.id}/{what}", {}) == (404, "not_found")


def strict(script: Any) -> Connector:
    """A connector whose action must not be repeated and always has a result."""
    made = Connector("strict", title="Strict")

    @made.action(input=object_(open_=True), output=object_(n=integer()), effect="once")
    def count_once(ctx: Any, value: Any) -> Any:
        """Count; calling twice counts twice."""
        return script.play("count_once", ctx, value)

    return made


@pytest.mark.parametrize("where", ["branch", "item", "item of a branch"])
def test_an_uncertain_step_is_resolved_wherever_it_is(
    where: str, bench: Any, script: Any, owner: Asker
) -> None:
    letter = {"id": "letter", "uses": "lab.send_letter"}
    steps = {
        "branch": {"id": "fan", "parallel": {"a": [letter]}},
        "item": each(letter),
        "item of a branch": {"id": "fan", "parallel": {"a": [each(letter)]}},
    }
    script.next("send_letter", UnknownOutcomeError("lost"))
    execution_id = bench.run(steps[where], data={"list": [1]}).execution.id
    (waiting,) = owner.ask("GET", f"{PATH}?parent_id={execution_id}")["items"]
    if where == "item of a branch":
        (waiting,) = owner.ask("GET", f"{PATH}?parent_id={waiting['id']}&wait_reason=uncertain")["items"]
    key = waiting["wait_on"]
    assert key == ("letter" if where == "branch" else "letter#0")
    at = f"{PATH}/{waiting['id']}/steps/{quote(key, safe='')}/resolve"
    # Without a result it happened with an empty one, which this action may have.
    assert owner.ask("POST", at, {"outcome": "happened"})["status"] == "queued"
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert owner.refused("POST", at, {"outcome": "happened"}) == (409, "not_uncertain")
    assert script.count("send_letter") == 1


def test_what_happened_needs_a_result_where_the_action_has_one(bench: Any, script: Any, owner: Asker) -> None:
    bench.hub.catalog.add(strict(script))
    script.next("count_once", UnknownOutcomeError("lost"))
    execution_id = bench.run({"id": "it", "uses": "strict.count_once"}).execution.id
    at = f"{PATH}/{execution_id}/steps/it/resolve"
    answer = owner.call("POST", at, {"outcome": "happened"})
    assert answer.status_code == 422
    assert [(one["path"], one["code"]) for one in answer.json()["problems"]] == [("result", "required")]
    assert owner.ask("POST", at, {"outcome": "happened", "result": {"n": 3}})["status"] == "queued"


def test_an_uncertain_sub_step_is_resolved_under_its_key(bench: Any, script: Any, owner: Asker) -> None:
    def play(ctx: Any, value: Any) -> Any:
        return ctx.call("lab.send_letter", {})

    script.next("put_page", play, play)
    script.next("send_letter", UnknownOutcomeError("lost"))
    outer = {"id": "put", "uses": "lab.put_page"}
    execution_id = bench.run(each(outer), data={"list": [1]}).execution.id
    (waiting,) = owner.ask("GET", f"{PATH}?wait_reason=uncertain&parent_id={execution_id}")["items"]
    key = waiting["wait_on"]
    assert key == "put#0/lab.send_letter.1"
    shown = owner.ask("GET", f"{PATH}/{waiting['id']}?item=0")["steps"]
    assert [(one["id"], one["status"], "children" in one) for one in shown] == [
        ("put#0", "waiting", False),
        (key, "uncertain", False),
    ]
    at = f"{PATH}/{waiting['id']}/steps/{quote(key, safe='')}/resolve"
    assert owner.ask("POST", at, {"outcome": "happened", "result": {"n": 5}})["status"] == "queued"
    bench.work()
    assert bench.look(execution_id).steps["each"].output["items"] == [{"n": 5}]
    assert script.count("send_letter") == 1


def test_a_key_that_names_no_step_is_not_found(bench: Any, owner: Asker) -> None:
    execution_id = bench.run(PAGE).execution.id
    for key in ("page/lab.read_page.1", "page#3/first"):
        at = f"{PATH}/{execution_id}/steps/{quote(key, safe='')}/resolve"
        answer = owner.call("POST", at, {"outcome": "happened"})
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            "there is no such step in this execution",
        )
