"""Schedules follow what is published: nothing skipped, repeated or left behind; and they are listed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rig.asking import Asker
from rig.schedules import DAILY, DONE, EACH_MINUTE, HOURLY, after, change, fire_of, kept, minutely, started

from revolution_hub.bus.instants import timing_of
from revolution_hub.bus.schedule import fire_due
from revolution_hub.model.change import Stale
from revolution_hub.model.schedule import Schedule
from revolution_hub.services import versions, workflows
from revolution_hub.store.submit import submit


@pytest.mark.parametrize("meanwhile", ["publish", "unpublish", "delete"])
def test_a_workflow_that_changes_while_its_instant_is_being_fired_fires_as_it_is_now(
    meanwhile: str, bench: Any, clock: Any
) -> None:
    workflow_id = minutely(bench)
    change_read_before = fire_of(bench, clock.advance(60))
    if meanwhile == "publish":
        change(bench, workflow_id, steps=[{"finish": {}}])
    elif meanwhile == "unpublish":
        versions.unpublish_workflow(bench.hub, bench.principal, workflow_id)
    else:
        workflows.delete_workflow(bench.hub, bench.principal, workflow_id)
    assert submit(bench.hub.store, change_read_before) == Stale()
    assert fire_due(bench.hub) == (meanwhile == "publish")
    assert [one.version for one in started(bench)] == ([2] if meanwhile == "publish" else [])


def test_publishing_an_unchanged_schedule_neither_skips_nor_repeats_an_instant(
    bench: Any, clock: Any
) -> None:
    begin = clock.now
    workflow_id = minutely(bench)
    (first,) = kept(bench)
    clock.advance(40)
    change(bench, workflow_id, steps=[{"finish": {}}])
    assert kept(bench) == [replace(first, version=2)]
    clock.advance(30)
    # It is due, and published once more before any clock has looked.
    change(bench, workflow_id, description="another", concurrency={"limit": 3})
    assert fire_due(bench.hub) == 1
    versions.publish_workflow(bench.hub, bench.principal, workflow_id)
    clock.advance(1)
    assert fire_due(bench.hub) == 0
    (found,) = started(bench)
    assert (found.version, found.trigger["data"]["due_at"]) == (3, after(60, of=begin))
    assert found.turn_limit == 3


def test_a_schedule_that_moves_to_another_place_goes_on_where_it_stands(bench: Any, clock: Any) -> None:
    workflow_id = minutely(bench, on=[EACH_MINUTE, DAILY, HOURLY])
    first, second, third = kept(bench)
    clock.advance(61)
    change(bench, workflow_id, on=[DAILY, "manual", EACH_MINUTE])
    swapped = kept(bench)
    assert [(one.id, one.position) for one in swapped] == [(second.id, 0), (first.id, 2)]
    assert [one.next_at for one in swapped] == [second.next_at, first.next_at]
    assert third.id not in {one.id for one in swapped}
    assert (fire_due(bench.hub), fire_due(bench.hub)) == (1, 0)


def test_a_changed_schedule_is_due_by_its_new_words_alone(bench: Any, clock: Any) -> None:
    workflow_id = minutely(bench)
    clock.advance(59)
    change(bench, workflow_id, on=[DAILY])
    (schedule,) = kept(bench)
    assert timing_of(schedule.settings).schedule == Schedule(cron="0 8 * * *", timezone="Europe/Berlin")
    assert schedule.next_at == datetime(2026, 11, 23, 7, tzinfo=UTC)
    clock.advance(10)
    assert fire_due(bench.hub) == 0
    versions.rollback_workflow(bench.hub, bench.principal, workflow_id, 1)
    assert kept(bench)[0].next_at == clock.now + timedelta(seconds=60)


def test_what_is_not_published_any_more_leaves_no_schedule_behind(bench: Any, clock: Any) -> None:
    gone = minutely(bench)
    stopped = minutely(bench)
    went_back = bench.publish(DONE, on=["manual"]).workflow.id
    change(bench, went_back, on=[EACH_MINUTE])
    assert {one.workflow_id for one in kept(bench)} == {gone, stopped, went_back}
    workflows.delete_workflow(bench.hub, bench.principal, gone)
    versions.unpublish_workflow(bench.hub, bench.principal, stopped)
    versions.rollback_workflow(bench.hub, bench.principal, went_back, 1)
    assert kept(bench) == []
    clock.advance(3600)
    assert fire_due(bench.hub) == 0


def test_schedules_are_listed_with_when_they_are_due(bench: Any, clock: Any, owner: Asker) -> None:
    workflow_id = minutely(bench, on=["manual", EACH_MINUTE, DAILY])
    name = owner.ask("GET", f"/api/workflows/{workflow_id}")["name"]
    clock.advance(61)
    fire_due(bench.hub)
    items = owner.ask("GET", "/api/schedules?sort=created_at")["items"]
    says = {"missed": "once", "catch_up_s": 86_400.0, "most": 100, "overlap": "allow", "jitter_s": 0.0}
    says |= {"at": None, "description": "", "paused": False, "paused_at": None, "ended": False}
    common = {**says, "workflow_id": workflow_id, "workflow": name, "version": 1, "overdue": False}
    begin = clock.now - timedelta(seconds=61)
    interval = {"cron": None, "timezone": None, "every_s": 60.0}
    daily = {"cron": "0 8 * * *", "timezone": "Europe/Berlin", "every_s": None}
    first, second = kept(bench)
    assert items == [
        {
            **{"id": first.id, "position": 1, **common, **interval},
            **{"next_at": after(120, of=begin), "wake_at": after(120, of=begin)},
            **{"last_at": after(60, of=begin), "last_fired_at": after(61, of=begin), "lag_s": 1.0},
            "in_words": {"en": "Every 1m", "de": "Alle 1m"},
        },
        {
            **{"id": second.id, "position": 2, **common, **daily},
            **dict.fromkeys(("next_at", "wake_at"), "2026-11-23T07:00:00.000000Z"),
            **dict.fromkeys(("last_at", "last_fired_at", "lag_s")),
            "in_words": {"en": "At 08:00", "de": "Um 08:00"},
        },
    ]
    clock.advance(59 + 31)
    overdue = owner.ask("GET", f"/api/schedules?workflow_id={workflow_id}&sort=created_at")["items"]
    assert [one["overdue"] for one in overdue] == [True, False]
    assert owner.ask("GET", "/api/schedules?workflow_id=wf_other")["items"] == []
    page = owner.ask("GET", "/api/schedules?limit=1")
    assert [one["id"] for one in page["items"]] == [second.id]
    rest = owner.ask("GET", f"/api/schedules?limit=1&cursor={page['next_cursor']}")
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([first.id], None)


def test_only_who_may_see_the_workflow_sees_its_schedules(bench: Any, asker_of: Any) -> None:
    shown, _ = minutely(bench), minutely(bench)
    assert len(asker_of("viewer").ask("GET", "/api/schedules")["items"]) == 2
    assert asker_of("owner", "ten_b").ask("GET", "/api/schedules")["items"] == []
    guest = asker_of("guest")
    assert guest.ask("GET", "/api/schedules")["items"] == []
    share = f"/api/workflows/{shown}/shares/{guest.key_id}"
    asker_of("owner").ask("PUT", share, {"right": "view"})
    assert [one["workflow_id"] for one in guest.ask("GET", "/api/schedules")["items"]] == [shown]
