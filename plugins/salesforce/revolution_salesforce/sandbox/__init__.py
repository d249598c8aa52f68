"""A local stand-in for a Salesforce org: OAuth with a consent page, records, SOQL, composite requests.

Needs `revolution-sdk[sandbox]`.
"""

from revolution_salesforce.sandbox.app import sandbox

__all__ = ["sandbox"]
