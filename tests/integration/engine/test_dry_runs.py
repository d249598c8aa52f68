"""Dry runs through the API: the draft or a version, with what a past execution gave, and nothing called."""

from collections.abc import Callable
from typing import Any

import pytest
from rig.asking import Asker

STEPS = [
    {"id": "page", "uses": "lab.read_page", "with": {"q": "{{ inputs.q }}"}},
    {"id": "letter", "uses": "lab.send_letter", "with": {"text": "{{ steps.page.did }}"}},
    {"id": "invite", "uses": "club.invite_member", "with": {"who": "{{ steps.page.did }}"}},
]
DOCUMENT = {"name": "w", "steps": STEPS}
CALLED = {"name": "called", "steps": [{"finish": {"output": "{{ inputs.n + 1 }}"}}]}


@pytest.fixture
def path(owner: Asker) -> str:
    """A published workflow."""
    return f"/api/workflows/{owner.publish(DOCUMENT)}"


def dry(owner: Asker, path: str, **body: Any) -> Any:
    return owner.ask("POST", f"{path}/dry-run", {"data": {"q": "x"}, **body})


def test_the_plan_names_what_would_be_called_and_calls_nothing(owner: Asker, path: str, bench: Any) -> None:
    bench.connect("main")
    bench.wakes.clear()
    made = dry(owner, path, pins={"page": {"did": "pinned"}})
    assert [(one["id"], one["uses"], one["effect"], one["output_from"]) for one in made["steps"]] == [
        ("page", "lab.read_page", "read", "pinned"),
        ("letter", "lab.send_letter", "once", "sample"),
        ("invite", "club.invite_member", "once", "sample"),
    ]
    assert [one["connection"] for one in made["steps"]] == [None, None, "main"]
    assert made["steps"][1]["input"] == {"text": "pinned"}
    assert made["end"]["status"] == "succeeded"
    assert (bench.script.calls, bench.counts()[-1], bench.wakes) == ([], 0, [])


def test_a_template_that_finds_nothing_is_shown_where_it_is(owner: Asker, path: str) -> None:
    made = dry(owner, path)
    assert [one["output_from"] for one in made["steps"]] == ["sample", "failed", "not_reached"]
    assert (made["end"]["status"], made["end"]["error"]["step"]) == ("failed", "letter")


def test_a_past_execution_gives_its_results(owner: Asker, path: str, bench: Any) -> None:
    bench.connect("main")
    past = owner.ask("POST", f"{path}/execute", {"data": {"q": "x"}})["execution_id"]
    bench.work()
    calls = len(bench.script.calls)
    made = dry(owner, path, from_execution=past, pins={"letter": {"did": "by hand"}})
    assert [one["output_from"] for one in made["steps"]] == ["past", "pinned", "past"]
    assert len(bench.script.calls) == calls


def test_the_draft_or_a_version_is_tried(owner: Asker, path: str) -> None:
    revision = owner.ask("GET", path)["revision"]
    draft = {"name": "w", "steps": [{"id": "new", "set": {"q": "{{ inputs.q }}"}}]}
    owner.ask("PUT", path, {"document": draft}, if_match=f'"{revision}"')
    assert [one["id"] for one in dry(owner, path)["steps"]] == ["new"]
    assert (
        len(dry(owner, path, version=1)["steps"]) == len(dry(owner, path, version="published")["steps"]) == 3
    )


def test_a_called_workflow_is_walked_through(owner: Asker) -> None:
    owner.publish(CALLED)
    caller = {
        "name": "c",
        "steps": [{"id": "c", "call": "called", "with": {"n": 1}}, {"finish": {"output": "{{ steps.c }}"}}],
    }
    made = dry(owner, f"/api/workflows/{owner.create(caller)}")
    assert [one["within"] for one in made["steps"]] == [[], ["c"], []]
    assert made["end"]["output"] == 2


def test_steps_of_a_called_workflow_are_shown_to_those_alone_who_may_see_it(
    owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    called = owner.publish(CALLED)
    caller = owner.create({"name": "c", "steps": [{"id": "c", "call": "called", "with": {"n": 1}}]})
    guest, path = asker_of("guest"), f"/api/workflows/{caller}"
    owner.ask("PUT", f"{path}/shares/{guest.key_id}", {"right": "view"})
    assert [one["id"] for one in dry(guest, path)["steps"]] == ["c"]
    owner.ask("PUT", f"/api/workflows/{called}/shares/{guest.key_id}", {"right": "view"})
    assert len(dry(guest, path)["steps"]) == len(dry(owner, path)["steps"]) == 2


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"pins": {"gone": {}}}, (422, "input_invalid")),
        ({"from_execution": "exe_gone"}, (404, "not_found")),
        ({"version": 9}, (404, "not_found")),
        ({"version": "newest"}, (422, "input_invalid")),
        ({"data": []}, (422, "input_invalid")),
        ({"step": 1}, (422, "input_invalid")),
    ],
)
def test_what_cannot_be_tried_is_refused(owner: Asker, path: str, body: Any, refusal: Any) -> None:
    assert owner.refused("POST", f"{path}/dry-run", body) == refusal


def test_a_dry_run_that_takes_too_much_names_the_limit(owner: Asker) -> None:
    document = {"name": "long", "steps": [{"set": {"n": 1}} for _ in range(501)]}
    path = f"/api/workflows/{owner.create(document)}"
    assert owner.refused("POST", f"{path}/dry-run", {}) == (413, "dry_run_limit")
