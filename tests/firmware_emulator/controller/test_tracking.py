from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from stampbench.firmware_emulator.controller import ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.controller.configuration import parameters
from stampbench.firmware_emulator.controller.segmentation import new_blobs
from stampbench.firmware_emulator.controller.tracking import assign, follow, new_tracks

Points = npt.NDArray[np.float64]
PANEL = PanelGeometry(27, 15, 4.1, 4.1, 6150, 11070, 61.5, 110.7)


class Tracker:
    """Tracks fed with positions alone."""

    def __init__(self, **settings: float) -> None:
        self.tracks = new_tracks()
        self.params = parameters(PANEL, ControllerSettings(**settings))

    def see(self, points: Points, *, lands: int = 1, large: int = 0) -> list[tuple[float, float]]:
        blobs = new_blobs()
        n = len(points)
        blobs["x_mm"][:n], blobs["y_mm"][:n] = np.reshape(points, (n, 2)).T
        blobs["lands"], blobs["large"] = lands, large
        live = follow(blobs, n, self.tracks, self.params)
        assert live == self.tracks["live"].sum()
        return [(track["x_mm"], track["y_mm"]) for track in self.tracks if track["live"]]

    def report_all(self) -> None:
        self.tracks["id"] = np.arange(len(self.tracks))


@pytest.mark.kernel
@given(
    st.integers(0, 6).flatmap(
        lambda n: st.integers(n, 8).flatmap(
            lambda m: arrays(np.float64, (n, m), elements=st.integers(0, 20).map(float))
        )
    )
)
def test_assignment_costs_what_scipys_costs(cost: Points) -> None:
    n, m = cost.shape
    chosen = assign(cost, n, m)
    assert len(set(chosen.tolist())) == n
    rows, cols = linear_sum_assignment(cost)
    assert cost[np.arange(n), chosen].sum() == cost[rows, cols].sum()


grid = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8)), min_size=1, max_size=10, unique=True).map(
    lambda cells: np.array(cells, float) * 12.0
)


@pytest.mark.kernel
@given(grid, st.integers(0, 2**32 - 1), st.sampled_from([6.0, 10.0, 40.0]))
def test_contacts_that_move_less_than_half_their_distance_keep_their_track(
    points: Points, seed: int, gate_mm: float
) -> None:
    rng = np.random.default_rng(seed)
    tracker = Tracker(gate_mm=gate_mm)
    tracker.see(points)
    tracker.report_all()
    angle, reach = rng.uniform(0, 2 * np.pi, len(points)), rng.uniform(0, 5.99, len(points))
    moved = points + (reach * [np.cos(angle), np.sin(angle)]).T
    shuffled = rng.permutation(len(points))
    assert tracker.see(moved[shuffled]) == [tuple(point) for point in moved.tolist()]


@pytest.mark.kernel
def test_assignment_is_the_best_in_sum_where_nearest_first_is_not() -> None:
    tracker = Tracker(gate_mm=20.0)
    tracker.see(np.array([[10.0, 50.0], [16.0, 50.0]]))
    tracker.report_all()
    # The nearest pair is track 1 at 15.5, which would leave track 0 a jump of 12 mm.
    assert tracker.see(np.array([[15.5, 50.0], [22.0, 50.0]])) == [(15.5, 50.0), (22.0, 50.0)]


@pytest.mark.kernel
def test_jump_beyond_the_gate_is_another_contact() -> None:
    tracker = Tracker(gate_mm=8.0)
    tracker.see(np.array([[10.0, 10.0]]))
    tracker.report_all()
    assert tracker.see(np.array([[18.0, 10.0]])) == [(10.0, 10.0), (18.0, 10.0)]


@pytest.mark.kernel
def test_lifted_neighbour_does_not_hand_its_track_on() -> None:
    tracker = Tracker()
    tracker.see(np.array([[10.0, 10.0], [22.0, 10.0], [34.0, 10.0]]))
    tracker.report_all()
    tracker.see(np.array([[22.0, 10.0], [34.0, 10.0]]))
    assert tracker.tracks["missing"][:3].tolist() == [1, 0, 0]


@pytest.mark.kernel
def test_unreported_track_is_dropped_when_missed() -> None:
    tracker = Tracker()
    tracker.see(np.array([[10.0, 10.0]]))
    assert tracker.see(np.empty((0, 2))) == []


@pytest.mark.kernel
def test_weak_touch_continues_a_track_and_begins_none() -> None:
    tracker = Tracker()
    assert tracker.see(np.array([[10.0, 10.0]]), lands=0) == []
    tracker.see(np.array([[10.0, 10.0]]))
    assert tracker.see(np.array([[10.5, 10.0], [40.0, 40.0]]), lands=0) == [(10.5, 10.0)]


@pytest.mark.kernel
def test_large_object_is_not_followed() -> None:
    assert Tracker().see(np.array([[10.0, 10.0]]), large=1) == []


@pytest.mark.kernel
def test_position_filter_smooths_small_steps_and_lets_large_ones_pass() -> None:
    tracker = Tracker(position_filter=0.5, position_filter_reach_mm=0.4)
    tracker.see(np.array([[10.0, 10.0]]))
    tracker.see(np.array([[10.2, 10.0]]))
    assert tracker.tracks["smooth_x_mm"][0] == pytest.approx(10.1)
    tracker.see(np.array([[11.0, 10.0]]))
    assert tracker.tracks["smooth_x_mm"][0] == pytest.approx(11.0)
