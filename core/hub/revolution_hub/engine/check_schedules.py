"""check_schedules: zones exist, no two schedules are one, and one thing says what becomes of those that meet.

Pure.
"""

from collections.abc import Iterator

from revolution_hub.errors import Problem
from revolution_hub.model.schedule import Overlap, Schedule
from revolution_hub.model.workflow import Workflow
from revolution_hub.template.filters.zones import zone_problem


def check_schedules(workflow: Workflow) -> Iterator[Problem]:
    """Yield what is wrong with when a workflow starts by the clock."""
    before: list[tuple[str, Schedule]] = []
    for trigger in workflow.triggers:
        schedule = trigger.schedule
        if schedule is None:
            continue
        path = f"{trigger.path}.schedule"
        unknown = zone_problem(schedule.timezone) if schedule.timezone else None
        if unknown is not None:
            yield Problem(path=f"{path}.timezone", message=unknown, code="unknown_timezone")
        first = next((at for at, one in before if one.due_like(schedule)), None)
        if first is not None:
            message = f"this schedule is due whenever the one at {first} is; one of them is enough"
            yield Problem(path=path, message=message, code="same_schedule")
        if schedule.overlap is not Overlap.ALLOW and workflow.concurrency is not None:
            message = "the workflow's 'concurrency' says already what becomes of executions that meet"
            yield Problem(path=f"{path}.overlap", message=message, code="overlap_and_concurrency")
        before.append((trigger.path, schedule))
