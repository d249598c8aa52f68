"""The commands put together. An error a person can cause leaves as one readable line and a code above 0."""

import sys

import typer

from revolution_hub.cli.lazy import Commands
from revolution_hub.cli.show import drop_output, fail
from revolution_hub.errors import DefinitionError, HubError

PLACES = {
    "serve": "serve:serve",
    "demo": "demo:demo",
    "sandbox": "sandbox:sandbox",
    "migrate": "serve:migrate_database",
    "prune": "prune:prune",
    "plugins": "catalog:plugins",
    "render": "render:render",
    "diff": "apply:diff",
    "apply": "apply:apply",
    "workflows": "workflows:workflows",
    "webhooks": "webhooks:webhooks",
    "executions": "executions:executions",
    "events": "reporting:events",
    "schedules": "schedules:schedules",
    "polls": "polls:polls",
    "admin": "admin:admin",
    "members": "members:members",
    "invite": "members:invite",
    "roles": "roles:roles",
    "integrations": "integrations:integrations",
    "connections": "connections:connections",
    "approvals": "approvals:approvals",
    "audit": "audit:audit",
    "vault": "vault:vault",
    "usage": "usage:usage",
    "plans": "usage:plans",
}
"""Every command: the file in this folder that has it, and its name there."""

app = typer.Typer(
    name="revolution",
    help="Revolution Hub: durable workflows over connectors and AI nodes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    cls=Commands.at(PLACES),
)


@app.callback()
def revolution() -> None:
    """Do nothing: without this, Typer refuses a group whose commands it does not know yet."""


def main() -> None:
    """Run the command named on the command line."""
    try:
        app()
    except HubError as error:
        fail(error.message)
        if isinstance(error, DefinitionError):
            for problem in error.problems:
                fail(f"  {problem.path or '(whole)'}: {problem.message}")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has gone; what is left goes nowhere and is no error of ours.
        drop_output()
        sys.exit(1)


if __name__ == "__main__":
    main()
