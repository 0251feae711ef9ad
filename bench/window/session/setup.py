"""What a session works with: panel, stamps, condition, the hand, the seed; and conditions by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stampbench.bench.plans.presets import REPORTED
from stampbench.bench.window.session.codes import Codes
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder import Decoder
from stampbench.sim.panel import Condition, Profile, load_profile
from stampbench.sim.press import Handling
from stampbench.sim.stamps import Catalogue, Family, load_family

LARGEST_SEED: Final = 2**53
"""Seeds stay below this: JSON readers keep whole numbers that far."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A condition of the panel, and the way the stamps on it are held.

    Attributes:
        key: its name.
        handling: of presses that are made automatically.
        grip: of the stamps on the glass, 0..1.
        wear: of the stamps on the glass, as after ``~`` in object names.
    """

    key: str
    condition: Condition = field(default_factory=Condition)
    handling: Handling = field(default_factory=Handling)
    grip: float = 1.0
    wear: str = ""


def _preset(key: str, reported: str) -> Preset:
    """Build a preset of the catalogue's condition of that name."""
    known = REPORTED[reported]
    handling = Handling.from_mapping(known.handling)
    return Preset(
        key,
        Condition.from_mapping(known.condition),
        handling,
        grip=handling.grip[0] if "grip" in known.handling else 1.0,
        wear=handling.wear,
    )


PRESETS: tuple[Preset, ...] = (
    _preset("ordinary", "ordinary"),
    _preset("bad charger", "poor charger"),
    _preset("wet", "rain"),
    _preset("screen protector", "protector"),
    _preset("worn stamp", "worn stamp"),
    _preset("let go", "let go"),
)


class Setup:
    """Can be changed while the session runs; what is wrong is refused and leaves all as it was.

    Args:
        codebook: whose stamps are read.
        profile: of the simulated panel.
        sigma_mm: error per axis and pad that the decoder must survive; None: what the codebook allows.
        seed: of every draw.
        frames: read stamps from raw frames, where the source sends them.

    Attributes:
        profile_name: how plans call the profile.
        preset: name of the preset in force; empty once something was changed by hand.
        wear: of the stamps on the glass.
    """

    def __init__(
        self,
        codebook: Family | Catalogue,
        profile: Profile,
        *,
        sigma_mm: float | None = None,
        seed: int = 0,
        frames: bool = False,
    ) -> None:
        self.profile = profile
        self.profile_name = profile.name
        self.condition = Condition()
        self.handling = Handling()
        self.preset = PRESETS[0].key
        self.wear = ""
        self.seed = seed
        self.frames = frames
        self._sigma_mm = sigma_mm
        self._take(codebook)

    def _take(self, codebook: Family | Catalogue) -> None:
        self.decoder = Decoder(codebook, sigma_mm=self._sigma_mm)
        self.codebook = codebook
        self.codes = Codes(codebook)

    @property
    def sigma_mm(self) -> float | None:
        """As it was given."""
        return self._sigma_mm

    @property
    def family(self) -> str | None:
        """Name of the family; None where a catalogue is read."""
        return self.codebook.name if isinstance(self.codebook, Family) else None

    @property
    def catalogue(self) -> str | None:
        """Path of the catalogue; None where a family is read."""
        return None if isinstance(self.codebook, Family) else self.codebook.name

    def load_family(self, name: str) -> None:
        """Read the stamps of a family from now on.

        Raises:
            InputError: there is none of that name.
        """
        self._take(load_family(name))

    def load_catalogue(self, path: str | Path) -> None:
        """Read the stamps of a catalogue file from now on.

        Raises:
            InputError: it cannot be read.
        """
        self._take(Catalogue.read(path))

    def load_profile(self, name_or_path: str) -> None:
        """Simulate another panel from now on.

        Raises:
            InputError: there is no such profile, or a figure in it is missing or wrong.
        """
        self.profile = load_profile(name_or_path)
        self.name_profile(name_or_path)

    def name_profile(self, name_or_path: str) -> None:
        """Return how plans call the profile: one of a file by its whole path."""
        of_file = name_or_path.endswith(".toml")
        self.profile_name = str(Path(name_or_path).resolve()) if of_file else name_or_path

    def apply_preset(self, key: str) -> float:
        """Set condition, handling and wear at once; returns how the stamps on the glass are held.

        Raises:
            InputError: there is none of that name.
        """
        found = next((preset for preset in PRESETS if preset.key == key), None)
        if found is None:
            raise InputError(f"preset {key!r}: expected one of {', '.join(preset.key for preset in PRESETS)}")
        self.condition, self.handling, self.wear = found.condition, found.handling, found.wear
        self.preset = found.key
        return found.grip

    def change_condition(self, changes: dict[str, Any]) -> None:
        """Change settings of the condition.

        Raises:
            InputError: an unknown setting, or a value outside its range.
        """
        self.set_condition(Condition.from_mapping({**self.condition.to_mapping(), **changes}))

    def set_condition(self, condition: Condition) -> None:
        """Set the whole condition."""
        self.condition = condition
        self.preset = ""

    def change_handling(self, changes: dict[str, Any]) -> None:
        """Change settings of the hand that presses by itself.

        Raises:
            InputError: an unknown setting, or a value outside its range.
        """
        self.handling = Handling.from_mapping({**self.handling.to_mapping(), **changes})
        self.preset = ""

    def set_seed(self, seed: int) -> None:
        """Draw everything anew from another seed.

        Raises:
            InputError: outside 0 .. 2^53 - 1.
        """
        if not 0 <= seed < LARGEST_SEED:
            raise InputError(f"seed {seed}: expected a whole number from 0 to {LARGEST_SEED - 1}")
        self.seed = seed
