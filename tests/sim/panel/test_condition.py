from __future__ import annotations

import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel import Condition


def test_a_condition_survives_the_round_trip() -> None:
    condition = Condition(noise=0.5, stripe=2.0, protector_mm=0.4)
    assert Condition.from_mapping(condition.to_mapping()) == condition


def test_an_empty_mapping_is_the_ordinary_condition() -> None:
    assert Condition.from_mapping({}) == Condition()


@pytest.mark.parametrize("mapping", [{"noize": 1.0}, {"noise": "loud"}, {"noise": -1.0}, {"noise": True}])
def test_a_bad_condition_names_key_and_value(mapping: dict[str, object]) -> None:
    key, value = next(iter(mapping.items()))
    with pytest.raises(InputError, match=f"condition: .*{key}.*{value!r}"):
        Condition.from_mapping(mapping)
