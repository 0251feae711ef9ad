"""The panel: objects placed on the glass, scanned into frames of counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.panel import noise
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.faults import ReadoutFaults, apply_faults, readout_faults
from stampbench.sim.panel.field import (
    DISC_COLUMNS,
    FORCE,
    HOLD_COLUMNS,
    Image,
    Layout,
    Surface,
    add_signal,
    new_image,
)
from stampbench.sim.panel.noise_character import noise_character
from stampbench.sim.panel.placing import FIRST_SCAN, PlacedObject, objects_of_condition
from stampbench.sim.panel.profile import Profile
from stampbench.sim.panel.response import film_offset, kernel_responses
from stampbench.sim.stamps.objects import TouchObject

F64 = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int16]
Ints = npt.NDArray[np.int64]

_NEVER: Final = -(1 << 62)
"""Time of the scan before the first, microseconds."""


@kernel
def scans(
    times_us: Ints,
    layout: Layout,
    holds: F64,
    surface: Surface,
    rest: noise.Rest,
    levels: F64,
    normals: F64,
    stripe_sds: F64,
    faults: ReadoutFaults,
    image: Image,
    last_us: Ints,
    deltas: Counts,
) -> None:
    """Scan a panel at each time: what touches it, its noise, faults of its read-out, whole counts.

    Args:
        times_us: (n,) of the scans, not running backwards.
        layout: what stands on the panel.
        holds: (n, objects, 7) how each is held, as ``Hold.values``.
        surface: how the panel answers.
        rest: of the nodes, updated.
        levels: of the noise, see :mod:`stampbench.sim.panel.noise`.
        normals: (n, draws) of the noise, see :func:`stampbench.sim.panel.noise.draws_per_frame`.
        stripe_sds: (n,) counts, see :meth:`stampbench.sim.panel.noise.Interference.level_sds`.
        faults: of the read-out, updated.
        image: zero before and after.
        last_us: (1,) time of the last scan, updated.
        deltas: (n, rows, cols) filled.
    """
    rows, cols = deltas.shape[1:]
    counts = np.empty((rows, cols))
    for n in range(times_us.shape[0]):
        add_signal(layout, holds[n], surface, image)
        since_last_s = 0.0 if last_us[0] == _NEVER else max(0, times_us[n] - last_us[0]) * 1e-6
        last_us[0] = times_us[n]
        offset = levels[noise.DRIFT_PER_S] * times_us[n] * 1e-6
        memory_rate = -math.expm1(-since_last_s / levels[noise.MEMORY_TIME_S])
        noise.add_noise(image, rest, normals[n], levels, offset, memory_rate, stripe_sds[n], counts)
        apply_faults(counts, faults)
        noise.quantise(counts, levels, deltas[n])


class Panel:
    """A touch panel in a given condition; the same seed and objects give the same frames.

    >>> panel = sb.Panel(sb.load_profile("nexus-5"), sb.Condition(noise=0.0), seed=1)
    >>> panel.frame(t_us=0).deltas.shape
    (27, 15)

    Args:
        profile: the device.
        condition: what acts on it; ordinary noise unless told otherwise.
        seed: of every random draw, as ``numpy.random.default_rng`` takes it.

    Attributes:
        condition_objects: what the condition itself puts on the glass: water, a palm, resting fingers.
    """

    def __init__(self, profile: Profile, condition: Condition | None = None, seed: int = 0) -> None:
        self.profile = profile
        self.condition = Condition() if condition is None else condition
        rows, cols = self._shape = profile.grid.rows, profile.grid.cols
        geometry, grounding = profile.geometry, profile.grounding
        responses, tables = kernel_responses(profile, self.condition)
        self._surface = Surface(
            tables,
            responses,
            geometry.pitch_x_mm,
            geometry.pitch_y_mm,
            float(grounding.released_k),
            float(grounding.released_gain),
        )
        self._draws = noise.draws_per_frame(rows, cols)
        self._film = film_offset(profile, self.condition)
        self._levels = _levels(profile, self.condition)
        self._image = new_image(rows, cols)
        self._last_us = np.empty(1, np.int64)
        self._placed: tuple[TouchObject, ...] | None = None
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Return to the untouched panel at time 0 and start the random draws anew."""
        # Rare events draw from a generator of their own: switching one on leaves the noise as it was.
        self._rng, events = np.random.default_rng(seed), np.random.default_rng([seed, 1])
        static_sd = self.profile.noise.static_sd * self.condition.noise
        static = static_sd * self._rng.standard_normal(self._shape) + self._film
        self._rest = noise.Rest(static, np.zeros(self._shape))
        self._last_us[0] = _NEVER
        self._character = noise_character(self.profile, self.condition, seed)
        self._interference = noise.Interference(self.profile, self.condition, events)
        self.condition_objects = objects_of_condition(self.profile, self.condition, events)
        self._faults = readout_faults(self.profile, self.condition, events)

    def frame(self, t_us: int, objects: Sequence[PlacedObject] = ()) -> Frame:
        """Scan the panel once.

        Args:
            t_us: time of the scan since the panel was reset, microseconds.
            objects: what stands on the panel at that time.
        """
        bodies = tuple(placed.object for placed in objects)
        return Frame(t_us, self.scan(np.array([t_us], np.int64), bodies, _holds(objects)[np.newaxis])[0])

    def scan(self, times_us: Ints, bodies: tuple[TouchObject, ...], holds: F64) -> Counts:
        """Scan the panel several times; the counts are those of as many calls of :meth:`frame`.

        Args:
            times_us: (n,) times of the scans since the panel was reset, microseconds, not running backwards.
            bodies: what stands on the panel, or above it.
            holds: (n, bodies, 7) how each is held, as ``Hold.values``; one without force is not there.

        Returns:
            Deltas (n, rows, cols).
        """
        if self.condition_objects:
            bodies = (*bodies, *(placed.object for placed in self.condition_objects))
            resting = np.repeat(_holds(self.condition_objects)[np.newaxis], len(times_us), axis=0)
            resting[times_us < FIRST_SCAN * self.profile.frame_interval_us, :, FORCE] = 0.0
            holds = np.concatenate([holds, resting], axis=1)
        self._place(bodies)
        deltas = np.empty((len(times_us), *self._shape), np.int16)
        normals = self._rng.standard_normal((len(times_us), self._draws))
        if self._character is not None:
            self._character.shape(normals)
        scans(
            times_us,
            self._layout,
            holds,
            self._surface,
            self._rest,
            self._levels,
            normals,
            self._interference.level_sds(times_us),
            self._faults,
            self._image,
            self._last_us,
            deltas,
        )
        return deltas

    def signal(self, objects: Sequence[PlacedObject]) -> F64:
        """Return counts that the objects cause, before noise and rounding; shape (rows, cols)."""
        self._place(tuple(placed.object for placed in objects))
        image = new_image(*self._shape)
        add_signal(self._layout, _holds(objects), self._surface, image)
        return image.signal

    def _place(self, bodies: tuple[TouchObject, ...]) -> None:
        """Lay out the discs of the objects for the kernel; they change seldom, holds with every scan."""
        if bodies == self._placed:
            return
        self._placed = bodies
        grounds = [body.united for body in bodies]
        sizes = [size for _, sizes in grounds for size in sizes]
        self._layout = Layout(
            np.concatenate([np.empty((0, DISC_COLUMNS)), *(discs for discs, _ in grounds)]),
            np.cumsum([0, *sizes], dtype=np.int64),
            np.array([body.conductor for body in bodies for _ in range(body.grounds)], np.int64),
            np.array([place for place, body in enumerate(bodies) for _ in range(body.grounds)], np.int64),
        )


