from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from stampbench.firmware_emulator.controller import ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.controller.configuration import parameters
from stampbench.firmware_emulator.errors import InputError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("touch_threshold", 0.0),
        ("touch_threshold", float("nan")),
        ("touch_hysteresis", 50.0),
        ("centroid_floor", 45.0),
        ("segmenter", "watershed"),
        ("centroid_window", 4),
        ("raw_filter", 0.0),
        ("debounce_frames", 0),
        ("max_contacts", 65),
        ("id_count", 10),
        ("contact_policy", "ignore"),
        ("gate_mm", -1.0),
    ],
)
def test_setting_outside_its_range_is_named(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"ControllerSettings.{name} = .*expected"):
        replace(ControllerSettings(), **{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("rows", 1), ("pitch_x_mm", 0.0), ("x_max", 0), ("width_mm", -1.0)]
)
def test_geometry_outside_its_range_is_named(phone: PanelGeometry, name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"PanelGeometry.{name} = .*expected"):
        replace(phone, **{name: value})


def test_record_holds_every_setting_under_its_own_name(phone: PanelGeometry) -> None:
    settings = ControllerSettings(touch_threshold=60, segmenter="threshold", id_policy="rotating")
    record = parameters(phone, settings)[0]
    for field in (*fields(settings), *fields(phone)):
        assert field.name in record.dtype.names
    assert record["touch_threshold"] == 60.0
    assert record["leave_threshold"] == 55.0
    assert (record["segmenter"], record["id_policy"], record["contact_policy"]) == (1, 1, 0)


def test_record_has_one_type_whatever_the_values(phone: PanelGeometry) -> None:
    whole = replace(phone, width_mm=61, pitch_x_mm=4)
    assert (
        parameters(whole, ControllerSettings(gate_mm=8)).dtype
        == parameters(phone, ControllerSettings()).dtype
    )
    assert np.dtype(object) not in {
        kind for kind, _ in parameters(phone, ControllerSettings()).dtype.fields.values()
    }
