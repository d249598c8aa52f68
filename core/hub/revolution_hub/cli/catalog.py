"""`revolution plugins`."""

from rich.markup import escape

from revolution_hub.catalog import load_catalog
from revolution_hub.cli.show import out, table


def plugins() -> None:
    """List the installed plugins and what they offer. One that cannot be used is listed with the reason."""
    catalog = load_catalog()
    made = table("Plugins", ("plugin", "distribution", "version", "connectors", "offers"))
    for plugin in catalog.plugins:
        offers = f"[red]not usable: {escape(plugin.failure)}[/red]" if plugin.failure else ""
        for name in plugin.connectors:
            connector = catalog.connectors[name]
            offers += f"{len(connector.actions)} actions, {len(connector.events)} events "
        made.add_row(plugin.name, plugin.distribution, plugin.version, ", ".join(plugin.connectors), offers)
    out.print(made)
