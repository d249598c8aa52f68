"""Pausing, resuming and backfilling schedules through the API, and what it tells of each instant."""

from datetime import timedelta
from typing import Any

import pytest
from rig.asking import Asker
from rig.schedules import after, change, due_times, fires, kept, minutely, started

from revolution_hub.bus.schedule import fire_due
from revolution_hub.model.time import rfc3339
from revolution_hub.services.backfills import MOST_BACKFILLED


def path(bench: Any, verb: str = "") -> str:
    (schedule,) = kept(bench)
    return f"/api/schedules/{schedule.id}{verb}"


def test_a_paused_schedule_starts_nothing_and_what_passed_is_skipped(
    bench: Any, clock: Any, owner: Asker
) -> None:
    begin = clock.now
    minutely(bench)
    clock.advance(61)
    fire_due(bench.hub)
    paused = owner.ask("POST", path(bench, "/pause"))
    assert (paused["paused"], paused["paused_at"], paused["next_at"]) == (True, rfc3339(clock.now), None)
    assert owner.ask("POST", path(bench, "/pause")) == paused
    clock.advance(600)
    assert fire_due(bench.hub) == 0
    assert owner.ask("GET", path(bench))["overdue"] is False
    resumed = owner.ask("POST", path(bench, "/resume"))
    assert (resumed["paused"], resumed["next_at"]) == (False, after(720, of=begin))
    assert owner.ask("POST", path(bench, "/resume")) == resumed
    assert fire_due(bench.hub) == 0
    (skipped,) = owner.ask("GET", path(bench, "/fires?status=skipped"))["items"]
    assert (skipped["reason"], skipped["count"]) == ("paused", 10)
    assert (skipped["due_at"], skipped["until"]) == (after(120, of=begin), after(660, of=begin))
    clock.advance(60)
    assert fire_due(bench.hub) == 1
    assert due_times(bench) == [after(60, of=begin), after(720, of=begin)]


def test_what_passed_meanwhile_may_count_as_missed(bench: Any, clock: Any, owner: Asker) -> None:
    begin = clock.now
    minutely(bench)
    owner.ask("POST", path(bench, "/pause"))
    clock.advance(605)
    owner.ask("POST", path(bench, "/resume?catch_up=true"))
    assert fire_due(bench.hub) == 1
    assert due_times(bench) == [after(600, of=begin)]
    assert started(bench)[0].trigger["data"]["missed"] == 9


def test_a_pause_of_a_moment_passes_nothing_over(bench: Any, clock: Any, owner: Asker) -> None:
    begin = clock.now
    minutely(bench)
    owner.ask("POST", path(bench, "/pause"))
    clock.advance(30)
    owner.ask("POST", path(bench, "/resume"))
    assert fires(bench) == []
    clock.advance(30)
    assert fire_due(bench.hub) == 1
    assert due_times(bench) == [after(60, of=begin)]


def test_a_schedule_stays_paused_when_it_is_published_again_and_so_does_what_takes_its_place(
    bench: Any, clock: Any, owner: Asker
) -> None:
    workflow_id = minutely(bench)
    owner.ask("POST", path(bench, "/pause"))
    for changed in ({"description": "other"}, {"on": [{"schedule": {"every": 90}}]}):
        change(bench, workflow_id, **changed)
        assert owner.ask("GET", path(bench))["paused"] is True
        clock.advance(600)
        assert fire_due(bench.hub) == 0
    owner.ask("POST", path(bench, "/resume"))
    clock.advance(90)
    assert fire_due(bench.hub) == 1


def test_what_is_over_is_shown_and_cannot_be_paused(bench: Any, clock: Any, owner: Asker) -> None:
    minutely(bench, on=[{"schedule": {"at": after(60, of=clock.now)}}])
    clock.advance(61)
    fire_due(bench.hub)
    shown = owner.ask("GET", path(bench))
    assert (shown["ended"], shown["next_at"], shown["lag_s"]) == (True, None, 1.0)
    refused = owner.call("POST", path(bench, "/pause"))
    assert (refused.status_code, refused.json()["code"]) == (409, "schedule_ended")
    # Paused before its only moment, which then passes, it is over when it is resumed.
    minutely(bench, on=[{"schedule": {"at": after(60, of=clock.now)}}])
    last = max(kept(bench), key=lambda one: one.id).id
    owner.ask("POST", f"/api/schedules/{last}/pause")
    clock.advance(61)
    assert owner.ask("POST", f"/api/schedules/{last}/resume")["ended"] is True
    assert fire_due(bench.hub) == 0


