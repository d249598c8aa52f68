"""Everything a connector author imports, in one place.

Declaring:  Connector, Action, EventType, Poll, AppWebhook, Effect, Found, hookimpl
Authorizing: OAuth2, ApiKey, Basic, Bearer, ClientCredentials, JwtBearer, NoAuth
Handed in:  ActionContext, Cursor, Delivery, Secret
Handed back: Emitted, Polled
Raising:    RetryableError, UnknownOutcomeError, RejectedError, CredentialError, DeliveryError
Letting pass: Suspended
"""

from revolution_sdk.auth import ApiKey, Auth, Basic, Bearer, ClientCredentials, JwtBearer, NoAuth, OAuth2
from revolution_sdk.connector import Action, AppWebhook, Connector, Effect, EventType, Found
from revolution_sdk.context import ActionContext, Delivery, Emitted
from revolution_sdk.errors import (
    ConnectorError,
    CredentialError,
    DeliveryError,
    RejectedError,
    RetryableError,
    Suspended,
    UnknownOutcomeError,
)
from revolution_sdk.hooks import hookimpl
from revolution_sdk.polls import Cursor, Poll, Polled
from revolution_sdk.secret import Secret
from revolution_sdk.types import Json, JsonObject

__all__ = [
    "Action",
    "ActionContext",
    "ApiKey",
    "AppWebhook",
    "Auth",
    "Basic",
    "Bearer",
    "ClientCredentials",
    "Connector",
    "ConnectorError",
    "CredentialError",
    "Cursor",
    "Delivery",
    "DeliveryError",
    "Effect",
    "Emitted",
    "EventType",
    "Found",
    "Json",
    "JsonObject",
    "JwtBearer",
    "NoAuth",
    "OAuth2",
    "Poll",
    "Polled",
    "RejectedError",
    "RetryableError",
    "Secret",
    "Suspended",
    "UnknownOutcomeError",
    "hookimpl",
]
