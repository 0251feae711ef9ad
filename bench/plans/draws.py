"""What a planned press is in particular: which object, held how; all drawn from the run's seed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.plans.tables import ANY_STAMP, Case
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.sim.panel import Profile
    from stampbench.sim.press import Press
    from stampbench.sim.stamps import Catalogue, Family

_SEEDED_FORMS = {"random-stamp": 1, "fingers": 2}
"""Objects whose name ends in a seed, with the number of arguments their full name has."""
_SEED_LIMIT = 2**53
"""JSON readers keep whole numbers below this."""
_SEED_TO_TRY = "0"


@dataclass(frozen=True, slots=True)
class Draw:
    """One press, ready to be made.

    Attributes:
        code: of the stamp; None for a foreign object.
        press: as the link carries it.
        seed: of the panel's noise.
    """

    object: str
    code: int | None
    press: Press
    seed: int


class PressDrawer:
    """Draws presses; each depends on the seed of the run, its case, profile and number, and on no other.

    Args:
        plan: whose cases are drawn.
        seed: of the run.

    Raises:
        InputError: the plan names a family, catalogue, profile, stamp or setting that does not exist.
    """

    def __init__(self, plan: Plan, seed: int) -> None:
        from stampbench.sim.panel import load_profile
        from stampbench.sim.press import Hand, Handling

        self._plan = plan
        self._seed = seed
        self.codebook = load_codebook(plan)
        self._profiles: dict[str, Profile] = {name: load_profile(name) for name in plan.header.profiles}
        self._hands = {
            case.name: Hand(
                Handling.from_mapping(plan.handling_of(case), f"{plan.path}: handling of {case.name!r}")
            )
            for case in plan.cases
        }

    def draw(self, planned: PlannedPress) -> Draw:
        """Draw one press.

        Raises:
            InputError: the object does not fit the panel.
        """
        names = (planned.case.name, planned.profile)
        entropy = [self._seed, *(zlib.crc32(name.encode()) for name in names), planned.number]
        # The first two that SeedSequence(entropy) would spawn.
        hand_seed, panel_seed = (np.random.SeedSequence(entropy, spawn_key=(n,)) for n in range(2))
        rng = np.random.default_rng(hand_seed)
        name, code = self._object(planned, rng)
        case = planned.case
        hand = self._hands[case.name]
        if case.keyframes:
            press = _given(case, name, hand.handling.wear)
        else:
            press = hand.press(name, self._profiles[planned.profile], rng)
        seed = int(panel_seed.generate_state(1, np.uint64)[0]) % _SEED_LIMIT
        if case.noise_seed is not None:
            seed = case.noise_seed + planned.number - 1
        return Draw(name, code, press.rounded(), seed)

    def _object(self, planned: PlannedPress, rng: np.random.Generator) -> tuple[str, int | None]:
        case = planned.case
        if case.kind == "foreign":
            form = "random-stamp" if case.stamps == "random" else str(_in_turn(case, planned.number))
            return (f"{form}/{rng.integers(_SEED_LIMIT)}" if _lacks_seed(form) else form), None
        if case.stamps == "random":
            code = int(rng.integers(self.codebook.size))
        else:
            code = code_of(self._plan, self.codebook, _in_turn(case, planned.number))
        return object_name(self._plan, self.codebook, code), code


def _given(case: Case, object_name: str, wear: str) -> Press:
    """Return the press that a case gives.

    Raises:
        InputError: its times do not rise.
    """
    from stampbench.sim.press import Keyframe, Press

    name = f"{object_name}~{wear}" if wear else object_name
    return Press(name, tuple(Keyframe.of(values) for values in case.keyframes))


def load_codebook(plan: Plan) -> Family | Catalogue:
    """Return the family or catalogue of a plan.

    Raises:
        InputError: there is none of that name.
    """
    from stampbench.sim.stamps import Catalogue, load_family

    if plan.header.family is not None:
        with _at(plan, "plan.family"):
            return load_family(plan.header.family)
    with _at(plan, "plan.catalogue"):
        return Catalogue.read(plan.path.parent / str(plan.header.catalogue))


def object_name(plan: Plan, codebook: Family | Catalogue, code: int) -> str:
    """Return the name of the stamp with this code, as it travels over the link."""
    if plan.header.family is not None:
        return f"{plan.codebook_name}/{code}"
    return f"{plan.codebook_name}#{codebook.names[code]}"  # type: ignore[union-attr]


def code_of(plan: Plan, codebook: Family | Catalogue, stamp: int | str) -> int:
    """Return the code of a stamp as a plan names it.

    Raises:
        InputError: the codebook has no such stamp.
    """
    if plan.header.family is not None:
        if isinstance(stamp, int) and 0 <= stamp < codebook.size:
            return stamp
        raise InputError(f"{stamp!r} is no code of {plan.header.family}: expected 0 to {codebook.size - 1}")
    names = list(codebook.names)  # type: ignore[union-attr]
    if stamp in names:
        return names.index(stamp)
    raise InputError(f"{stamp!r} is not in {plan.header.catalogue}: expected one of {', '.join(names)}")


def check_plan(plan: Plan) -> None:
    """Check that all a plan names exists: codebook, profiles, stamps, presets, settings, faults.

    Raises:
        InputError: something does not; the message names file, key, value and what would be right.
    """
    from stampbench.firmware_emulator.link.faults import Faults
    from stampbench.sim.panel import Condition, load_profile
    from stampbench.sim.press import Handling
    from stampbench.sim.stamps.objects import resolve_object

    if plan.header.scenario:
        return
    codebook = load_codebook(plan)
    for place, name in enumerate(plan.header.profiles):
        with _at(plan, f"plan.profiles[{place}]"):
            load_profile(name)
    with _at(plan, "rig"):
        Faults.from_mapping(plan.rig.faults, where="faults")
    for name in plan.duts:
        if name != ANY_STAMP:
            with _at(plan, f"duts.{name}"):
                code_of(plan, codebook, _as_named(plan, name))
    for name, settings in plan.conditions.items():
        with _at(plan, f"conditions.{name}"):
            Condition.from_mapping(settings, "condition")
    for name, settings in plan.handlings.items():
        with _at(plan, f"handlings.{name}"):
            Handling.from_mapping(settings, "handling")
    Condition.from_mapping(plan.condition, f"{plan.path}: condition")
    Handling.from_mapping(plan.handling, f"{plan.path}: handling")
    groups = list(dict.fromkeys(case.group for case in plan.cases))
    for case in plan.cases:
        place = groups.index(case.group)
        Condition.from_mapping(plan.condition_of(case), f"{plan.path}: cases[{place}].condition")
        Handling.from_mapping(plan.handling_of(case), f"{plan.path}: cases[{place}].handling")
        if case.keyframes:
            with _at(plan, f"cases[{place}].keyframes"):
                _given(case, case.name, "")
        if case.stamps == "random":
            continue
        for number, stamp in enumerate(case.stamps):
            with _at(plan, f"cases[{place}].stamps[{number}]"):
                if case.kind == "genuine":
                    code_of(plan, codebook, stamp)
                else:
                    form = str(stamp)
                    resolve_object(f"{form}/{_SEED_TO_TRY}" if _lacks_seed(form) else form)


def _as_named(plan: Plan, stamp: str) -> int | str:
    """Return a stamp given as text, as the plan names it: a code of a family is a number."""
    return int(stamp) if plan.header.family is not None and stamp.isdecimal() else stamp


@contextmanager
def _at(plan: Plan, key: str) -> Iterator[None]:
    """Put file and key in front of an input error that leaves the block."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{plan.path}: {key}: {error}") from None


def _in_turn(case: Case, number: int) -> int | str:
    return case.stamps[(number - 1) % len(case.stamps)]


def _lacks_seed(form: str) -> bool:
    kind, *arguments = form.split("/")
    return len(arguments) == _SEEDED_FORMS.get(kind, 0) - 1
