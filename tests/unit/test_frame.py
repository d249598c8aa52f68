"""The frame around every answer: what a name in an address may not hold never reaches the rooms."""

import asyncio
from typing import Any

import pytest

from revolution_hub.api.frame import Frame


def seen(path: str, query: bytes) -> tuple[str, bytes]:
    """Send a request through the frame and return the address the application sees."""
    addresses: list[tuple[str, bytes]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        addresses.append((scope["path"], scope["query_string"]))

    scope = {"type": "http", "path": path, "query_string": query}
    asyncio.run(Frame(application)(scope, None, None))  # type: ignore[arg-type]
    return addresses[0]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (("/api/workflows/a\0b", b"after=%00"), ("/api/workflows/a\ufffdb", b"after=%EF%BF%BD")),
        (("/api/workflows", b"name=%2500&limit=100"), ("/api/workflows", b"name=%2500&limit=100")),
    ],
)
def test_a_name_with_nul_names_nothing(given: tuple[str, bytes], read: tuple[str, bytes]) -> None:
    assert seen(*given) == read
