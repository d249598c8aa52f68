"""The test kit: conformance in three lines, a context against a running sandbox, polls, a contract validator.

Needs `revolution-sdk[testing]`.
"""

from revolution_sdk.testing.conformance import Conformance
from revolution_sdk.testing.context import connect, make_context
from revolution_sdk.testing.polls import check_poll

__all__ = ["Conformance", "check_poll", "connect", "make_context"]
