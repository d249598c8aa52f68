"""How an account at OpenAI, or at a server that speaks its API, is authorized: one key."""

from revolution_sdk import ApiKey

AUTH = ApiKey(title="API key of OpenAI, or of the compatible server the connection names")
"""Sent as `Authorization: Bearer sk-…`. There is no OAuth and no refresh.

Source: OpenAI API specification 2.3.0, security scheme ApiKeyAuth, read 2026-11-22.
"""
