"""What is raised when the database, or the folder beside it, does not answer."""

from revolution_hub.errors import LimitError

AWAY = "the database does not answer; try again soon"


class StoreError(LimitError):
    """Raised when the database is locked, full or gone. Nothing of the transaction was kept.

    Only if the connection was `lost` may it have been, in the instant of the commit. `clashed` says that
    two transactions waited for each other and this one gave way. `reason` is the driver's own sentence,
    for the operator.
    """

    code = "database_unavailable"

    def __init__(self, message: str, *, reason: str, lost: bool = False, clashed: bool = False) -> None:
        super().__init__(message, retry_after_s=1.0)
        self.reason = reason
        self.lost = lost
        self.clashed = clashed


class FilesError(StoreError):
    """Raised when the folder of large payloads is full or gone. It concerns a single payload alone."""

    code = "files_unavailable"

    def __init__(self, *, reason: str) -> None:
        super().__init__("the folder of large payloads does not answer; try again soon", reason=reason)


def one_line(error: object) -> str:
    """Return the first line of a driver's sentence, which names neither statement nor values."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
