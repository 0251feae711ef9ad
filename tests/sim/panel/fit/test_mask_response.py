from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel.fit import fit_panel


@pytest.mark.parametrize("kind", [bool, np.uint8, np.float32])
@pytest.mark.parametrize("step", [1, 2], ids=["8 cells a node", "4 cells a node"])
def test_the_width_is_found_on_another_controller_and_pitch(make_glass, tap_recording, kind, step):
    glass = make_glass(20, 30, 4.79, noise=2.7)
    frames, masks = tap_recording(glass, 80, 2, sd_mm=3.3, drive=1750.0, saturation=510.0)
    masks = masks[:, ::step, ::step].astype(kind) * (1 if kind is bool else 255)
    if kind is np.float32:
        masks = 0.8 * masks + 20.0  # grey on dark grey
    fit = fit_panel(frames.round().astype(np.int16), 4.79, masks=masks).masks
    assert fit is not None
    assert fit.psf_sd_mm == pytest.approx(3.3, rel=0.03)
    assert fit.saturation == pytest.approx(510.0, rel=0.03)
    assert fit.knee == "tanh"
    assert fit.r2 > 0.9


def test_a_flat_conductor_does_not_saturate(phone, rng):
    frames, masks = [phone.rest(rng, 30)], [np.zeros((30, 27 * 8, 15 * 8), bool)]
    for _ in range(12):
        mask = phone.mask([(rng.uniform(12.0, 50.0), rng.uniform(12.0, 98.0), rng.uniform(5.0, 9.0))])
        frames.append(225.0 * phone.blurred(mask, 1.75) + phone.rest(rng, 2))
        masks += [mask[None], mask[None]]
    fit = fit_panel(np.concatenate(frames), 4.1, masks=np.concatenate(masks)).masks
    assert fit is not None
    assert fit.psf_sd_mm == pytest.approx(1.75, rel=0.04)
    assert fit.drive == pytest.approx(225.0, rel=0.05)


@pytest.mark.parametrize("shape", [(5, 27, 15), (40, 28, 15), (40, 27, 16), (40, 27)])
def test_masks_must_belong_to_the_frames(phone, tap_recording, shape):
    frames, _ = tap_recording(phone, 40, 1)
    with pytest.raises(InputError, match="masks of shape"):
        fit_panel(frames, 4.1, masks=np.ones(shape, bool))


def test_empty_masks_are_refused(phone, tap_recording):
    frames, masks = tap_recording(phone, 40, 1)
    with pytest.raises(InputError, match="no frame has both"):
        fit_panel(frames, 4.1, masks=masks & False)
