"""The kit a plugin builds its sandbox from: a local stand-in that speaks a provider's wire protocol.

A sandbox is for developing, demonstrating and testing without the provider. It keeps state, checks
authorization, counts what it did, and misbehaves on demand. Needs `revolution-sdk[sandbox]`.
"""

from revolution_sdk.sandbox.app import Sandbox
from revolution_sdk.sandbox.consent import Agreed, Consent
from revolution_sdk.sandbox.faults import Fault
from revolution_sdk.sandbox.server import RunningSandbox, run_sandbox
from revolution_sdk.sandbox.tokens import Tokens
from revolution_sdk.sandbox.wire import Answer, Call

__all__ = [
    "Agreed",
    "Answer",
    "Call",
    "Consent",
    "Fault",
    "RunningSandbox",
    "Sandbox",
    "Tokens",
    "run_sandbox",
]
