"""Capacity: which families a panel can tell apart, predicted from its position error and simulated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from stampbench.bench.capacity.enrolling import press_shapes
from stampbench.bench.judging.statistics import Rate, rate
from stampbench.bench.judging.tallies import Tally
from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.tables import Case, DecoderSettings, Header
from stampbench.bench.runs.campaign import pressed_chunks
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.pressing import SimulatedPresser
from stampbench.bench.runs.progress import Progress
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.sim.decoder import Acceptance
    from stampbench.sim.stamps.specification import FamilySpec

FAMILIES = ("p5-60k", "p5-600k", "p5-6m")
LARGEST_FRR = 0.01
"""False rejection up to which a family can be shipped, unless told otherwise."""
LARGEST_FAR = 0.05
"""The same of false acceptance: a code identifies, it proves nothing, yet few strangers may be read."""


class Answer(StrEnum):
    """Whether a family can be shipped."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class PositionError:
    """How far contacts lie from the pads, as presses of random codes showed.

    Attributes:
        pads: on each stamp.
        missed: presses of which not all pads were reported; how many, of how many.
        distances_mm: rigid distance of the contacts to the pads, for each other press, rising.
    """

    pads: int
    missed: Rate
    distances_mm: tuple[float, ...]

    @property
    def sigma_mm(self) -> float:
        """Error of a contact on each axis, bias and jitter together: rms distance over sqrt(2 n - 3).

        Raises:
            InputError: no press was complete.
        """
        if not self.distances_mm:
            raise InputError(
                f"not one of {self.missed.n} presses of random codes showed {self.pads} contacts at once: "
                "expected a panel that reports as many"
            )
        mean_square = sum(distance**2 for distance in self.distances_mm) / len(self.distances_mm)
        return math.sqrt(mean_square / (2 * self.pads - 3))


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the position error lets expect; that of a shape follows chi with 2 n - 3 degrees of freedom.

    Attributes:
        frr: shares of presses that miss a pad, or whose error exceeds the acceptance radius.
        misread: at most; the share whose error reaches into the acceptance ball of another code.
        far: share of foreign objects of as many pads that the decoder reads, at one look. Where jitter
            outweighs bias the looks of a press differ, and a stranger has several tries.
        far_by_contacts: the same for other numbers of contacts, by :meth:`Acceptance.far`.
    """

    frr: float
    misread: float
    far: float
    far_by_contacts: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What whole presses on the simulated panel came to."""

    frr: Rate
    misread: Rate
    far: Rate


