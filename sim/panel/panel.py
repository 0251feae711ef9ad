"""The panel: objects placed on the glass, scanned into frames of counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.panel import field, grounding, noise
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.faults import ReadoutFaults, has_faults
from stampbench.sim.panel.placing import FIRST_SCAN, PlacedObject, objects_of_condition
from stampbench.sim.panel.profile import Profile
from stampbench.sim.panel.response import film_offset, kernel_responses
from stampbench.sim.stamps.objects import TouchObject

PAD_COMPRESSION_MM: Final = 0.5
"""How far a pad of conductive foam or rubber gives way from first touch to full contact."""
SCANS_AHEAD: Final = 4
"""Scans for which noise is drawn at once: handing the generator to a kernel takes as long as 2,000 draws."""


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
        self._geometry = profile.geometry
        self._parts = noise.noise_parts(profile.noise, rows, cols)
        self._responses, self._tables = kernel_responses(profile, self.condition)
        self._faulty = has_faults(self.condition)
        self._film = film_offset(profile, self.condition)
        self._levels = self._quiet_levels()
        # Scratch of the kernels, zero between frames.
        self._work, self._signal, self._held, self._counts = (np.zeros((rows, cols)) for _ in range(4))
        self._row_sums, self._col_sums, self._coupling = np.zeros(rows), np.zeros(cols), np.zeros(cols)
        self._normals = np.empty((SCANS_AHEAD, noise.draws_per_frame(rows, cols)))
        self._placed: tuple[TouchObject, ...] = ()
        self._place(())
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Return to the untouched panel at time 0 and start the random draws anew."""
        # Rare events draw from a generator of their own: switching one on leaves the noise as it was.
        self._rng, events = np.random.default_rng(seed), np.random.default_rng([seed, 1])
        static_sd = self.profile.noise.static_sd * self.condition.noise
        self._static = static_sd * self._rng.standard_normal(self._shape) + self._film
        self._drawn = 0
        self._memory = np.zeros(self._shape)
        self._last_us: int | None = None
        self._interference = noise.Interference(self.profile, self.condition, events)
        self.condition_objects = objects_of_condition(self.profile, self.condition, events)
        self._faults = ReadoutFaults(self.profile, self.condition, events) if self._faulty else None

    def frame(self, t_us: int, objects: Sequence[PlacedObject] = ()) -> Frame:
        """Scan the panel once.

        Args:
            t_us: time of the scan since the panel was reset, microseconds.
            objects: what stands on the panel at that time.
        """
        if self.condition_objects and t_us >= FIRST_SCAN * self.profile.frame_interval_us:
            objects = (*objects, *self.condition_objects)
        self._add_objects(objects)
        if self._drawn == 0:
            noise.draw_normals(self._rng, self._normals)
            self._drawn = SCANS_AHEAD
        self._drawn -= 1
        self._set_levels(t_us)
        deltas = np.empty(self._shape, np.int16)
        noise.finish_frame(
            self._signal,
            self._held,
            self._memory,
            self._static,
            self._coupling,
            self._normals[-1 - self._drawn],
            self._levels,
            self._counts,
            deltas,
        )
        if self._faults is not None:
            self._faults.apply(self._counts)
            noise.quantise(self._counts, self._levels, deltas)
        return Frame(t_us, deltas)

    def signal(self, objects: Sequence[PlacedObject]) -> npt.NDArray[np.float64]:
        """Return counts that the objects cause, before noise and rounding; shape (rows, cols)."""
        self._add_objects(objects)
        image = self._signal.copy()
        for scratch in (self._signal, self._held, self._coupling):
            scratch[:] = 0.0
        return image

    def _add_objects(self, objects: Sequence[PlacedObject]) -> None:
        if not objects:
            return
        bodies = tuple(placed.object for placed in objects)
        if bodies != self._placed:
            self._place(bodies)
        poses = self._poses
        ground = 0
        for placed in objects:
            hold = placed.hold
            k, g = grounding.factors(self.profile.grounding, hold.grip)
            pose = (
                hold.x_mm,
                hold.y_mm,
                math.cos(hold.theta_rad),
                math.sin(hold.theta_rad),
                hold.force,
                k,
                g,
                hold.tilt_x_rad / PAD_COMPRESSION_MM,
                hold.tilt_y_rad / PAD_COMPRESSION_MM,
            )
            for _ in range(placed.object.grounds):
                poses[ground] = pose
                ground += 1
        field.add_signal(
            self._discs,
            self._starts,
            self._kinds,
            poses,
            self._tables,
            self._responses,
            self._geometry.pitch_x_mm,
            self._geometry.pitch_y_mm,
            self._work,
            self._row_sums,
            self._col_sums,
            self._signal,
            self._held,
            self._coupling,
        )

    def _place(self, bodies: tuple[TouchObject, ...]) -> None:
        """Lay out the discs of the objects for the kernel; they change seldom, poses with every frame."""
        self._placed = bodies
        sizes = [size for body in bodies for size in body.ground_sizes]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
        self._kinds = np.array(
            [body.conductor for body in bodies for _ in range(body.grounds)], dtype=np.int64
        )
        self._discs = np.concatenate([np.empty((0, field.DISC_COLUMNS)), *(body.discs for body in bodies)])
        self._poses = np.empty((len(sizes), field.POSE_COLUMNS))

    def _quiet_levels(self) -> npt.NDArray[np.float64]:
        levels = np.zeros(noise.LEVELS)
        profile, scale = self.profile, self.condition
        levels[noise.NODE_SD] = self._parts.node_sd * scale.noise
        levels[noise.TX_SD] = self._parts.tx_sd * scale.noise
        levels[noise.RX_SD] = self._parts.rx_sd * scale.noise
        levels[noise.FRAME_SD] = self._parts.frame_sd * scale.noise
        levels[noise.STRIPE_MEAN] = profile.stripe.mean * scale.stripe
        levels[noise.STRIPE_FULL] = noise.STRIPE_FULL_NODES * profile.flat.amplitude
        levels[noise.MEMORY_SHARE] = profile.drift.memory_share * scale.memory
        levels[noise.COUNT_MIN] = profile.readout.count_min
        levels[noise.COUNT_MAX] = profile.readout.count_max
        levels[noise.SQUELCH] = profile.readout.squelch
        return levels

    def _set_levels(self, t_us: int) -> None:
        """Set what changes from frame to frame: drift, memory, interference."""
        profile, scale, levels = self.profile, self.condition, self._levels
        since_last_s = 0.0 if self._last_us is None else max(0, t_us - self._last_us) * 1e-6
        self._last_us = t_us
        levels[noise.OFFSET] = profile.drift.counts_per_s * scale.drift * t_us * 1e-6
        levels[noise.MEMORY_RATE] = -math.expm1(-since_last_s / profile.drift.memory_time_s)
        levels[noise.STRIPE_SD] = self._interference.level_sd(t_us)
