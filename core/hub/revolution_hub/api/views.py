"""What things look like going out. Secrets and sealed bytes have no way into these."""

from datetime import datetime

from revolution_hub.model.connection import Connection
from revolution_hub.model.time import rfc3339
from revolution_hub.services.integrations import Integration
from revolution_hub.services.roles import Role
from revolution_hub.services.templates import Preview
from revolution_hub.services.versions import Published
from revolution_hub.store.workflows import StoredWorkflow
from revolution_hub.template.values import path_text
from revolution_sdk import Action
from revolution_sdk.types import Json, JsonObject


def workflow_json(stored: StoredWorkflow) -> JsonObject:
    """A workflow draft."""
    return {
        "id": stored.id,
        "name": stored.name,
        "document": stored.document,
        "revision": stored.revision,
        "published_version": stored.published_version,
        "created_at": rfc3339(stored.created_at),
        "updated_at": rfc3339(stored.updated_at),
    }


def published_json(published: Published, public_url: str) -> JsonObject:
    """A workflow that was just published."""
    return {
        **workflow_json(published.workflow),
        "version": published.version,
        "changed": published.changed,
        "hook_url": public_url + published.hook if published.hook else None,
        "signing_secret": published.signing_secret,
        "verify_token": published.verify_token,
    }


def connection_json(connection: Connection) -> JsonObject:
    """A connection; its credential never comes out."""
    return {
        "id": connection.id,
        "connector": connection.connector,
        "name": connection.name,
        "status": str(connection.status),
        "status_reason": connection.status_reason,
        "account": connection.account,
        "app": connection.app_id,
        "auth": connection.auth_kind,
        "scopes": connection.scopes,
        "base_url": connection.base_url,
        "default": connection.is_default,
        "last_used_at": _moment(connection.last_used_at),
        "probed_at": _moment(connection.probed_at),
        "problem": connection.problem,
        "problem_at": _moment(connection.problem_at),
        "revision": connection.revision,
        "created_at": rfc3339(connection.created_at),
        "updated_at": rfc3339(connection.updated_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


def role_json(role: Role) -> JsonObject:
    """A role and what it allows."""
    return {
        "name": role.name,
        "description": role.description,
        "permissions": list(role.permissions),
        "built_in": role.built_in,
        "revision": role.revision,
    }


def integration_json(integration: Integration) -> JsonObject:
    """A connector as a tenant sees it, with everything it can do and report."""
    connector = integration.connector
    return {
        "name": connector.name,
        "title": connector.title,
        "description": connector.description,
        "version": integration.version,
        "enabled": integration.state.enabled,
        "disabled_actions": integration.state.disabled_actions,
        "settings": integration.state.settings,
        "settings_schema": connector.settings,
        "revision": integration.state.revision,
        "auth": connector.auth.kind,
        "auths": [
            {"kind": one.kind, "title": one.title, "credential_schema": one.credential_schema}
            for one in connector.auths
        ],
        "credential_schema": connector.auth.credential_schema,
        "needs_connection": integration.needs_connection,
        "connections": integration.connections,
        "actions": [
            {**_action_json(connector.name, one), "enabled": integration.state.allows(one.name)}
            for one in connector.actions.values()
        ],
        "events": [
            {
                "type": f"{connector.name}.{one.name}",
                "canonical": one.canonical,
                "title": one.title,
                "data": one.data,
            }
            for one in connector.events.values()
        ],
        "polls": [
            {
                "name": f"{connector.name}.{one.name}",
                "event": f"{connector.name}.{one.event}",
                "title": one.title,
                "description": one.description,
                "every_s": one.every.total_seconds(),
                "scopes": list(one.scopes),
            }
            for one in connector.polls.values()
        ],
    }


def _action_json(connector: str, action: Action) -> JsonObject:
    return {
        "uses": f"{connector}.{action.name}",
        "title": action.title,
        "description": action.description,
        "effect": str(action.effect),
        "critical": action.critical,
        "input": action.input,
        "output": action.output,
        "scopes": list(action.scopes),
        "timeout_s": action.timeout_s,
    }


def preview_json(preview: Preview) -> JsonObject:
    """What a template gave, its JSON type, and the paths it reads: `where` is the text that has the path."""
    return {
        "result": preview.result,
        "kind": _kind(preview.result),
        "paths": [
            {
                "path": path_text(use.parts),
                "where": where,
                "line": use.line,
                "column": use.column,
                "optional": use.defaulted,
            }
            for where, use in preview.paths
        ],
    }


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {str: "text", int: "number", float: "number", list: "list", dict: "object"}
    return kinds.get(type(value), "null")
