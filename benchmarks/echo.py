"""The ceiling of the yardstick: one process that reads a JSON object and gives it back, and keeps nothing.

Served with `uvicorn echo:app --log-level error`; whatever the hub does for a webhook comes on top of this.
"""

from typing import Any

from fastapi import FastAPI

app = FastAPI()


@app.post("/echo")
async def echo(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body."""
    return body
