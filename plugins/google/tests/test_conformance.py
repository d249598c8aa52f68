"""The rules every connector is held to."""

from revolution_google.connector import google
from revolution_sdk.testing import Conformance


class TestConformance(Conformance):
    connector = google
