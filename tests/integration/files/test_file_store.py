"""FileStore: what was kept is there, whole, or the reader is told; nothing leads out of its folder."""

import hashlib
import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from revolution_hub.errors import LimitError, PayloadError, SettingsError
from revolution_hub.files.file_store import FileStore
from revolution_hub.model.payload import FileRef
from revolution_hub.store.errors import FilesError

CONTENT = b'{"text": "' + b"x" * 300_000 + b'"}'


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    made = FileStore(tmp_path / "files")
    made.prepare()
    return made


def files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file())


def test_what_was_kept_is_read_again(store: FileStore) -> None:
    ref = store.keep("ten_a", "exe_1", CONTENT)
    assert ref == FileRef(
        tenant="ten_a", owner="exe_1", bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest()
    )
    assert store.read(ref) == CONTENT


def test_only_its_user_can_read_it(store: FileStore, tmp_path: Path) -> None:
    store.keep("ten_a", "exe_1", CONTENT)
    (path,) = files(tmp_path / "files")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_same_payload_of_the_same_owner_is_kept_once(store: FileStore, tmp_path: Path) -> None:
    assert store.keep("ten_a", "exe_1", CONTENT) == store.keep("ten_a", "exe_1", CONTENT)
    assert len(files(tmp_path)) == 1
    store.keep("ten_a", "exe_2", CONTENT)
    store.keep("ten_b", "exe_1", CONTENT)
    assert len(files(tmp_path)) == 3


def test_a_payload_cut_short_is_written_anew(store: FileStore, tmp_path: Path) -> None:
    ref = store.keep("ten_a", "exe_1", CONTENT)
    (path,) = files(tmp_path)
    path.write_bytes(CONTENT[:100])
    store.keep("ten_a", "exe_1", CONTENT)
    assert store.read(ref) == CONTENT


def test_many_threads_keep_the_same_and_remove_it(store: FileStore, tmp_path: Path) -> None:
    ready = threading.Barrier(8)

    def work(number: int) -> None:
        ready.wait()
        for _ in range(50):
            store.keep("ten_a", "exe_1", CONTENT)
            if number % 4 == 0:
                store.remove("ten_a", "exe_1")
                time.sleep(0.005)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    ref = store.keep("ten_a", "exe_1", CONTENT)
    assert store.read(ref) == CONTENT
    assert [path.name for path in files(tmp_path)] == [ref.sha256]


def test_a_missing_payload_is_told(store: FileStore) -> None:
    ref = store.keep("ten_a", "exe_1", CONTENT)
    store.remove("ten_a", "exe_1")
    with pytest.raises(PayloadError, match="is missing") as told:
        store.read(ref)
    assert told.value.code == "payload_missing"
    assert told.value.details == {"owner": "exe_1", "bytes": len(CONTENT), "sha256": ref.sha256}


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b" ", CONTENT.replace(b"x", b"y", 1)])
def test_a_damaged_payload_is_told(store: FileStore, tmp_path: Path, content: bytes) -> None:
    ref = store.keep("ten_a", "exe_1", CONTENT)
    files(tmp_path)[0].write_bytes(content)
    with pytest.raises(PayloadError, match="is damaged") as told:
        store.read(ref)
    assert told.value.code == "payload_damaged"


def test_a_folder_that_is_gone_is_no_missing_payload(store: FileStore, tmp_path: Path) -> None:
    ref = store.keep("ten_a", "exe_1", CONTENT)
    (tmp_path / "files").rename(tmp_path / "unmounted")
    with pytest.raises(FilesError, match="try again"):
        store.read(ref)


@pytest.mark.parametrize("name", ["", "..", "../exe_1", "a/b", "/etc", "a\0b", "a" * 41, "é", "exe_1\n"])
def test_no_id_leads_out_of_the_folder(store: FileStore, tmp_path: Path, name: str) -> None:
    ref = store.keep("ten_a", "exe_1", CONTENT)
    for tenant, owner in ((name, "exe_1"), ("ten_a", name)):
        with pytest.raises(ValueError, match="plain ids"):
            store.keep(tenant, owner, CONTENT)
        with pytest.raises(ValueError, match="plain ids"):
            store.remove(tenant, owner)
        with pytest.raises(ValueError, match="plain ids"):
            store.read(replace(ref, tenant=tenant, owner=owner))
    with pytest.raises(ValueError, match="SHA-256"):
        store.read(replace(ref, sha256=f"../{name}"))
    assert len(files(tmp_path)) == 1


def test_removing_takes_one_owner_alone(store: FileStore) -> None:
    gone, kept = store.keep("ten_a", "exe_1", CONTENT), store.keep("ten_a", "exe_2", CONTENT)
    store.remove("ten_a", "exe_1")
    store.remove("ten_a", "exe_1")
    store.remove("ten_b", "exe_2")
    assert store.read(kept) == CONTENT
    with pytest.raises(PayloadError):
        store.read(gone)


def test_old_folders_are_found(store: FileStore, tmp_path: Path) -> None:
    for tenant, owner, age_s in (("ten_a", "exe_1", 10), ("ten_a", "exe_2", 1000), ("ten_b", "evt_1", 1000)):
        store.keep(tenant, owner, CONTENT)
        os.utime(tmp_path / "files" / tenant / owner, (0, 10_000 - age_s))
    (tmp_path / "files" / "not an id").mkdir()
    (tmp_path / "files" / "ten_a" / "loose").write_text("")
    assert sorted(store.older_than(9_500)) == [("ten_a", "exe_2"), ("ten_b", "evt_1")]
    assert list(FileStore(tmp_path / "none").older_than(9_500)) == []


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as told:
        FileStore(tmp_path / "file" / "files").prepare()
    assert (
        str(told.value)
        == f"the folder of large payloads {tmp_path}/file/files cannot be used: Not a directory"
    )


def test_a_payload_has_a_largest_size(tmp_path: Path) -> None:
    small = FileStore(tmp_path / "files", payload_bytes=1000)
    small.prepare()
    small.keep("ten_a", "exe_1", b"x" * 1000)
    with pytest.raises(
        LimitError, match=r"has 1,001 bytes .* at most 1,000 \(REVOLUTION_PAYLOAD_BYTES\)"
    ) as told:
        small.keep("ten_a", "exe_1", b"x" * 1001)
    assert told.value.details == {
        "limit": "payload_bytes",
        "setting": "REVOLUTION_PAYLOAD_BYTES",
        "value": 1001,
        "most": 1000,
    }
    assert len(files(tmp_path)) == 1


def test_what_cannot_be_kept_is_tried_again_by_whoever_wanted_it(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("")
    with pytest.raises(FilesError) as told:
        FileStore(tmp_path / "files").keep("ten_a", "exe_1", CONTENT)
    assert told.value.code == "files_unavailable"
    assert told.value.retry_after_s == 1.0
    assert "Not a directory" in told.value.reason
