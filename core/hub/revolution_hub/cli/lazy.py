"""Commands that are loaded when they are called: one that asks the API does not wait for the hub to load."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command

FOLDER = "revolution_hub.cli"


class Commands(TyperGroup):
    """The commands by their places, `file:name` in this folder. Only `--help` loads them all."""

    places: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def at(cls, places: Mapping[str, str]) -> "type[Commands]":
        """Return the group of the commands at these places."""
        return type("Commands", (cls,), {"places": places})

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order in which help shows them."""
        return list(self.places)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of this name, or None."""
        place = self.places.get(cmd_name)
        return _load(cmd_name, place) if place else None


def _load(name: str, place: str) -> Any:
    file, _, attribute = place.partition(":")
    found = getattr(import_module(f"{FOLDER}.{file}"), attribute)
    if isinstance(found, typer.Typer):
        command = get_command(found)
        command.name = name
        return command
    single = typer.Typer(add_completion=False)
    single.command(name)(found)
    return get_command(single)
