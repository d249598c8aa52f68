"""The commands put together. An error a person can cause leaves as one readable line and a code above 0."""

import sys

import typer

from revolution_hub.cli.apply import apply, diff
from revolution_hub.cli.catalog import plugins
from revolution_hub.cli.demo import demo
from revolution_hub.cli.executions import executions
from revolution_hub.cli.polls import polls
from revolution_hub.cli.prune import prune
from revolution_hub.cli.render import render
from revolution_hub.cli.reporting import events
from revolution_hub.cli.sandbox import sandbox
from revolution_hub.cli.schedules import schedules
from revolution_hub.cli.serve import migrate_database, serve
from revolution_hub.cli.show import drop_output, fail
from revolution_hub.cli.webhooks import webhooks
from revolution_hub.cli.workflows import workflows
from revolution_hub.errors import DefinitionError, HubError

app = typer.Typer(
    name="revolution",
    help="Revolution Hub: durable workflows over connectors and AI nodes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(demo)
app.command()(sandbox)
app.command("migrate")(migrate_database)
app.command()(prune)
app.command()(plugins)
app.command()(render)
app.command()(diff)
app.command()(apply)
app.add_typer(workflows, name="workflows")
app.add_typer(webhooks, name="webhooks")
app.add_typer(executions, name="executions")
app.add_typer(events, name="events")
app.add_typer(schedules, name="schedules")
app.add_typer(polls, name="polls")


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
