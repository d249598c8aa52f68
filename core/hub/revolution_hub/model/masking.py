"""Masking: secrets that a call has opened are taken out of whatever it leaves behind, by their value. Pure.

Whoever opens a secret notes it; where a `Masker` listens, everything that passes through it afterwards is
searched for the secret as it is and in the spellings it may have come back in. Where nobody listens, noting
costs one look at a variable, and where nothing was noted, masking costs nothing.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from urllib.parse import quote, quote_plus

from revolution_sdk.types import Json, JsonObject

MASK: Final = "[redacted]"
SHORTEST: Final = 8
"""Shorter secrets are left: they would take ordinary words out of ordinary texts."""

LEAST_BEGINNING: Final = 12
"""So much of the beginning of a secret counts as the secret, and at least half of it."""

OPEN_FIELDS: Final = frozenset(
    {"account", "algorithm", "audience", "auth_uri", "base_url", "client_email", "client_id", "client_x509"}
    | {"expires_at", "family", "instance_url", "issuer", "previous_until", "project_id", "scope", "scopes"}
    | {"subject", "token_type", "token_uri", "type", "until", "user", "username"}
)
"""Members of sealed documents that say nothing secret; whatever else is text in them is a secret."""

SENSITIVE_HEADERS: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "x-auth-token"}
    | {"x-amz-security-token", "x-csrf-token", "x-goog-api-key", "x-vault-token", "api-key"}
)
"""Names under which a header, or a member of an error's details that looks like one, is masked whole."""

_BREAKS = re.compile(r"(?:\s|\\[nrt])+")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_LEAST_PEM_LINE = 32


class Masker:
    """Knows secrets and takes them out of texts and JSON. Used by the threads of one call."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._spellings: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._spellings)

    def note(self, secret: str) -> None:
        """Take a secret out from now on, unless it is too short to be told from ordinary text."""
        if secret in self._known:
            return
        self._known.add(secret)
        found = {one: _stem(one) for part in _parts(secret) for one in spellings(part)}
        # A new mapping, so that a thread that is masking at this moment sees the old one or this one.
        self._spellings = dict(
            sorted((self._spellings | found).items(), key=lambda one: len(one[0]), reverse=True)
        )

    def note_document(self, value: Json, name: str = "") -> None:
        """Note whatever is text in an opened document, but for what is known to be open."""
        if isinstance(value, str):
            if name not in OPEN_FIELDS:
                self.note(value)
        elif isinstance(value, dict):
            for key, member in value.items():
                self.note_document(member, key)
        elif isinstance(value, list):
            for member in value:
                self.note_document(member, name)

    def text(self, text: str) -> str:
        """Return the text with every secret in it masked, also one that is broken over several lines."""
        found = self._spellings
        if not found:
            return text
        for spelling, stem in found.items():
            if stem in text:
                text = _without(text, spelling, stem)
        return self._unbroken(text) if _has_breaks(text) else text

    def json(self, value: Json) -> Json:
        """Return a JSON value with every secret in it masked, in names as well; itself if there is none."""
        return self._masked(value) if self._spellings and self._shows(value) else value

    def _shows(self, value: Json) -> bool:
        # One search in all texts together is a fraction of a search in each.
        texts: list[str] = []
        _collect(value, texts)
        whole = "\0".join(texts)
        return _has_breaks(whole) or any(stem in whole for stem in self._spellings.values())

    def _masked(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._masked(key): self._masked(member) for key, member in value.items()}
        # A connector may hand over tuples: they are kept as lists.
        if isinstance(value, list | tuple):
            return [self._masked(member) for member in value]
        return value

    def members(self, value: JsonObject) -> JsonObject:
        """Return a JSON object with every secret in it masked; itself if there is none."""
        masked = self.json(value)
        return masked if isinstance(masked, dict) else value

    def details(self, value: JsonObject) -> JsonObject:
        """Return an error's details with secrets masked, and what is named like a sensitive header."""
        masked = without_headers(value)
        return self.members(masked) if isinstance(masked, dict) else {}

    def _unbroken(self, text: str) -> str:
        """Mask what shows only when breaks between lines, and blanks around them, are taken out."""
        squeezed, places = _squeezed(text)
        # A secret may itself hold what looks like a break.
        looked_for = {_BREAKS.sub("", one) for one in self._spellings}
        spans = sorted(
            span
            for one in looked_for
            if len(one) >= SHORTEST and _stem(one) in squeezed
            for span in _spans(squeezed, one, _stem(one))
        )
        parts, at = [], 0
        for start, end in spans:
            begin, stop = places[start], places[end - 1] + 1
            if begin >= at:
                parts += [text[at:begin], MASK]
            at = max(at, stop)
        return "".join([*parts, text[at:]]) if spans else text


