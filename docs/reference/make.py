"""Write what the code says of itself into the documentation: `make reference`.

That is the filter reference of docs/templates.md, the table of docs/triggers.md about clocks that change, and
the JSON Schema of a workflow document, and the pages of canonical events and of permissions.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

from fastapi.routing import APIRoute

from revolution_hub.access.rbac import PERMISSIONS, RIGHTS, ROLES
from revolution_hub.api.app import declared_routes
from revolution_hub.bus.clocks import change_within
from revolution_hub.bus.instants import Timing, instants_from, zone_of
from revolution_hub.bus.preview import Change, shown
from revolution_hub.model.schedule import Schedule
from revolution_hub.model.workflow_schema import workflow_schema
from revolution_hub.template.filters.filter import Example, Filter
from revolution_hub.template.filters.register import GROUPS
from revolution_hub.template.filters.zones import zone_named
from revolution_sdk.canonical import CANONICAL, CanonicalEvent
from revolution_sdk.types import Json

PAGE = Path(__file__).parents[1] / "templates.md"
TRIGGERS = Path(__file__).parents[1] / "triggers.md"
SCHEMA = Path(__file__).with_name("workflow.schema.json")
EVENTS = Path(__file__).with_name("events.md")
ACCESS = Path(__file__).with_name("permissions.md")
ACCESS_BEGIN = [
    "# Permissions",
    "",
    "What each [role](../roles.md) may, and which permission each route of the API wants. "
    "This page is written by `make reference`, from the",
    "registry of permissions and from what the routes declare; a test asks every route "
    "in the name of every role.",
]
EVENTS_BEGIN = [
    "# Canonical events",
    "",
    "The names under which every provider's events can be [listened to](../triggers.md#events). This page is "
    "written by `make reference`, from",
    "`revolution_sdk.canonical`. Whoever listens to one of them finds these members under `trigger.data`, "
    "beside what else the provider says. A workflow or",
    "a person that reports one gives these members and no others; what else there is to say stands under "
    "`provider`.",
]
NAMES = {
    "string": "text",
    "object": "an object",
    "null": "null",
    "number": "number",
    "boolean": "true or false",
}
BEGIN = "<!-- From here on the page is written by `make reference`; the filters describe themselves. -->\n"
END = "<!-- Up to here. -->\n"
TABLE = "<!-- This table is written by `make reference`, by the code that fires schedules. -->\n"
MOST_ARGUMENTS_NAMED = 4
MOST_TIMES_NAMED = 8

CLOCKS = (
    ("Berlin", "Europe/Berlin", "2026-03-29"),
    ("Berlin", "Europe/Berlin", "2026-10-25"),
    ("Beirut", "Asia/Beirut", "2026-03-29"),
    ("Lord Howe", "Australia/Lord_Howe", "2026-04-05"),
    ("Lord Howe", "Australia/Lord_Howe", "2026-10-04"),
)
"""Clocks and a day on which each of them is changed."""
CRONS = (
    *("30 2 * * *", "30 1 * * *", "0 0 * * *", "*/30 2 * * *", "*/30 1 * * *"),
    *("*/30 * * * *", "0 */8 * * *", "0 30 2 * * *"),
)
AGAIN = {Change.SECOND_OF_TWO: " again", Change.MOVED: " instead"}


def main() -> None:
    """Write the reference and the table into their pages, and the schema beside this file."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    TRIGGERS.write_text(with_clocks(TRIGGERS.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
    EVENTS.write_text(events(), encoding="utf-8")
    ACCESS.write_text(access(), encoding="utf-8")


def events() -> str:
    """Return the page of canonical events: a table for each, a row for each member of its data."""
    return "\n".join(EVENTS_BEGIN + [line for one in CANONICAL.values() for line in _event(one)]) + "\n"


def _event(one: CanonicalEvent) -> Iterator[str]:
    needed = one.data["required"]
    yield from ("", f"## {one.name}", "", f"{one.title}.", "", "| member | is | says |", "|---|---|---|")
    for name, schema in one.data["properties"].items():
        told = schema.get("description", "").replace("|", "\\|")
        yield row(code(name) + (" (always)" if name in needed else ""), _kind(schema), told)


def _kind(schema: Json) -> str:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return "a list of texts" if kinds == ["array"] else " or ".join(NAMES[one] for one in kinds)


def access() -> str:
    """Return the page of permissions: what each allows, who has it, what each share gives, and each route."""
    return "\n".join([*ACCESS_BEGIN, *_permissions(), *_shares(), *_routes()]) + "\n"


def _permissions() -> Iterator[str]:
    yield from ("", "## Permissions and roles", "")
    yield row("permission", "allows to", *map(code, ROLES))
    yield f"|{'---|' * (len(ROLES) + 2)}"
    for name, purpose in PERMISSIONS.items():
        yield row(code(name), purpose, *("yes" if name in held else "" for held in ROLES.values()))


def _shares() -> Iterator[str]:
    yield from ("", "## Shares", "", row("what is shared", "right", "gives on it"), "|---|---|---|")
    for kind, rights in RIGHTS.items():
        for right, held in rights.items():
            given = ", ".join(code(name) for name in PERMISSIONS if name in held)
            yield row(str(kind), code(str(right)), given)


