"""How things are shown at a terminal: tables, statuses in color, one line for an error."""

import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from revolution_hub.errors import HubError
from revolution_hub.settings import Settings
from revolution_sdk.types import JsonObject

out = Console(highlight=False)

KEYS = ("REVOLUTION_MASTER_KEY", "REVOLUTION_MASTER_KEY_TOKEN")
"""Settings that hold what opens everything."""

_COLORS = {
    "succeeded": "green",
    "running": "cyan",
    "queued": "cyan",
    "waiting": "yellow",
    "uncertain": "yellow bold",
    "skipped": "dim",
    "not_begun": "dim",
    "failed": "red",
    "cancelled": "red",
}


_COLUMNS = ("step", "uses", "status", "try", "secs")
_FRAME = 3
"""Characters a column's border and padding take."""


def settings() -> Settings:
    """Read the settings from the environment; raises SettingsError with everything that is wrong."""
    return Settings.read(os.environ)


def forget_keys() -> None:
    """Take the keys out of the environment, so that nothing this process starts is handed them."""
    for name in KEYS:
        os.environ.pop(name, None)


def fail(line: str) -> None:
    """Write one line to standard error."""
    print(line, file=sys.stderr)


def tell(text: str) -> None:
    """Write a text to standard output as it is, with a line feed behind it unless it ends with one.

    What the terminal has no character for becomes a question mark. Raises HubError if the output takes no
    more, such as a file on a full disk.
    """
    if sys.stdout is None:  # closed by whoever started us, so nobody wants to see it
        return
    ended = text if text.endswith("\n") else f"{text}\n"
    try:
        sys.stdout.buffer.write(ended.encode(sys.stdout.encoding, "replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        raise HubError(f"the output cannot be written: {error.strerror}") from error


def drop_output() -> None:
    """Let whatever else is written to standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def status(text: str) -> Text:
    """Return a status in its color."""
    return Text(text, style=_COLORS.get(text, ""))


def table(title: str, columns: Sequence[str], whole: Sequence[str] = ()) -> Table:
    """Return an empty table that folds long cells, but for the columns that are to stay `whole`."""
    made = Table(title=title, title_justify="left", expand=False)
    for name in columns:
        made.add_column(name, overflow="fold", no_wrap=name in whole)
    return made


def steps_table(execution: JsonObject) -> Table:
    """Return an execution's steps as a table: what ran, how it stands, how long it took, what came out.

    The result gives way when the terminal is narrow; the other columns keep their width.
    """
    rows = [_row(step) for step in execution["steps"]]
    made = Table(title=f"Execution {execution['id']}", title_justify="left")
    room = out.width - 1
    for index, name in enumerate(_COLUMNS):
        widest = max([len(name), *(len(row[index]) for row in rows)])
        made.add_column(name, no_wrap=True, min_width=widest)
        room -= widest + _FRAME
    made.add_column("result", no_wrap=True)
    for row in rows:
        result = Text(row[5])
        result.truncate(max(room - _FRAME, 10), overflow="ellipsis")
        made.add_row(*row[:2], status(row[2]), *row[3:5], result)
    return made


def _row(step: JsonObject) -> list[str]:
    return [
        step["id"],
        step["uses"] or step["kind"],
        step["status"],
        str(len(step["attempts"]) or ""),
        _seconds(step),
        _result(step),
    ]


def _seconds(step: JsonObject) -> str:
    if not step["finished_at"]:
        return ""
    # Both moments are RFC 3339 with microseconds; within one day the clock part is enough.
    begun, ended = (_clock(step[name]) for name in ("started_at", "finished_at"))
    return f"{(ended - begun) % 86400:.2f}"


def _clock(moment: str) -> float:
    hours, minutes, seconds = moment[11:-1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _result(step: JsonObject) -> str:
    if step["error"]:
        return str(step["error"]["message"])[:200]
    output = step["output"] or {}
    for name in ("score", "email", "subject", "message_id", "start", "reason"):
        if isinstance(output, dict) and output.get(name) is not None:
            return f"{name}: {output[name]}"
    return ""
