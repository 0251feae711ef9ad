from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel.fit.recording import isolated, recording


def test_rest_and_landed_frames_are_told_apart(phone, tap_recording):
    frames, masks = tap_recording(phone, 120, 1)
    record = recording(frames.round().astype(np.int16))
    touched = masks.any(axis=(1, 2))
    assert not (record.rest & touched).any()
    assert record.landed[touched].all()
    assert record.rest.sum() >= 20


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["rising", "falling"])
@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float64])
def test_raw_values_become_deltas(phone, tap_recording, rng, sign, kind):
    frames, _ = tap_recording(phone, 120, 1)
    raw = (9800.0 + rng.normal(0.0, 200.0, phone.shape) + sign * frames).round().astype(kind)
    record = recording(raw)
    assert np.abs(record.deltas - frames).max() < 4.0


def test_deltas_keep_their_zero_under_a_touch_that_never_lifts(phone, rng):
    image = 225.0 * phone.blurred(phone.mask([(30.0, 50.0, 12.0)]), 1.8)
    frames = (image + phone.rest(rng, 60)).round().astype(np.int16)
    assert recording(frames).landed.all()


def test_repeated_frames_are_left_out(phone, rng):
    frames = phone.rest(rng, 40).round()
    record = recording(np.repeat(frames, 2, axis=0))
    assert record.kept.tolist() == list(range(0, 80, 2))
    assert record.given_frames == 80


def test_late_lines_and_stuck_nodes_are_not_trusted(phone, tap_recording, rng):
    frames = tap_recording(phone, 90, 1)[0].round()
    torn = frames.copy()
    for frame in range(1, 90):
        late = rng.integers(0, 11)
        torn[frame, :late] = torn[frame - 1, :late]
    torn[50, 20, 3] = 180.0
    record = recording(torn)
    assert not record.lines[:9].any()
    assert record.lines[11:].all()
    assert not record.trusted[50, 20, 3]
    assert record.trusted[50, 11:].sum() == 16 * 15 - 1


def test_a_small_pad_on_one_node_is_not_stuck(phone):
    middle = (7.5 * 4.1, 13.5 * 4.1, 4.0)
    image = 225.0 * phone.blurred(phone.mask([middle]), 1.75)
    assert not isolated(image[None], 10.0).any()


@pytest.mark.parametrize(
    "frames", [np.zeros((3, 4)), np.zeros((1, 5, 5)), np.array([["a"]]), np.full((3, 4, 4), np.nan)]
)
def test_frames_of_another_kind_are_refused(frames):
    with pytest.raises(InputError, match="frames"):
        recording(frames)
