"""For every test: the garbage collector passes over what was there before the first one runs."""

import gc


def pytest_collection_finish() -> None:
    """Freeze it, as the hub's own processes do: looking through it again took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
