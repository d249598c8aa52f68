"""A place in the row of tokens: looking ahead, taking, and saying what was expected instead."""

from revolution_hub.errors import TemplateError
from revolution_hub.template.filters.filter import Filter
from revolution_hub.template.lexer import Kind, Token, tokenize
from revolution_hub.template.place import Place, Source, printable

LONGEST_WORD_SHOWN = 40


class Cursor:
    """Walks through the tokens of a template, once and forward."""

    def __init__(self, source: Source, most_depth: int) -> None:
        self.source = source
        self.tokens = tokenize(source)
        self.next = 0
        self.depth = 0
        self.most_depth = most_depth

    def peek(self, ahead: int = 0) -> Token:
        """Return the next token, or one further ahead, without taking it."""
        # Never runs past the end: every expression ends in CLOSE, behind which END stands.
        return self.tokens[self.next + ahead]

    def take(self) -> Token:
        """Return the next token and go on behind it."""
        token = self.peek()
        self.next += 1
        return token

    def accept(self, kind: Kind, value: str) -> bool:
        """Take the next token if it is this one; tell whether it was."""
        token = self.peek()
        if token.kind is kind and token.value == value:
            self.next += 1
            return True
        return False

    def require(self, symbol: str) -> None:
        """Take this symbol; raises TemplateError if it is not next."""
        if not self.accept(Kind.SYMBOL, symbol):
            raise self.expected(symbol, self.peek())

    def enter(self, token: Token) -> None:
        """Go one level deeper; raises TemplateLimitError below the deepest. Whoever enters takes it back."""
        self.depth += 1
        if self.depth > self.most_depth:
            raise self.place(token).limit(f"this is nested deeper than {self.most_depth} levels")

    def take_one_of(self, symbols: str) -> Token | None:
        """Take the next token if it is one of these symbols of one character."""
        token = self.peek()
        if token.kind is not Kind.SYMBOL or len(token.value) != 1 or token.value not in symbols:
            return None
        return self.take()

    def place(self, token: Token) -> Place:
        """Return where a token stands."""
        return Place(self.source, token.offset)

    def error(self, token: Token, message: str) -> TemplateError:
        """Make the error that points at a token."""
        return self.place(token).error(message)

    def expected(self, what: str, token: Token, hint: str = "") -> TemplateError:
        """Make the error that says what should stand where a token stands."""
        return self.error(token, f"expected {what}, found {shown(token)}{hint}")

    def trailing(self, token: Token) -> TemplateError:
        """Make the error for what stands behind a complete expression."""
        hints = {
            "(": "; values cannot be called, a filter is written | name:argument",
            "-": '; a key with a hyphen is written ["my-key"]',
            ":": "; arguments stand behind the name of a filter",
            "?": "; a choice is written {{#if a}}b{{else}}c{{/if}}, or: a and b or c",
        }
        hint = hints.get(token.value, "") if token.kind is Kind.SYMBOL else ""
        return self.expected("an operator, | or }}", token, hint)


def is_word(token: Token, word: str) -> bool:
    """Tell whether the token is this word."""
    return token.kind is Kind.NAME and token.value == word


def shown(token: Token) -> str:
    """Name a token in a message; what stands in quotes may be data and is not shown."""
    if token.kind is Kind.STRING:
        return "a text in quotes"
    if token.kind is Kind.NUMBER:
        return "a number"
    word = printable(str(token.value))
    return word if len(word) <= LONGEST_WORD_SHOWN else word[:LONGEST_WORD_SHOWN] + "…"


def arity(filter_: Filter) -> str:
    """Say how many arguments a filter takes."""
    least, most = filter_.least_arguments, filter_.most_arguments
    if most == 0:
        return "no arguments"
    count = str(most) if least == most else f"{least} to {most}"
    return f"{count} argument" if most == 1 else f"{count} arguments"
