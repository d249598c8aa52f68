"""What attackers write into the audit log, and what must never stand in it: attack rows D4 and D6."""

import csv
import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from rig.asking import Asker, asker

from revolution_hub.store import tables as t

HOSTILE = [
    "=HYPERLINK(1)",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\r\nten_a 99 key.revoke",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202egnp.exe",
    "a\u200bb\u00adc\ufeff",
    "%s {0} {{ secrets.x }} ${x}",
    "'; DROP TABLE audit_entries; --",
    '","hash":"forged"}',
    "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    "x" * 1_000_000,
    "\u0301" * 5_000,
]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def named(bench: Any, owner: Asker, name: str) -> Asker:
    """Ask with a key of this name, put there past every form: what was stored before there was one."""
    made = asker(bench.hub, owner.client)
    with bench.hub.store.begin("ten_a") as tx:
        tx.conn.execute(sa.update(t.api_keys).where(t.api_keys.c.id == made.key_id).values(name=name))
    return made


def test_d4_no_text_leaves_its_line_its_cell_or_its_length(bench: Any, owner: Asker) -> None:
    for text in HOSTILE:
        hostile = named(bench, owner, text)
        shown = text[:2_000].encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")
        headers = {"authorization": f"Bearer {hostile.key}", "user-agent": shown, "x-request-id": shown}
        body = {"name": "k", "role": "viewer"}
        assert owner.client.post("/api/keys", json=body, headers=headers).status_code == 201
    lines = owner.call("GET", "/api/audit/export").text.splitlines()
    entries = [json.loads(one) for one in lines][: len(HOSTILE)]
    assert len(entries) == len(HOSTILE)
    for text, entry in zip(HOSTILE, entries, strict=True):
        for name in ("principal_name", "user_agent", "target", "address", "request_id"):
            assert entry[name].isprintable(), (text[:20], name)
            assert len(entry[name]) <= 200
        assert entry["request_id"].startswith("req_")
        assert entry["principal_name"]
    table = owner.call("GET", "/api/audit/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    # Both exports are entered themselves.
    assert len(table.text.splitlines()) - 1 == len(rows) == len(HOSTILE) + 2
    assert not [cell for row in rows for cell in row.values() if cell.startswith(FORMULA)]
    assert table.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert table.headers["x-content-type-options"] == "nosniff"
    assert owner.ask("GET", "/api/audit/verify")["intact"]


def test_d4_a_flood_of_what_is_refused_enters_nothing(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    weak = asker_of("viewer")
    for _ in range(50):
        weak.call("POST", "/api/keys", {"name": "k", "role": "viewer"})
        owner.client.get("/api/workflows", headers={"authorization": "Bearer rev_wrong"})
        owner.call("POST", "/api/keys", {"name": "", "role": "viewer"})
        owner.call("DELETE", "/api/keys/key_none")
    assert owner.ask("GET", "/api/audit")["items"] == []


CANARY = "canary-7f3a9c"


def secrets_of(owner: Asker, host: Asker) -> list[str]:
    """Hand in a canary wherever a secret goes, and return it with every secret that was handed out."""
    at = "/api/integrations"
    made = owner.ask("POST", f"{at}/club/connections", {"name": "c", "credential": {"api_key": CANARY}})
    changed = f"{at}/club/connections/{made['id']}/credential"
    owner.ask("PUT", changed, {"credential": {"api_key": CANARY + "2"}})
    owner.ask("POST", f"{at}/lab/apps", {"client_id": "c", "client_secret": CANARY})
    # A secret where none belongs is a value like any other.
    step = {"id": "a", "set": {"password": CANARY}}
    document = {"name": f"w {CANARY}", "on": [{"webhook": {}}], "steps": [step]}
    workflow_id = owner.create(document)
    published = owner.ask("POST", f"/api/workflows/{workflow_id}/publish")
    owner.ask("POST", "/api/workflows/import", {"name": "x", "steps": [step]})
    key = owner.ask("POST", "/api/keys", {"name": "k", "role": "viewer"})["api_key"]
    invited = owner.ask("POST", "/api/invitations", {"email": "new@example.com", "role": "viewer"})["token"]
    host.ask("PUT", "/api/plans/small", {})
    return [CANARY, published["signing_secret"], key, invited]


def test_d6_no_secret_and_no_value_gets_into_the_log(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="revolution")
    secrets = secrets_of(owner, asker_of("host"))
    with bench.hub.store.read_across() as tx:
        rows = str(tx.conn.execute(sa.select(t.audit_entries)).all())
    told = [
        owner.call("GET", path).text
        for path in ("/api/audit", "/api/audit/export", "/api/audit/export?format=csv")
    ]
    assert len(json.loads(told[0])["items"]) >= 9
    for secret in secrets:
        assert len(secret) > 8
        for where in (rows, *told, caplog.text):
            assert secret not in where
    marks = [
        one["fields"]["credential"] for one in json.loads(told[0])["items"] if "credential" in one["fields"]
    ]
    assert len(set(marks)) == len(marks) == 2
