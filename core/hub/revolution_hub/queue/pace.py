"""Pace: how many executions a worker claims ahead of its free threads.

Claiming costs a few round trips whether it brings one execution or sixty. Where executions take milliseconds
a worker therefore keeps a short stretch of work at hand; where they take long it keeps next to none, so that
nothing waits behind a busy process while another one is idle.
"""

AHEAD_S = 0.2
"""How much work is kept at hand, by the present pace."""

MOST_AHEAD = 64
WINDOW_S = 0.25


class Pace:
    """Measures how fast executions end. `ended` is called by any thread, `ahead` by the feeder alone."""

    def __init__(self, now_s: float) -> None:
        self._ended = 0
        self._since_s = now_s
        self._per_s = 0.0

    def ended(self) -> None:
        """Count one execution that was driven to its end or to a wait."""
        self._ended += 1

    def ahead(self, now_s: float) -> int:
        """Return how many executions to keep at hand beyond the threads that are free."""
        passed_s = now_s - self._since_s
        if passed_s >= WINDOW_S:
            self._per_s = self._ended / passed_s
            self._ended, self._since_s = 0, now_s
        elif passed_s > 0:
            # A pace that quickens is believed at once; one that slackens when the window is over.
            self._per_s = max(self._per_s, self._ended / WINDOW_S)
        return min(MOST_AHEAD, int(self._per_s * AHEAD_S))
