"""Settings: everything the environment may say, read once and refused loudly. Nothing else reads it."""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from revolution_hub.crashpoint import CrashPoint, parse_crash_point
from revolution_hub.errors import SettingsError
from revolution_sdk.secret import Secret

PREFIX = "REVOLUTION_"

_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:/\[\]]*)(:[0-9]{1,5})?(/[^/]*)?")
"""Host, port and database as an address names them; each may be left out."""

_ELSEWHERE = frozenset(
    {
        "REVOLUTION_CONTRACTS",
        "REVOLUTION_TEST_POSTGRESQL",
        "REVOLUTION_TEST_REDIS",
        "REVOLUTION_URL",
        "REVOLUTION_API_KEY",
    }
)
"""Names read by tests, by the test kit and by the command line as a client of a hub."""


def _setting(default: Any, read: Callable[[str], Any], doc: str) -> Any:
    # Addresses of databases and brokers may hold passwords, so settings never show their values.
    return field(default=default, metadata={"read": read, "doc": doc}, repr=False)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.strip().rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not host:port")
    return host.strip("[]").lower(), int(port)


def _addresses(text: str) -> frozenset[tuple[str, int]]:
    return frozenset(_address(part) for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(
            "addresses or networks such as 10.0.0.7,192.168.0.0/16,fd00::/8 are needed"
        ) from error


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address such as https://hub.example.com is needed")
    return text.rstrip("/")


def _database(text: str) -> str:
    scheme, mark, rest = text.partition("://")
    if mark and scheme == "sqlite" and rest.startswith("/"):
        if rest in ("/", "/:memory:"):
            raise ValueError("a file is needed, which several processes can share: sqlite:///path/to/file.db")
        return text
    if mark and scheme in ("postgresql", "postgres"):
        _require_place(rest.partition("?")[0])
        return f"postgresql://{rest}"
    # Never the address itself: it may hold a password.
    raise ValueError("sqlite:///path/to/file.db or postgresql://user:password@host/database is needed")


def _require_place(text: str) -> None:
    login, _, place = text.rpartition("@")
    if "@" in login or not _PLACE.fullmatch(place):
        raise ValueError(
            "postgresql://user:password@host:port/database is needed, with special characters in the "
            "password written as their codes, such as %40 for @"
        )


def _broker(text: str) -> str:
    if text.partition("://")[0] not in ("redis", "rediss", "unix") or "://" not in text:
        raise ValueError("redis://host:6379/0, rediss:// or unix:// is needed")
    return text


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high} is needed")
        return int(text)

    return read


def _days(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        days = _whole(0, 36_500)(text)
        if 0 < days < least:
            raise ValueError(f"0, which keeps for ever, or at least {least} days are needed")
        return days

    return read


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,59}", text):
        raise ValueError("lower case letters, digits, - and _ are needed, and a letter first")
    return text


NAME_OF_PROVIDER = re.compile("[a-z][a-z0-9-]{0,39}")
MOST_PROVIDERS = 20
LONGEST_ISSUER = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcProvider:
    """An OpenID Connect provider that may say who somebody is: its issuer, and the hub's client there."""

    name: str
    issuer: str
    client_id: str
    client_secret: Secret
    title: str = ""


def _providers(text: str) -> tuple[OidcProvider, ...]:
    # Never the text itself: it holds secrets.
    needed = ValueError(
        'a JSON list such as [{"name": "corp", "issuer": "https://login.example.com", "client_id": "…", '
        '"client_secret": "…"}] is needed, each name and issuer once'
    )
    try:
        given = json.loads(text)
        found = tuple(_provider(one) for one in given)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise needed from None
    names, issuers = {one.name for one in found}, {one.issuer for one in found}
    if not isinstance(given, list) or not len(found) == len(names) == len(issuers) <= MOST_PROVIDERS:
        raise needed
    return found


def _provider(given: dict[str, Any]) -> OidcProvider:
    read = {**given, "client_secret": Secret(given["client_secret"])}
    texts = [value for name, value in given.items() if isinstance(value, str) and (value or name == "title")]
    made = OidcProvider(**read)
    parts = urlsplit(made.issuer)
    if (
        len(texts) != len(given)
        or not NAME_OF_PROVIDER.fullmatch(made.name)
        or len(made.issuer) > LONGEST_ISSUER
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
    ):
        raise ValueError("no provider")
    return made


