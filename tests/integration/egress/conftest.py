"""A raw HTTP/1.1 server on loopback that does exactly what a test tells it, and clients that may reach it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from revolution_hub.egress.client import make_client
from revolution_hub.egress.guard import Guard, resolve_with_system
from revolution_hub.egress.pool import SharedPool
from revolution_sdk.connector import Connector

Handle = Callable[[socket.socket, "Received"], None]

ACME = Connector("acme", title="Acme", base_url="https://api.acme.com/v1", hosts=("up.acme.com",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came over the wire. `names` are those of its header lines, repeated ones included."""

    method: str
    target: str
    headers: dict[str, str]
    names: list[str]
    body: bytes


def answer(
    body: bytes = b"{}", status: int = 200, headers: Mapping[str, str] | None = None, close: bool = False
) -> bytes:
    """Write a whole answer down."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += ["Connection: close"] if close else []
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(slots=True)
class Server:
    """Counts connections, keeps requests, answers through `handle` until it closes the connection."""

    handle: Handle
    tls: ssl.SSLContext | None = None
    port: int = 0
    connections: int = 0
    requests: list[Received] = field(default_factory=list)
    listener: socket.socket = field(default_factory=socket.socket)
    open: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> "Server":
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = int(self.listener.getsockname()[1])
        self._spawn(self._accept)
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        for one in [self.listener, *self.open]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            finally:
                one.close()
        for thread in self.threads:
            thread.join(5)

    def _spawn(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(peer)
            self._spawn(self._serve, peer)

    def _serve(self, peer: socket.socket) -> None:
        try:
            link = self.tls.wrap_socket(peer, server_side=True) if self.tls else peer
            self.open.append(link)
            while request := _read_request(link):
                self.requests.append(request)
                self.handle(link, request)
        except (OSError, ValueError):
            return
        finally:
            peer.close()


def _read_request(link: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = link.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += link.recv(65536)
    method, target, _ = first.split(" ")
    names = [line.partition(":")[0].lower() for line in lines]
    return Received(method=method, target=target, headers=headers, names=names, body=body)


class Wallet:
    """An Authorize with a row of tokens; each refresh moves on to the next."""

    def __init__(self, *tokens: str, header: str = "Authorization", prefix: str = "Bearer ") -> None:
        self.tokens = list(tokens)
        self.header = header
        self.prefix = prefix
        self.refreshed = 0

    def headers(self) -> dict[str, str]:
        return {self.header: self.prefix + self.tokens[0]}

    def refresh(self) -> bool:
        self.refreshed += 1
        if len(self.tokens) == 1:
            return False
        self.tokens.pop(0)
        return True


@dataclass(slots=True)
class Way:
    """Everything a test needs to send: a pool that lets its servers through, and clients on it."""

    servers: list[Server] = field(default_factory=list)
    pools: list[SharedPool] = field(default_factory=list)
    clients: list[httpx2.Client] = field(default_factory=list)
    trusts_nobody: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def serve(self, handle: Handle | bytes = b"", tls: ssl.SSLContext | None = None) -> Server:
        fixed = handle or answer() if isinstance(handle, bytes) else b""
        call: Handle = handle if callable(handle) else lambda link, _: link.sendall(fixed)
        server = Server(call, tls=tls).start()
        self.servers.append(server)
        return server

    def pool(self, *servers: Server, **options: Any) -> SharedPool:
        allow = options.pop("allow", frozenset(("127.0.0.1", one.port) for one in servers))
        resolve = options.pop("resolve", resolve_with_system)
        # Reading the system's authorities takes 20 ms, and most tests never speak TLS.
        options.setdefault("tls", self.trusts_nobody)
        made = SharedPool(Guard(allow=allow, resolve=resolve), **options)
        self.pools.append(made)
        return made

    def soon(self, seconds: float = 10.0) -> tuple[datetime, Callable[[], datetime]]:
        """A deadline and the clock it is measured by."""
        return datetime.now(UTC) + timedelta(seconds=seconds), lambda: datetime.now(UTC)

    def client(self, base: Server | str, seconds: float = 10.0, **options: Any) -> httpx2.Client:
        url = base.url if isinstance(base, Server) else base
        pool = options.pop("pool", None) or self.pool(*([base] if isinstance(base, Server) else []))
        connector = options.pop("connector", ACME)
        defaults = {"authorize": None, "deadline": self.soon(seconds)[0]}
        made = make_client(connector, pool=pool, base_url=url, **{**defaults, **options})
        self.clients.append(made)
        return made


@pytest.fixture
def way() -> Iterator[Way]:
    """Servers, pools and clients that are all closed at the end."""
    made = Way()
    yield made
    for client in made.clients:
        client.close()
    for pool in made.pools:
        pool.close()
    for server in made.servers:
        server.stop()


@pytest.fixture
def reply() -> Callable[..., bytes]:
    """Write a whole HTTP answer down."""
    return answer


@pytest.fixture
def wallet() -> type[Wallet]:
    """A stand-in for a connection's tokens."""
    return Wallet


class Certificates:
    """A certificate authority for one test run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.root = self._sign(self.name, self.key.public_key(), days=1, authority=True)

    def trust(self) -> ssl.SSLContext:
        """A client's context that trusts this authority alone."""
        pem = self.root.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def root_file(self) -> Path:
        """A file with this authority's own certificate."""
        path = self.folder / "root.pem"
        path.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))
        return path

    def server(self, host: str, *, expired: bool = False) -> ssl.SSLContext:
        """A server's context for one host name."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        signed = self._sign(name, key.public_key(), days=-1 if expired else 1, host=host)
        path = self.folder / f"{host}-{signed.serial_number}.pem"
        path.write_bytes(
            signed.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self, name: x509.Name, key: Any, *, days: int, host: str = "", authority: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(_usage(authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _usage(authority: bool) -> x509.KeyUsage:
    # From Python 3.13 on certificates are checked strictly: an authority must say that it signs others.
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A certificate authority and the contexts it makes possible."""
    return Certificates(tmp_path_factory.mktemp("tls"))
