"""As much SOQL as the sandbox understands: one object, conditions, order, limit and offset, COUNT()."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from revolution_salesforce.sandbox.schema import OBJECTS, Field, SObject
from revolution_salesforce.sandbox.shapes import RefusedError
from revolution_sdk import Json, JsonObject

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:\\.|[^'\\])*')
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    |(?P<mark><=|>=|!=|[=<>(),]))""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "N": "\n", "R": "\r"}
_COMPARE: dict[str, Callable[..., bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
Test = Callable[[JsonObject], bool]


@dataclass(slots=True)
class Query:
    """A query as it was read."""

    sobject: SObject
    columns: list[Field]
    count: bool = False
    test: Test = field(default=lambda row: True)
    order: list[tuple[Field, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0

    def run(self, rows: list[JsonObject]) -> list[JsonObject]:
        """Return the rows that were asked for, whole."""
        found = [row for row in rows if self.test(row)]
        for known, descending in reversed(self.order):
            found.sort(key=partial(_rank, known), reverse=descending)
        end = None if self.limit is None else self.offset + self.limit
        return found[self.offset : end]


def parse(text: str) -> Query:
    """Read a query; raises RefusedError MALFORMED_QUERY, INVALID_TYPE or INVALID_FIELD."""
    return _Reader(text).query()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise malformed(f"unexpected token: {text[at:].strip()[:20]}")
            self._tokens.append((found.lastgroup, found.group(found.lastgroup)))
            at = found.end()
        self._at = 0

    def query(self) -> Query:
        self._expect("SELECT")
        names = [self._name()]
        count = names == ["COUNT"] and self._take("(")
        if count:
            self._expect(")")
        while self._take(","):
            names.append(self._name())
        self._expect("FROM")
        found = self._sobject(self._name())
        query = Query(found, [] if count else [self._field(found, one) for one in names], count)
        if self._take("WHERE"):
            query.test = self._either(found)
        if self._take("ORDER"):
            self._expect("BY")
            query.order = list(self._order(found))
        query.limit = self._number() if self._take("LIMIT") else None
        query.offset = self._number() if self._take("OFFSET") else 0
        if self._at < len(self._tokens):
            raise malformed(f"unexpected token: {self._tokens[self._at][1]}")
        return query

    def _order(self, found: SObject) -> Iterator[tuple[Field, bool]]:
        while True:
            known = self._field(found, self._name())
            descending = self._take("DESC")
            if not descending:
                self._take("ASC")
            yield known, descending
            if not self._take(","):
                return

    def _either(self, found: SObject) -> Test:
        tests = [self._both(found)]
        while self._take("OR"):
            tests.append(self._both(found))
        return lambda row: any(one(row) for one in tests)

    def _both(self, found: SObject) -> Test:
        tests = [self._one(found)]
        while self._take("AND"):
            tests.append(self._one(found))
        return lambda row: all(one(row) for one in tests)

    def _one(self, found: SObject) -> Test:
        if self._take("NOT"):
            inner = self._one(found)
            return lambda row: not inner(row)
        if self._take("("):
            test = self._either(found)
            self._expect(")")
            return test
        known = self._field(found, self._name())
        if self._take("NOT"):
            self._expect("IN")
            among = self._listed(known)
            return lambda row: _plain(known, row) not in among
        if self._take("IN"):
            among = self._listed(known)
            return lambda row: _plain(known, row) in among
        if self._take("LIKE"):
            pattern = _pattern(self._raw_text())
            return lambda row: pattern.fullmatch(str(row[known.name] or "")) is not None
        return _comparison(known, self._mark(), self._value(known))

    def _listed(self, known: Field) -> list[Json]:
        self._expect("(")
        values = [self._value(known)]
        while self._take(","):
            values.append(self._value(known))
        self._expect(")")
        return values

    def _value(self, known: Field) -> Json:
        kind, text = self._next()
        if kind == "text":
            if known.type in ("datetime", "date", "boolean", "double", "currency", "percent"):
                told = f"value of filter criterion for field '{known.name}' must be of type {known.type}"
                raise RefusedError(400, "INVALID_FIELD", told + " and should not be enclosed in quotes")
            return _unescaped(text).lower()
        if kind == "datetime":
            return datetime.fromisoformat(text).timestamp()
        if kind == "number":
            return float(text)
        if kind == "date":
            return text
        if kind == "word" and text.lower() in ("null", "true", "false"):
            return {"null": None, "true": True, "false": False}[text.lower()]
        raise malformed(f"unexpected token: {text}")

    def _raw_text(self) -> str:
        kind, text = self._next()
        if kind != "text":
            raise malformed(f"unexpected token: {text}")
        return text

    def _mark(self) -> str:
        kind, text = self._next()
        if kind != "mark" or text not in ("=", "!=", *_COMPARE):
            raise malformed(f"unexpected token: {text}")
        return text

    def _number(self) -> int:
        kind, text = self._next()
        if kind != "number" or not text.isdigit():
            raise malformed(f"unexpected token: {text}")
        return int(text)

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "word":
            raise malformed(f"unexpected token: {text}")
        return text

    def _sobject(self, name: str) -> SObject:
        found = OBJECTS.get(name.lower())
        if found is None:
            raise RefusedError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found

    def _field(self, found: SObject, name: str) -> Field:
        known = found.find(name)
        if known is None:
            told = f"No such column '{name}' on entity '{found.name}'."
            raise RefusedError(400, "INVALID_FIELD", told)
        return known

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].upper() == word:
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise malformed(f"expecting {word}")

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise malformed("unexpected end of query")
        self._at += 1
        return self._tokens[self._at - 1]


def malformed(message: str) -> RefusedError:
    """Return the refusal of a query that cannot be read."""
    return RefusedError(400, "MALFORMED_QUERY", message)


def _comparison(known: Field, mark: str, wanted: Json) -> Test:
    if mark == "=":
        return lambda row: _plain(known, row) == wanted
    if mark == "!=":
        return lambda row: _plain(known, row) != wanted
    return lambda row: (
        _plain(known, row) is not None and wanted is not None and _COMPARE[mark](_plain(known, row), wanted)
    )


def _plain(known: Field, row: JsonObject) -> Json:
    """Return a value as comparisons want it: texts in lower case, moments as seconds."""
    value = row[known.name]
    if known.type == "datetime" and value is not None:
        return datetime.fromisoformat(value).timestamp()
    return value.lower() if isinstance(value, str) else value


def _rank(known: Field, row: JsonObject) -> tuple[bool, Json]:
    value = _plain(known, row)
    return (value is not None, value if value is not None else 0)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _PLAIN.get(found.group(1), found.group(1)), text[1:-1])


def _pattern(text: str) -> re.Pattern[str]:
    parts = []
    for found in re.finditer(r"\\(.)|([%_])|(.)", text[1:-1], re.DOTALL):
        escaped, wild, letter = found.groups()
        if wild:
            parts.append(".*" if wild == "%" else ".")
        else:
            parts.append(re.escape(_PLAIN.get(escaped, escaped) if escaped else letter))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
