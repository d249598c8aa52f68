"""Attack rows W8 and W9 of the security design: what bodies are read as, on both databases."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.door import Door, opened, refused

from revolution_hub.store import tables as t


@pytest.fixture
def door(bench: Any, database: str, tmp_path: Path) -> Iterator[Door]:
    """The door of a hub that has a folder for files."""
    with opened(bench, database, tmp_path) as made:
        yield made


DEEP = b"[" * 100_000
HOSTILE = {
    "nothing": b"",
    "cut off": b"{",
    "NUL": b'{"a": "\\u0000"}',
    "raw NUL": b'{"a": "\0"}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "NaN": b'{"a": NaN}',
    "infinite": b'{"a": 1e999}',
    "the same key twice": b'{"a": 1, "a": 2}',
    "deep": DEEP,
    "5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "latin-1": b'{"a": "\xe9"}',
    "not Unicode": b"\xff\xfe\xfd",
    "text behind": b"{} {}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_w8_a_hostile_body_is_kept_as_it_came_and_starts_nothing(name: str, door: Door) -> None:
    at, body = door.open(), HOSTILE[name]
    answer = at.signed(body)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["execution_id"], told["event_id"]) == (None, None)
    (stored,) = door.rows(t.deliveries)
    assert (bytes(stored["body"]), stored["mark"], stored["id"]) == (body, "unparseable", told["delivery_id"])
    assert stored["problem"] == told["unparseable"]
    assert door.bench.counts() == [0, 1, 0, 0]


@pytest.mark.parametrize("name", HOSTILE)
def test_w8_where_nobody_signs_it_is_refused_and_leaves_nothing(name: str, door: Door) -> None:
    answer = door.open(auth="none").send(HOSTILE[name])
    assert refused(answer, 422, "json_invalid")
    assert door.bench.counts() == [0, 0, 0, 0]


def test_w8_a_hostile_body_with_the_wrong_signature_is_not_even_kept(door: Door) -> None:
    at = door.open()
    wrong = {"webhook_id": "a", "webhook_timestamp": "1", "webhook_signature": "v1,x"}
    for body in HOSTILE.values():
        assert at.send(body, **wrong).status_code == 401
    assert door.bench.counts() == [0, 0, 0, 0]


FORM = b"a=1&b=x+y&b=%C3%A9&empty="
PARTS = (
    b'--cut\r\ncontent-disposition: form-data; name="note"\r\n\r\nhello\r\n'
    b'--cut\r\ncontent-disposition: form-data; name="doc"; filename="../../etc/passwd"\r\n'
    b"content-type: text/plain\r\n\r\nroot:x\r\n--cut--\r\n"
)
LOOKS_LIKE_FILES = b'{"files": {"x": {"filepath": "/etc/passwd", "file": "/etc/shadow"}}}'
BODIES = {
    "json": LOOKS_LIKE_FILES,
    "form": FORM,
    "parts": PARTS,
    "text": b"just a text",
    "xml": b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
}
TYPES = {
    "application/json": "json",
    "application/cloudevents+json; charset=utf-8": "json",
    "-": "json",
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data; boundary=cut": "parts",
    "text/plain": "text",
    "application/xml": "text",
    "application/soap+xml; charset=utf-8": "text",
    "application/octet-stream": None,
    "image/svg": None,
    "multipart/mixed; boundary=cut": None,
    "application/json, text/plain": None,
    "nonsense": None,
}


def as_said(kind: str | None, body: bytes) -> Any:
    """What a body of this type is read as, None if it cannot be."""
    if kind == "text":
        return body.decode()
    own = {
        "json": (LOOKS_LIKE_FILES, json.loads(LOOKS_LIKE_FILES)),
        "form": (FORM, {"a": "1", "b": ["x y", "é"], "empty": ""}),
    }
    if kind == "form" and body != FORM:
        return ...
    return own[kind][1] if kind in own and own[kind][0] == body else None


@pytest.mark.parametrize("said", TYPES)
def test_w9_the_content_type_alone_decides_how_a_body_is_read(said: str, door: Door) -> None:
    at, kind = door.open(auth="none"), TYPES[said]
    for name, body in BODIES.items():
        answer = at.send(body, content_type=said)
        if kind is None:
            assert refused(answer, 415, "content_type"), (name, answer.text)
        elif kind == "parts":
            assert (answer.status_code == 202) == (name == "parts"), (name, answer.text)
        elif as_said(kind, body) is None:
            assert refused(answer, 422, f"{'json' if kind == 'json' else 'body'}_invalid"), name
        elif as_said(kind, body) is not ...:
            assert at.seen(answer)["data"] == as_said(kind, body), name
    opened = [str(one) for one in door.rows(t.events)]
    assert not any("root:" in one for one in opened if "root:x" not in one)


def test_w9_a_file_is_kept_by_the_hub_and_its_name_leads_nowhere(door: Door) -> None:
    at = door.open()
    data = at.seen(at.signed(PARTS, content_type="multipart/form-data; boundary=cut"))["data"]
    assert data["note"] == "hello"
    file = data["doc"]
    event_id, _, digest = file.pop("file").partition(".")
    assert file == {"name": "passwd", "content_type": "text/plain", "bytes": 6}
    (event,) = door.rows(t.events)
    assert event["id"] == event_id
    kept = door.bench.hub.store.files
    assert [one.name for one in (kept._root / "ten_a" / event_id).iterdir()] == [digest]
    assert (kept._root / "ten_a" / event_id / digest).read_bytes() == b"root:x"


def test_w9_multipart_for_a_trigger_that_signs_is_kept_if_it_cannot_be_read(door: Door) -> None:
    at = door.open()
    answer = at.signed(PARTS[:-20], content_type="multipart/form-data; boundary=cut")
    assert answer.status_code == 202
    assert answer.json()["execution_id"] is None
    # Nothing of a form that breaks off is among the files.
    assert not any((door.bench.hub.store.files._root).glob("ten_a/*/*"))


def test_a_file_is_read_by_its_id_within_its_tenant_and_never_shown(door: Door, asker_of: Any) -> None:
    at = door.open()
    data = at.seen(at.signed(PARTS, content_type="multipart/form-data; boundary=cut"))["data"]
    path = f"/api/files/{data['doc']['file']}"
    key = asker_of().key
    answer = door.client.get(path, headers={"authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.content) == (200, b"root:x")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''passwd"
    assert answer.headers["content-security-policy"] == "sandbox"
    for wrong in (path[:-1], path + "0", "/api/files/..%2f..%2fetc%2fpasswd", "/api/files/evt_x." + "0" * 64):
        found = door.client.get(wrong, headers={"authorization": f"Bearer {key}"})
        assert found.status_code == 404, wrong
    stranger = asker_of(tenant_id="ten_b")
    assert stranger.refused("GET", path) == (404, "not_found")
