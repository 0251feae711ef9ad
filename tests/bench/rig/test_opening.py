"""What a rig says of itself, against what the bench knows."""

from __future__ import annotations

import dataclasses

import pytest
from stampbench.bench.rig.opening import check_profile_size
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.device import Device
from stampbench.sim.panel import load_profile

SAID = Device(load_profile("nexus-5")).identity


def test_a_known_name_with_another_size_is_refused() -> None:
    twice = dataclasses.replace(SAID, width_um=2 * SAID.width_um, height_um=2 * SAID.height_um)
    with pytest.raises(InputError, match=r"port calls itself nexus-5 and is .* expected"):
        check_profile_size(twice, "port")


@pytest.mark.parametrize("changes", [{}, {"profile": "my-panel", "width_um": 123_456}])
def test_a_known_size_and_a_panel_of_its_own_are_taken(changes: dict[str, object]) -> None:
    check_profile_size(dataclasses.replace(SAID, **changes), "port")  # type: ignore[arg-type]
