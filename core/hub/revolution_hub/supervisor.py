"""The supervisor: starts the api, worker and clock processes and replaces what dies, hangs or drains.

They are forked from it, which has imported all they need and runs no thread and no plugin itself. It opens
the listening socket, so a taken port is told at once and a replaced API process loses no connection.
Everything else it knows is on one line per child; the truth is in the database.
"""

import gc
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from revolution_hub.errors import SettingsError
from revolution_hub.fork import Forked, fork
from revolution_hub.model.ids import new_id
from revolution_hub.queue.wake import channel
from revolution_hub.settings import Settings

WORDS = {"alive": b"a", "suspects": b"S", "draining": b"D"}
"""What a child may say to its supervisor."""

CONFIGURATION_FAULT = 78
"""Exit code of a child that cannot start because of settings, keys or files; restarting would not help."""

FROZEN_AFTER_S = 20.0
START_LIMIT_S = 120.0
LONGEST_PAUSE_S = 5.0
CALM_AFTER_S = 30.0
STOP_GRACE_S = 5.0

_log = logging.getLogger("revolution.supervisor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a child is handed: its role and process name, and descriptors, -1 for those it has no use for."""

    role: str
    name: str
    bell: int
    reports: int
    lifeline: int
    ear: int = -1
    listen: int = -1


@dataclass(slots=True, kw_only=True)
class _Lines:
    """The ends all children hang on: who rings, who hears, and what is closed when the supervisor is gone."""

    bell: socket.socket
    ear: socket.socket
    lifeline: int
    ours: int


@dataclass(slots=True, kw_only=True)
class Child:
    """One running process. `name` is its process name, by which it holds leases."""

    role: str
    name: str
    process: Forked
    reports: socket.socket
    started_s: float
    heard_s: float
    draining: bool = False
    kill_at_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Wanted:
    """One place to be filled: a role, and when its next process may start."""

    role: str
    start_at_s: float = 0.0
    failures: int = 0
    child: Child | None = None


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Runs until told to stop. `say` gets the lines a person at the terminal should see.

    `program` is what a child runs, in a process of its own.

    All API processes accept on the one `listener`; it is None where the settings want no API process.
    """

    settings: Settings
    listener: socket.socket | None
    program: Callable[[Given], None]
    say: Callable[[str], None]
    on_ready: Callable[[], None]
    _wanted: list[Wanted] = field(default_factory=list)
    _leaving: list[Child] = field(default_factory=list)
    _dead: list[str] = field(default_factory=list)
    _stopping: bool = False
    _fault: str | None = None

    def stop(self, *_: object) -> None:
        """Ask everything to end. Safe as a signal handler."""
        self._stopping = True

    def run(self) -> int:
        """Start everything and keep it running; returns the exit code."""
        # The isolated worker starts when the others see something for it.
        first_s = {"isolated": float("inf")}
        self._wanted = [
            Wanted(role=role, start_at_s=first_s.get(role, 0.0)) for role in _roles(self.settings)
        ]
        bell, ear = channel()
        lifeline, ours = os.pipe()
        lines = _Lines(bell=bell, ear=ear, lifeline=lifeline, ours=ours)
        ready = False
        # What is looked through for garbage is written to, and what is written to is no longer shared.
        gc.collect()
        gc.freeze()
        try:
            while not self._stopping:
                for wanted in self._wanted:
                    self._fill(wanted, lines)
                self._listen()
                self._look_after()
                self._report_deaths()
                if not ready and self._is_up():
                    ready = True
                    self.on_ready()
        finally:
            self._end_all()
            os.close(ours)
            os.close(lifeline)
        if self._fault:
            self.say(self._fault)
            return 1
        return 0

    def _fill(self, wanted: Wanted, lines: _Lines) -> None:
        if wanted.child is not None or time.monotonic() < wanted.start_at_s:
            return
        ours, theirs = socket.socketpair()
        serves = wanted.role == "api" and self.listener is not None
        given = Given(
            role=wanted.role,
            name=new_id({"isolated": "wrk", "worker": "wrk"}.get(wanted.role, wanted.role[:3])),
            bell=lines.bell.fileno(),
            reports=theirs.fileno(),
            lifeline=lines.lifeline,
            ear=lines.ear.fileno() if wanted.role == "worker" else -1,
            listen=self.listener.fileno() if serves and self.listener is not None else -1,
        )

        def begin() -> None:
            ours.close()
            self._let_go(given, lines)
            self.program(given)

        process = fork(begin)
        theirs.close()
        now_s = time.monotonic()
        wanted.child = Child(
            role=wanted.role, name=given.name, process=process, reports=ours, started_s=now_s, heard_s=now_s
        )

    def _let_go(self, given: Given, lines: _Lines) -> None:
        """Close in a child what is not its own; a lifeline held by a child would never end."""
        os.close(lines.ours)
        for child in self._children():
            child.reports.close()
        if given.ear < 0:
            lines.ear.close()
        if self.listener is not None:
            if given.listen < 0:
                self.listener.close()
            else:
                os.environ["REVOLUTION_PORT"] = str(self.listener.getsockname()[1])

    def _children(self) -> list[Child]:
        return [one.child for one in self._wanted if one.child] + self._leaving

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            for child in self._children():
                if child.reports.fileno() >= 0:
                    selector.register(child.reports, selectors.EVENT_READ, child)
            for key, _ in selector.select(timeout=0.1):
                self._hear(key.data)

    def _hear(self, child: Child) -> None:
        said = child.reports.recv(4096)
        if not said:
            child.reports.close()
            return
        child.heard_s = time.monotonic()
        if WORDS["suspects"] in said:
            self._isolate()
        if WORDS["draining"] in said and not child.draining:
            child.draining = True
            child.kill_at_s = child.heard_s + self.settings.drain_s + STOP_GRACE_S

    def _look_after(self) -> None:
        now_s = time.monotonic()
        for wanted in self._wanted:
            child = wanted.child
            if child is None:
                continue
            if child.process.poll() is not None:
                self._replace(wanted, child)
            elif child.draining:
                # It takes nothing new any more: its replacement starts now, it finishes beside it.
                self._leaving.append(child)
                wanted.child = None
            elif child.role in ("worker", "isolated") and now_s - child.heard_s > _patience_s(child):
                self.say(f"The {child.role} process does not answer and is replaced.")
                child.process.kill()
        for child in list(self._leaving):
            if child.process.poll() is not None:
                self._leaving.remove(child)
                self._bury(child)
            elif child.kill_at_s is not None and now_s > child.kill_at_s:
                child.process.kill()

    def _replace(self, wanted: Wanted, child: Child) -> None:
        code = child.process.returncode
        wanted.child = None
        if code == CONFIGURATION_FAULT:
            self._fault = f"The {child.role} process cannot start; see the line above."
            self._stopping = True
            return
        if wanted.role == "isolated" and code == 0:
            wanted.start_at_s = float("inf")
            return
        _log.warning("the %s process ended with code %s and is replaced", child.role, code)
        now_s = time.monotonic()
        wanted.failures = 0 if now_s - child.started_s > CALM_AFTER_S else wanted.failures + 1
        wanted.start_at_s = now_s + min(0.1 * 2 ** min(wanted.failures, 10), LONGEST_PAUSE_S)
        self._bury(child)

    def _bury(self, child: Child) -> None:
        if child.reports.fileno() >= 0:
            child.reports.close()
        if child.role not in ("worker", "isolated"):
            return
        self._dead.append(child.name)

    def _isolate(self) -> None:
        # Suspects are driven apart, in a process of their own, which ends when there are no more.
        isolated = next(one for one in self._wanted if one.role == "isolated")
        if isolated.start_at_s == float("inf"):
            isolated.start_at_s = time.monotonic()

    def _report_deaths(self) -> None:
        # The clock ends their leases at once; if it is away, they run out by themselves.
        clock = next(one for one in self._wanted if one.role == "clock").child
        if clock is None or clock.heard_s <= clock.started_s or not self._dead:
            return
        try:
            clock.reports.sendall("".join(f"{name}\n" for name in self._dead).encode())
        except OSError:
            return
        self._dead.clear()

    def _is_up(self) -> bool:
        telling = "api" if self.settings.api_processes else "clock"
        return any(child.role == telling and child.heard_s > child.started_s for child in self._children())

    def _end_all(self) -> None:
        children = self._children()
        for child in children:
            child.process.send_signal(signal.SIGTERM)
        give_up_s = time.monotonic() + self.settings.drain_s + STOP_GRACE_S
        for child in children:
            try:
                child.process.wait(max(0.0, give_up_s - time.monotonic()))
            except TimeoutError:
                child.process.kill()
                child.process.wait(STOP_GRACE_S)


def _roles(settings: Settings) -> list[str]:
    """Return what this machine runs: always a clock, and the isolated worker only beside others."""
    workers = ["worker"] * settings.worker_processes
    return ["api"] * settings.api_processes + ["clock", *workers] + ["isolated"] * bool(workers)


def _patience_s(child: Child) -> float:
    started = child.heard_s > child.started_s
    return FROZEN_AFTER_S if started else START_LIMIT_S


def listen(settings: Settings) -> socket.socket:
    """Open the API's listening socket; raises SettingsError in one line if the address is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
            "stop what uses it or set REVOLUTION_PORT"
        ) from error
    listener.listen(512)
    return listener
