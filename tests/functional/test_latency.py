"""Evidence, not part of the gate: how fast the API answers while a plugin misbehaves (`make faults`)."""

import time
from typing import Any

import pytest

LASTING_S = 15.0


@pytest.mark.faults
@pytest.mark.parametrize("uses", ["hostile.hang_forever", "hostile.spin_forever", "hostile.kill_process"])
def test_the_api_answers_within_100_ms_while_a_plugin_misbehaves(
    hub: Any, team: Any, probe_of: Any, uses: str
) -> None:
    steps = [{"id": "act", "uses": uses, "retry": {"attempts": 1}}]
    started = [team.start({"name": f"bad {number}", "steps": steps}) for number in range(3)]
    with probe_of(hub) as probe:
        time.sleep(LASTING_S)
    print(f"\n{uses}: p99 {probe.p99_s() * 1000:.1f} ms over {len(probe.took_s)} requests")
    assert probe.failures == 0
    assert probe.p99_s() < 0.1
    for execution_id in started:
        assert team.wait_for_end(execution_id, limit_s=120)["status"] == "failed"