def _routes() -> Iterator[str]:
    yield from ("", "## Routes", "")
    yield "A share can stand in for the permission where the last column says so."
    yield from ("", row("route", "permission", "roles", "share"), "|---|---|---|---|")
    public = []
    for route in declared_routes():
        marks = (route.openapi_extra or {}) if isinstance(route, APIRoute) else {}
        for method in sorted(route.methods or ()) if isinstance(route, APIRoute) else ():
            name = code(f"{method} {route.path.replace(':path', '')}")
            if "x-permission" in marks:
                yield row(name, *_who(str(marks["x-permission"]), shared=bool(marks.get("x-shared"))))
            else:
                public.append(row(name, str(marks["x-public"])))
    yield from ("", "## Public routes", "", row("route", "what protects it"), "|---|---|", *public)


def _who(permission: str, *, shared: bool) -> tuple[str, str, str]:
    roles = ", ".join(name for name, held in ROLES.items() if permission in held)
    rights = [right for held in RIGHTS.values() for right, given in held.items() if permission in given]
    return code(permission), roles, ", ".join(map(str, rights)) if shared else ""


def schema() -> str:
    """Return the JSON Schema of a workflow document as it is published."""
    return json.dumps(workflow_schema(), ensure_ascii=False, indent=2) + "\n"


def filled(page: str) -> str:
    """Return the page with what stands between the two markers made anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has lost a marker of the reference")
    return f"{before}{BEGIN}{reference(GROUPS)}\n{END}{behind}"


def reference(groups: Mapping[str, tuple[Filter, ...]]) -> str:
    """Return a heading and a table for each group of filters, a row for each example."""
    return "".join(line + "\n" for name, filters in groups.items() for line in _table(name, filters))


def with_clocks(page: str) -> str:
    """Return the page with the table about clocks that change made anew."""
    before, begin, rest = page.partition(TABLE)
    _, end, behind = rest.partition("\n\n")
    if not begin or not end:
        raise ValueError("the page has lost the table about clocks that change")
    return f"{before}{begin}{clock_changes()}{end}{behind}"


def clock_changes() -> str:
    """Return what is due on days on which clocks are changed, a row for each expression."""
    heads = [f"{name}, {_changed(zone, day)}" for name, zone, day in CLOCKS]
    lines = [row("`cron`", *heads), f"|{'---|' * (len(heads) + 1)}"]
    lines += [row(code(cron), *(_due_on(cron, zone, day) for _, zone, day in CLOCKS)) for cron in CRONS]
    return "\n".join(lines)


def _day(zone: str, day: str) -> tuple[datetime, datetime]:
    begin = datetime.fromisoformat(day).replace(tzinfo=zone_named(zone))
    return begin.astimezone(UTC), (begin + timedelta(days=1)).astimezone(UTC)


def _changed(zone: str, day: str) -> str:
    begin, end = _day(zone, day)
    clocks = zone_of(Schedule(timezone=zone))
    change = change_within(clocks, begin - timedelta(seconds=1), end)
    if change is None:
        raise ValueError(f"clocks in {zone} are not changed on {day}")
    second = timedelta(seconds=1)
    before = (change - second).astimezone(clocks).replace(tzinfo=None) + second
    return f"{day}: {before:%H:%M} becomes {change.astimezone(clocks):%H:%M}"


def _due_on(cron: str, zone: str, day: str) -> str:
    begin, end = _day(zone, day)
    timing = Timing(schedule=Schedule(cron=cron, timezone=zone), anchor=begin)
    clocks = zone_of(timing.schedule)
    due = [
        shown(timing, one, clocks) for one in takewhile(lambda one: one < end, instants_from(timing, begin))
    ]
    if len(due) > MOST_TIMES_NAMED:
        return f"{len(due)} times"
    return ", ".join(f"{one.local:%H:%M}{AGAIN.get(one.change, '')}" for one in due) or "not at all"


def _table(name: str, filters: tuple[Filter, ...]) -> Iterator[str]:
    yield from ("", f"### {name}", "", "| filter | does | example | gives |", "|---|---|---|---|")
    for one in filters:
        told = (code(signature(one)), one.purpose.replace("|", "\\|"))
        for example in one.examples:
            yield row(*told, _shown(example), code(written(example.gives)))
            told = ("", "")


def signature(one: Filter) -> str:
    """Return a filter as it is written, with its arguments: `truncate:most, ending?`."""
    named = one.arguments if len(one.arguments) <= MOST_ARGUMENTS_NAMED else (one.arguments[0], "…")
    return f"{one.name}:{', '.join(named)}" if named else one.name


def _shown(example: Example) -> str:
    data = [f"{code(key)}: {code(written(value))}" for key, value in example.data.items()]
    return "<br>".join([code(example.template), *data])


def written(value: Json) -> str:
    """Return a value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def row(*cells: str) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """Return a text as code in a cell of a table, where `|` needs a backslash even within code."""
    if "`" in text or "\n" in text or "\\|" in text:
        raise ValueError(f"this cannot be shown as code in a table: {text!r}")
    return f"`{text.replace('|', chr(92) + '|')}`"


if __name__ == "__main__":
    main()
