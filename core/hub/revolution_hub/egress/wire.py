"""Between httpx2, which connectors speak, and httpcore2, which speaks to the network."""

import re
from collections.abc import Iterator, Mapping

import httpcore2
import httpx2

from revolution_sdk.errors import CredentialError, RejectedError

_METHOD = re.compile(r"[A-Z][A-Z0-9_-]{0,31}\Z")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
_TARGET = re.compile(rb"/[\x21-\x7e]*\Z")
_NEVER_SENT = frozenset({"CONNECT", "TRACE"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

_OURS = frozenset(
    {
        b"host",
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
    }
    | {b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect", b"content-length", b"accept-encoding"}
)
"""Headers about the connection, not the request. They are set here, so that framing cannot be forged."""

_READABLE_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})

_TRANSLATION: dict[type[Exception], type[httpx2.TransportError]] = {
    httpcore2.ConnectTimeout: httpx2.ConnectTimeout,
    httpcore2.ReadTimeout: httpx2.ReadTimeout,
    httpcore2.WriteTimeout: httpx2.WriteTimeout,
    httpcore2.PoolTimeout: httpx2.PoolTimeout,
    httpcore2.ConnectError: httpx2.ConnectError,
    httpcore2.ReadError: httpx2.ReadError,
    httpcore2.WriteError: httpx2.WriteError,
    httpcore2.LocalProtocolError: httpx2.LocalProtocolError,
    httpcore2.RemoteProtocolError: httpx2.RemoteProtocolError,
    httpcore2.UnsupportedProtocol: httpx2.UnsupportedProtocol,
}


class TooLarge(Exception):
    """Raised when an answer is larger than allowed, on the wire or decoded."""


def translated(error: Exception) -> httpx2.HTTPError:
    """Return the httpx2 error for what the pool raised; for anything unforeseen, that something broke.

    It carries no traceback and no cause, whose frames hold the request as it went out, token included; and
    beyond the connect phase no text either, because the parser quotes what the provider sent.
    """
    kind = type(error) if isinstance(error, httpx2.HTTPError) else _TRANSLATION.get(type(error))
    text = f": {error}" if isinstance(error, httpcore2.ConnectError) else ""
    return (kind or httpx2.TransportError)(type(error).__name__ + text)


def wire_request(
    request: httpx2.Request, url: httpx2.URL, auth: Mapping[str, str], timeout: Mapping[str, float]
) -> httpcore2.Request:
    """Build what goes out: a copy of the request for `url`, with the authentication put on.

    Raises RejectedError `request_invalid` for what could be read as more than one request, CredentialError
    for a credential that no header can hold. Nothing of the original is changed.
    """
    method = request.method
    if not _METHOD.match(method) or method in _NEVER_SENT or not _TARGET.match(url.raw_path):
        raise invalid_request()
    body = request.read()
    secret = _auth_headers(auth)
    dropped = _OURS | {name.lower() for name, _ in secret} | ({b"authorization"} if secret else set())
    kept = [(name, value) for name, value in request.headers.raw if name.lower() not in dropped]
    if not all(_NAME.match(name) and _VALUE.match(value) for name, value in kept):
        raise invalid_request()
    length = [(b"Content-Length", b"%d" % len(body))] if body or method in _WITH_BODY else []
    headers = [(b"Host", url.netloc), (b"Accept-Encoding", b"gzip"), *kept, *secret, *length]
    target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    return httpcore2.Request(
        method, target, headers=headers, content=body, extensions={"timeout": dict(timeout)}
    )


def read_answer(answer: httpcore2.Response, request: httpx2.Request, *, limit_bytes: int) -> httpx2.Response:
    """Read and decode the whole body and return it as an httpx2 response to the connector's own request.

    Nothing of the connection is left in it. Raises TooLarge, and DecodingError for a body in an encoding
    nobody asked for; several encodings on top of each other are one of those.
    """
    draft = httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer, limit_bytes))
    try:
        encoding = draft.headers.get("content-encoding", "").strip().lower()
        if encoding not in _READABLE_ENCODINGS:
            raise httpx2.DecodingError("the answer has an encoding nobody asked for")
        body = _read_all(draft, limit_bytes)
    finally:
        draft.close()
    if body and encoding:
        # They describe the body as it was sent, and this one is decoded.
        del draft.headers["content-encoding"]
        draft.headers.pop("content-length", None)
    return head_of(answer, request, headers=draft.headers, body=body)


def head_of(
    answer: httpcore2.Response,
    request: httpx2.Request,
    *,
    headers: httpx2.Headers | None = None,
    body: bytes = b"",
) -> httpx2.Response:
    """Return status and headers of an answer, without its body, as an httpx2 response to `request`."""
    wanted = ("http_version", "reason_phrase")
    return httpx2.Response(
        answer.status,
        headers=answer.headers if headers is None else headers,
        content=body,
        request=request,
        extensions={key: value for key, value in answer.extensions.items() if key in wanted},
    )


class _Body(httpx2.SyncByteStream):
    """The body as it comes from the wire, cut off when it grows too large even before it is decoded."""

    def __init__(self, answer: httpcore2.Response, limit_bytes: int) -> None:
        self._answer = answer
        self._limit_bytes = limit_bytes

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for chunk in self._answer.iter_stream():
            seen += len(chunk)
            if seen > self._limit_bytes:
                raise TooLarge
            yield chunk

    def close(self) -> None:
        self._answer.close()


def _read_all(draft: httpx2.Response, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for chunk in draft.iter_bytes():
        size += len(chunk)
        if size > limit_bytes:
            raise TooLarge
        parts.append(chunk)
    return b"".join(parts)


def _auth_headers(auth: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    try:
        headers = [(name.encode("ascii"), value.strip().encode("ascii")) for name, value in auth.items()]
    except UnicodeEncodeError:
        headers = [(b"", b"")]
    if not all(_NAME.match(name) and _VALUE.match(value) for name, value in headers):
        raise CredentialError("the credential has letters no header can hold", code="credential_unusable")
    return headers


def invalid_request() -> RejectedError:
    """Return the refusal of a request that could be read as something else than it says."""
    return RejectedError("the request cannot be sent as it is", code="request_invalid")
