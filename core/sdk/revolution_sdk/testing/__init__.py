"""The test kit: conformance in three lines, a context against a running sandbox, a contract validator.

Needs `revolution-sdk[testing]`.
"""

from revolution_sdk.testing.conformance import Conformance
from revolution_sdk.testing.context import connect, make_context

__all__ = ["Conformance", "connect", "make_context"]
