"""What the filters for lists ask of keys and members, and the filters that go by a key.

A key is a text. One made of plain names and dots, such as "address.city", leads from object to object; any
other text is one key as it stands.
"""

import re

from revolution_hub.errors import TemplateError
from revolution_hub.template.comparisons import equal
from revolution_hub.template.filters.filter import Example, Filter, argument_text, list_of
from revolution_hub.template.limits import Run
from revolution_hub.template.place import Place
from revolution_hub.template.values import kind_of
from revolution_sdk.types import Json

_PLAIN_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*\Z")

Found = list[tuple[Json, bool]]


def found_under(name: str, members: list[Json], key: Json, run: Run, place: Place) -> Found:
    """Look up a key in every member: its value and true, or null and false where it is not.

    Raises TemplateError for a member that is no object, by its index.
    """
    text = argument_text(name, "the key", key, run, place)
    parts = text.split(".") if _PLAIN_PATH.match(text) else [text]
    run.look(len(members) * len(parts), place)
    for index, member in enumerate(members):
        if not isinstance(member, dict):
            raise place.error(f"{name} by a key needs objects, but member [{index}] is {kind_of(member)}")
    return [_lookup(member, parts) for member in members]


def _lookup(member: Json, parts: list[str]) -> tuple[Json, bool]:
    for part in parts:
        if not isinstance(member, dict) or part not in member:
            return None, False
        member = member[part]
    return member, True


def values_under(name: str, members: list[Json], key: Json, run: Run, place: Place) -> list[Json]:
    """Return the value under a key of every member; one without the key is an error by its index."""
    found = found_under(name, members, key, run, place)
    for index, (_, is_there) in enumerate(found):
        if not is_there:
            raise _missing(name, index, place)
    return [one for one, _ in found]


def values_by(
    name: str, members: list[Json], arguments: tuple[Json, ...], run: Run, place: Place
) -> list[Json]:
    """Return the values under the first argument, or the members themselves if it is left out or null."""
    if not arguments or arguments[0] is None:
        return members
    return values_under(name, members, arguments[0], run, place)


def _missing(name: str, index: int, place: Place, hint: str = "") -> TemplateError:
    return place.error(f"{name} needs the key in every member, but member [{index}] does not have it{hint}")


def map_key(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Take the value under a key from every object of a list; a second argument stands in where it is not."""
    return _mapped("map", value, arguments, run, place)


def pluck(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Take the value under a key from every object of a list; another name of `map`."""
    return _mapped("pluck", value, arguments, run, place)


def _mapped(name: str, value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    members = list_of(name, value, run, place)
    found = found_under(name, members, arguments[0], run, place)
    if len(arguments) > 1:
        return [one if is_there else arguments[1] for one, is_there in found]
    for index, (_, is_there) in enumerate(found):
        if not is_there:
            raise _missing(name, index, place, f"; a default may follow the key: {name}:key, default")
    return [one for one, _ in found]


def where(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Keep the objects of a list whose key equals a value, or is true if no value is given."""
    members = list_of("where", value, run, place)
    chosen = _chosen("where", members, arguments, run, place)
    return [member for member, is_chosen in zip(members, chosen, strict=True) if is_chosen]


def where_not(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> list[Json]:
    """Drop the objects of a list whose key equals a value, or is true if no value is given."""
    members = list_of("where_not", value, run, place)
    chosen = _chosen("where_not", members, arguments, run, place)
    return [member for member, is_chosen in zip(members, chosen, strict=True) if not is_chosen]


def _chosen(
    name: str, members: list[Json], arguments: tuple[Json, ...], run: Run, place: Place
) -> list[bool]:
    """Tell for every member whether it is meant; an absent key counts as null, as in every comparison."""
    found = found_under(name, members, arguments[0], run, place)
    if len(arguments) == 1:
        return [bool(one) for one, _ in found]
    return [equal(one, arguments[1], run, place) for one, _ in found]


def group_by(value: Json, arguments: tuple[Json, ...], run: Run, place: Place) -> dict[str, Json]:
    """Sort the objects of a list into an object of lists, by the text under a key."""
    members = list_of("group_by", value, run, place)
    groups: dict[str, list[Json]] = {}
    names = values_under("group_by", members, arguments[0], run, place)
    for index, (member, name) in enumerate(zip(members, names, strict=True)):
        if not isinstance(name, str):
            raise place.error(f"group_by needs texts under the key, but member [{index}] has {kind_of(name)}")
        groups.setdefault(name, []).append(member)
    run.work(sum(map(len, groups)), place)
    return dict(groups)


_PEOPLE: list[Json] = [{"name": "Ada", "paid": True}, {"name": "Bo", "paid": False}]

MEMBERS = (
    Filter(
        name="map",
        function=map_key,
        arguments=("key", "default?"),
        examples=(
            Example('{{ people | map:"name" }}', {"people": _PEOPLE}, ["Ada", "Bo"]),
            Example(
                '{{ people | map:"home.city", "?" }}',
                {"people": [{"home": {"city": "Ulm"}}, {}]},
                ["Ulm", "?"],
            ),
        ),
    ),
    Filter(
        name="pluck",
        function=pluck,
        arguments=("key", "default?"),
        examples=(Example('{{ people | pluck:"name" }}', {"people": _PEOPLE}, ["Ada", "Bo"]),),
    ),
    Filter(
        name="where",
        function=where,
        arguments=("key", "value?"),
        examples=(
            Example('{{ people | where:"name", "Bo" }}', {"people": _PEOPLE}, _PEOPLE[1:]),
            Example('{{ people | where:"paid" }}', {"people": _PEOPLE}, _PEOPLE[:1]),
        ),
    ),
    Filter(
        name="where_not",
        function=where_not,
        arguments=("key", "value?"),
        examples=(Example('{{ people | where_not:"paid" }}', {"people": _PEOPLE}, _PEOPLE[1:]),),
    ),
    Filter(
        name="group_by",
        function=group_by,
        arguments=("key",),
        examples=(
            Example(
                '{{ deals | group_by:"stage" }}',
                {"deals": [{"stage": "won", "id": 1}, {"stage": "open", "id": 2}, {"stage": "won", "id": 3}]},
                {
                    "won": [{"stage": "won", "id": 1}, {"stage": "won", "id": 3}],
                    "open": [{"stage": "open", "id": 2}],
                },
            ),
        ),
    ),
)
