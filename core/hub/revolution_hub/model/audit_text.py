"""audit_text: entries as they go out, as JSON, and as lines of a table in which nothing is a formula."""

import csv
import io

from revolution_hub.model.audit import AuditEntry
from revolution_hub.model.strict_json import dump_json
from revolution_hub.model.time import rfc3339
from revolution_sdk.types import JsonObject

COLUMNS = (
    *("tenant_id", "number", "at", "principal_id", "principal_kind", "principal_name", "action", "target"),
    *("fields", "address", "user_agent", "request_id", "through", "hash"),
)

_BEGIN_FORMULAS = tuple("=+-@\t\r\n|%＝＋－＠")


def entry_json(entry: AuditEntry) -> JsonObject:
    """Return an entry as the API shows it."""
    return {
        "tenant_id": entry.tenant_id,
        "number": entry.number,
        "at": rfc3339(entry.at),
        "principal_id": entry.principal_id,
        "principal_kind": entry.principal_kind,
        "principal_name": entry.principal_name,
        "action": entry.action,
        "target": entry.target,
        "fields": entry.fields,
        "address": entry.address,
        "user_agent": entry.agent,
        "request_id": entry.request_id,
        "through": entry.through,
        "hash": entry.hash,
    }


def json_line(entry: AuditEntry) -> str:
    """Return an entry as one line of JSON."""
    return dump_json(entry_json(entry)) + "\n"


def csv_header() -> str:
    """Return the first line of the table."""
    return _line(COLUMNS)


def csv_line(entry: AuditEntry) -> str:
    """Return an entry as one line of the table; what a spreadsheet would compute has a quote before it."""
    shown = entry_json(entry)
    shown["fields"] = "; ".join(f"{name}: {change}" for name, change in entry.fields.items())
    return _line(tuple("" if shown[name] is None else str(shown[name]) for name in COLUMNS))


def _line(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([_safe(one) for one in cells])
    return line.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.lstrip().startswith(_BEGIN_FORMULAS) else cell
