"""A local stand-in for HubSpot: OAuth tokens, contacts, signed deliveries.

Needs `revolution-sdk[sandbox]`.
"""

from revolution_hubspot.sandbox.app import sandbox

__all__ = ["sandbox"]
