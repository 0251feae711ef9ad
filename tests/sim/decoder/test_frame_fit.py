from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.decoder import Decoder, PressDecoder, Verdict
from stampbench.sim.decoder.frame_decoder import FrameDecoder, bodies_of
from stampbench.sim.decoder.frame_fit import FrameFitter, restore_held
from stampbench.sim.device import Device
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, Panel, load_profile
from stampbench.sim.panel.panel import PlacedObject
from stampbench.sim.press import Hand, Handling
from stampbench.sim.stamps import load_family
from stampbench.sim.stamps.objects import TouchObject, resolve_object, round_pads

from .frame_reference import fit_pads, pads_image

QUIET = {"stripe": 0.0, "memory": 0.0, "drift": 0.0}


@pytest.fixture(scope="module")
def profile():
    return load_profile("nexus-5")


@pytest.fixture(scope="module")
def frame_decoder(profile):
    return FrameDecoder(Decoder(load_family("p5-60k")), profile)


def presses(profile, condition, grip, count, seed=7):
    """Frames of stamps anywhere on the panel: code, places of the pads (5, 2), frame."""
    family = load_family("p5-60k")
    rng = np.random.default_rng(seed)
    panel = Panel(profile, condition)
    for number in range(count):
        code, theta = int(rng.integers(family.size)), rng.uniform(0.0, 2.0 * math.pi)
        cos, sin = math.cos(theta), math.sin(theta)
        turned = family.pads(code) @ np.array([[cos, sin], [-sin, cos]])
        room = np.abs(turned).max(axis=0) + 3.0
        x, y = (rng.uniform(free, size - free) for free, size in zip(room, (61.6, 109.6), strict=True))
        panel.reset(number)
        placed = PlacedObject(resolve_object(f"p5-60k/{code}"), Hold(x, y, theta, force=1.0, grip=grip))
        yield code, turned + np.array((x, y)), panel.frame(10_000, [placed])


def standard_errors(fit):
    """The Cramer-Rao bound of the free parameters."""
    return np.sqrt(np.diag(np.linalg.inv(fit.information)))


def test_the_fit_is_that_of_the_slow_twin(profile):
    truth = np.array([18.3, 40.2, 27.9, 44.4, 0.6, 1.1])
    noise = np.random.default_rng(3).normal(0.0, 1.5, (27, 15))
    frame = Frame(0, np.rint(pads_image(truth, profile, 6.0) + noise).astype(np.int16))
    fit = FrameFitter(profile).fit(frame, 2)
    assert fit is not None
    order = np.argsort(fit.points_mm[:, 0])
    slow, covariance = fit_pads(frame.deltas.astype(float), truth, profile, 6.0)
    np.testing.assert_allclose(fit.points_mm[order].ravel(), slow[:4], atol=1e-3)
    assert fit.bodies.grounding[0] == pytest.approx(slow[4:], abs=1e-3)
    slow_sds = np.sqrt(np.diag(covariance))
    sds = standard_errors(fit)
    np.testing.assert_allclose(sds[:4].reshape(2, 2)[order].ravel(), slow_sds[:4], rtol=0.01)
    np.testing.assert_allclose(sds[4:], slow_sds[4:], rtol=0.01)


@pytest.mark.parametrize("noise", [3.0, 1.0, 0.3])
@pytest.mark.parametrize(
    ("grip", "stripe"), [(1.0, 0.0), (0.0, 0.0), (1.0, 1.0)], ids=["held", "released", "striped"]
)
def test_places_reach_the_cramer_rao_bound(profile, noise, grip, stripe):
    fitter = FrameFitter(profile, noise=noise)
    squares, bounds, misfits = [], [], []
    condition = Condition(**QUIET | {"noise": noise, "stripe": stripe})
    for _, places, frame in presses(profile, condition, grip, 250):
        fit = fitter.fit(frame, 5)
        assert fit is not None
        nearest = np.hypot(*(fit.points_mm[:, None] - places).transpose(2, 0, 1)).argmin(axis=0)
        errors = fit.points_mm[nearest] - places
        if np.abs(errors).max() > 2.0:  # found elsewhere: counted by the reading rate
            continue
        squares.append((errors**2).mean())
        bounds.append((standard_errors(fit)[:10] ** 2).mean())
        misfits.append(fit.misfit)
    assert len(squares) >= 247
    assert math.sqrt(np.mean(squares) / np.mean(bounds)) < 1.10
    assert np.median(misfits) == pytest.approx(1.0, abs=0.05)


