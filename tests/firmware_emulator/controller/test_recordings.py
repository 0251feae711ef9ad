"""The controller on raw frames of a real phone: one finger on a Nexus 5 (CapFingerId)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage
from stampbench.firmware_emulator.controller import Controller, ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.touch import Frame

FILES = ["CapMatrix_P14_thumb_left.subset.txt", "CapMatrix_P15_index_right.subset.txt"]


def frames(path: Path, task: str) -> list[npt.NDArray[np.int16]]:
    found = []
    for line in path.read_text().splitlines():
        fields = line.split(";")
        if fields[3] == task:
            values = [int(value) for value in fields[5].strip(",").split(",")]
            found.append(np.array(values[2:], np.int16).reshape(27, 15))
    return found


def counted(deltas: npt.NDArray[np.int16], phone: PanelGeometry) -> int:
    """Contacts of one frame by itself; the recorder leaves stuck nodes, some beside the finger."""
    settings = ControllerSettings(debounce_frames=1, impulse_ratio=0.3, idle_after_us=0)
    return len(Controller(phone, settings).process(Frame(0, deltas)).down)


def largest_area(deltas: npt.NDArray[np.int16], level: int) -> int:
    labels, count = ndimage.label(deltas >= level, np.ones((3, 3)))
    return max((int((labels == i).sum()) for i in range(1, count + 1)), default=0)


@pytest.mark.parametrize("name", FILES)
def test_finger_that_is_down_is_one_contact(real: Path, phone: PanelGeometry, name: str) -> None:
    down = [deltas for deltas in frames(real / "capfingerid" / name, "TAP") if largest_area(deltas, 80) >= 4]
    counts = [counted(deltas, phone) for deltas in down]
    assert len(counts) > 200
    assert min(counts) >= 1
    assert counts.count(1) / len(counts) > 0.93


@pytest.mark.parametrize("name", FILES)
def test_panel_at_rest_has_no_contact(real: Path, phone: PanelGeometry, name: str) -> None:
    rest = [
        deltas for deltas in frames(real / "capfingerid" / name, "PAUSE") if largest_area(deltas, 30) <= 1
    ]
    counts = [counted(deltas, phone) for deltas in rest]
    assert len(counts) > 100
    assert max(counts) == 0


@pytest.mark.parametrize("name", FILES)
def test_finger_is_where_its_centre_of_mass_is(real: Path, phone: PanelGeometry, name: str) -> None:
    settings = replace(ControllerSettings(), debounce_frames=1, impulse_ratio=0.3)
    errors = []
    for deltas in frames(real / "capfingerid" / name, "TAP"):
        labels, _ = ndimage.label(deltas >= 30, np.ones((3, 3)))
        area = labels == labels[np.unravel_index(deltas.argmax(), deltas.shape)]
        contacts = Controller(phone, settings).process(Frame(0, deltas)).down
        if 9 <= area.sum() <= 14 and len(contacts) == 1:
            row, col = ndimage.center_of_mass(np.where(area, deltas, 0))
            errors.append([contacts[0].x_mm - (col + 0.5) * 4.1, contacts[0].y_mm - (row + 0.5) * 4.1])
    assert len(errors) > 100
    assert np.abs(np.median(errors, axis=0)).max() < 0.3
    assert np.percentile(np.abs(errors), 95) < 0.7
