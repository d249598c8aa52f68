"""Webhooks at the command line, against a hub that runs: what is shown, and what is shown only once."""

import json
from pathlib import Path
from typing import Any

import pytest
from rig.command import run_command

STEP = {"id": "see", "set": {"a": 1}}
SECRET = "whsec_the_provider_made_this"


class Line:
    """A command line beside the shared hub."""

    def __init__(self, team: Any, folder: Path) -> None:
        self.team, self.folder = team, folder

    def told(self, *command: str, code: int = 0) -> str:
        settings = {
            "REVOLUTION_URL": self.team.hub.url,
            "REVOLUTION_API_KEY": self.team.key,
            "COLUMNS": "200",
        }
        done = run_command(self.folder, *command, **settings)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def create(self, name: str, **webhook: Any) -> None:
        document = {"name": name, "on": [{"webhook": webhook}], "steps": [STEP]}
        self.team.ask("POST", "/api/workflows", {"document": document})


@pytest.fixture
def line(fresh_team: Any, tmp_path: Path) -> Line:
    """A command line of a new tenant."""
    return Line(fresh_team, tmp_path)


def test_a_webhook_is_shown_with_how_senders_prove_themselves(line: Line) -> None:
    line.create("orders", auth="none", methods=["POST", "PUT"])
    assert "none yet" in line.told("webhooks", "show", "orders")
    line.told("workflows", "publish", "orders")
    shown = line.told("webhooks", "show", "orders")
    assert "unauthenticated" in shown
    assert "POST, PUT" in shown
    told = json.loads(line.told("webhooks", "show", "orders", "--json"))
    assert (told["unauthenticated"], told["published"]) == (True, True)
    assert told["url"] in shown


def test_a_secret_of_the_hub_is_told_when_it_is_made_and_never_again(line: Line) -> None:
    line.create("signed")
    line.told("workflows", "publish", "signed")
    told = line.told("webhooks", "rotate", "signed", "--overlap", "1h")
    secret = told.partition("shown this once: ")[2].strip()
    assert secret.startswith("whsec_")
    shown = line.told("webhooks", "show", "signed")
    assert secret not in shown
    assert "earlier secret until" in shown
    made = json.loads(
        line.told("webhooks", "rotate", "signed", "--what", "address", "--overlap", "0", "--json")
    )
    assert made["signing_secret"] is None
    assert made["url"] in line.told("webhooks", "show", "signed")


def test_a_secret_of_the_provider_is_read_from_a_file_and_told_nowhere(line: Line) -> None:
    line.create("paid", auth="stripe")
    refused = line.told("workflows", "publish", "paid", code=1)
    assert "on[0].webhook.auth" in refused
    address = json.loads(line.told("webhooks", "rotate", "paid", "--what", "address", "--json"))["url"]
    (line.folder / "secret.txt").write_text(SECRET + "\n")
    told = line.told("webhooks", "rotate", "paid", "--secret-file", str(line.folder / "secret.txt"))
    assert SECRET not in told
    assert "set, made by the provider" in told
    assert address in line.told("workflows", "publish", "paid")


def test_what_cannot_be_done_is_one_line(line: Line) -> None:
    line.create("open", auth="none")
    assert "no secret" in line.told("webhooks", "rotate", "open", code=1)
    assert "cannot be read" in line.told("webhooks", "rotate", "open", "--secret-file", "gone.txt", code=1)
    assert "there is no workflow" in line.told("webhooks", "show", "nobody", code=1)
