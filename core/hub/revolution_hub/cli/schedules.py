"""`revolution schedules …`: when workflows start by the clock: look, pause, resume, backfill, try out."""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from revolution_hub.cli.client import connect
from revolution_hub.cli.show import out, status, table, tell
from revolution_hub.model.time import utc_now
from revolution_hub.services.previews import preview_json
from revolution_sdk.types import Json, JsonObject

schedules = typer.Typer(
    help="When workflows start by the clock: look, pause, resume, backfill, try out.", no_args_is_help=True
)

PATH = "/api/schedules"

Schedule = Annotated[str, typer.Argument(metavar="SCHEDULE", help="sch_…")]
AsJson = Annotated[bool, typer.Option("--json", help="write the API's answer as it came")]
Cursor = Annotated[str, typer.Option(help="go on behind a page, with its next_cursor")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="how many at most")]


@schedules.command("list")
def list_schedules(
    *,
    workflow: Annotated[str, typer.Option(help="only of this workflow, wf_…")] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List schedules: when each is due next, and whether the clock keeps up."""
    found = connect().get(PATH, **_given(workflow_id=workflow, cursor=cursor, limit=str(limit)))
    if as_json:
        _tell_json(found)
        return
    made = table("Schedules", ("id", "workflow", "when", "next", "last", "state"), whole=("id", "state"))
    for one in found["items"]:
        state = status(_state(one))
        made.add_row(
            one["id"],
            escape(one["workflow"]),
            escape(_when(one)),
            one["next_at"] or "",
            one["last_at"] or "",
            state,
        )
    out.print(made)
    _tell_cursor(found)


@schedules.command("show")
def show_schedule(schedule_id: Schedule, as_json: AsJson = False) -> None:
    """Show a schedule: when it is due and was, in words, and what it says of missed instants and overlaps."""
    one = connect().get(f"{PATH}/{schedule_id}")
    if as_json:
        _tell_json(one)
        return
    tell(f"{one['workflow']} ({one['workflow_id']}), version {one['version']}, trigger {one['position']}")
    tell(f"{one['in_words']['en']}")
    tell(schedule_line(one))
    tell(f"missed: {one['missed']}, back to {one['catch_up_s']:g} s, at most {one['most']}")
    tell(f"overlap: {one['overlap']}; jitter: up to {one['jitter_s']:g} s")
    if one["description"]:
        tell(one["description"])


@schedules.command("pause")
def pause_schedule(schedule_id: Schedule, as_json: AsJson = False) -> None:
    """Let a schedule start nothing until it is resumed."""
    _told(connect().post(f"{PATH}/{schedule_id}/pause"), as_json)


@schedules.command("resume")
def resume_schedule(
    schedule_id: Schedule,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="what passed meanwhile counts as missed")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a paused schedule go on; what passed meanwhile is skipped."""
    query = "?catch_up=true" if catch_up else ""
    _told(connect().post(f"{PATH}/{schedule_id}/resume{query}"), as_json)


@schedules.command("backfill")
def backfill_schedule(
    schedule_id: Schedule,
    begin: Annotated[str, typer.Option("--from", help="from this moment on, itself included")],
    to: Annotated[str, typer.Option(help="up to this moment, itself included")],
    again: Annotated[bool, typer.Option("--again", help="also those that have been fired")] = False,
    as_json: AsJson = False,
) -> None:
    """Fire the instants between two moments that have not been fired."""
    body: JsonObject = {"from": begin, "to": to, "again": again}
    done = connect().post(f"{PATH}/{schedule_id}/backfill", body)
    if as_json:
        _tell_json(done)
        return
    out.print(_fires_table("Backfill", done["items"]))
    tell(f"{done['left_alone']} had been fired before")


@schedules.command("fires")
def list_fires(
    schedule_id: Schedule,
    *,
    only: Annotated[str, typer.Option("--status", help="only fired, or only skipped ones")] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what became of a schedule's instants, the newest first."""
    asked = _given(status=only, cursor=cursor, limit=str(limit))
    found = connect().get(f"{PATH}/{schedule_id}/fires", **asked)
    if as_json:
        _tell_json(found)
        return
    out.print(_fires_table(f"Instants of {schedule_id}", found["items"]))
    _tell_cursor(found)


@schedules.command("preview")
def preview_schedule(
    cron: Annotated[str, typer.Argument(metavar="CRON", help="a cron expression, as '0 8 * * MON-FRI'")] = "",
    *,
    every: Annotated[str, typer.Option(help="an interval instead, as 15m")] = "",
    at: Annotated[list[str] | None, typer.Option(help="a moment instead; may be given several times")] = None,
    timezone: Annotated[str, typer.Option(help="whose clocks are looked at, as Europe/Berlin")] = "",
    begin: Annotated[str, typer.Option("--from", help="from this moment on; now by default")] = "",
    count: Annotated[int, typer.Option(min=1, max=100, help="how many instants")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show when a schedule would be due, on its own clocks and in UTC. Needs no hub."""
    asked: JsonObject = {**_given(cron=cron, every=every, timezone=timezone), "count": count}
    if at:
        asked["at"] = list(at)
    if begin:
        asked["from"] = begin
    found = preview_json(asked, utc_now())
    if as_json:
        _tell_json(found)
        return
    made = table(found["description"]["en"], ("local", "UTC", ""), whole=("local", "UTC"))
    for one in found["items"]:
        made.add_row(one["local"], one["utc"], _CHANGES.get(one["change"], ""))
    out.print(made)
    for one in found["clock_changes"]:
        tell(f"clocks change at {one['at']}: {one['before']} becomes {one['after']}")


_CHANGES = {
    "first_of_two": "the clocks show this twice; this is the first time",
    "second_of_two": "the clocks show this twice; this is the second time",
    "moved": "the clocks skip the time that is meant; right behind it",
}


def schedule_line(schedule: JsonObject) -> str:
    """Return a schedule on one line: what it says, when it is due and was, and what is the matter with it."""
    state = _state(schedule)
    late = ", overdue: does the clock run?" if state == "overdue" else ""
    due = schedule["next_at"] or ("never: paused" if state == "paused" else "never: over")
    return f"{_when(schedule)}: next {due}, last {schedule['last_at'] or 'never'}{late}"


def _when(schedule: JsonObject) -> str:
    if schedule["cron"]:
        return f"cron {schedule['cron']} ({schedule['timezone']})"
    if schedule["every_s"]:
        return f"every {schedule['every_s']:g} s"
    moments = schedule["at"] or []
    return f"at {', '.join(moments[:3])}{', …' if len(moments) > 3 else ''}"


def _state(schedule: JsonObject) -> str:
    return next((name for name in ("paused", "ended", "overdue") if schedule[name]), "due")


def _fires_table(title: str, items: list[Any]) -> Any:
    made = table(title, ("due", "until", "count", "status", "why", "execution"), whole=("due", "status"))
    for one in items:
        many = one["until"] if one["count"] > 1 else ""
        why = one["reason"] or ("backfill" if one["backfilled_by"] else "")
        made.add_row(
            one["due_at"], many, str(one["count"]), status(one["status"]), why, one["execution_id"] or ""
        )
    return made


def _told(schedule: JsonObject, as_json: bool) -> None:
    if as_json:
        _tell_json(schedule)
    else:
        tell(schedule_line(schedule))


def _given(**asked: str) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}


def _tell_json(value: Json) -> None:
    tell(json.dumps(value, ensure_ascii=False, indent=2))


def _tell_cursor(found: JsonObject) -> None:
    if found["next_cursor"]:
        tell(f"more: --cursor {found['next_cursor']}")