@dataclass(frozen=True, slots=True)
class FamilyCapacity:
    """One family on one panel.

    Attributes:
        pads: on each stamp.
        sigma_allowed_mm: greatest position error at which 99.9 % of the presses stay within half the minimum
            distance.
        radius_mm: acceptance radius.
        simulated: None where the family is not built.
    """

    family: str
    size: int
    pads: int
    min_distance_mm: float
    sigma_allowed_mm: float
    radius_mm: float
    predicted: Predicted
    simulated: Simulated | None
    ships: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The answer: what a panel can tell apart.

    Attributes:
        design_sigma_mm: error per axis that the decoder was made for.
        largest_frr, largest_far: up to which a family can be shipped.
    """

    profile: str
    noise: float
    error: PositionError
    design_sigma_mm: float
    largest_frr: float
    largest_far: float
    families: tuple[FamilyCapacity, ...]

    @property
    def largest(self) -> FamilyCapacity | None:
        """The largest family that can be shipped."""
        shipping = [family for family in self.families if family.ships is Answer.YES]
        return max(shipping, key=lambda family: family.size, default=None)


def capacity(
    profile: str,
    families: Sequence[str] | None = None,
    *,
    noise: float = 1.0,
    presses: int = 400,
    sigma_mm: float | None = None,
    largest_frr: float = LARGEST_FRR,
    largest_far: float = LARGEST_FAR,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Capacity:
    """Tell which families a panel can tell apart.

    Args:
        profile: of the panel.
        families: to look at; those that are not built yet are built. None: the built-in ones, of which those
            that are not built are only predicted.
        noise: scale of the panel's noise; 1 is as measured.
        presses: genuine ones for each family, as many of random stamps that are in no family, and as many
            for the position error.
        sigma_mm: error per axis that the decoder is made for; None: what is measured.
        largest_frr: up to which a family can be shipped.
        largest_far: the same of the share of foreign objects that are read.
        seed: of all draws.
        workers: processes.
        progress: is told how it goes.

    Raises:
        InputError: no such profile or family, or an argument out of range.
    """
    from stampbench.sim.stamps.family_cache import is_built
    from stampbench.sim.stamps.specification import find_spec

    progress = progress or Progress()
    specs = [find_spec(name) for name in families or FAMILIES]
    progress.say(f"{presses:,} presses for the position error")
    error = position_error(profile, noise, presses, seed)
    design_sigma_mm = error.sigma_mm if sigma_mm is None else sigma_mm
    found = []
    for name, spec in zip(families or FAMILIES, specs, strict=True):
        simulated = None
        if families is not None or is_built(spec):
            progress.say(f"{name}: {presses:,} genuine and {presses:,} foreign presses")
            plan = _plan(name, profile, noise, presses, design_sigma_mm)
            simulated = _simulate(RunOrder(plan, Path(), seed, workers=workers), progress)
        else:
            progress.say(f"{name}: predicted only; stampbench family build {name} lets it be simulated")
        acceptance = _acceptance(name, spec, design_sigma_mm)
        predicted = predict(spec, acceptance, error)
        found.append(
            FamilyCapacity(
                name,
                spec.size,
                spec.geometry.pads,
                spec.min_distance_mm,
                allowed_sigma_mm(spec),
                acceptance.radius_mm,
                predicted,
                simulated,
                answer(predicted, simulated, largest_frr, largest_far),
            )
        )
    return Capacity(
        profile=profile,
        noise=noise,
        error=error,
        design_sigma_mm=design_sigma_mm,
        largest_frr=largest_frr,
        largest_far=largest_far,
        families=tuple(found),
    )


def position_error(profile_name: str, noise: float, presses: int, seed: int) -> PositionError:
    """Press random codes of the smallest built-in family all over a panel; compare contacts with pads.

    The built-in families share their geometry, so all have pads as close as these.
    Contacts are taken over the whole press: a decoder, too, waits and averages before it refuses a stamp.

    Raises:
        InputError: no such profile, or a stamp does not fit it.
    """
    from stampbench.sim.device import Device
    from stampbench.sim.panel import Condition, load_profile
    from stampbench.sim.press import Hand
    from stampbench.sim.stamps import load_family, rigid_distance_mm
    from stampbench.sim.stamps.objects import resolve_object

    profile, hand = load_profile(profile_name), Hand()
    device = Device(profile, Condition.from_mapping({"noise": noise}))
    family = load_family(FAMILIES[0])
    pads = family.pads_per_stamp
    distances_mm = []
    for number in range(presses):
        hand_seed, panel_seed = np.random.SeedSequence([seed, number]).generate_state(2)
        name = family.stamp(int(hand_seed) % family.size).name
        press = hand.press(name, profile, np.random.default_rng(hand_seed))
        reports = device.reports(press.rounded(), int(panel_seed))
        shape = next(press_shapes(reports, pads=pads), None)
        if shape is not None:
            distances_mm.append(rigid_distance_mm(shape, resolve_object(press.object).pads))
    return PositionError(pads, rate(presses - len(distances_mm), presses), tuple(sorted(distances_mm)))


def predict(spec: FamilySpec, acceptance: Acceptance, error: PositionError) -> Predicted:
    """Return rates to be expected of a family where contacts err that much."""
    from stampbench.sim.decoder.acceptance import CONTACTS
    from stampbench.sim.decoder.chance import Chance

    if acceptance.chance is None:
        acceptance = replace(acceptance, chance=Chance.evenly(spec.size, spec.geometry))
    missed = error.missed.estimate or 0.0
    beyond = spec.min_distance_mm - acceptance.radius_mm
    return Predicted(
        frr=missed + (1.0 - missed) * acceptance.predicted_frr(error.sigma_mm),
        misread=(1.0 - missed) * _share_beyond(beyond / error.sigma_mm, acceptance.pads),
        far=acceptance.far(),
        far_by_contacts={contacts: acceptance.far(contacts) for contacts in CONTACTS},
    )


def predicted_rejection(family: FamilyCapacity, sigma_mm: float) -> float:
    """Return predicted FRR of a family at another position error, with a decoder made for that error."""
    from stampbench.sim.decoder import Acceptance

    acceptance = Acceptance.design(
        pads=family.pads, min_distance_mm=family.min_distance_mm, sigma_mm=sigma_mm
    )
    return acceptance.predicted_frr()


def allowed_sigma_mm(spec: FamilySpec) -> float:
    """Return the greatest position error that keeps 99.9 % of presses within half the minimum distance."""
    from stampbench.sim.decoder.acceptance import chi_quantile, degrees_of_freedom

    return spec.min_distance_mm / 2.0 / chi_quantile(0.999, degrees_of_freedom(spec.geometry.pads))


def answer(
    predicted: Predicted, simulated: Simulated | None, largest_frr: float, largest_far: float = LARGEST_FAR
) -> Answer:
    """Say whether a family can be shipped: by the whole interval of the simulated FRR.

    A prediction alone can say no, and never yes.
    """
    if predicted.far > largest_far:
        return Answer.NO
    if simulated is None:
        return Answer.UNSURE if predicted.frr <= largest_frr else Answer.NO
    if simulated.far.low > largest_far:
        return Answer.NO
    if simulated.frr.high <= largest_frr:
        return Answer.YES
    return Answer.NO if simulated.frr.low > largest_frr else Answer.UNSURE


def _share_beyond(radius_in_sigmas: float, pads: int) -> float:
    """Return the share of errors farther than that."""
    from scipy.special import gammaincc
    from stampbench.sim.decoder.acceptance import degrees_of_freedom

    return float(gammaincc(degrees_of_freedom(pads) / 2.0, radius_in_sigmas**2 / 2.0))


def _acceptance(name: str, spec: FamilySpec, sigma_mm: float) -> Acceptance:
    """Return the acceptance of a family; of one that is built its own codes are counted."""
    from stampbench.sim.decoder import Acceptance, Decoder
    from stampbench.sim.stamps import load_family
    from stampbench.sim.stamps.family_cache import is_built

    if is_built(spec):
        return Decoder(load_family(name), sigma_mm=sigma_mm).acceptance
    return Acceptance.design(pads=spec.geometry.pads, min_distance_mm=spec.min_distance_mm, sigma_mm=sigma_mm)


def _plan(family: str, profile: str, noise: float, presses: int, sigma_mm: float) -> Plan:
    """Return genuine presses of random codes, and random stamps that are in no family."""
    return Plan(
        path=Path(f"capacity of {family}"),
        text="",
        header=Header(name="capacity", family=family, profiles=[profile]),
        cases=(
            Case(name="genuine", kind="genuine", presses=presses),
            Case(name="foreign", kind="foreign", presses=presses),
        ),
        limits=(),
        decoder=DecoderSettings(sigma_mm=sigma_mm),
        condition={"noise": noise},
        handling={},
    )


def _simulate(order: RunOrder, progress: Progress) -> Simulated:
    profile = order.plan.header.profiles[0]
    tally = Tally()
    for chunk in pressed_chunks(order, SimulatedPresser(order.plan, order.seed), progress):
        for result in chunk.results():
            tally.add(result)
        progress.pressed(len(chunk.rows), 0)
    samples = {name: tally.sample(name, profile, None) for name in ("frr", "misread", "far")}
    return Simulated(**{name: rate(sample.k, sample.n) for name, sample in samples.items()})