def test_everything_a_schedule_says_is_shown(bench: Any, clock: Any, owner: Asker) -> None:
    says = {"cron": "0 8 * * MON", "timezone": "Europe/Berlin", "missed": "all", "most": 3, "catch_up": "2h"}
    says |= {"overlap": "queue", "jitter": "5m", "description": "weekly"}
    minutely(bench, on=[{"schedule": says}])
    shown = owner.ask("GET", path(bench))
    assert {
        name: shown[name] for name in ("cron", "timezone", "missed", "most", "overlap", "description")
    } == {name: value for name, value in says.items() if name not in ("catch_up", "jitter")}
    assert (shown["catch_up_s"], shown["jitter_s"], shown["every_s"], shown["at"]) == (7200, 300, None, None)
    assert shown["in_words"] == {"en": "At 08:00, only on Monday", "de": "Um 08:00, nur am Montag"}
    assert shown["next_at"] == "2026-11-23T07:00:00.000000Z"
    assert shown["next_at"] < shown["wake_at"] < "2026-11-23T07:05"


def backfill(bench: Any, owner: Asker, begin: float, end: float, of: Any, **more: Any) -> Any:
    body = {"from": after(begin, of=of), "to": after(end, of=of), **more}
    return owner.ask("POST", path(bench, "/backfill"), body)


def test_a_backfill_fires_what_was_not_fired_and_only_once(bench: Any, clock: Any, owner: Asker) -> None:
    begin = clock.now
    minutely(bench, {"id": "out", "finish": {"output": "{{ trigger.data.backfill }}"}})
    clock.advance(310)
    fire_due(bench.hub)
    done = backfill(bench, owner, 120, 310, begin)
    assert [(one["due_at"], one["status"]) for one in done["items"]] == [
        (after(60 * n, of=begin), "fired") for n in (2, 3, 4)
    ]
    assert done["left_alone"] == 1
    assert {one["backfilled_by"] for one in done["items"]} == {owner.key_id}
    again = backfill(bench, owner, 120, 310, begin)
    assert (again["items"], again["left_alone"]) == ([], 4)
    assert fire_due(bench.hub) == 0
    bench.work()
    assert [one.output for one in started(bench)] == [False, True, True, True]
    # And once more, all of them, because somebody insists.
    once_more = backfill(bench, owner, 240, 300, begin, again=True)
    assert [one["due_at"] for one in once_more["items"]] == [after(240, of=begin), after(300, of=begin)]
    assert len(started(bench)) == 6


