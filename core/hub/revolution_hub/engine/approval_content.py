"""What an approval is asked for, and which rules ask for it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from revolution_hub.engine.call import Target
from revolution_hub.hub import Hub
from revolution_hub.model.approval import ApprovalPolicy, ApprovalRule
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.workflow import Step
from revolution_hub.store.approval_policies import policies_of
from revolution_sdk import Connector
from revolution_sdk.types import JsonObject

STEP = "step"
CRITICAL = "critical"
"""The sources of rules that are no policies."""

_ANYBODY = ApprovalRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlWord:
    """What is asked for where no action is called: the word, and which workflow or event it reaches."""

    name: str
    called: JsonObject | None = None
    event: str | None = None
    connection: None = None
    critical: bool = False


def rules_for(hub: Hub, tenant_id: str, step: Step, *, critical: bool) -> list[tuple[str, ApprovalRule]]:
    """Return every rule that asks for an approval of this step, each with its source."""
    policies = policies_of(hub.store).of(tenant_id)
    if step.approval is None and not critical and not policies:
        return []
    return rules_among(policies, step, critical=critical)


def rules_among(
    policies: Sequence[ApprovalPolicy], step: Step, *, critical: bool
) -> list[tuple[str, ApprovalRule]]:
    """Return the rules for a step; all of them hold together.

    That an action is critical asks for anybody who may decide, which every other rule asks for as well.
    """
    rules = [] if step.approval is None else [(STEP, step.approval)]
    # Policies and connectors name actions; what is none has the rule of its step alone.
    if step.uses is None:
        return rules
    rules += [(one.id, one.rule()) for one in policies if one.covers(step.uses)]
    return rules or ([(CRITICAL, _ANYBODY)] if critical else [])


def content_of(
    hub: Hub, execution: Execution, target: Target | ControlWord, record: StepExecution, generation: int
) -> JsonObject:
    """Return everything somebody agrees to, as JSON. Whatever of it changes needs a new approval."""
    done = _of_action(hub, target, record) if isinstance(target, Target) else _of_word(target, record)
    return {
        "execution": execution.id,
        "workflow": {
            "id": execution.workflow_id,
            "version": execution.version,
            "definition": _hash_of(execution.definition),
        },
        "step": {"id": record.step_id, "generation": generation},
        **done,
    }


def _of_word(word: ControlWord, record: StepExecution) -> JsonObject:
    return {
        "kind": word.name,
        "called": word.called,
        "event": word.event,
        "input": record.input,
    }


def _of_action(hub: Hub, target: Target, record: StepExecution) -> JsonObject:
    plugin = hub.catalog.plugin_of(target.connector.name)
    return {
        "action": target.name,
        "effect": str(target.action.effect),
        "plugin": {"name": plugin.distribution, "version": plugin.version} if plugin else None,
        "input": record.input,
        "connection": _connection_of(target),
        "hosts": hosts_of(target.connector, target.connection.base_url if target.connection else ""),
    }


def hosts_of(connector: Connector, base_url: str) -> list[str]:
    """Return the hosts a call may reach: those of the connection if it has an address of its own."""
    host = urlsplit(base_url).netloc if base_url else ""
    return [host] if host else sorted(connector.hosts)


def _connection_of(target: Target) -> JsonObject | None:
    one = target.connection
    if one is None:
        return None
    return {
        "id": one.id,
        "name": one.name,
        "account": one.account,
        "base_url": one.base_url,
        "app": one.app_id,
        # It grows with every change a person makes, such as another credential.
        "revision": one.revision,
    }


def _hash_of(definition: JsonObject | None) -> str | None:
    if definition is None:
        return None
    return hashlib.sha256(canonical_json(definition).encode("utf-8", "surrogatepass")).hexdigest()
