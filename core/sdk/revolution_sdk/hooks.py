"""The one hook a plugin implements, and the marker for it."""

import pluggy

from revolution_sdk.connector import Connector

PROJECT = "revolution"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def revolution_plugins() -> list[Connector]:  # type: ignore[empty-body]
    """Return the connectors this plugin offers. Called once per process; must do no I/O."""