def test_a_backfill_that_is_sent_twice_with_its_key_is_done_once(
    bench: Any, clock: Any, owner: Asker
) -> None:
    begin = clock.now
    minutely(bench)
    clock.advance(130)
    body = {"from": after(0, of=begin), "to": after(130, of=begin), "again": True}
    answers = [owner.ask("POST", path(bench, "/backfill"), body, idempotency_key="b-1") for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(answers[0]["items"]) == len(started(bench)) == 2


OWN_KEY = {"idempotency": {"key": "{{ trigger.data.fired_at }}{{ trigger.data.due_at }}"}}


@pytest.mark.parametrize("more", [{}, OWN_KEY])
def test_a_clock_does_not_fire_what_a_backfill_came_to_first(
    more: Any, bench: Any, clock: Any, owner: Asker
) -> None:
    begin = clock.now
    minutely(bench, on=[{"schedule": {"every": 60, "missed": "all"}}], **more)
    clock.advance(190)
    assert len(backfill(bench, owner, 0, 130, begin)["items"]) == 2
    clock.advance(1)
    assert fire_due(bench.hub) == 1
    assert due_times(bench) == [after(60 * n, of=begin) for n in (1, 2, 3)]
    assert kept(bench)[0].next_at == begin + timedelta(seconds=240)


def test_a_backfill_runs_one_after_another_if_the_schedule_says_that_they_must_not_meet(
    bench: Any, clock: Any, owner: Asker
) -> None:
    begin = clock.now
    pause = {"id": "pause", "wait": {"for": "10s"}}
    minutely(bench, pause, on=[{"schedule": {"every": 60, "overlap": "skip"}}])
    owner.ask("POST", path(bench, "/pause"))
    clock.advance(190)
    assert len(backfill(bench, owner, 0, 190, begin)["items"]) == 3
    for done in (1, 2, 3):
        bench.work()
        bench.pass_time(11)
        assert [str(one.status) for one in started(bench)].count("succeeded") == done


def test_what_a_backfill_may_not_be_is_told_with_its_place(bench: Any, clock: Any, owner: Asker) -> None:
    begin = clock.now
    minutely(bench)
    clock.advance(86_400 * 2)
    cases = [
        ({"from": "noon", "to": "tea"}, [("from", "bad_moment"), ("to", "bad_moment")]),
        ({"from": after(60, of=begin), "to": after(0, of=begin)}, [("to", "invalid")]),
        ({"from": after(0, of=begin), "to": after(86_400 * 3, of=begin)}, [("to", "invalid")]),
        (
            {"from": after(0, of=begin), "to": after(60 * MOST_BACKFILLED + 60, of=begin)},
            [("to", "too_many")],
        ),
        ({"to": after(0, of=begin)}, [("from", "missing")]),
        ({"from": after(0, of=begin), "to": after(0, of=begin), "more": 1}, [("more", "extra_forbidden")]),
    ]
    for body, expected in cases:
        refused = owner.call("POST", path(bench, "/backfill"), body)
        assert refused.status_code == 422
        assert [(one["path"], one["code"]) for one in refused.json()["problems"]] == expected
    assert started(bench) == []
    exactly = {"from": after(60, of=begin), "to": after(60 * MOST_BACKFILLED, of=begin)}
    assert len(owner.ask("POST", path(bench, "/backfill"), exactly)["items"]) == MOST_BACKFILLED


def test_only_who_may_changes_a_schedule(bench: Any, clock: Any, asker_of: Any) -> None:
    begin = clock.now
    workflow_id = minutely(bench)
    clock.advance(61)
    owner, viewer, guest, other = (
        asker_of(),
        asker_of("viewer"),
        asker_of("guest"),
        asker_of("owner", "ten_b"),
    )
    span = {"from": after(0, of=begin), "to": after(60, of=begin)}
    asked = [("GET", "", None), ("GET", "/fires", None), ("POST", "/pause", None), ("POST", "/resume", None)]
    asked.append(("POST", "/backfill", span))

    def statuses(who: Asker) -> list[int]:
        return [who.call(method, path(bench, verb), body).status_code for method, verb, body in asked]

    assert statuses(viewer) == [200, 200, 403, 403, 403]
    assert statuses(guest) == [403] * 5
    assert statuses(other) == [404] * 5
    owner.ask("PUT", f"/api/workflows/{workflow_id}/shares/{guest.key_id}", {"right": "run"})
    assert statuses(guest) == [200, 200, 403, 403, 200]
    assert statuses(owner) == [200] * 5
    unknown = owner.call("GET", "/api/schedules/sch_unknown")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_a_schedule_is_tried_out_through_the_api(owner: Asker) -> None:
    found = owner.ask(
        "GET", "/api/schedules/preview?cron=0 8 * * *&timezone=Europe/Berlin&from=2026-03-28T12:00Z&count=1"
    )
    assert found["items"] == [
        {"utc": "2026-03-29T06:00:00.000000Z", "local": "2026-03-29T08:00:00+02:00", "change": None}
    ]
    moments = owner.ask("GET", "/api/schedules/preview?at=2027-01-31T08:00Z&at=2027-01-30T08:00Z")
    assert [one["utc"][:10] for one in moments["items"]] == ["2027-01-30", "2027-01-31"]


BAD = [
    ("cron=99 * * * *", "cron", "is no minute from 0 to 59"),
    ("cron=0 0 30 2 *", "cron", "never such a day"),
    ("cron=0 8 * * *&timezone=Europe/Berln", "timezone", "did you mean Europe/Berlin"),
    ("cron=0 8 * * *&count=101", "count", "100"),
    ("every=1s", "every", "from 60"),
    ("cron=0 8 * * *&zone=UTC", "zone", "is not a known query parameter"),
]


@pytest.mark.parametrize(("query", "where", "says"), BAD)
def test_a_bad_schedule_is_refused_with_its_field_and_what_is_allowed(
    query: str, where: str, says: str, owner: Asker
) -> None:
    refused = owner.call("GET", f"/api/schedules/preview?{query}")
    assert refused.status_code == 422
    (problem,) = refused.json()["problems"]
    assert problem["path"] == where
    assert says in problem["message"]


def test_a_bad_schedule_in_a_workflow_is_refused_in_the_same_words(owner: Asker) -> None:
    on = [{"schedule": {"cron": "99 * * * *"}}, {"schedule": {"cron": "@daily", "timezone": "Europe/Berln"}}]
    document = {"name": "x", "on": on, "steps": [{"set": {}}]}
    refused = owner.call("POST", "/api/workflows", {"document": document})
    assert refused.status_code == 422
    told = {one["path"]: (one["code"], one["message"]) for one in refused.json()["problems"]}
    assert told["on[0].schedule.cron"] == ("bad_cron", "'99' is no minute from 0 to 59")
    code, message = told["on[1].schedule.timezone"]
    assert (code, "did you mean Europe/Berlin" in message) == ("unknown_timezone", True)
