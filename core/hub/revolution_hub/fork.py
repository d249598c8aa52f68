"""Forked processes: they begin with everything their parent has imported, and share its memory.

A fresh interpreter imports for one to three seconds before it does anything, and keeps a copy of its own.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

_LOOK_EVERY_S = 0.02
_HANDLED = (signal.SIGTERM, signal.SIGINT)


class Forked:
    """A child process, as seen by its parent. `returncode` is negative for the signal that ended it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                # Something else in this process took its end; how it ended is lost with that.
                self.returncode = 1
                return self.returncode
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, limit_s: float) -> int:
        """Return the exit code, waited for so long at most. Raises TimeoutError."""
        give_up_s = time.monotonic() + limit_s
        while (code := self.poll()) is None:
            if time.monotonic() >= give_up_s:
                raise TimeoutError(f"process {self.pid} still runs")
            time.sleep(_LOOK_EVERY_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def fork(program: Callable[[], object]) -> Forked:
    """Run a program in a process and session of its own, which ends with it. This one must have one thread.

    The program inherits every open descriptor and begins by closing what is not its own.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal between fork and the next lines would be the parent's handler's, in the child, and be lost.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return Forked(pid)
    code = 1
    try:
        os.setsid()
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        code = _code_of(program)
    finally:
        # The parent's frames are on this stack too, and none of them may go on in here.
        os._exit(code)


def _code_of(program: Callable[[], object]) -> int:
    try:
        program()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