def test_stripes_cost_little_once_they_are_found(profile):
    fitter = FrameFitter(profile)
    errors: dict[str, list[float]] = {"past": [], "none": []}
    calm = presses(profile, Condition(**QUIET), 1.0, 60)
    striped = presses(profile, Condition(**QUIET | {"stripe": 1.0}), 1.0, 60)
    for (_, places, still), (_, _, moving) in zip(calm, striped, strict=True):
        for name, frame in (("none", still), ("past", moving)):
            fit = fitter.fit(frame, 5)
            assert fit is not None
            errors[name] += (
                np.hypot(*(fit.points_mm[:, None] - places).transpose(2, 0, 1)).min(axis=0).tolist()
            )
    assert np.mean(errors["past"]) < 1.2 * np.mean(errors["none"])


def test_pads_followed_from_the_last_frame_are_those_found_anew(profile, frame_decoder):
    press = Hand(Handling(grip=(0.0, 1.0))).press("p5-60k/17", profile, np.random.default_rng(2))
    last, followed = None, 0
    for frame, _ in Device(profile).press(press, 1):
        fit, anew = frame_decoder.locate(frame, last), frame_decoder.locate(frame)
        if fit is not None and anew is not None and len(fit.points_mm) == len(anew.points_mm) == 5:
            apart = np.hypot(*(fit.points_mm[:, None] - anew.points_mm).transpose(2, 0, 1)).min(axis=0)
            assert apart.max() < 0.05
            followed += last is not None
        last = fit
    assert followed > 10
    assert last is None


def test_two_near_pads_are_told_apart(profile):
    rng = np.random.default_rng(1)
    fitter, panel = FrameFitter(profile), Panel(profile)
    apart = 0
    for number in range(300):
        angle = rng.uniform(0.0, math.pi)
        arm = 4.0 * np.array([math.cos(angle), math.sin(angle)])
        middle = np.array([rng.uniform(20.0, 40.0), rng.uniform(30.0, 70.0)])
        places = np.array([middle - arm, middle + arm])
        panel.reset(number)
        frame = panel.frame(
            10_000, [PlacedObject(TouchObject("two", round_pads(places, 6.0), (2,)), Hold(0.0, 0.0))]
        )
        fit = fitter.fit(frame, 2)
        assert fit is not None
        if len(fit.points_mm) == 2:
            errors = np.hypot(*(fit.points_mm[:, None] - places).transpose(2, 0, 1)).min(axis=0)
            apart += bool(errors.max() < 1.0)
    assert apart >= 297


@pytest.mark.parametrize("grip", [1.0, 0.5, 0.0])
def test_stamps_are_read_however_they_are_held(profile, frame_decoder, grip):
    codes = [
        (code, frame_decoder.decode_all(frame)[0].code)
        for code, _, frame in presses(profile, Condition(), grip, 400)
    ]
    assert sum(code == read for code, read in codes) >= 396
    assert all(read in (code, None) for code, read in codes)


def test_the_grounding_factor_is_found(profile, frame_decoder):
    fits = [frame_decoder.locate(frame) for _, _, frame in presses(profile, Condition(**QUIET), 0.5, 60)]
    k, g = np.median([fit.bodies.grounding[0] for fit in fits], axis=0)
    assert k == pytest.approx(0.4925, abs=0.01)
    assert g == pytest.approx(0.9535, abs=0.01)
    assert all(0.002 < standard_errors(fit)[-2] < 0.05 for fit in fits)


def test_a_released_stamp_is_read_from_frames_where_its_contacts_fail(profile, frame_decoder):
    rng = np.random.default_rng(5)
    device = Device(profile)
    by_contacts = by_frames = 0
    for number in range(30):
        code = int(rng.integers(60_000))
        press = Hand(Handling(grip=(0.0, 0.0))).press(f"p5-60k/{code}", profile, rng)
        contacts, frames = PressDecoder(frame_decoder.decoder), PressDecoder(frame_decoder.decoder)
        for frame, report in device.press(press, number):
            contacts.feed(report)
            frames.feed(frame_decoder.report(frame))
        by_contacts += contacts.finish().reading.code == code
        by_frames += frames.finish().reading.code == code
    assert by_frames == 30
    assert by_contacts < 30


def test_an_empty_panel_reads_nothing(profile, frame_decoder):
    frame = Panel(profile).frame(0)
    assert frame_decoder.locate(frame) is None
    assert frame_decoder.decode_all(frame)[0].verdict is Verdict.NONE
    assert frame_decoder.report(frame).contacts == ()


@pytest.mark.parametrize("name", ["finger", "fingers/3/1", "fingers/5/2", "palm", "coin", "random-stamp/4"])
def test_other_objects_read_as_no_stamp(profile, frame_decoder, name):
    frame = Panel(profile).frame(10_000, [PlacedObject(resolve_object(name), Hold(30.8, 54.8))])
    assert frame_decoder.decode_all(frame)[0].code is None


def test_a_frame_of_another_panel_is_refused(frame_decoder):
    with pytest.raises(InputError, match=r"frame of shape \(5, 6\): expected \(27, 15\)"):
        frame_decoder.decode_all(Frame(0, np.zeros((5, 6), np.int16)))


