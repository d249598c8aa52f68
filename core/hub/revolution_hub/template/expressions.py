"""Expressions: tokens to nodes. A hand-written descent, a method per level of the grammar, bounded in depth.

expression = chain { "or" chain }                chain = negation { "and" negation }
negation   = "not" negation | comparison         comparison = fallback [ sign fallback ]
fallback   = sum { "??" sum }                    sum = product { ( "+" | "-" ) product }
product    = unary { ( "*" | "/" | "%" ) unary } unary = "-" unary | piped
piped      = operand { "|" ( literal | name [ ":" operand { ( ":" | "," ) operand } ] ) }
operand    = literal | path [ "?" ] | "@" name | "(" expression ")"
path       = name { "." name | "[" index "]" }
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from revolution_hub.template.comparisons import COMPARISONS
from revolution_hub.template.cursor import Cursor, arity, is_word, shown
from revolution_hub.template.filters.basic import DEFAULT_FILTER
from revolution_hub.template.filters.filter import LARGEST_NUMBER, Filter
from revolution_hub.template.filters.register import FILTERS
from revolution_hub.template.lexer import Kind, Token
from revolution_hub.template.limits import Limits
from revolution_hub.template.near import did_you_mean
from revolution_hub.template.nodes import (
    And,
    Calculate,
    Compare,
    Fallback,
    FilterCall,
    Literal,
    Local,
    LoopFact,
    Maybe,
    Negative,
    Node,
    Not,
    Or,
    Path,
    Piped,
    Term,
)
from revolution_hub.template.place import Place, Source
from revolution_hub.template.values import PathUse
from revolution_sdk.types import Json

CONSTANTS = {"true": True, "false": False, "null": None}
WORDS = {*CONSTANTS, "and", "or", "not", "in", "else"}
FACTS = ("@index", "@first", "@last", "@key")
THIS = "this"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopNames:
    """What the inside of a loop may call its own. `base` is the path of what it runs over, if it is one."""

    level: int
    base: tuple[str | int, ...] | None
    names: dict[str, str] = field(default_factory=dict)


class Expressions(Cursor):
    """Reads expressions, and keeps account of their paths and steps."""

    def __init__(self, source: Source, limits: Limits) -> None:
        super().__init__(source, limits.depth)
        self.steps = 0
        self.loops: list[LoopNames] = []
        self.uses: dict[Node, tuple[str | int, ...]] = {}
        self.defaulted: set[Node] = set()

    def paths(self) -> tuple[PathUse, ...]:
        """Return every path read so far, in order; what a loop reads of its members as that of the first."""
        return tuple(
            PathUse(
                parts=parts,
                line=node.place.line,
                column=node.place.column,
                defaulted=node in self.defaulted,
            )
            for node, parts in self.uses.items()
        )

    def expression(self) -> Node:
        """Read a whole expression."""
        place = self.place(self.peek())
        operands = [self.chain()]
        while self.accept(Kind.NAME, "or"):
            operands.append(self.chain())
        return operands[0] if len(operands) == 1 else self.made(Or(operands=tuple(operands), place=place))

    def chain(self) -> Node:
        place = self.place(self.peek())
        operands = [self.negation()]
        while self.accept(Kind.NAME, "and"):
            operands.append(self.negation())
        return operands[0] if len(operands) == 1 else self.made(And(operands=tuple(operands), place=place))

    def negation(self) -> Node:
        token = self.peek()
        if not self.accept(Kind.NAME, "not"):
            return self.comparison()
        self.enter(token)
        node = self.made(Not(operand=self.negation(), place=self.place(token)))
        self.depth -= 1
        return node

    def comparison(self) -> Node:
        left = self.fallback()
        token = self.peek()
        sign = self.sign()
        if sign is None:
            return left
        right = self.fallback()
        another = self.peek()
        if self.sign() is not None:
            raise self.error(another, "comparisons do not chain; join two of them with and")
        comparison = COMPARISONS[sign]
        return self.made(Compare(left=left, right=right, comparison=comparison, place=self.place(token)))

    def sign(self) -> str | None:
        """Take a comparison sign, if one is next."""
        token, behind = self.peek(), self.peek(1)
        if is_word(token, "not") and is_word(behind, "in"):
            self.next += 2
            return "not in"
        if is_word(token, "in") or (token.kind is Kind.SYMBOL and token.value in COMPARISONS):
            return str(self.take().value)
        return None

    def fallback(self) -> Node:
        place = self.place(self.peek())
        operands = [self.sum()]
        while self.accept(Kind.SYMBOL, "??"):
            self.defaulted.add(operands[-1])
            operands.append(self.sum())
        if len(operands) == 1:
            return operands[0]
        return self.made(Fallback(operands=tuple(operands), place=place))

    def sum(self) -> Node:
        return self.calculated("+-", self.product)

    def product(self) -> Node:
        return self.calculated("*/%", self.unary)

    def calculated(self, signs: str, operand: Callable[[], Node]) -> Node:
        first, terms = operand(), list[Term]()
        while (token := self.take_one_of(signs)) is not None:
            self.refuse_hyphen(token)
            terms.append(Term(sign=str(token.value), operand=operand(), place=self.place(token)))
            self.steps += 1
        return Calculate(first=first, terms=tuple(terms)) if terms else first

    def refuse_hyphen(self, token: Token) -> None:
        """Refuse `first-name`, which is more likely a key than a difference."""
        before, behind = self.tokens[self.next - 2], self.peek()
        is_key = before.kind is Kind.NAME and before.offset + len(str(before.value)) == token.offset
        if token.value == "-" and is_key and behind.kind is Kind.NAME and behind.offset == token.offset + 1:
            raise self.trailing(token)

    def unary(self) -> Node:
        token = self.peek()
        if self.peek(1).kind is Kind.NUMBER or not self.accept(Kind.SYMBOL, "-"):
            return self.piped()
        self.enter(token)
        node = self.made(Negative(operand=self.unary(), place=self.place(token)))
        self.depth -= 1
        return node

    def piped(self) -> Node:
        operand = self.operand()
        calls: list[FilterCall] = []
        while self.accept(Kind.SYMBOL, "|"):
            calls.append(self.filter_call())
        if not calls:
            return operand
        if calls[0].filter is DEFAULT_FILTER:
            self.defaulted.add(operand)
        self.steps += len(calls)
        return self.made(Piped(operand=operand, calls=tuple(calls), place=operand.place))

    def filter_call(self) -> FilterCall:
        token = self.peek()
        literal = self.literal()
        if literal is not None:
            return FilterCall(filter=DEFAULT_FILTER, arguments=(literal,), place=literal.place)
        filter_ = self.filter_name()
        arguments: list[Node] = []
        if self.accept(Kind.SYMBOL, ":"):
            arguments.append(self.operand())
            while self.accept(Kind.SYMBOL, ":") or self.accept(Kind.SYMBOL, ","):
                arguments.append(self.operand())
        if not filter_.least_arguments <= len(arguments) <= filter_.most_arguments:
            # As Jinja and Liquid write it: default("x"), truncate 5.
            behind = self.peek()
            is_meant = behind.kind in (Kind.STRING, Kind.NUMBER) or behind.value == "("
            hint = f"; arguments stand behind a colon: {filter_.name}:…" if is_meant else ""
            raise self.error(token, f"{filter_.name} takes {arity(filter_)}, not {len(arguments)}{hint}")
        self.complain(filter_, arguments)
        return FilterCall(filter=filter_, arguments=tuple(arguments), place=self.place(token))

    def complain(self, filter_: Filter, arguments: list[Node]) -> None:
        """Refuse a written argument that the filter could never use."""
        for index, argument in enumerate(arguments):
            if filter_.complaint is not None and isinstance(argument, Literal):
                complaint = filter_.complaint(index, argument.value)
                if complaint is not None:
                    raise argument.place.error(complaint)

    def filter_name(self) -> Filter:
        token = self.take()
        if token.kind is not Kind.NAME:
            hint = "; for a choice write or" if token.value == "|" else ""
            raise self.expected("a filter or a default value", token, hint)
        found = FILTERS.get(token.value)
        if found is None:
            near = "" if token.value[0].isupper() else did_you_mean(token.value, FILTERS)
            hint = near or "; a default text stands in quotes"
            raise self.error(token, f"there is no filter {shown(token)}{hint}")
        return found

    def operand(self) -> Node:
        literal = self.literal()
        if literal is not None:
            return literal
        token = self.take()
        if token.kind is Kind.NAME and token.value not in WORDS:
            return self.path(token)
        if token.kind is Kind.LOCAL:
            return self.fact(token, str(token.value))
        if token.kind is not Kind.SYMBOL or token.value != "(":
            raise self.expected("a value", token)
        self.enter(token)
        node = self.expression()
        self.require(")")
        self.depth -= 1
        return node

    def literal(self) -> Literal | None:
        """Take a literal, if one is next; a minus belongs to the number behind it."""
        token = self.peek()
        if token.kind in (Kind.STRING, Kind.NUMBER):
            return self.literal_of(self.take().value, token)
        if token.kind is Kind.NAME and token.value in CONSTANTS:
            return self.literal_of(CONSTANTS[self.take().value], token)
        if not self.accept(Kind.SYMBOL, "-"):
            return None
        number = self.take()
        if number.kind is not Kind.NUMBER:
            raise self.expected("a number after -", number)
        return self.literal_of(-number.value, token)

    def literal_of(self, value: Json, token: Token) -> Literal:
        if isinstance(value, int) and not -LARGEST_NUMBER <= value < LARGEST_NUMBER:
            raise self.error(token, "a whole number has at most 64 bits; a longer row of digits is a text")
        self.steps += 1
        return Literal(value=value, place=self.place(token))

    def path(self, root: Token) -> Node:
        parts: list[str | int] = [root.value]
        places = [self.place(root)]
        while True:
            places.append(self.place(self.peek(1)))
            if self.accept(Kind.SYMBOL, "."):
                parts.append(self.member())
            elif self.accept(Kind.SYMBOL, "["):
                parts.append(self.index())
            else:
                break
        self.steps += 1
        node = self.resolved(root, tuple(parts), tuple(places[: len(parts)]))
        if isinstance(node, LoopFact) or not self.accept(Kind.SYMBOL, "?"):
            return node
        self.defaulted.add(node)
        if self.peek().kind is Kind.SYMBOL and self.peek().value in (".", "["):
            raise self.error(self.peek(), "the ? stands at the end of a path: a.b?")
        return Maybe(operand=node, place=node.place)

    def resolved(
        self, root: Token, parts: tuple[str | int, ...], places: tuple[Place, ...]
    ) -> Path | Local | LoopFact:
        """Return a path into the scope, or into what the nearest loop of that name is at."""
        for loop in reversed(self.loops):
            meant = loop.names.get(str(root.value))
            if meant == THIS:
                local = Local(level=loop.level, parts=parts, places=places)
                if loop.base is not None:
                    self.uses[local] = (*loop.base, 0, *parts[1:])
                return local
            if meant is not None:
                if len(parts) > 1:
                    raise places[1].error(f"{shown(root)} is a position, which has no parts")
                return LoopFact(level=loop.level, fact=meant, place=places[0])
        path = Path(parts=parts, places=places)
        self.uses[path] = parts
        return path

    def fact(self, token: Token, name: str) -> LoopFact:
        if name not in FACTS:
            raise self.error(token, f"there is no {shown(token)}; a loop has {', '.join(FACTS)}")
        if not self.loops:
            raise self.error(token, f"{name} is only there inside {{{{#each}}}}")
        self.steps += 1
        return LoopFact(level=self.loops[-1].level, fact=name, place=self.place(token))

    def member(self) -> str:
        token = self.take()
        if token.kind is not Kind.NAME:
            hint = "; a list index is written [0]" if token.kind is Kind.NUMBER else ""
            raise self.expected("a name after the dot", token, hint)
        return str(token.value)

    def index(self) -> str | int:
        token = self.peek()
        literal = self.literal()
        value = literal.value if literal is not None else None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.expected("a whole number or a text in quotes", token)
        self.require("]")
        return value

    def made(self, node: Node) -> Node:
        self.steps += 1
        return node