def _yes(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false is needed")
    return text == "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings with their defaults. Durations are whole seconds, sizes are bytes."""

    data_dir: Path = _setting(Path(".revolution"), Path, "folder of the embedded database and the key file")
    database_url: str = _setting(
        "",
        _database,
        "where the truth is: sqlite:///… or postgresql://…; by default hub.db in the data folder",
    )
    broker_url: str = _setting(
        "", _broker, "the Redis that wakes workers; without it PostgreSQL or the supervisor does"
    )
    host: str = _setting("127.0.0.1", str, "address the API listens on")
    port: int = _setting(8400, _whole(0, 65535), "port the API listens on; 0 takes a free one")
    public_url: str = _setting("", _url, "how the outside reaches the API; by default http://host:port")
    master_key: Secret | None = _setting(
        None, Secret, "32 bytes in base64 or hex, several newest first; by default from the key file"
    )
    master_key_file: Path | None = _setting(
        None, Path, "the key file; by default master.key in the data folder"
    )
    master_key_url: str = _setting("", _url, "the secret with the master key in HashiCorp Vault or OpenBao")
    master_key_field: str = _setting("master_key", _name, "the member of that secret that holds the key")
    master_key_token: Secret | None = _setting(None, Secret, "the token with which that secret is read")
    master_key_token_file: Path | None = _setting(None, Path, "a file with that token, read each time")
    egress_allow: frozenset[tuple[str, int]] = _setting(
        frozenset(), _addresses, "host:port pairs connectors may reach although they are private or loopback"
    )
    api_processes: int = _setting(1, _whole(0, 64), "API processes on this machine; 0 runs none here")
    worker_processes: int = _setting(2, _whole(0, 64), "worker processes on this machine; 0 runs none here")
    worker_threads: int = _setting(128, _whole(1, 512), "executions one worker process drives at a time")
    tenant_running: int = _setting(
        200, _whole(1, 100_000), "executions of one tenant that are driven at a time, on all machines"
    )
    tenant_backlog: int = _setting(
        250_000, _whole(1, 100_000_000), "executions of one tenant that may wait before no more are accepted"
    )
    connection_running: int = _setting(
        200, _whole(1, 100_000), "executions that call through one connection at a time, on all machines"
    )
    probe_s: int = _setting(
        900, _whole(0, 86_400), "seconds between two looks whether a connection still works; 0 looks never"
    )
    lease_s: int = _setting(
        30, _whole(2, 3600), "seconds after which a silent worker's execution is taken over"
    )
    drain_s: int = _setting(30, _whole(1, 3600), "seconds a stopping worker may take to finish what it has")
    requests_per_minute: int = _setting(1200, _whole(1, 1_000_000), "API requests per principal and minute")
    tenant_requests_per_minute: int = _setting(
        12_000, _whole(1, 10_000_000), "API requests per tenant and minute, unless its plan says otherwise"
    )
    anonymous_per_minute: int = _setting(
        600, _whole(1, 1_000_000), "API requests without a valid key, per client address and minute"
    )
    default_plan: str = _setting(
        "unlimited", _name, "the plan of tenants that were given none: unlimited, free, team or one of yours"
    )
    guesses_per_minute: int = _setting(
        60,
        _whole(1, 1_000_000),
        "requests to webhook addresses that are not there, per client address and minute",
    )
    logins_per_minute: int = _setting(
        10, _whole(1, 1_000_000), "tries to sign in per account and minute, per API process"
    )
    entries_per_minute: int = _setting(
        60, _whole(1, 1_000_000), "tries to sign in or to use a link, per client address and minute"
    )
    session_s: int = _setting(
        604_800, _whole(300, 31_536_000), "seconds after which a session ends, however much it is used"
    )
    session_idle_s: int = _setting(
        43_200, _whole(300, 31_536_000), "seconds after which a session ends that nobody uses"
    )
    plain_cookies: bool = _setting(
        False, _yes, "for development over plain http alone: cookies without __Host- and Secure"
    )
    password_length: int = _setting(12, _whole(8, 64), "characters a new password has at least")
    password_memory_kib: int = _setting(
        65_536, _whole(8_192, 4_194_304), "KiB of memory that hashing a password takes"
    )
    password_rounds: int = _setting(3, _whole(1, 100), "rounds in which a password is hashed")
    oidc: tuple[OidcProvider, ...] = _setting(
        (), _providers, "OpenID Connect providers people may sign in with, as JSON"
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        (), _networks, "addresses or networks whose X-Forwarded-For says who the client is"
    )
    body_bytes: int = _setting(1_048_576, _whole(1024, 104_857_600), "largest request body")
    body_s: int = _setting(30, _whole(1, 3600), "seconds a request body may take to arrive")
    files_dir: Path | None = _setting(
        None, Path, "folder of large payloads, shared by all machines; by default files in the data folder"
    )
    inline_bytes: int = _setting(
        262_144, _whole(1024, 16_777_216), "largest payload kept in the database; larger ones become files"
    )
    payload_bytes: int = _setting(
        16_777_216, _whole(1024, 1_073_741_824), "largest trigger, step input, step output or answer"
    )
    execution_steps: int = _setting(
        10_000, _whole(1, 1_000_000), "step executions in one execution; its children count for themselves"
    )
    loop_items: int = _setting(100_000, _whole(1, 10_000_000), "items of one for_each")
    call_depth: int = _setting(16, _whole(1, 100), "executions nested in one another")
    emit_depth: int = _setting(
        16, _whole(1, 1_000), "events that follow from one another, each emitted by what the last one started"
    )
    keep_days: int = _setting(30, _days(1), "days an execution is kept that has ended; 0 keeps for ever")
    keep_failed_days: int = _setting(90, _days(1), "the same for executions that have failed")
    keep_events_days: int = _setting(
        30, _days(7), "days events and deliveries are kept; 0 keeps for ever, and 7 is the least"
    )
    keep_audit_days: int = _setting(
        0, _days(30), "days audit entries are kept; 0 keeps for ever, and 30 is the least"
    )
    testing: bool = _setting(False, _yes, "for tests alone: allows the crash point")
    crashpoint: CrashPoint | None = _setting(
        None, parse_crash_point, "for tests alone: where a process ends itself; see crashpoint.py"
    )

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every `REVOLUTION_*`. Raises SettingsError naming all unknown names and bad values at once."""
        values: dict[str, Any] = {}
        faults: list[str] = []
        known = {PREFIX + one.name.upper(): one for one in fields(cls)}
        for name, text in sorted(environ.items()):
            if not name.startswith(PREFIX) or name in _ELSEWHERE:
                continue
            if name not in known:
                # Compared without the prefix, which would make any two names near.
                near = difflib.get_close_matches(
                    name[len(PREFIX) :], [one[len(PREFIX) :] for one in known], n=1
                )
                hint = f" (did you mean {PREFIX}{near[0]}?)" if near else ""
                faults.append(f"{name} is not a setting{hint}")
                continue
            try:
                values[known[name].name] = known[name].metadata["read"](text)
            except ValueError as error:
                faults.append(f"{name} cannot be used: {error}")
        if values.get("crashpoint") and not values.get("testing"):
            faults.append(f"{PREFIX}CRASHPOINT ends processes: it is for tests, with {PREFIX}TESTING=true")
        read = cls(**values) if not faults else cls()
        if read.plain_cookies and read.public().startswith("https:"):
            faults.append(f"{PREFIX}PLAIN_COOKIES is for plain http, and the public address is https")
        if faults:
            raise SettingsError("; ".join(faults))
        return read

    @property
    def database(self) -> str:
        """The database address with the default filled in."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'hub.db').absolute()}"

    @property
    def key_file(self) -> Path:
        """The master key file with the default filled in."""
        return self.master_key_file or self.data_dir / "master.key"

    @property
    def first_key_file(self) -> Path:
        """The file the first start leaves the first API key in."""
        return self.data_dir / "api-key"

    @property
    def files(self) -> Path:
        """The folder of large payloads with the default filled in."""
        return self.files_dir or self.data_dir / "files"

    @property
    def origin(self) -> str:
        """The origin of the public address, as a browser names it."""
        parts = urlsplit(self.public())
        usual = {"http": 80, "https": 443}[parts.scheme]
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port not in (None, usual) else ""
        return f"{parts.scheme}://{host}{port}"

    def public(self) -> str:
        """Return the address the outside uses; providers sign it, so it is never taken from a request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"