def spellings(secret: str) -> set[str]:
    """Return the secret as it is, URL-encoded, in base64 at any offset, in hex, and escaped as in JSON."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = {secret, raw.hex(), raw.hex().upper()} | _in_base64(raw)
    if not _PLAIN.fullmatch(secret):
        found |= _escaped(secret, raw)
    return {one for one in found if len(one) >= SHORTEST}


def _in_base64(raw: bytes) -> set[str]:
    found = {_base64(raw, offset) for offset in range(3)}
    odd = [one for one in found if not one.isalnum()]
    return found | {change(one) for one in odd for change in (_url_base64, _quoted_text)}


def _url_base64(text: str) -> str:
    return text.replace("+", "-").replace("/", "_")


def _quoted_text(text: str) -> str:
    return quote(text, safe="")


def _escaped(secret: str, raw: bytes) -> set[str]:
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    escaped |= {one.replace("/", "\\/") for one in escaped}
    quoted = {quote(raw, safe=safe) for safe in ("", "/", "/:@!$&'()*+,;=~")} | {quote_plus(raw)}
    quoted |= {re.sub("%[0-9A-F]{2}", lambda one: one[0].lower(), text) for text in quoted}
    markup = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return {markup} | escaped | quoted


def without_headers(value: Json) -> Json:
    """Return a JSON value with the members masked that are named like headers with secrets in them."""
    if isinstance(value, dict):
        return {
            key: MASK if str(key).lower() in SENSITIVE_HEADERS else without_headers(member)
            for key, member in value.items()
        }
    return [without_headers(one) for one in value] if isinstance(value, list) else value


_listening: ContextVar[Masker | None] = ContextVar("listening", default=None)
_open: dict[int, tuple[Masker, int]] = {}
_lock = threading.Lock()


@contextmanager
def listening(masker: Masker) -> Iterator[None]:
    """Let a masker hear of every secret that is noted in the block, by this thread."""
    token = _listening.set(masker)
    _count(masker, 1)
    try:
        yield
    finally:
        _count(masker, -1)
        _listening.reset(token)


def _count(masker: Masker, change: int) -> None:
    with _lock:
        times = _open.get(id(masker), (masker, 0))[1] + change
        if times:
            _open[id(masker)] = masker, times
        else:
            del _open[id(masker)]


def number_of(masker: Masker) -> int:
    """Return what finds the masker again while somebody listens, for objects that are to hold no secret."""
    return id(masker)


def masker_of(number: int) -> Masker:
    """Return the masker of a call that is under way; of any other, one that knows nothing."""
    found = _open.get(number)
    return found[0] if found is not None else Masker()


def mask_line(text: str) -> str:
    """Mask what any call of this process that is under way has opened, whichever thread says it."""
    if not _open:
        return text
    for masker, _ in list(_open.values()):
        text = masker.text(text)
    return text


def note_secrets(document: Mapping[str, Json]) -> None:
    """Tell whoever listens that this document was opened, or is about to be sealed."""
    masker = _listening.get()
    if masker is not None:
        masker.note_document(dict(document))


def masked(value: JsonObject) -> JsonObject:
    """Return a JSON object without the secrets that were noted in the block `listening` is around."""
    masker = _listening.get()
    return value if masker is None else masker.members(value)


def masked_json(value: Json) -> Json:
    """Return a JSON value without them."""
    masker = _listening.get()
    return value if masker is None else masker.json(value)


def _parts(secret: str) -> Iterator[str]:
    """Yield the secret, and what of a key in PEM or of a JSON document is a secret by itself."""
    if len(secret) < SHORTEST:
        return
    yield secret
    if "-----BEGIN" in secret:
        yield from (one for one in secret.split("\n") if len(one) >= _LEAST_PEM_LINE and "-----" not in one)
    if secret.lstrip().startswith("{"):
        inner = Masker()
        try:
            inner.note_document(json.loads(secret))
        except (ValueError, RecursionError):
            return
        for one in inner._known:
            yield from _parts(one)


def _has_breaks(text: str) -> bool:
    return "\n" in text or "\r" in text or "\\n" in text or "\\r" in text


def _collect(value: Json, into: list[str]) -> None:
    if isinstance(value, str):
        into.append(value)
    elif isinstance(value, dict):
        for key, member in value.items():
            _collect(key, into)
            _collect(member, into)
    elif isinstance(value, list | tuple):
        for member in value:
            _collect(member, into)


def _stem(spelling: str) -> str:
    return spelling[: max(LEAST_BEGINNING, (len(spelling) + 1) // 2)]


def _base64(raw: bytes, offset: int) -> str:
    """Return what of the secret's base64 is the same whatever stands around it, at this offset."""
    encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
    uncertain = 0 if (offset + len(raw)) % 3 == 0 else 1
    return encoded[(0, 2, 3)[offset] : len(encoded) - uncertain]


def _spans(text: str, spelling: str, stem: str) -> Iterator[tuple[int, int]]:
    """Yield where the secret is, or its beginning as far as it goes on."""
    at = text.find(stem)
    while at >= 0:
        end, most = at + len(stem), min(at + len(spelling), len(text))
        while end < most and text[end] == spelling[end - at]:
            end += 1
        yield at, end
        at = text.find(stem, end)


def _without(text: str, spelling: str, stem: str) -> str:
    parts, at = [], 0
    for start, end in _spans(text, spelling, stem):
        parts += [text[at:start], MASK]
        at = end
    return "".join([*parts, text[at:]])


def _squeezed(text: str) -> tuple[str, list[int]]:
    """Return the text without breaks, and of each character left where it stood."""
    places: list[int] = []
    at = 0
    for found in _BREAKS.finditer(text):
        places.extend(range(at, found.start()))
        at = found.end()
    places.extend(range(at, len(text)))
    return "".join(text[one] for one in places), places
