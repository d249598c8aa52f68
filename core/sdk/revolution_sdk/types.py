"""The JSON boundary, named once. Everything that enters or leaves a connector is one of these."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""Any value `json.loads` can return: None, bool, int, float, str, list, dict."""

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object. Keys are strings; values are `Json`."""
