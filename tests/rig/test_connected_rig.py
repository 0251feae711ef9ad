"""What any rig must do; needs one on the port that the environment variable STAMPBENCH_PORT names."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from stampbench.bench.rig.serial_rig import ManualPressError, SerialRig
from stampbench.sim.hold import Hold
from stampbench.sim.press import Keyframe, Press

PORT = os.environ.get("STAMPBENCH_PORT", "")
pytestmark = [
    pytest.mark.hardware,
    pytest.mark.skipif(not PORT, reason="no rig: STAMPBENCH_PORT names no port"),
]


@pytest.fixture
def rig() -> Iterator[SerialRig]:
    with SerialRig(PORT) as rig:
        yield rig


def test_rig_says_who_it_is(rig: SerialRig) -> None:
    assert rig.identity.serial_number
    assert rig.identity.contact_limit >= 1


def test_press_is_whole_or_asks_for_the_operator(rig: SerialRig) -> None:
    x_mm, y_mm = rig.identity.width_um / 2000, rig.identity.height_um / 2000
    press = Press("finger", tuple(Keyframe(t_us, Hold(x_mm, y_mm, 0.0, force=1.0)) for t_us in (0, 200_000)))
    try:
        reports = list(rig.press(press, seed=0))
    except ManualPressError:
        return
    assert rig.press_whole
    assert max(len(report.down) for report in reports) == 1
    assert not reports[-1].down
