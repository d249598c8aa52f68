"""A local stand-in for the Cloud API: messages, the 24-hour window, templates, media, signed deliveries.

Needs `revolution-sdk[sandbox]`.
"""

from revolution_whatsapp.sandbox.app import sandbox

__all__ = ["sandbox"]
