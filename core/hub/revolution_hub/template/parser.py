"""Templates: texts, expressions and blocks in their order.

template = { text | "{{" expression "}}" | block }
block    = "{{#if" e "}}" template { "{{else if" e "}}" template } [ "{{else}}" template ] "{{/if}}"
         | "{{#unless" e "}}" template [ "{{else}}" template ] "{{/unless}}"
         | "{{#each" e [ "as" name [ "," name ] ] "}}" template [ "{{else}}" template ] "{{/each}}"
"""

from dataclasses import dataclass

from revolution_hub.errors import TemplateError
from revolution_hub.template.blocks import Body, Each, If, Part, Shown, may_be_null
from revolution_hub.template.cursor import is_word, shown
from revolution_hub.template.expressions import THIS, WORDS, Expressions, LoopNames
from revolution_hub.template.lexer import ELSE, RAW, Kind, Token
from revolution_hub.template.limits import Limits
from revolution_hub.template.near import did_you_mean
from revolution_hub.template.nodes import Maybe, Node, Not
from revolution_hub.template.place import Source
from revolution_hub.template.values import PathUse

IF, UNLESS, EACH = "if", "unless", "each"
BLOCKS = (IF, UNLESS, EACH, RAW)
AS = "as"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tree:
    """A parsed template, and every path it reads."""

    body: Body
    paths: tuple[PathUse, ...]


def parse(source: Source, limits: Limits) -> Tree:
    """Parse a whole template. Raises TemplateError at the first thing that is wrong, with its place."""
    return _Parser(source, limits).tree()


class _Parser(Expressions):
    def tree(self) -> Tree:
        body = self.body()
        token = self.peek()
        if token.kind is Kind.END_BLOCK:
            raise self.error(token, f"there is no block open that /{shown(token)} could close")
        if token.kind is not Kind.END:
            raise self.error(self.peek(1), "else stands only inside {{#if}}, {{#unless}} and {{#each}}")
        return Tree(body=body, paths=self.paths())

    def body(self) -> Body:
        """Read up to what ends the block around: its `else`, its end, or the end of the template."""
        place = self.place(self.peek())
        outer_steps, self.steps = self.steps, 0
        parts: list[Part] = []
        while (token := self.peek()).kind not in (Kind.END, Kind.END_BLOCK) and not self.at_else():
            self.take()
            if token.kind is Kind.TEXT:
                parts.append(str(token.value))
            elif token.kind is Kind.BLOCK:
                parts.append(self.block(token))
            else:
                node = self.expression()
                self.close()
                parts.append(Shown(node=node, optional=may_be_null(node)))
        body = Body(parts=tuple(parts), steps=self.steps, place=place)
        self.steps = outer_steps
        return body

    def at_else(self) -> bool:
        return self.peek().kind is Kind.OPEN and is_word(self.peek(1), ELSE)

    def close(self) -> None:
        if self.peek().kind is not Kind.CLOSE:
            raise self.trailing(self.peek())
        self.take()

    def block(self, token: Token) -> Part:
        name = str(token.value)
        if name not in BLOCKS:
            hint = did_you_mean(name, BLOCKS) or f"; there are {', '.join(BLOCKS)}"
            raise self.error(token, f"there is no block #{shown(token)}{hint}")
        self.enter(token)
        block = self.each(token) if name == EACH else self.choice(token, negated=name == UNLESS)
        self.depth -= 1
        return block

    def choice(self, token: Token, *, negated: bool) -> If:
        place = self.place(self.peek())
        condition = self.expression()
        self.close()
        if negated:
            condition = self.made(Not(operand=condition, place=place))
        branches: list[tuple[Node | None, Body]] = [(condition, self.body())]
        while self.at_else() and branches[-1][0] is not None:
            self.next += 2
            branches.append((self.else_condition(), self.body()))
        self.end(token)
        return If(branches=tuple(branches))

    def else_condition(self) -> Node | None:
        """Read what stands behind `else`: nothing, or `if` and a condition."""
        condition = self.expression() if self.accept(Kind.NAME, IF) else None
        if condition is None and self.peek().kind is not Kind.CLOSE:
            raise self.expected("if or }}", self.peek())
        self.close()
        return condition

    def each(self, token: Token) -> Each:
        members = self.expression()
        names = self.loop_names()
        self.close()
        level = len(self.loops)
        self.loops.append(LoopNames(level=level, base=self.base(members), names=names))
        body = self.body()
        self.loops.pop()
        otherwise = None
        if self.at_else():
            self.next += 2
            if self.peek().kind is not Kind.CLOSE:
                raise self.expected("}}", self.peek())
            self.close()
            otherwise = self.body()
        self.end(token)
        return Each(members=members, body=body, otherwise=otherwise, level=level)

    def loop_names(self) -> dict[str, str]:
        """Read `as member` or `as member, position`; returns what each name inside the loop stands for."""
        names = {THIS: THIS}
        if self.accept(Kind.NAME, AS):
            names[self.new_name()] = THIS
            if self.accept(Kind.SYMBOL, ","):
                names[self.new_name()] = "@position"
        return names

    def new_name(self) -> str:
        token = self.take()
        if token.kind is not Kind.NAME or token.value in WORDS or token.value == THIS:
            raise self.expected("a name", token)
        return str(token.value)

    def base(self, members: Node) -> tuple[str | int, ...] | None:
        """Return the path a loop runs over, as the paths inside it begin."""
        return self.uses.get(members.operand if isinstance(members, Maybe) else members)

    def end(self, opened: Token) -> None:
        """Take the end of a block."""
        token = self.peek()
        if token.kind is not Kind.END_BLOCK:
            raise self.unclosed(opened, token)
        if token.value != opened.value:
            raise self.error(token, f"expected /{opened.value}, found /{shown(token)}")
        self.take()
        self.close()

    def unclosed(self, opened: Token, token: Token) -> TemplateError:
        if token.kind is Kind.END:
            return self.error(opened, f"this {{{{#{opened.value}}}}} has no {{{{/{opened.value}}}}}")
        return self.error(self.peek(1), f"nothing comes behind else in {{{{#{opened.value}}}}} but its end")
