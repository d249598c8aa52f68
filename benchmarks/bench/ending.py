"""How a benchmark ends: with figures, because something is not here, or because it did not add up."""

import json
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn


class NotHere(Exception):
    """A program or server the benchmark needs is not installed."""


class Wrong(Exception):
    """What was measured did not add up, so there are no figures."""


def finish(measure: Callable[[], dict[str, Any]]) -> NoReturn:
    """Measure and print the figures as one line of JSON; exit 2 if something is missing, 1 if it is wrong."""
    # Told to stop, a benchmark still stops the servers it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        figures = measure()
    except NotHere as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except Wrong as error:
        print(f"No figures: {error}", file=sys.stderr)
        sys.exit(1)
    print(json.dumps(figures))
    sys.exit(0)
