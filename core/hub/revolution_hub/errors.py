"""What the hub raises, sorted by whose move it is.

HubError
├── DefinitionError     the author's: every problem at once, each with its path
│   ├── InputError      the caller's: a body, query or action input that breaks its schema
│   └── TemplateError   a template that cannot be read or rendered, with position
│       └── TemplateLimitError   a template that wants more than it is allowed
├── AccessError         the principal's: not signed in, or lacking a permission
├── NotFoundError       there is no such thing in this tenant
├── MethodError         a webhook's address was asked in a way its trigger does not declare
├── ConflictError       somebody else was first: a stale version, a reused key, a taken name
├── LimitError          too much or too fast; the caller may come back later
├── PluginError         the connector's author's: a plugin that does not load or breaks its word
├── PayloadError        the operator's: the file of a large payload is missing or damaged
├── VaultError          the operator's: keys and sealed secrets
└── SettingsError       the operator's: settings, files and ports at start

Each has a stable `code` and structured `details`, and never a secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from revolution_sdk.types import JsonObject

_WINDOW = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a document. `path` is written like `steps[2].with.to`, empty for the whole.

    Within a template, `line` and `column` count from 1 and `source_line` is the line itself.
    """

    path: str
    message: str
    code: str = "invalid"
    line: int | None = None
    column: int | None = None
    source_line: str | None = None

    def as_json(self) -> JsonObject:
        """Return the problem as a JSON object."""
        return {"path": self.path, "message": self.message, "code": self.code, **self.place()}

    def place(self) -> JsonObject:
        """Return where in a template it is; empty if it is not in one."""
        if self.line is None:
            return {}
        return {"line": self.line, "column": self.column, "source_line": self.source_line}


class HubError(Exception):
    """Base of everything the hub raises on purpose; the message is one readable sentence."""

    code = "hub_error"

    def __init__(self, message: str, *, code: str | None = None, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details: JsonObject = details or {}


class DefinitionError(HubError):
    """Raised when a document is wrong; `problems` holds all of them, not only the first."""

    code = "definition_invalid"

    def __init__(
        self, message: str, problems: list[Problem] | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.problems = problems or []


class InputError(DefinitionError):
    """Raised when what a caller sent breaks the schema it must follow."""

    code = "input_invalid"


class TemplateError(DefinitionError):
    """Raised when a template cannot be read or rendered.

    `line` and `column` count from 1; `source_line` is the line itself. The message never quotes data.
    """

    code = "template_invalid"

    def __init__(self, message: str, *, line: int = 1, column: int = 1, source_line: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.source_line = source_line
        self.problems = [self.problem()]

    def pointed(self) -> str:
        """Return message, position, the source line and a caret under the place.

        Of a long line only the 120 characters around the place are shown.
        """
        start = max(0, self.column - 1 - _WINDOW // 2)
        shown = self.source_line[start : start + _WINDOW]
        caret = " " * (self.column - 1 - start) + "^"
        return f"{self.message} (line {self.line}, column {self.column})\n  {shown}\n  {caret}"

    def problem(self, path: str = "") -> Problem:
        """Return the error as a problem of a document that has the template at this path."""
        return Problem(
            path=path,
            message=self.pointed(),
            code=self.code,
            line=self.line,
            column=self.column,
            source_line=self.source_line,
        )


class TemplateLimitError(TemplateError):
    """Raised when rendering would exceed a limit on size, steps or nesting."""

    code = "template_limit"


class AccessError(HubError):
    """Raised when nobody is signed in (`unauthenticated`) or a permission is missing (`forbidden`)."""

    code = "forbidden"


class NotFoundError(HubError):
    """Raised when a thing does not exist for this tenant; whether another tenant has it is not told."""

    code = "not_found"


class MethodError(HubError):
    """Raised when an address is asked with a method nobody has declared; `allowed` are those it knows."""

    code = "method_not_allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"this address is asked with {', '.join(allowed)}")
        self.allowed = tuple(allowed)


class ConflictError(HubError):
    """Raised when the request does not fit the present state."""

    code = "conflict"


class LimitError(HubError):
    """Raised when a size or rate is exceeded. `retry_after_s` is the wait in seconds, if waiting helps."""

    code = "limit_exceeded"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after_s: float | None = None,
        details: JsonObject | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.retry_after_s = retry_after_s

    @classmethod
    def of_setting(cls, setting: str, value: int, most: int, message: str) -> "LimitError":
        """Return the error of a limit the operator sets; the message ends with the setting's name."""
        limit = setting.removeprefix("REVOLUTION_").lower()
        details: JsonObject = {"limit": limit, "setting": setting, "value": value, "most": most}
        return cls(f"{message} ({setting})", details=details)


class PluginError(HubError):
    """Raised when a plugin cannot be loaded or an action breaks its declaration."""

    code = "plugin_failed"


class PayloadError(HubError):
    """Raised when a large payload cannot be had: its file is missing (`payload_missing`) or damaged."""

    code = "payload_damaged"


class VaultError(HubError):
    """Raised when a key is missing, wrong or weak, or a sealed secret does not open."""

    code = "vault_failed"


class SettingsError(HubError):
    """Raised at start when settings, files or ports are wrong; the message is one readable line."""

    code = "settings_invalid"
