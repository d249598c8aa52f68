"""Audit entries keep names, never values, and deceive nobody; a broken chain is found where it breaks."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.model.audit import FIRST, LONGEST_TEXT, AuditEntry, changes_between, entry_of, link, plain
from revolution_hub.model.audit_chain import Head, check_chain, parse_head
from revolution_hub.model.audit_text import COLUMNS, csv_header, csv_line, json_line
from revolution_hub.model.principal import Origin, Principal

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
CANARY = "c4n4ry-secret"


def entry(**more: Any) -> AuditEntry:
    origin = Origin(address="192.0.2.1", request_id="req_1", agent="curl/8")
    principal = Principal(id="key_1", tenant_id="ten_a", role="owner", name="Ada", origin=origin)
    return replace(entry_of(principal, "key.create", "key_2", NOW), **more)


def chain(length: int, tenant_id: str = "ten_a") -> list[AuditEntry]:
    entries, last = [], FIRST
    for number in range(1, length + 1):
        made = link(entry(tenant_id=tenant_id, target=f"key_{number}"), number, last)
        entries.append(made)
        last = made.hash
    return entries


def fault(entries: list[AuditEntry], *heads: Head, removed: Head | None = None) -> int | None:
    found = check_chain("ten_a", entries, heads, removed).fault
    return found and found.number


def head_of(one: AuditEntry) -> Head:
    return Head(tenant_id=one.tenant_id, number=one.number, hash=one.hash)


def test_of_values_only_names_are_kept() -> None:
    before = {"name": "x", "secret": CANARY, "same": [1], "gone": CANARY}
    after = {"name": "y", "secret": CANARY + "2", "same": [1], "new": {"deep": CANARY}}
    principal = Principal(id="key_1", tenant_id="ten_a", role="owner")
    made = entry_of(principal, "x.change", "x_1", NOW, before=before, after=after)
    assert made.fields == {"name": "changed", "secret": "changed", "gone": "removed", "new": "added"}
    assert CANARY not in json_line(made) + csv_line(made)


def test_a_mark_tells_equal_values_and_is_short() -> None:
    principal = Principal(id="key_1", tenant_id="ten_a", role="owner")
    made = entry_of(
        principal, "x.y", "x", NOW, after={"credential": CANARY}, marks={"credential": "k." + "m" * 43}
    )
    assert made.fields == {"credential": "added #" + "m" * 22}


HOSTILE = (
    "a\r\nb\tc",
    "\x1b[2J\x1b[31mred",
    "\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "nul\0",
    "\u2028line",
    "lone\ud800",
    "<script>alert(1)</script>",
    "x" * 1_000_000,
    "\u202e" * 1_000_000,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_shown_is_one_line_of_harmless_characters(text: str) -> None:
    shown = plain(text)
    assert len(shown) <= LONGEST_TEXT
    assert shown.isprintable()
    origin = Origin(address=text, request_id=text, agent=text)
    principal = Principal(id="key_1", tenant_id="ten_a", role="owner", name=text, origin=origin)
    made = link(entry_of(principal, "x.y", text, NOW, after={text: 1}), 1, FIRST)
    assert json_line(made).count("\n") == 1
    assert all(one.isprintable() for one in json_line(made)[:-1])
    assert csv_line(made).count("\n") == 1
    assert len(json_line(made)) < 3000


def test_escaped_text_says_what_it_was() -> None:
    assert plain("a\x1bb") == "a\\u001bb"
    assert plain("grün ✓ 中") == "grün ✓ 中"
    assert plain("😀\U000e0001") == "😀\\U000e0001"


def test_many_fields_are_counted_and_not_all_named() -> None:
    found = changes_between({}, {f"f{number:04}": 1 for number in range(1000)})
    assert len(found) == 51
    assert found["…"] == "950 more"


@pytest.mark.parametrize("begin", ["=cmd()", "+1", "-1", "@x", "|x", "%0a", " =1", "＝1", "\t=1"])
def test_no_cell_of_the_table_is_a_formula(begin: str) -> None:
    (row,) = csv.reader(
        io.StringIO(csv_line(entry(principal_name=begin, target=begin, fields={begin: "added"})))
    )
    found = dict(zip(COLUMNS, row, strict=True))
    for name in ("principal_name", "target", "fields"):
        assert found[name].startswith("'"), found[name]


def test_a_table_has_a_column_for_everything() -> None:
    lines = csv_header() + csv_line(entry(target='a "quoted", cell'))
    (row,) = csv.DictReader(io.StringIO(lines))
    assert row["target"] == 'a "quoted", cell'
    assert (row["address"], row["user_agent"], row["request_id"]) == ("192.0.2.1", "curl/8", "req_1")


def test_a_chain_as_it_was_written_is_intact() -> None:
    assert fault([]) is None
    assert fault(chain(1)) is None
    entries = chain(20)
    assert fault(entries) is None
    assert fault(entries, *map(head_of, entries)) is None
    assert check_chain("ten_a", entries).head == head_of(entries[-1])


CHANGES = {
    "tenant_id": "ten_b",
    "number": 99,
    "at": NOW + timedelta(microseconds=1),
    "principal_id": "key_9",
    "principal_kind": "user",
    "principal_name": "Eve",
    "action": "key.revoke",
    "target": "key_99",
    "fields": {"name": "added"},
    "address": "192.0.2.2",
    "agent": "wget",
    "request_id": "req_2",
    "through": 1,
    "hash": "0" * 64,
}


@pytest.mark.parametrize("name", CHANGES)
@given(at=st.integers(0, 9))
def test_a_change_of_any_field_is_found_where_it_is(name: str, at: int) -> None:
    entries = chain(10)
    entries[at] = replace(entries[at], **{name: CHANGES[name]})
    assert fault(entries) == at + 1


@given(
    at=st.integers(0, 9),
    name=st.sampled_from([name for name in CHANGES if name not in ("tenant_id", "number", "hash")]),
)
def test_a_change_with_a_hash_of_its_own_is_found_behind_it_or_by_a_head(at: int, name: str) -> None:
    entries = chain(10)
    head = head_of(entries[-1])
    changed = replace(entries[at], **{name: CHANGES[name]})
    entries[at] = link(changed, at + 1, entries[at - 1].hash if at else FIRST)
    assert fault(entries) == (at + 2 if at < 9 else None)
    assert fault(entries, head) == min(at + 2, 10)


@given(at=st.integers(0, 9), many=st.integers(1, 9))
def test_what_is_missing_is_named(at: int, many: int) -> None:
    entries = chain(10)
    head = head_of(entries[-1])
    del entries[at : at + many]
    is_tail = at + many >= 10
    assert fault(entries) == (None if is_tail else at + 1)
    assert fault(entries, head) == at + 1


@given(first=st.integers(0, 9), second=st.integers(0, 9))
def test_two_that_have_changed_places_are_found(first: int, second: int) -> None:
    entries = chain(10)
    one, other = entries[first], entries[second]
    entries[first], entries[second] = replace(other, number=first + 1), replace(one, number=second + 1)
    assert fault(entries) == (None if first == second else min(first, second) + 1)


@given(at=st.integers(0, 10))
def test_one_that_was_put_between_is_found(at: int) -> None:
    entries = chain(10)
    head = head_of(entries[-1])
    planted = link(entry(target="planted"), at + 1, entries[at - 1].hash if at else FIRST)
    moved = [replace(one, number=one.number + 1) for one in entries[at:]]
    # At the end it is as good as any other; what a head was kept of has not changed by it.
    assert fault([*entries[:at], planted, *moved]) == (at + 2 if at < 10 else None)
    assert fault([*entries[:at], planted, *moved], head) == (at + 2 if at < 9 else 10 if at == 9 else None)


def test_a_chain_of_another_tenant_is_found_at_its_first() -> None:
    assert fault(chain(5, "ten_b")) == 1
    mine, theirs = chain(5), chain(5, "ten_b")
    assert fault([*mine[:2], replace(theirs[2], tenant_id="ten_a"), *mine[3:]]) == 3


def test_a_whole_new_chain_is_found_by_a_head() -> None:
    head = head_of(chain(5)[3])
    forged, last = [], FIRST
    for number in range(1, 8):
        forged.append(link(entry(target=f"forged_{number}"), number, last))
        last = forged[-1].hash
    assert fault(forged) is None
    assert fault(forged, head) == 4
    assert fault([], head) == 1


def test_what_retention_took_is_not_missed_and_what_else_went_is() -> None:
    entries = chain(10)
    removed = head_of(entries[3])
    assert fault(entries[4:], removed=removed) is None
    assert fault(entries[4:], head_of(entries[1]), removed, removed=removed) is None
    assert fault(entries[5:], removed=removed) == 5
    assert fault(entries[2:], removed=removed) == 3
    assert fault(entries[4:]) == 1
    assert fault(entries[4:], replace(removed, hash="f" * 64), removed=removed) == 4
    assert fault(entries[4:], removed=replace(removed, hash="f" * 64)) == 5


@pytest.mark.parametrize(
    "text", ["", "1", "x:y:z", "ten_a:1:abc", f"ten_a:-1:{FIRST}", f"a b:1:{FIRST}", f"1:{FIRST}\n"]
)
def test_what_is_no_head_is_not_read(text: str) -> None:
    assert parse_head(text, "ten_a") is None


def test_a_head_is_read_as_it_is_written() -> None:
    head = head_of(chain(3)[2])
    assert parse_head(str(head)) == head
    assert parse_head(f"3:{head.hash}", "ten_a") == head
    assert parse_head(f"3:{head.hash}") is None
