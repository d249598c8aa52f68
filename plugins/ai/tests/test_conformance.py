"""The rules every connector is held to."""

from revolution_ai.connector import ai
from revolution_sdk.testing import Conformance


class TestConformance(Conformance):
    connector = ai
