"""Templates: {{ expressions }} over JSON. They read data: no attributes, no calls, no second pass.

    {{ steps.contact.email }}            a path; also items[0], items[-1], data["odd key"]
    {{ company? }}                       it may be missing: null alone, nothing within text, no filters then
    {{ name | "there" }}                 a default, where the value is absent, null or ""
    {{ mobile ?? phone }}                the first that is there and not null
    {{ title | trim | truncate:20 }}     filters, with arguments as | name:"x", other.path, (an expression)
    {{ score >= 60 and not paused }}     == != < <= > >= in, `not in`, and, or, not, parentheses
    {{ (price * 1.19) | round:2 }}       + - * / % on numbers; a filter binds tighter than they do
    {{ "text" }}  {{ -1.5 }}  {{ true }}  {{ null }}

    {{#if a}} … {{else if b}} … {{else}} … {{/if}}        {{#unless a}} … {{else}} … {{/unless}}
    {{#each list as item, place}} … {{else}} … {{/each}}  with this, @index, @first, @last, @key
    {{! comment }}  {{!-- comment with }} --}}            {{#raw}} {{ not read }} {{/raw}}
    {{~ a ~}}                                             removes the white space on the side of the ~

A template that is one expression and nothing else but surrounding white space keeps the JSON type of its
value; every other template is text. Text shows strings as they are, true and false, numbers in their
shortest form, and lists and objects as compact JSON. Absent values are errors unless a `?` or a default
says otherwise; so is null within text.

Equality is that of JSON (1 equals 1.0, true does not equal 1). Ordering wants two numbers or two texts.
null, false, 0, "", [] and {} count as false; `and` and `or` give back the operand that decided. Where `and`,
`or`, `not` or an equality asks, an absent value counts as null. Inside a loop names of the scope stay what
they are; what belongs to the member is written with `this` or the name behind `as`.

Braces: {{ opens an expression and the next }} outside quotes closes it. A }} anywhere else is text, and so
is what follows the closing }}. Three opening braces are an error; {{ "{" }} and {{ "{{" }} write literal
ones. A block tag, an else or a comment that is alone on its line takes the line with it. Rendered values are
never read again, so braces inside them stay what they are.

From text to result: lexer, cursor, expressions and parser make the tree of nodes and blocks; render compiles
and caches it and keeps one account of limits for each run; document does this for every text of a JSON
document; filters/register.py lists the filters. docs/templates.md explains it all to users.
"""
