"""What a call says it has used is a whole number of a unit, and an amount."""

import pytest

from revolution_sdk.usage import Usage, Used


def test_what_was_used_is_taken_down_in_order() -> None:
    usage = Usage()
    usage.require()
    usage.add("requests", 1)
    usage.add("tokens", 1200, cost=0.5)
    assert usage.added == [Used("requests", 1), Used("tokens", 1200, 0.5)]


@pytest.mark.parametrize("unit", ["", "Tokens", "a b", "x" * 31, 1, None, "t\n"])
def test_what_is_no_unit_is_refused(unit: object) -> None:
    with pytest.raises(ValueError, match="a unit is named"):
        Usage().add(unit, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("quantity", [-1, 1.5, True, "1", 10**13, None])
def test_what_is_no_quantity_is_refused(quantity: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        Usage().add("tokens", quantity)  # type: ignore[arg-type]


@pytest.mark.parametrize("cost", [-0.01, float("nan"), float("inf"), 1e13])
def test_what_is_no_amount_is_refused(cost: float) -> None:
    with pytest.raises(ValueError, match="no amount"):
        Usage().add("tokens", 1, cost=cost)