@pytest.mark.parametrize("figures", [{"diameter_mm": 0.0}, {"noise": -1.0}, {"diameter_mm": math.nan}])
def test_figures_must_be_positive(profile, figures):
    with pytest.raises(InputError, match="expected a positive number"):
        FrameFitter(profile, **figures)


def test_at_least_one_pad_is_asked_for(profile):
    with pytest.raises(InputError, match="pads = 0"):
        FrameFitter(profile).fit(Frame(0, np.zeros((27, 15), np.int16)), 0)


PADS = np.array([18.3, 40.2, 40.9, 44.4, 30.0, 66.0])


def test_the_held_image_comes_back_from_the_ghosts(profile):
    held = pads_image(np.append(PADS, [0.0, 1.0]), profile, 6.0)
    released = pads_image(np.append(PADS, [0.99, 1.0]), profile, 6.0)
    restored, added = restore_held(released, 8.0)
    assert np.abs(released - held).max() > 40.0
    assert np.abs(restored - held).max() < 12.0
    assert added / restored.sum() == pytest.approx(0.99, abs=0.1)


def test_a_held_image_stays_as_it_is(profile):
    held = pads_image(np.append(PADS, [0.0, 1.0]), profile, 6.0)
    restored, added = restore_held(held, 8.0)
    assert added == 0.0
    np.testing.assert_array_equal(restored, held)


def test_pads_are_taken_off_until_none_is_left(profile):
    peaks, k = FrameFitter(profile).start(pads_image(np.append(PADS, [0.0, 1.0]), profile, 6.0), 6)
    assert k == 0.0
    order = np.argsort(peaks[:, 1])
    np.testing.assert_allclose(peaks[order], PADS.reshape(-1, 2), atol=0.5)


def two_stamps(panel, rng, grips):
    """Frames on which two stamps stand one above the other, each with its own ground; and their codes."""
    family = load_family("p5-60k")
    placed, codes = [], set()
    for grip, y in zip(grips, (27.0, 82.0), strict=True):
        code = int(rng.integers(family.size))
        codes.add(code)
        body = resolve_object(f"p5-60k/{code}")
        placed.append(PlacedObject(body, Hold(30.8, y, rng.uniform(0.0, 2.0 * math.pi), grip=grip)))
    return codes, [panel.frame(10_000 * number, placed) for number in range(1, 5)]


@pytest.mark.parametrize("grips", [(1.0, 1.0), (0.0, 1.0)], ids=["held", "one let go"])
def test_two_stamps_in_one_frame_are_both_read(profile, frame_decoder, grips):
    rng, panel, right = np.random.default_rng(4), Panel(profile), 0
    for number in range(20):
        panel.reset(number)
        codes, frames = two_stamps(panel, rng, grips)
        readings = frame_decoder.decode_all(frames[0])
        assert {reading.code for reading in readings} <= codes | {None}
        right += {reading.code for reading in readings} == codes
    assert right >= 18


def test_two_stamps_let_go_are_never_read_as_others(profile, frame_decoder):
    rng, panel = np.random.default_rng(4), Panel(profile)
    for number in range(10):
        panel.reset(number)
        codes, frames = two_stamps(panel, rng, (0.0, 0.0))
        assert {reading.code for reading in frame_decoder.decode_all(frames[0])} <= codes | {None}


def test_two_stamps_keep_their_contacts_apart(profile, frame_decoder):
    rng, panel = np.random.default_rng(9), Panel(profile)
    codes, frames = two_stamps(panel, rng, (1.0, 1.0))
    decoder = FrameDecoder(frame_decoder.decoder, profile)
    read = []
    for frame in frames:
        bodies = bodies_of(decoder.report(frame))
        assert bodies.keys() == {0, 1}
        read.append(
            [
                decoder.decoder.decode(np.array([(c.x_mm, c.y_mm) for c in body.down])).code
                for body in (bodies[0], bodies[1])
            ]
        )
    assert set(read[0]) == codes
    assert read == [read[0]] * 4


def test_a_pad_keeps_its_id_while_its_stamp_slides(profile, frame_decoder):
    decoder, panel, body = FrameDecoder(frame_decoder.decoder, profile), Panel(profile), "p5-60k/17"
    places = []
    for number in range(8):
        placed = PlacedObject(resolve_object(body), Hold(30.0 + 0.7 * number, 50.0))
        report = decoder.report(panel.frame(10_000 * number, [placed]))
        places.append({contact.id: contact.x_mm for contact in report.contacts})
    assert len(places[0]) == 5
    for before, after in itertools.pairwise(places):
        assert before.keys() == after.keys()
        assert all(after[pad] - before[pad] == pytest.approx(0.7, abs=0.3) for pad in before)
