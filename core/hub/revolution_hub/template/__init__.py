"""Templates: {{ expressions }} over JSON. They read data: no attributes, no calls, no second pass.

    {{ steps.contact.email }}            a path; also items[0], items[-1], data["odd key"]
    {{ name | "there" }}                 a default, where the value is absent, null or ""
    {{ title | trim | upper }}           filters, with arguments as | default:"x" or | name:"x", other.path
    {{ score >= 60 and not paused }}     == != < <= > >= in, `not in`, and, or, not, parentheses
    {{ "text" }}  {{ -1.5 }}  {{ true }}  {{ null }}

A template that is one expression and nothing else but surrounding white space keeps the JSON type of its
value; every other template is text. Text shows strings as they are, true and false, numbers in their
shortest form, and lists and objects as compact JSON; null and absent values are errors unless defaulted.

Equality is that of JSON (1 equals 1.0, true does not equal 1). Ordering wants two numbers or two texts.
null, false, 0, "", [] and {} count as false; `and` and `or` give back the operand that decided. Where a
truth or an equality is asked for, an absent value counts as null.

Braces: {{ opens an expression and the next }} outside quotes closes it. A }} anywhere else is text, and so
is what follows the closing }}. Three opening braces are an error; {{ "{" }} and {{ "{{" }} write literal
ones. Rendered values are never read again, so braces inside them stay what they are.
"""
