"""The rules every connector is held to."""

from revolution_hubspot.connector import hubspot
from revolution_sdk.testing import Conformance


class TestConformance(Conformance):
    connector = hubspot
