"""multipart: the fields and files of a form, where a file is kept by the hub and only described in the data.

The sender's own words about a file are its name and type; a path in them names nothing here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from revolution_hub.bus.fields import fields_of, invalid, plain
from revolution_sdk.types import Json, JsonObject

MOST_PARTS: Final = 1000
MOST_FILES: Final = 50
_MOST_HEADERS: Final = 16
_LONGEST_HEADER: Final = 4096
_LONGEST_NAME: Final = 255
_LONGEST_TYPE: Final = 100


@dataclass(slots=True)
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _Parts:
    """Collects what the parser finds."""

    done: list[_Part] = field(default_factory=list)
    part: _Part = field(default_factory=_Part)
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    ended: bool = False

    def begin(self) -> None:
        if len(self.done) >= MOST_PARTS:
            raise invalid(f"it has more than {MOST_PARTS} parts")
        self.part = _Part()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self.name += data[start:end]
        self._require_short(self.name)

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]
        self._require_short(self.value)

    def header_end(self) -> None:
        self.part.headers[self.name.decode("latin-1").lower()] = bytes(self.value)
        if len(self.part.headers) > _MOST_HEADERS:
            raise invalid(f"a part has more than {_MOST_HEADERS} headers")
        self.name.clear()
        self.value.clear()

    def content(self, data: bytes, start: int, end: int) -> None:
        self.part.content += data[start:end]

    def end_part(self) -> None:
        self.done.append(self.part)

    def end(self) -> None:
        self.ended = True

    def _require_short(self, text: bytearray) -> None:
        if len(text) > _LONGEST_HEADER:
            raise invalid("a part has a header that is too long")


def read_multipart(content_type: str, body: bytes, keep_file: Callable[[bytes], str]) -> JsonObject:
    """Return the fields by name; a file is `{file, name, content_type, bytes}`, where `file` is its id."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise invalid("its Content-Type names no boundary")
    found = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": found.begin,
                "on_header_field": found.header_name,
                "on_header_value": found.header_value,
                "on_header_end": found.header_end,
                "on_part_data": found.content,
                "on_part_end": found.end_part,
                "on_end": found.end,
            },
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise invalid("it is not multipart with the boundary it names") from error
    if not found.ended:
        raise invalid("it ends before its last part does")
    named = [(_named(one), one) for one in found.done]
    if sum(1 for (_, file), _ in named if file is not None) > MOST_FILES:
        raise invalid(f"it has more than {MOST_FILES} files")
    # Nothing is kept before all of it is known to be readable.
    texts = {id(part): _text(part) for (_, file), part in named if file is None}
    return fields_of(
        [
            (name, texts[id(part)] if file is None else _file(file, part, keep_file))
            for (name, file), part in named
        ]
    )


def _named(part: _Part) -> tuple[str, str | None]:
    """Return the field's name, and the file's if it is one."""
    kind, options = parse_options_header(part.headers.get("content-disposition", b""))
    if kind.lower() != b"form-data" or b"name" not in options:
        raise invalid("a part has no name")
    name = _decoded(options[b"name"])
    return name, (_decoded(options[b"filename"]) if b"filename" in options else None)


def _text(part: _Part) -> str:
    return _decoded(bytes(part.content))


def _decoded(text: bytes) -> str:
    try:
        return plain(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise invalid("a part is not UTF-8") from error


def _file(name: str, part: _Part, keep_file: Callable[[bytes], str]) -> Json:
    # Some senders give a whole path of theirs as the name.
    last = name.replace("\\", "/").rpartition("/")[2]
    said = part.headers.get("content-type", b"").decode("latin-1")
    return {
        "file": keep_file(bytes(part.content)),
        "name": "".join(one for one in last if one.isprintable())[:_LONGEST_NAME],
        "content_type": "".join(one for one in said if one.isascii() and one.isprintable())[:_LONGEST_TYPE],
        "bytes": len(part.content),
    }
