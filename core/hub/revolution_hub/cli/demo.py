"""`revolution demo`: the main job, from nothing to a booked meeting, over real HTTP on this machine."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from revolution_hub.cli.client import Client
from revolution_hub.cli.sandbox import running_sandboxes
from revolution_hub.cli.show import out, steps_table
from revolution_hub.errors import HubError
from revolution_hub.model.yaml_document import read_yaml
from revolution_sdk.sandbox import RunningSandbox
from revolution_sdk.types import Json, JsonObject

START_LIMIT_S = 60.0
RUN_LIMIT_S = 90.0
PORTAL = "62515"
ENDED = ("succeeded", "failed", "cancelled")


def demo(
    lead: Annotated[Path, typer.Option(help="JSON file with the lead's CRM properties")] = Path(
        "examples/lead.json"
    ),
    workflow: Annotated[Path, typer.Option(help="the workflow to run")] = Path(
        "examples/lead-to-meeting.yaml"
    ),
) -> None:
    """Show the main job: a new lead is qualified, gets an e-mail, and a meeting is booked."""
    properties = _read_lead(lead)
    document = read_yaml(_read(workflow))
    with (
        tempfile.TemporaryDirectory(prefix="revolution-demo-") as folder,
        running_sandboxes(fixed_ports=False) as sandboxes,
    ):
        missing = {"hubspot", "google", "ai"} - set(sandboxes)
        if missing:
            raise HubError(f"the demo needs the plugins {', '.join(sorted(missing))} with their sandboxes")
        with _running_hub(Path(folder), sandboxes) as host:
            _tell("The hub runs, with sandboxes in the providers' places.")
            tenant = host.post("/api/tenants", {"name": "Demo team"})
            client = host.as_key(tenant["api_key"])
            delivery_url, secret = _set_up(client, sandboxes, document)
            _tell("A tenant, its connections and the workflow were made through the API.")
            _new_lead(sandboxes["hubspot"], properties, delivery_url, secret)
            _tell("HubSpot's sandbox created the contact and posted a signed batch.")
            execution = _follow(client)
            _show_outcome(sandboxes["google"], execution)
    if execution["status"] != "succeeded":
        raise HubError(f"the execution ended as {execution['status']}")


def _read_lead(path: Path) -> JsonObject:
    try:
        properties = json.loads(_read(path))
    except ValueError as error:
        raise HubError(f"{path} is not JSON: {error}") from error
    if not isinstance(properties, dict) or not all(isinstance(one, str) for one in properties.values()):
        raise HubError(f'{path} must hold an object of texts, such as {{"email": "ada@example.com"}}')
    return properties


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(f"{path} cannot be read: {error}") from error


@contextmanager
def _running_hub(folder: Path, sandboxes: dict[str, RunningSandbox]) -> Iterator[Client]:
    port = _free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REVOLUTION_")},
        "REVOLUTION_DATA_DIR": str(folder),
        "REVOLUTION_PORT": str(port),
        "REVOLUTION_EGRESS_ALLOW": ",".join(one.host for one in sandboxes.values()),
    }
    log = folder / "hub.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "revolution_hub.cli.main", "serve"],
            env=environment,
            stdout=sink,
            stderr=sink,
        )
        try:
            yield _wait_for_start(process, folder, port, log)
        finally:
            process.terminate()
            process.wait(timeout=90)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_start(process: "subprocess.Popen[bytes]", folder: Path, port: int, log: Path) -> Client:
    give_up_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_s and process.poll() is None:
        key_file = folder / "api-key"
        if key_file.exists():
            client = Client(f"http://127.0.0.1:{port}", key_file.read_text(encoding="ascii").strip())
            try:
                client.get("/api/health")
            except HubError:
                pass  # not up yet; asked again below
            else:
                return client
        time.sleep(0.1)
    raise HubError(f"the hub did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def _set_up(client: Client, sandboxes: dict[str, RunningSandbox], document: Json) -> tuple[str, str]:
    """Make everything through the API; return where HubSpot delivers to, and the secret it signs with."""
    delivery_url = secret = ""
    for name in ("hubspot", "google", "ai"):
        running = sandboxes[name]
        connection: JsonObject = {
            "credential": running.sandbox.connection,
            "base_url": running.base_url,
        }
        if running.sandbox.app:
            app = client.post(f"/api/integrations/{name}/apps", running.sandbox.app)
            connection["app"] = app["id"]
            if name == "hubspot":
                delivery_url, secret = app["delivery_url"], running.sandbox.app["client_secret"]
        client.post(f"/api/integrations/{name}/connections", connection)
    workflow = client.post("/api/workflows", {"document": document})
    client.post(f"/api/workflows/{workflow['id']}/publish")
    return delivery_url, secret


def _new_lead(hubspot: RunningSandbox, properties: JsonObject, delivery_url: str, secret: str) -> None:
    body = {"portal_id": int(PORTAL), "properties": properties, "deliver_to": delivery_url, "secret": secret}
    answer = httpx2.post(f"{hubspot.url}/_sandbox/leads", json=body, timeout=30, trust_env=False)
    delivery: Any = answer.json().get("delivery") if answer.status_code < 300 else None
    if not delivery or delivery["status"] != 202:
        raise HubError(f"the hub did not accept the delivery: {answer.text[:500]}")


def _follow(client: Client) -> JsonObject:
    give_up_s = time.monotonic() + RUN_LIMIT_S
    with Live(console=out, refresh_per_second=8) as live:
        while True:
            items = client.get("/api/workflow-executions", limit="1")["items"]
            execution: JsonObject = client.get(f"/api/workflow-executions/{items[0]['id']}")
            live.update(steps_table(execution), refresh=True)
            if execution["status"] in ENDED:
                return execution
            if time.monotonic() > give_up_s:
                raise HubError(f"the execution is still {execution['status']} after {RUN_LIMIT_S:g} s")
            time.sleep(0.1)


def _show_outcome(google: RunningSandbox, execution: JsonObject) -> None:
    out.print()
    mails = httpx2.get(f"{google.url}/_sandbox/mails", trust_env=False).json()
    meetings = httpx2.get(f"{google.url}/_sandbox/meetings", trust_env=False).json()
    for mail in mails:
        content = Text(f"To: {mail['to']}\nSubject: {mail['subject']}\n\n{mail['text']}")
        out.print(Panel(content, title="E-mail, as Gmail's sandbox received it"))
    for meeting in meetings:
        out.print(Panel(Text(_meeting(meeting)), title="Meeting, as Calendar's sandbox received it"))
    if execution["reason"]:
        out.print(f"The workflow finished: {execution['reason']}")


def _meeting(meeting: JsonObject) -> str:
    attendees = ", ".join(meeting["attendees"])
    return f"{meeting['summary']}\n{meeting['start']} to {meeting['end']}\n{attendees}"


def _tell(line: str) -> None:
    out.print(f"[bold green]✓[/bold green] {line}")
