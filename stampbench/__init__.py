"""Simulator and test bench for capacitive touch stamps: what scripts, notebooks and other projects use.

    >>> import stampbench as sb
    >>> family = sb.load_family("p5-60k")
    >>> decoder = sb.Decoder(family)
    >>> reading = decoder.decode(family.pads(777) + [30.0, 40.0])
    >>> reading.code, reading.verdict.value
    (777, 'read')

A name is loaded when it is first asked for. Anything else below this package may change without notice.
"""

from pathlib import Path
from typing import TYPE_CHECKING

__all__ = [
    "Catalogue",
    "Condition",
    "Contact",
    "Decoder",
    "Device",
    "Family",
    "Frame",
    "Hold",
    "InputError",
    "Keyframe",
    "LinkError",
    "NoHardwareError",
    "Panel",
    "PhoneScale",
    "Plan",
    "Press",
    "PressDecision",
    "PressDecoder",
    "Profile",
    "ProtocolError",
    "Reading",
    "Run",
    "ScalePrior",
    "StampbenchError",
    "TouchReport",
    "Verdict",
    "load_family",
    "load_profile",
    "read_run",
    "run",
]

# In a checkout the three floors stand beside this folder; in an installed package, inside it.
if not (Path(__file__).parent / "sim").is_dir():
    __path__.append(str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.records.files import Run, read_run
    from stampbench.bench.runs.reported import run
    from stampbench.firmware_emulator.errors import (
        InputError,
        LinkError,
        NoHardwareError,
        ProtocolError,
        StampbenchError,
    )
    from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport
    from stampbench.sim.decoder.decoder import Decoder
    from stampbench.sim.decoder.press import PressDecision, PressDecoder
    from stampbench.sim.decoder.reading import Reading, Verdict
    from stampbench.sim.decoder.scale import PhoneScale
    from stampbench.sim.decoder.unknown_scale import ScalePrior
    from stampbench.sim.device import Device
    from stampbench.sim.hold import Hold
    from stampbench.sim.panel.condition import Condition
    from stampbench.sim.panel.panel import Panel
    from stampbench.sim.panel.profile import Profile, load_profile
    from stampbench.sim.press import Keyframe, Press
    from stampbench.sim.stamps.catalogue import Catalogue
    from stampbench.sim.stamps.family import Family
    from stampbench.sim.stamps.family_cache import load_family
else:
    _HOMES = {
        "bench.plans.plan": ("Plan",),
        "bench.records.files": ("Run", "read_run"),
        "bench.runs.reported": ("run",),
        "firmware_emulator.errors": (
            "InputError",
            "LinkError",
            "NoHardwareError",
            "ProtocolError",
            "StampbenchError",
        ),
        "firmware_emulator.touch": ("Contact", "Frame", "TouchReport"),
        "sim.decoder.decoder": ("Decoder",),
        "sim.decoder.press": ("PressDecision", "PressDecoder"),
        "sim.decoder.reading": ("Reading", "Verdict"),
        "sim.decoder.scale": ("PhoneScale",),
        "sim.decoder.unknown_scale": ("ScalePrior",),
        "sim.device": ("Device",),
        "sim.hold": ("Hold",),
        "sim.panel.condition": ("Condition",),
        "sim.panel.panel": ("Panel",),
        "sim.panel.profile": ("Profile", "load_profile"),
        "sim.press": ("Keyframe", "Press"),
        "sim.stamps.catalogue": ("Catalogue",),
        "sim.stamps.family": ("Family",),
        "sim.stamps.family_cache": ("load_family",),
    }

    def __getattr__(name: str):
        """Load a public name (PEP 562): importing all of them at once would slow every command's start."""
        from importlib import import_module

        for home, names in _HOMES.items():
            if name in names:
                value = globals()[name] = getattr(import_module(f"stampbench.{home}"), name)
                return value
        raise AttributeError(f"module 'stampbench' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
