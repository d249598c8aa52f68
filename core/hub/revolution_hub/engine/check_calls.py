"""check_calls: the workflows a definition starts must be there, take their inputs, and not start it again."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from revolution_hub.engine.check_names import check_inputs
from revolution_hub.errors import Problem
from revolution_hub.model.workflow import Step, Workflow

FindWorkflow = Callable[[str], Workflow | None]
"""Returns the published definition of the tenant's workflow of this name, or None."""

_MOST_FOLLOWED = 500


@dataclass(slots=True)
class Callees:
    """Looks at every workflow once that this one starts, or that is started by one it starts."""

    caller: Workflow
    find: FindWorkflow
    _found: dict[str, Workflow | None] = field(default_factory=dict)

    def check_step(self, step: Step) -> Iterator[Problem]:
        """Yield what is wrong with the call of a step."""
        if step.target is None:
            return
        yield from self._check_target(step.target, f"{step.path}.call")
        called = None if step.target == self.caller.name else self._get(step.target)
        if called is not None:
            yield from check_inputs(called.inputs or {}, step)

    def check_on_failure(self) -> Iterator[Problem]:
        """Yield what is wrong with the workflow that is started after a failure."""
        after = self.caller.on_failure
        if after is not None and after.target:
            yield from self._check_target(after.target, f"{after.path}.workflow")

    def _check_target(self, name: str, path: str) -> Iterator[Problem]:
        if name and name != self.caller.name and self._get(name) is None:
            message = f"there is no published workflow {name[:80]!r}"
            yield Problem(path=path, message=message, code="unknown_workflow")
            return
        chain = self._chain_back(name)
        if chain:
            names = " → ".join(repr(one[:80]) for one in (self.caller.name, *chain))
            message = f"the workflow would start itself again and again: {names}"
            yield Problem(path=path, message=message, code="call_cycle")

    def _chain_back(self, name: str) -> tuple[str, ...]:
        """Return the shortest way from a workflow to the caller, its name first; empty if there is none."""
        waiting: deque[tuple[str, ...]] = deque([(name,)])
        seen = {name}
        while waiting and len(seen) <= _MOST_FOLLOWED:
            chain = waiting.popleft()
            if chain[-1] == self.caller.name:
                return chain
            workflow = self._get(chain[-1])
            for one in targets_of(workflow) if workflow else ():
                if one not in seen:
                    seen.add(one)
                    waiting.append((*chain, one))
        return ()

    def _get(self, name: str) -> Workflow | None:
        if name not in self._found:
            self._found[name] = self.find(name)
        return self._found[name]


def targets_of(workflow: Workflow) -> list[str]:
    """Return the names of the workflows this one starts."""
    names = [step.target for step in workflow.walk() if step.target]
    if workflow.on_failure is not None and workflow.on_failure.target:
        names.append(workflow.on_failure.target)
    return list(dict.fromkeys(names))
