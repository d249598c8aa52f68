"""`revolution sandbox`: every plugin's sandbox on loopback, and what a hub needs to know to use them."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import entry_points

from revolution_hub.cli.show import fail, out, table
from revolution_hub.errors import SettingsError
from revolution_sdk.sandbox import RunningSandbox, run_sandbox

GROUP = "revolution.sandboxes"


def sandbox() -> None:
    """Serve every installed plugin's sandbox on loopback until stopped."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with running_sandboxes(fixed_ports=True) as running:
        made = table("Sandboxes", ("name", "base URL of a connection", "credential", "provider app"))
        for name, one in running.items():
            app = json.dumps(one.sandbox.app) if one.sandbox.app else ""
            made.add_row(name, one.base_url, json.dumps(one.sandbox.connection), app)
        out.print(made)
        allow = ",".join(one.host for one in running.values())
        out.print(f"Start the hub with REVOLUTION_EGRESS_ALLOW={allow}", soft_wrap=True)
        out.print("Press Ctrl+C to stop.")
        stop.wait()


@contextmanager
def running_sandboxes(*, fixed_ports: bool) -> Iterator[dict[str, RunningSandbox]]:
    """Serve the sandbox of each plugin that has one; with free ports unless `fixed_ports`."""
    with ExitStack() as stack:
        running: dict[str, RunningSandbox] = {}
        for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
            try:
                made = point.load()()
            except Exception as error:  # one plugin's sandbox must not stop the others
                fail(f"the sandbox {point.name} cannot be used: {type(error).__name__}: {error}")
                continue
            port = made.port if fixed_ports else 0
            try:
                running[point.name] = stack.enter_context(run_sandbox(made, port=port))
            except OSError as error:
                raise SettingsError(
                    f"the sandbox {point.name} cannot listen on port {port}: {error}"
                ) from error
        yield running
