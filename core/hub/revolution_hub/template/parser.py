"""Tokens to nodes. A hand-written descent, one method per level of the grammar, bounded in depth.

expression = chain { "or" chain }                chain = negation { "and" negation }
negation   = "not" negation | comparison         comparison = piped [ sign piped ]
piped      = operand { "|" ( literal | name [ ":" operand { ( ":" | "," ) operand } ] ) }
operand    = literal | path | "(" expression ")" path = name { "." name | "[" index "]" }
"""

from dataclasses import dataclass

from revolution_hub.errors import TemplateError
from revolution_hub.template.comparisons import COMPARISONS
from revolution_hub.template.filters.basic import DEFAULT_FILTER
from revolution_hub.template.filters.filter import Filter
from revolution_hub.template.filters.register import FILTERS
from revolution_hub.template.lexer import Kind, Token, tokenize
from revolution_hub.template.limits import Limits
from revolution_hub.template.near import did_you_mean
from revolution_hub.template.nodes import And, Compare, FilterCall, Literal, Node, Not, Or, Path, Piped
from revolution_hub.template.place import Place, Source, printable
from revolution_hub.template.values import PathUse
from revolution_sdk.types import Json

CONSTANTS = {"true": True, "false": False, "null": None}
WORDS = {*CONSTANTS, "and", "or", "not", "in"}
LONGEST_WORD_SHOWN = 40


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tree:
    """A parsed template: texts and expressions in order, and how many steps evaluating all of it takes."""

    parts: tuple[str | Node, ...]
    paths: tuple[PathUse, ...]
    steps: int


def parse(source: Source, limits: Limits) -> Tree:
    """Parse a whole template. Raises TemplateError at the first thing that is wrong, with its place."""
    return _Parser(source, limits).tree()


class _Parser:
    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.most_depth = limits.depth
        self.tokens = tokenize(source)
        self.next = 0
        self.depth = 0
        self.steps = 0
        self.paths: list[Path] = []
        self.defaulted: set[Path] = set()

    def tree(self) -> Tree:
        parts: list[str | Node] = []
        while (token := self.take()).kind is not Kind.END:
            parts.append(token.value if token.kind is Kind.TEXT else self.embedded())
        return Tree(parts=tuple(parts), paths=tuple(map(self.use, self.paths)), steps=self.steps)

    def use(self, path: Path) -> PathUse:
        place = path.place
        return PathUse(
            parts=path.parts, line=place.line, column=place.column, defaulted=path in self.defaulted
        )

    def embedded(self) -> Node:
        node = self.expression()
        if self.peek().kind is not Kind.CLOSE:
            raise self.trailing(self.peek())
        self.take()
        return node

    def expression(self) -> Node:
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
        left = self.piped()
        token = self.peek()
        sign = self.sign()
        if sign is None:
            return left
        right = self.piped()
        another = self.peek()
        if self.sign() is not None:
            raise self.error(another, "comparisons do not chain; join two of them with and")
        comparison = COMPARISONS[sign]
        return self.made(Compare(left=left, right=right, comparison=comparison, place=self.place(token)))

    def sign(self) -> str | None:
        """Take a comparison sign, if one is next."""
        token, behind = self.peek(), self.peek(1)
        if _is_word(token, "not") and _is_word(behind, "in"):
            self.next += 2
            return "not in"
        if _is_word(token, "in") or (token.kind is Kind.SYMBOL and token.value in COMPARISONS):
            return str(self.take().value)
        return None

    def piped(self) -> Node:
        operand = self.operand()
        calls: list[FilterCall] = []
        while self.accept(Kind.SYMBOL, "|"):
            calls.append(self.filter_call())
        if not calls:
            return operand
        if isinstance(operand, Path) and calls[0].filter is DEFAULT_FILTER:
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
            raise self.error(token, f"{filter_.name} takes {_arity(filter_)}, not {len(arguments)}")
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
            raise self.error(token, f"there is no filter {_shown(token)}{hint}")
        return found

    def operand(self) -> Node:
        literal = self.literal()
        if literal is not None:
            return literal
        token = self.take()
        if token.kind is Kind.NAME and token.value not in WORDS:
            return self.path(token)
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
        self.steps += 1
        return Literal(value=value, place=self.place(token))

    def path(self, root: Token) -> Path:
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
        path = Path(parts=tuple(parts), places=tuple(places[: len(parts)]))
        self.paths.append(path)
        self.steps += 1
        return path

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

    def peek(self, ahead: int = 0) -> Token:
        # Never runs past the end: every expression ends in CLOSE, behind which END stands.
        return self.tokens[self.next + ahead]

    def take(self) -> Token:
        token = self.peek()
        self.next += 1
        return token

    def accept(self, kind: Kind, value: str) -> bool:
        token = self.peek()
        if token.kind is kind and token.value == value:
            self.next += 1
            return True
        return False

    def require(self, symbol: str) -> None:
        if not self.accept(Kind.SYMBOL, symbol):
            raise self.expected(symbol, self.peek())

    def enter(self, token: Token) -> None:
        self.depth += 1
        if self.depth > self.most_depth:
            raise self.place(token).limit(f"this is nested deeper than {self.most_depth} levels")

    def made(self, node: Node) -> Node:
        self.steps += 1
        return node

    def place(self, token: Token) -> Place:
        return Place(self.source, token.offset)

    def error(self, token: Token, message: str) -> TemplateError:
        return self.place(token).error(message)

    def expected(self, what: str, token: Token, hint: str = "") -> TemplateError:
        return self.error(token, f"expected {what}, found {_shown(token)}{hint}")

    def trailing(self, token: Token) -> TemplateError:
        hints = {
            "(": "; values cannot be called, a filter is written | name:argument",
            "-": '; a key with a hyphen is written ["my-key"]',
            ":": "; arguments stand behind the name of a filter",
        }
        hint = hints.get(token.value, "") if token.kind is Kind.SYMBOL else ""
        return self.expected("an operator, | or }}", token, hint)


def _is_word(token: Token, word: str) -> bool:
    return token.kind is Kind.NAME and token.value == word


def _shown(token: Token) -> str:
    if token.kind is Kind.STRING:
        return "a text in quotes"
    if token.kind is Kind.NUMBER:
        return "a number"
    word = printable(str(token.value))
    return word if len(word) <= LONGEST_WORD_SHOWN else word[:LONGEST_WORD_SHOWN] + "…"


def _arity(filter_: Filter) -> str:
    least, most = filter_.least_arguments, filter_.most_arguments
    if most == 0:
        return "no arguments"
    count = str(most) if least == most else f"{least} to {most}"
    return f"{count} argument" if most == 1 else f"{count} arguments"