def _holds(objects: Sequence[PlacedObject]) -> F64:
    return np.array([placed.hold.values for placed in objects], np.float64).reshape(-1, HOLD_COLUMNS)


def _levels(profile: Profile, condition: Condition) -> F64:
    """Return what the noise has in every scan, as :mod:`stampbench.sim.panel.noise` names the entries."""
    parts = noise.noise_parts(profile.noise, profile.grid.rows, profile.grid.cols)
    levels = np.empty(noise.LEVELS)
    levels[noise.NODE_SD] = parts.node_sd * condition.noise
    levels[noise.TX_SD] = parts.tx_sd * condition.noise
    levels[noise.RX_SD] = parts.rx_sd * condition.noise
    levels[noise.FRAME_SD] = parts.frame_sd * condition.noise
    levels[noise.DRIFT_PER_S] = profile.drift.counts_per_s * condition.drift
    levels[noise.STRIPE_MEAN] = profile.stripe.mean * condition.stripe
    levels[noise.STRIPE_FULL] = noise.STRIPE_FULL_NODES * profile.flat.amplitude
    levels[noise.MEMORY_SHARE] = profile.drift.memory_share * condition.memory
    levels[noise.MEMORY_TIME_S] = profile.drift.memory_time_s
    levels[noise.COUNT_MIN] = profile.readout.count_min
    levels[noise.COUNT_MAX] = profile.readout.count_max
    levels[noise.SQUELCH] = profile.readout.squelch
    return levels
