"""A sender that posts a known number of signed deliveries and keeps at it until each is accepted.

It is no load generator to measure rates with; it fills queues.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from bench.ending import Wrong
from bench.load import BODY
from bench.workflows import Hook

LONGEST_PAUSE_S = 1.0
FRESH_S = 2.0
"""How long an idle connection is used again: servers hang up on older ones, uvicorn after five seconds."""


@dataclass(slots=True)
class Sent:
    """What became of the deliveries: accepted, put off and sent again, and how long each took."""

    accepted: int = 0
    put_off: int = 0
    took_s: list[float] = field(default_factory=list)


class Line:
    """One connection that is kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._used_s = time.monotonic()

    @property
    def fresh(self) -> bool:
        """Tell whether it was used so recently that the server has not hung up."""
        return time.monotonic() - self._used_s < FRESH_S

    @classmethod
    async def open(cls, hook: Hook) -> Self:
        """Connect to the hub behind a hook."""
        parts = urlsplit(hook.url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def post(self, hook: Hook, message_id: str, body: bytes) -> tuple[int, dict[str, str]]:
        """Post one delivery; return status and headers of the answer."""
        parts = urlsplit(hook.url)
        headers = {
            "host": parts.netloc,
            "content-length": str(len(body)),
            **hook.signed(message_id, int(time.time()), body),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"POST {parts.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        first, *rest = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        named = [line.partition(":") for line in rest if line]
        told = {name.strip().lower(): value.strip() for name, _, value in named}
        await self._reader.readexactly(int(told["content-length"]))
        self._used_s = time.monotonic()
        return int(first.split()[1]), told

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def deliver(line: Line, hook: Hook, message_id: str, body: bytes, sent: Sent) -> None:
    """Post one delivery until it is accepted; a hub that asks to wait is asked again with the same id."""
    begun_s = time.monotonic()
    while True:
        status, headers = await line.post(hook, message_id, body)
        if status == 202:
            sent.accepted += 1
            sent.took_s.append(time.monotonic() - begun_s)
            return
        if status != 503 or "retry-after" not in headers:
            raise Wrong(f"a delivery was answered with {status}")
        sent.put_off += 1
        await asyncio.sleep(min(float(headers["retry-after"]), LONGEST_PAUSE_S))


async def burst(hook: Hook, number: int, *, name: str, body: bytes = BODY, connections: int = 50) -> Sent:
    """Deliver `number` messages as fast as they are accepted."""
    sent = Sent()
    left = iter(range(number))

    async def one_line() -> None:
        line = await Line.open(hook)
        try:
            for index in left:
                await deliver(line, hook, f"msg_{name}_{index}", body, sent)
        finally:
            line.close()

    await asyncio.gather(*(one_line() for _ in range(min(connections, number))))
    return sent


async def trickle(
    hook: Hook,
    until: asyncio.Event,
    *,
    name: str,
    body: bytes = BODY,
    every_s: float = 0.1,
    most: int | None = None,
) -> Sent:
    """Deliver a message at each tick until told to stop, whether or not the earlier ones were answered.

    With `most` it is over after so many. Ticks that were missed are made up for at once.
    """
    sent = Sent()
    idle: list[Line] = []
    lines: list[Line] = []

    async def opened() -> Line:
        line = await Line.open(hook)
        lines.append(line)
        return line

    async def one(index: int) -> None:
        # The last one to come back is the freshest, so behind one that is too old are only older ones.
        line = idle.pop() if idle and idle[-1].fresh else await opened()
        await deliver(line, hook, f"msg_{name}_{index}", body, sent)
        idle.append(line)

    ticks: list[asyncio.Task[None]] = []
    try:
        next_s = time.monotonic()
        while not until.is_set() and (most is None or len(ticks) < most):
            ticks.append(asyncio.create_task(one(len(ticks))))
            next_s += every_s
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))
        await asyncio.gather(*ticks)
    finally:
        for line in lines:
            line.close()
    return sent
