from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import stampbench.sim.panel.profile as profile_module
from stampbench.firmware_emulator.controller import ControllerSettings
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel import load_profile, profile_names
from stampbench.sim.panel.noise import noise_parts

PROFILES = Path(profile_module.__file__).parent / "profiles"


def test_the_twelve_panels_are_there() -> None:
    assert {"nexus-5", "surface-book-2", "raspberry-pi-7", "elan-11"} <= set(profile_names())
    assert len(profile_names()) == 12


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_loads_with_square_enough_nodes_and_noise_that_can_be_made(name: str) -> None:
    profile = load_profile(name)
    geometry = profile.geometry
    assert profile.name == name
    assert 3.5 < geometry.pitch_x_mm < 8
    assert 0.85 < geometry.pitch_x_mm / geometry.pitch_y_mm < 1.15
    noise_parts(profile.noise, geometry.rows, geometry.cols)


@pytest.mark.parametrize("name", profile_names())
def test_every_figure_states_its_source(name: str) -> None:
    for line in (PROFILES / f"{name}.toml").read_text(encoding="utf-8").splitlines():
        if re.match(r"\w+ = [^\"]", line):
            assert re.search(r"  # \w.{4}", line), line


def test_nexus_5_has_the_measured_figures() -> None:
    profile = load_profile("nexus-5")
    assert (profile.grid.rows, profile.grid.cols) == (27, 15)
    assert (profile.geometry.x_max, profile.geometry.y_max) == (1079, 1919)
    assert 1.6 <= profile.flat.psf_sd_mm <= 1.9
    assert 220 <= profile.flat.amplitude <= 230
    assert 8_000 <= profile.frame_interval_us <= 10_000


def test_the_iphone_like_phone_alone_cancels_all_at_its_sixth_contact() -> None:
    cancelling = {name for name in profile_names() if load_profile(name).controller.contact_policy != "drop"}
    assert cancelling == {"iphone-like"}
    assert load_profile("iphone-like").controller.max_contacts == 5


def test_settings_in_counts_scale_with_the_amplitude_unless_given() -> None:
    defaults, surface = ControllerSettings(), load_profile("surface-book-2")
    assert surface.controller.touch_threshold == 24.0
    assert surface.controller.noise_threshold == pytest.approx(defaults.noise_threshold * 80 / 225)
    assert surface.controller.debounce_frames == defaults.debounce_frames
    assert load_profile("nexus-5").controller == ControllerSettings()


def test_the_scaled_settings_exist() -> None:
    assert set(profile_module.CONTROLLER_COUNTS) <= {field.name for field in fields(ControllerSettings)}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rows = 27", "rows = 27\ncolour = 1", ["unknown key 'colour'"]),
        ("rows = 27", "", ["grid: rows is missing", "an integer"]),
        ("rows = 27", "rows = 27.5", ["grid: rows = 27.5", "an integer"]),
        ("rows = 27", 'rows = "many"', ["grid: rows = 'many'", "an integer"]),
        ("amplitude = 225.0", "amplitude = -1.0", ["flat: amplitude = -1.0", "from 1"]),
        ("[stripe]", "[stripe", ["not TOML"]),
        ("max_contacts = 10", "max_contactz = 10", ["controller: unknown key 'max_contactz'"]),
        ("max_contacts = 10", "debounce_frames = 0", ["debounce_frames"]),
    ],
)
def test_a_bad_profile_is_one_line_naming_file_key_and_value(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    text = (PROFILES / "nexus-5.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_profile(path)
    message = str(raised.value)
    assert "mine.toml" in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_profile_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text((PROFILES / "nexus-5.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert load_profile(str(path)).name == "mine"


def test_an_unknown_profile_is_refused_with_the_known_names() -> None:
    with pytest.raises(InputError, match=r"'nexus-6' does not exist; there are .*nexus-5"):
        load_profile("nexus-6")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.toml: cannot be read"):
        load_profile(tmp_path / "nothing.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rubbish.toml"
    path.write_bytes(b"\xff\x00\xfe")
    with pytest.raises(InputError, match=r"rubbish\.toml: not TOML"):
        load_profile(path)
