from __future__ import annotations

import json

import numpy as np
import pytest
from stampbench.bench.sources.frame_files import read_frames
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel.fit import fit_panel
from stampbench.sim.panel.noise import noise_split

CAPFINGERID = {
    "CapMatrix_P14_thumb_left.subset.txt": (207.0, 215.0),
    "CapMatrix_P15_index_right.subset.txt": (225.0, 243.0),
}


@pytest.mark.parametrize("name", CAPFINGERID)
def test_figures_of_a_real_recording_are_reproduced(real, name):
    """Published for this data set: rest sd 1.60-1.65, split 1.04/0.54/0.67/1.26, blob sd 0.80-0.95 pitch."""
    fit = fit_panel(read_frames(real / "capfingerid" / name).frames, 4.1)
    assert fit.noise is not None
    assert fit.noise.noise_sd == pytest.approx(1.63, rel=0.1)
    assert fit.noise.tx_common_sd == pytest.approx(1.04, rel=0.1)
    assert fit.noise.frame_common_sd == pytest.approx(0.54, rel=0.1)
    assert fit.noise.rx_common_sd == pytest.approx(0.67, rel=0.1)
    assert fit.noise.residual_sd == pytest.approx(1.26, rel=0.1)
    assert fit.touch is not None
    low, high = CAPFINGERID[name]
    assert low < fit.touch.peak < high
    assert 0.72 < fit.touch.blob_sd_pitch < 1.04
    assert fit.touch.r2 > 0.97


def test_noise_is_split_as_the_panel_splits_it(phone, rng):
    frames = phone.rest(rng, 400)
    noise, truth = fit_panel(frames, 4.1).noise, noise_split(frames)
    assert noise is not None
    assert noise.noise_sd == pytest.approx(truth.total_sd, rel=1e-3)
    assert noise.tx_common_sd == pytest.approx(truth.tx_line_sd, rel=1e-3)
    assert noise.rx_common_sd == pytest.approx(truth.rx_line_sd, rel=1e-3)
    assert noise.frame_common_sd == pytest.approx(truth.frame_sd, rel=1e-3)
    assert noise.residual_sd == pytest.approx(truth.residual_sd, rel=1e-3)


def test_noise_is_found_beside_touches_where_nothing_ever_rests(phone, rng):
    image = 225.0 * phone.blurred(phone.mask([(30.0, 50.0, 12.0)]), 1.8)
    noise = phone.rest(rng, 200)
    fitted, truth = fit_panel((image + noise).round(), 4.1).noise, noise_split(noise)
    assert fitted is not None
    assert fitted.noise_sd == pytest.approx(truth.total_sd, rel=0.05)
    assert fitted.tx_common_sd == pytest.approx(truth.tx_line_sd, rel=0.1)


@pytest.mark.parametrize("offset", [0.0, 9800.0], ids=["deltas", "raw"])
def test_several_fingers_on_a_large_panel(make_glass, tap_recording, rng, offset):
    glass = make_glass(48, 72, 3.96)
    frames, _ = tap_recording(glass, 60, 5)
    static = rng.normal(0.0, 150.0, glass.shape) if offset else 0.0
    fit = fit_panel((offset + static + frames).round().astype(np.uint16 if offset else np.int16), 3.96)
    assert fit.touch is not None
    assert fit.touch.contacts == 5 * fit.touch.frames
    assert fit.touch.r2 > 0.97


def test_a_faulty_read_out_spoils_nothing(phone, tap_recording, rng):
    clean, _ = tap_recording(phone, 180, 1)
    faulty = clean.round()
    for frame in range(1, len(faulty)):
        late = rng.integers(0, 11)
        faulty[frame, :late] = faulty[frame - 1, :late]
        faulty[frame, rng.integers(0, 27), rng.integers(0, 15)] = rng.integers(60, 230)
    fit, truth = fit_panel(faulty, 4.1), fit_panel(clean, 4.1)
    assert fit.noise is not None
    assert truth.noise is not None
    assert fit.touch is not None
    assert truth.touch is not None
    assert fit.noise.noise_sd == pytest.approx(truth.noise.noise_sd, rel=0.05)
    assert fit.touch.r2 > 0.95
    assert fit.touch.peak == pytest.approx(truth.touch.peak, rel=0.05)
    assert fit.touch.blob_sd_pitch == pytest.approx(truth.touch.blob_sd_pitch, rel=0.05)


def test_a_panel_at_rest_has_no_touch(phone, rng):
    fit = fit_panel(phone.rest(rng, 50).round(), 4.1)
    assert fit.touch is None
    assert fit.to_mapping()["touch_peak"] is None


def test_the_figures_are_json(phone, tap_recording):
    figures = fit_panel(tap_recording(phone, 40, 1)[0], 4.1).to_mapping()
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert {
        "noise_sd", "tx_common_sd", "rx_common_sd", "frame_common_sd", "residual_sd",
        "touch_peak", "blob_sd_pitch", "touch_r2",
    } <= set(figures)  # fmt: skip


@pytest.mark.parametrize("pitch_mm", [0.0, -1.0, float("nan")])
def test_a_pitch_must_be_positive(phone, rng, pitch_mm):
    with pytest.raises(InputError, match="pitch_mm"):
        fit_panel(phone.rest(rng, 5), pitch_mm)
