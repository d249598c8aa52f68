"""The records of the sandbox's org, checked as Salesforce checks them."""

import copy
import itertools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from revolution_salesforce.sandbox.schema import OBJECTS, Field, SObject
from revolution_salesforce.sandbox.shapes import RefusedError
from revolution_sdk import Json, JsonObject

OWNER_ID = "005SB0000000001AAA"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+\Z")
_NUMBERS = frozenset({"currency", "percent", "double", "int"})


def sobject_of(name: str) -> SObject:
    """Return an object; raises RefusedError if the org has none of this name."""
    found = OBJECTS.get(name.lower())
    if found is None:
        raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")
    return found


def stamp(moment: datetime) -> str:
    """Return a moment as Salesforce writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


@dataclass(slots=True, kw_only=True)
class Records:
    """All records, those in the recycle bin included. One writer at a time; `unit` undoes what fails."""

    _rows: dict[str, dict[str, JsonObject]] = field(default_factory=lambda: {name: {} for name in OBJECTS})
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def unit(self, *, undo: bool) -> Iterator[None]:
        """Keep others out until the block ends; with `undo`, an error in it undoes all of it."""
        with self._lock:
            before = copy.deepcopy(self._rows) if undo else None
            try:
                yield
            except BaseException:
                if before is not None:
                    self._rows = before
                raise

    def rows(self, sobject: SObject) -> list[JsonObject]:
        """Return copies of the records that are not deleted, oldest first."""
        with self._lock:
            return [dict(one) for one in self._rows[sobject.name.lower()].values() if not one["IsDeleted"]]

    def create(self, sobject: SObject, values: Json) -> str:
        """Create a record and return its id."""
        given = _checked(sobject, values)
        missing = [one.name for one in sobject.fields.values() if one.required and not given.get(one.name)]
        if missing:
            told = f"Required fields are missing: [{', '.join(missing)}]"
            raise RefusedError(400, "REQUIRED_FIELD_MISSING", told, missing)
        with self._lock:
            self._require_unique(sobject, given, "")
            record_id, now = (
                _full_id(f"{sobject.prefix}SB{next(self._numbers):010d}"),
                stamp(datetime.now(UTC)),
            )
            empty: JsonObject = {one.name: None for one in sobject.fields.values()}
            own = {"Id": record_id, "CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
            marks: JsonObject = {"IsDeleted": False, "OwnerId": OWNER_ID}
            if "isconverted" in sobject.fields:
                marks["IsConverted"] = False
            self._rows[sobject.name.lower()][record_id[:15]] = {**empty, **marks, **given, **own}
        return record_id

    def get(self, sobject: SObject, record_id: str) -> JsonObject:
        """Return a copy of a record; raises RefusedError if there is none, or it is deleted."""
        with self._lock:
            found = self._rows[sobject.name.lower()].get(record_id[:15]) if _ID.match(record_id) else None
            if found is None:
                raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")
            if found["IsDeleted"]:
                raise RefusedError(404, "ENTITY_IS_DELETED", "entity is deleted")
            return dict(found)

    def change(self, sobject: SObject, record_id: str, values: JsonObject) -> None:
        """Set values of a record, the org's own among them."""
        with self._lock:
            kept = {**self.get(sobject, record_id), **values}
            now = stamp(datetime.now(UTC))
            kept |= {"LastModifiedDate": now, "SystemModstamp": now}
            self._rows[sobject.name.lower()][record_id[:15]] = kept

    def update(self, sobject: SObject, record_id: str, values: Json) -> None:
        """Set fields of a record."""
        with self._lock:
            self.get(sobject, record_id)
            given = _checked(sobject, values)
            emptied = [name for name, one in given.items() if not one and _required(sobject, name)]
            if emptied:
                told = f"Required fields are missing: [{', '.join(emptied)}]"
                raise RefusedError(400, "REQUIRED_FIELD_MISSING", told, emptied)
            self._require_unique(sobject, given, record_id)
            self.change(sobject, record_id, given)

    def matching(self, sobject: SObject, name: str, value: str) -> list[str]:
        """Return the ids of the records whose external id this is."""
        known = sobject.find(name)
        if known is None or not known.external_id:
            raise RefusedError(
                404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible"
            )
        rows = self.rows(sobject)
        return [str(one["Id"]) for one in rows if str(one[known.name] or "").lower() == value.lower()]

    def delete(self, sobject: SObject, record_id: str) -> None:
        """Move a record to the recycle bin."""
        self.change(sobject, record_id, {"IsDeleted": True})

    def deleted(self, sobject: SObject) -> list[tuple[str, str]]:
        """Return id and moment of what is in the recycle bin."""
        with self._lock:
            bin_ = [one for one in self._rows[sobject.name.lower()].values() if one["IsDeleted"]]
            return [(str(one["Id"]), str(one["SystemModstamp"])) for one in bin_]

    def _require_unique(self, sobject: SObject, given: JsonObject, record_id: str) -> None:
        for name, value in given.items():
            one = sobject.find(name)
            if one is None or not one.external_id or not value:
                continue
            others = [
                each for each in self.matching(sobject, name, str(value)) if each[:15] != record_id[:15]
            ]
            if others:
                told = f"duplicate value found: {name} duplicates value on record with id: {others[0][:15]}"
                raise RefusedError(400, "DUPLICATE_VALUE", told, [])


def _required(sobject: SObject, name: str) -> bool:
    found = sobject.find(name)
    return found is not None and found.required


def _checked(sobject: SObject, values: Json) -> JsonObject:
    if not isinstance(values, dict) or not values:
        raise RefusedError(
            400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no fields"
        )
    found: JsonObject = {}
    for name, value in values.items():
        known = sobject.find(name)
        if known is None:
            told = f"No such column '{name}' on sobject of type {sobject.name}"
            raise RefusedError(400, "INVALID_FIELD", told)
        if known.own:
            told = f"Unable to create/update fields: {known.name}. Please check its security settings."
            raise RefusedError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", told, [known.name])
        found[known.name] = _value(known, value)
    return found


def _value(known: Field, value: Json) -> Json:
    if value is None or value == "":
        return None
    if known.type in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _odd(
                known, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {known.type} from {value!r}"
            )
        return float(value)
    if not isinstance(value, str):
        raise _odd(known, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {known.type} from {value!r}")
    if known.length and len(value) > known.length:
        told = f"{known.name}: data value too large: {value[:20]} (max length={known.length})"
        raise _odd(known, "STRING_TOO_LONG", told)
    if known.type == "email" and not _EMAIL.match(value):
        raise _odd(known, "INVALID_EMAIL_ADDRESS", f"{known.name}: invalid email address: {value}")
    if known.type == "reference" and not _ID.match(value):
        raise _odd(known, "MALFORMED_ID", f"{known.name}: id value of incorrect type: {value}")
    if known.type == "date":
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise _odd(
                known, "JSON_PARSER_ERROR", f"Cannot deserialize instance of date from {value}"
            ) from error
    return value


def _odd(known: Field, code: str, message: str) -> RefusedError:
    return RefusedError(400, code, message, [known.name])


def _full_id(short: str) -> str:
    """Return an id of 18 characters: three more that make it safe where case is lost."""
    marks = (
        sum(1 << at for at, one in enumerate(short[part : part + 5]) if one.isupper()) for part in (0, 5, 10)
    )
    return short + "".join(_LETTERS[mark] for mark in marks)
