"""The first owner: no password before somebody has chosen one, and links that are good once."""

import os
import pty
import re
import sys
from pathlib import Path
from typing import Any

from rig.command import refusal, run_command
from rig.hub import HTTP, LiveHub

PASSWORD = "correct horse battery staple"
LINK = re.compile(r"http\S*/invitation#(inv_[\w-]+)")
TERMINAL_LIMIT_BYTES = 100_000


def accept(hub: LiveHub, token: str, email: str) -> Any:
    body = {"token": token, "email": email, "name": "Ada", "password": PASSWORD}
    return HTTP.post(f"{hub.url}/api/invitations/accept", json=body, headers={"origin": hub.url})


def sign_in(hub: LiveHub, email: str, password: str = PASSWORD) -> Any:
    body = {"email": email, "password": password}
    return HTTP.post(f"{hub.url}/api/session", json=body, headers={"origin": hub.url})


def at_a_terminal(folder: Path, *command: str, answers: list[str]) -> tuple[int, str]:
    """Run a command at a terminal of its own and answer each question as it comes."""
    pid, terminal = pty.fork()
    if pid == 0:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REVOLUTION_")}
        environment = {**kept, "REVOLUTION_DATA_DIR": str(folder), "REVOLUTION_PORT": "0"}
        arguments = [sys.executable, "-m", "revolution_hub.cli.main", *command]
        os.execve(sys.executable, arguments, environment)
    shown, waiting = "", list(answers)
    while len(shown) < TERMINAL_LIMIT_BYTES:
        try:
            part = os.read(terminal, 1000)
        except OSError:
            # That is how a terminal tells that the last program on it has ended.
            break
        if not part:
            break
        shown += part.decode()
        # The blank comes last, once nothing that is typed is thrown away any more.
        if waiting and shown.endswith(": "):
            os.write(terminal, (waiting.pop(0) + "\n").encode())
            shown += "\n"
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown


def test_the_first_start_prints_a_link_by_which_the_owner_comes_in_once(shared_hub: LiveHub) -> None:
    found = LINK.findall((shared_hub.folder / "hub.log").read_text())
    assert len(found) == 1
    answer = accept(shared_hub, found[0], "ada@example.com")
    assert answer.status_code == 201, answer.text
    assert answer.json()["tenants"][0]["role"] == "host"
    assert answer.headers["set-cookie"].startswith("__Host-revolution=ses_")
    assert accept(shared_hub, found[0], "eve@example.com").status_code == 404
    assert sign_in(shared_hub, "ada@example.com").status_code == 201
    assert found[0] not in (shared_hub.folder / "hub.log").read_text().replace(f"#{found[0]}", "")


def test_nobody_is_there_before_that_and_nothing_is_guessed(shared_hub: LiveHub) -> None:
    for email in ("admin", "admin@localhost", "admin@example.com", "root@localhost"):
        for password in ("", "admin", "password", "changeme", "revolution"):
            assert sign_in(shared_hub, email, password).status_code in (401, 429)


def test_an_owner_is_made_at_the_machine_by_a_link(shared_hub: LiveHub) -> None:
    made = run_command(shared_hub.folder, "admin", "create-owner", "--email", "Grace@example.com")
    assert made.returncode == 0, made.stderr
    token = LINK.findall(made.stdout)[0]
    assert accept(shared_hub, token, "eve@example.com").json()["code"] == "other_email"
    assert accept(shared_hub, token, "grace@example.com").status_code == 201
    tenant = shared_hub.ask("POST", "/api/tenants", {"name": "Second"})
    more = ("--tenant", tenant["id"])
    made = run_command(shared_hub.folder, "admin", "create-owner", "--email", "lin@example.com", *more)
    answer = accept(shared_hub, LINK.findall(made.stdout)[0], "lin@example.com")
    assert [one["role"] for one in answer.json()["tenants"]] == ["owner"]


def test_an_owner_is_made_at_the_machine_with_a_password(shared_hub: LiveHub) -> None:
    command = ("admin", "create-owner", "--email", "hedy@example.com", "--name", "Hedy", "--password")
    code, shown = at_a_terminal(shared_hub.folder, *command, answers=[PASSWORD, PASSWORD])
    assert code == 0, shown
    assert PASSWORD not in shown
    answer = sign_in(shared_hub, "hedy@example.com")
    assert (answer.status_code, answer.json()["user"]["name"]) == (201, "Hedy")
    code, shown = at_a_terminal(shared_hub.folder, *command, answers=[PASSWORD, PASSWORD])
    assert code == 1
    assert "sign in first" in shown
    code, shown = at_a_terminal(shared_hub.folder, *command, answers=["short", "short"])
    assert code == 1
    assert "12 to 256 characters" in shown


def test_what_cannot_be_is_refused_in_one_line(shared_hub: LiveHub, tmp_path: Path) -> None:
    command = ("admin", "create-owner", "--email")
    assert "e-mail address" in refusal(run_command(shared_hub.folder, *command, "ada"))
    none = run_command(shared_hub.folder, *command, "x@example.com", "--tenant", "ten_none")
    assert "no such tenant" in refusal(none)
    assert run_command(tmp_path, "migrate").returncode == 0
    assert "start the hub once" in refusal(run_command(tmp_path, *command, "ada@example.com"))


def test_people_are_invited_and_listed_from_the_command_line(shared_hub: LiveHub) -> None:
    asked = {"REVOLUTION_URL": shared_hub.url, "REVOLUTION_API_KEY": shared_hub.key}
    made = run_command(shared_hub.folder, "invite", "mary@example.com", "--role", "viewer", **asked)
    assert accept(shared_hub, LINK.findall(made.stdout)[0], "mary@example.com").status_code == 201
    shown = run_command(shared_hub.folder, "members", "--json", **asked).stdout
    assert '"email": "mary@example.com"' in shown
    assert "mary@example.com" in run_command(shared_hub.folder, "members", COLUMNS="200", **asked).stdout
    refused = run_command(shared_hub.folder, "invite", "mary@example.com", "--role", "king", **asked)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
