"""Several processes and machines on one database: each event once, and work finds somebody to do it."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from rig.hub import LiveHub, Team, launch_hub, start_hub
from rig.redis import Redis

from revolution_sdk import Secret
from revolution_sdk.webhooks import sign_standard

STEP = {"id": "seen", "set": {"n": "{{ trigger.data.n }}"}}
PUBLIC = "http://hub.example"
BURST = 40


def _hook_of(team: Any, name: str, *steps: dict[str, Any]) -> tuple[str, Secret]:
    document = {"name": name, "on": [{"webhook": {}}], "steps": [*steps, STEP]}
    made = team.publish(document)
    return "/hooks/" + made["hook_url"].rpartition("/hooks/")[2], Secret(made["signing_secret"])


def _delivery(secret: Secret, number: int, message_id: str) -> dict[str, Any]:
    body = b'{"n": %d}' % number
    stamp = int(time.time())
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign_standard(secret, message_id, stamp, body),
    }
    return {"content": body, "headers": headers}


def _post_20_times(urls: list[str], delivery: dict[str, Any]) -> list[httpx2.Response]:
    def post(number: int) -> httpx2.Response:
        return httpx2.post(urls[number % len(urls)], **delivery, timeout=60, trust_env=False)

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(post, range(20)))


def _is_one_execution(answers: list[httpx2.Response], team: Any) -> str:
    assert {one.status_code for one in answers} == {202}, [one.text for one in answers]
    ids = {one.json()["execution_id"] for one in answers}
    assert [one["id"] for one in team.executions()] == list(ids)
    return str(ids.pop())


@pytest.mark.parametrize("stack", ["distributed"], indirect=True)
def test_one_delivery_20_times_at_once_to_two_api_processes_starts_one_execution(hub: Any, team: Any) -> None:
    # Given a hub with two processes for its API
    assert len(hub.children("api")) == 2
    path, secret = _hook_of(team, "counted")
    # When a provider delivers the same event 20 times at once, each on a connection of its own
    answers = _post_20_times([hub.url + path], _delivery(secret, 7, f"msg_{uuid4().hex}"))
    # Then all are told of the same execution, and it does its work
    ended = team.wait_for_end(_is_one_execution(answers, team))
    assert (ended["status"], ended["steps"][0]["output"]) == ("succeeded", {"n": 7})


@pytest.fixture
def machine(tmp_path: Path, database: str, redis_server: Redis) -> Iterator[Callable[..., LiveHub]]:
    """Starts hubs on the same database and broker, each as on a machine of its own."""
    running: list[LiveHub] = []

    def start(name: str, *, api: int, workers: int) -> LiveHub:
        folder = tmp_path / name
        folder.mkdir()
        if running:
            # The operator takes the keys along; the tenants are in the database.
            for key in ("master.key", "api-key"):
                shutil.copy(running[0].folder / key, folder / key)
        settings = {
            "REVOLUTION_DATABASE_URL": database,
            "REVOLUTION_BROKER_URL": redis_server.url,
            "REVOLUTION_PUBLIC_URL": PUBLIC,
            "REVOLUTION_API_PROCESSES": str(api),
            "REVOLUTION_WORKER_PROCESSES": str(workers),
        }
        running.append((start_hub if api else launch_hub)(folder, "", **settings))
        return running[-1]

    yield start
    for hub in running:
        hub.stop()


def test_what_two_machines_accept_once_a_third_one_drives(machine: Callable[..., LiveHub]) -> None:
    # Given two machines that run the API alone
    one, other = machine("one", api=1, workers=0), machine("other", api=1, workers=0)
    made = one.ask("POST", "/api/tenants", {"name": "Team"})
    team = Team(hub=one, key=made["api_key"], tenant_id=made["id"])
    path, secret = _hook_of(team, "counted")
    # When a provider delivers the same event 20 times at once, to either of them
    answers = _post_20_times([one.url + path, other.url + path], _delivery(secret, 8, "msg_1"))
    # Then both tell of the same execution, which waits for a worker
    execution_id = _is_one_execution(answers, team)
    assert other.execution(execution_id, made["api_key"])["status"] == "queued"
    # When a machine comes that runs workers alone, then it drives it
    workers = machine("workers", api=0, workers=1)
    ended = team.wait_for_end(execution_id)
    assert (ended["status"], ended["steps"][0]["output"]) == ("succeeded", {"n": 8})
    assert (workers.children("api"), len(workers.children("worker"))) == ([], 1)


class Flusher:
    """Empties a Redis again and again, until it is told to stop."""

    def __init__(self, server: Redis) -> None:
        self.times = 0
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Flusher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with self._server.client() as client:
            while not self._stop.wait(0.02):
                client.flushall()
                self.times += 1


@pytest.mark.parametrize("stack", ["distributed"], indirect=True)
def test_a_redis_that_forgets_everything_again_and_again_costs_no_execution(
    hub: Any, team: Any, redis_server: Redis
) -> None:
    # Given a workflow that takes a while
    act = {"id": "act", "uses": "hostile.take_time", "with": {"seconds": 0.2}}
    path, secret = _hook_of(team, "flushed", act)
    # When deliveries come in and are worked on while Redis loses all it holds, many times a second
    with Flusher(redis_server) as flusher, httpx2.Client(base_url=hub.url, trust_env=False) as http:
        answers = [http.post(path, **_delivery(secret, n, f"msg_{n}"), timeout=60) for n in range(BURST)]
        assert {one.status_code for one in answers} == {202}
        ended = [team.wait_for_end(one.json()["execution_id"]) for one in answers]
    assert flusher.times > 5
    # Then each has ended, with its one attempt
    assert {one["status"] for one in ended} == {"succeeded"}
    assert {len(one["steps"][0]["attempts"]) for one in ended} == {1}
    assert sorted(one["steps"][1]["output"]["n"] for one in ended) == list(range(BURST))
