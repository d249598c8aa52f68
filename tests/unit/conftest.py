"""Unit tests touch nothing outside: a connection is refused, and drawn examples are the same every time."""

import socket
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from hypothesis import settings

settings.register_profile("unit", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("unit")


def _refuse(*_: Any) -> NoReturn:
    raise AssertionError("a unit test tried to open a connection")


@pytest.fixture(scope="module", autouse=True)
def no_network() -> Iterator[None]:
    """Let no unit test connect anywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _refuse)
        patch.setattr(socket.socket, "connect_ex", _refuse)
        yield
