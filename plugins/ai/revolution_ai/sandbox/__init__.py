"""A local stand-in that speaks the OpenAI API, for developing and demonstrating without a key.

Its model follows rules instead of weights and says so: answers name `sandbox-1`. It answers only from the
messages and the `response_format` it receives, so its texts show that the chain works and nothing more.
"""

from revolution_ai.sandbox.server import sandbox

__all__ = ["sandbox"]
