"""Which model answers: the step's own choice, else the integration's setting, else the default."""

from revolution_sdk import JsonObject
from revolution_sdk.schema import string

DEFAULT_MODEL = "gpt-5-mini"
LONGEST_MODEL_NAME = 200


def model_field(describe: str) -> JsonObject:
    """Describe a field that names a model. Any name is allowed: compatible servers have their own."""
    return string(min_length=1, max_length=LONGEST_MODEL_NAME, describe=describe)


def chosen_model(value: JsonObject, config: JsonObject) -> str:
    """Return the model for one call from the action's input and the integration's settings."""
    return str(value.get("model") or config.get("model") or DEFAULT_MODEL)
