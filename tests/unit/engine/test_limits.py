"""Each limit lets through what it names and refuses one more, with its own setting in the message."""

import dataclasses
from collections.abc import Callable

import pytest

from revolution_hub.engine.limits import require_depth, require_items, require_payload, require_steps
from revolution_hub.errors import LimitError
from revolution_hub.settings import PREFIX, Settings

LIMITS = {
    "payload_bytes": (require_payload, 2048, "the payload has 2,049 bytes as JSON"),
    "execution_steps": (require_steps, 12_000, "comes to 12,001 step executions"),
    "loop_items": (require_items, 999_999, "the list has 1,000,000 items; a for_each takes at most 999,999"),
    "call_depth": (require_depth, 3, "would be nested 4 deep"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_reached_and_not_passed(name: str) -> None:
    require, most, said = LIMITS[name]
    settings = Settings(**{name: most})
    require(settings, 0)
    require(settings, most)
    with pytest.raises(LimitError) as refused:
        require(settings, most + 1)
    setting = PREFIX + name.upper()
    assert said in refused.value.message
    assert refused.value.message.endswith(f"({setting})")
    assert refused.value.code == "limit_exceeded"
    assert refused.value.retry_after_s is None
    assert refused.value.details == {"limit": name, "setting": setting, "value": most + 1, "most": most}


@pytest.mark.parametrize(("require", "most"), [(require, most) for require, most, _ in LIMITS.values()])
def test_the_limits_are_apart(require: Callable[[Settings, int], None], most: int) -> None:
    # With every other limit at its least, what this one allows is still allowed.
    names = [name for name, (other, *_) in LIMITS.items() if other is not require]
    require(Settings(**dict.fromkeys(names, 1)), min(most, 3))


def test_a_payload_is_called_by_its_name() -> None:
    with pytest.raises(LimitError, match=r"^the output of acme\.send has 1,025 bytes"):
        require_payload(Settings(payload_bytes=1024), 1025, "the output of acme.send")


def test_every_limit_has_a_setting() -> None:
    assert set(LIMITS) <= {one.name for one in dataclasses.fields(Settings)}
