"""The command line. `main` is what the `revolution` command calls; nothing imports this room."""

from revolution_hub.cli.main import main

__all__ = ["main"]
