"""Simulated fingertips and palms against those recorded on a Nexus 5; contacts of one body act as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import label, maximum_filter
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Panel, PlacedObject, load_profile, reference
from stampbench.sim.panel.field import PAD_COMPRESSION_MM
from stampbench.sim.stamps.bodies import BODIES, united
from stampbench.sim.stamps.objects import Conductor, TouchObject, resolve_object, round_pads

NEXUS = load_profile("nexus-5")
TOUCHES = 150


@pytest.fixture(scope="module")
def palmtouch() -> dict[str, np.ndarray]:
    path = Path(__file__).parents[3].parent / "shared/real/palmtouch/p21_tap_palm_pinch.npz"
    if not path.exists():
        pytest.skip("needs the PalmTouch recordings, which are not beside this checkout")
    with np.load(path) as recorded:
        frames, task = recorded["frames"], recorded["task"]
    return {name: frames[task == name] for name in ("TAP", "PALM", "PINCH")}


def shown(frames: np.ndarray) -> np.ndarray:
    """Peak, and number of nodes above 30 counts: each at 10, 50 and 90 % of the frames."""
    peaks, areas = frames.max(axis=(1, 2)), (frames > 30).sum(axis=(1, 2))
    return np.concatenate([np.percentile(part, [10, 50, 90]) for part in (peaks, areas)])


def simulated(form: str) -> np.ndarray:
    """Frames of touches drawn from the spread of a body, anywhere it stands wholly on the glass."""
    rng = np.random.default_rng(0)
    panel = Panel(NEXUS, seed=1)

    def touches() -> Iterator[np.ndarray]:
        for seed in range(TOUCHES):
            hold = Hold(rng.uniform(20, 42), rng.uniform(24, 86), rng.uniform(0, 2 * np.pi))
            yield panel.frame(0, [PlacedObject(resolve_object(form.format(seed)), hold)]).deltas

    return np.array(list(touches()))


@pytest.mark.parametrize(("task", "form"), [("TAP", "tap/{}"), ("PALM", "palm/{}")])
def test_peaks_and_areas_are_those_recorded(palmtouch: dict[str, np.ndarray], task: str, form: str) -> None:
    assert shown(simulated(form)) == pytest.approx(shown(palmtouch[task]), rel=0.15)


@pytest.mark.parametrize(
    ("form", "facts"),
    [("tap/{}", [211, 237, 252, 11, 14, 20]), ("palm/{}", [180, 197, 223, 20, 27, 34])],
)
def test_peaks_and_areas_are_those_of_the_facts(form: str, facts: list[float]) -> None:
    """Measured on a Nexus 5 (PalmTouch): 10, 50 and 90 % of taps and of balls of the thumb."""
    assert shown(simulated(form)) == pytest.approx(np.array(facts), rel=0.15)


def test_a_palm_is_weaker_than_a_fingertip() -> None:
    palm, finger = (shown(simulated(form))[1] for form in ("palm/{}", "tap/{}"))
    assert palm < 0.9 * finger


def maxima(frame: np.ndarray) -> int:
    """Count local maxima above 60 counts, lone nodes left out."""
    around = maximum_filter(frame, footprint=[[1, 1, 1], [1, 0, 1], [1, 1, 1]], mode="constant")
    tops = (frame == maximum_filter(frame, 3)) & (frame > 60) & (around >= 0.25 * frame)
    return int(label(tops, np.ones((3, 3)))[1])


@pytest.mark.parametrize("distance_mm", [17.0, 21.0, 30.0])
def test_two_fingers_stand_apart_as_in_recorded_pinches(
    palmtouch: dict[str, np.ndarray], distance_mm: float
) -> None:
    """The recorded fingers are 16.8 to 51.6 mm apart, and all frames show at least two maxima."""
    recorded = np.mean([maxima(frame.astype(float)) >= 2 for frame in palmtouch["PINCH"]])
    rng, panel = np.random.default_rng(0), Panel(NEXUS, seed=1)
    apart = 0
    for seed in range(40):
        angle, middle = rng.uniform(0, np.pi), np.array([30.0, 55.0]) + rng.uniform(-2, 2, 2)
        way = distance_mm / 2 * np.array([np.cos(angle), np.sin(angle)])
        fingers = [
            PlacedObject(resolve_object(f"tap/{2 * seed + side}"), Hold(*(middle + (2 * side - 1) * way)))
            for side in (0, 1)
        ]
        apart += maxima(panel.frame(0, fingers).deltas.astype(float)) >= 2
    assert apart / 40 == pytest.approx(recorded, abs=0.1)


@pytest.mark.parametrize("conductor", [Conductor.FLAT, Conductor.SKIN])
def test_a_contact_listed_twice_acts_once(conductor: Conductor) -> None:
    spot = np.zeros((1, 2))
    once = TouchObject("once", round_pads(spot, 20.0), (1,), conductor)
    twice = TouchObject("twice", round_pads(np.repeat(spot, 2, axis=0), 20.0), (2,), conductor)
    images = [Panel(NEXUS).signal([PlacedObject(body, Hold(30.0, 60.0))]) for body in (once, twice)]
    assert np.array_equal(*images)


def test_overlapping_contacts_of_one_body_count_each_spot_once() -> None:
    pads = round_pads(np.array([[-4.0, 0.0], [4.0, 1.0], [2.0, 7.0]]), np.array([14.0, 11.0, 9.0]))
    body = TouchObject("patches", pads, (3,))
    placed = PlacedObject(body, Hold(30.0, 60.0, 0.7))
    whole = reference.signal([placed], NEXUS, PAD_COMPRESSION_MM)
    assert Panel(NEXUS).signal([placed]) == pytest.approx(whole, abs=0.006 * NEXUS.flat.amplitude)
    assert whole.max() < 1.01 * NEXUS.flat.amplitude


def test_two_bodies_are_not_united() -> None:
    pads = round_pads(np.zeros((2, 2)), 8.0)
    one, two = TouchObject("one", pads, (2,)), TouchObject("two", pads, (1, 1))
    images = [Panel(NEXUS).signal([PlacedObject(body, Hold(30.0, 60.0))]) for body in (one, two)]
    assert images[1] == pytest.approx(2 * images[0])


def test_pads_that_stand_apart_stay_as_they_are() -> None:
    stamp = resolve_object("random-stamp/1")
    assert stamp.united[0] is not stamp.discs
    assert united(stamp.discs) is stamp.discs
    assert np.array_equal(stamp.united[0], stamp.discs)


@pytest.mark.parametrize("wear", ["hollow=4", "broken=2", "worn=0.3"])
def test_a_worn_stamp_stays_as_wear_left_it(wear: str) -> None:
    stamp = resolve_object(f"random-stamp/1~{wear}")
    assert np.array_equal(stamp.united[0], stamp.discs)


@pytest.mark.parametrize("name", BODIES)
def test_every_body_has_a_median_touch_and_a_spread(name: str) -> None:
    body, drawn, again = (resolve_object(form) for form in (name, f"{name}/1", f"{name}/1"))
    assert body.conductor is Conductor.SKIN
    assert body.grounds == 1
    assert np.array_equal(drawn.discs, again.discs)
    assert not np.array_equal(drawn.discs[:1], body.discs[:1])
