"""Joining JSON Schemas that apply to the same value into one, as far as their words can be joined. Pure."""

from revolution_sdk import Json, JsonObject


def without(schema: JsonObject, word: str) -> JsonObject:
    """Return the schema without one keyword."""
    return {key: value for key, value in schema.items() if key != word}


def merged_all_of(schema: JsonObject) -> Json:
    """Return one schema for a schema with `allOf`."""
    result: Json = without(schema, "allOf")
    for part in schema["allOf"]:
        result = merged(part, result)
    return result


def merged(one: Json, two: Json) -> Json:
    """Say in one schema what two say together. What cannot be joined is taken from the second alone."""
    if one is False or two is False:
        return False
    if not isinstance(one, dict) or not isinstance(two, dict):
        return two if one is True else one
    result: JsonObject = {**one, **two}
    for word in sorted(set(one) & set(two) - {"$ref"}):
        result[word] = _joined(word, one[word], two[word])
    if "$ref" in one and "$ref" in two and one["$ref"] != two["$ref"]:
        result["anyOf"] = _pairs(result.get("anyOf", [True]), [{"$ref": one["$ref"]}])
    return result


def _joined(word: str, first: Json, second: Json) -> Json:
    if word == "properties":
        shared = {name: merged(first[name], second[name]) for name in set(first) & set(second)}
        return {**first, **second, **shared}
    if word == "required":
        return list(dict.fromkeys([*first, *second]))
    if word.startswith(("min", "exclusiveMin")):
        return max(first, second)
    if word.startswith(("max", "exclusiveMax")):
        return min(first, second)
    if word in ("anyOf", "oneOf"):
        return _pairs(first, second)
    if word == "allOf":
        return [*first, *second]
    if word == "enum":
        return [value for value in first if value in second]
    if word == "type":
        return _common_types(first, second)
    return merged(first, second) if word in ("items", "additionalProperties") else second


def _pairs(first: list[Json], second: list[Json]) -> list[Json]:
    return [merged(one, two) for one in first for two in second]


def _common_types(first: Json, second: Json) -> Json:
    ours = [first] if isinstance(first, str) else first
    theirs = [second] if isinstance(second, str) else second
    shared = [kind for kind in ours if kind in theirs]
    if not shared and {"integer", "number"} <= {*ours, *theirs}:
        return "integer"
    return shared[0] if len(shared) == 1 else shared
