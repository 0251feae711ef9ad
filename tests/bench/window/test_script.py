from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stampbench.bench.window.script import play, read_script
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from tests.bench.window.conftest import Screen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "not TOML"),
        ("colour = 3", "unknown key 'colour'"),
        ("size = [3]", "size = \\[3\\]: expected two numbers"),
        ("do = 3", "expected \\[\\[do\\]\\] tables"),
        ("[[do]]\nat = 1", "do\\[0\\]: 0 verbs; expected one of"),
        ('[[do]]\nkey = "a"\ntype = "b"', "2 verbs"),
        ('[[do]]\nkey = "a"\nlong = 3', "unknown key 'long'; expected at, key, seconds"),
        ('[[do]]\nat = "x"\nkey = "a"', "at = 'x': expected a number"),
        ('[[do]]\nat = 2\nkey = "a"\n[[do]]\nat = 1\nkey = "a"', "expected times that do not fall"),
    ],
)
def test_what_is_no_script_is_refused_by_file_table_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "script.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_script(path)
    assert str(path) in str(caught.value)


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_script(tmp_path / "none.toml")


def test_a_step_that_cannot_be_done_names_itself(screen: Screen) -> None:
    for step, message in (
        ('click = "no_such_button"', "no widget 'no_such_button' is there; there are source_simulated"),
        ('key = "hyper+x"', "expected ctrl, shift or alt"),
        ('key = "nokey"', "unknown key"),
        ("drag = [1, 2, 3]", "expected two targets"),
        ('drop = "@capture"', "nothing has been recorded yet"),
        ("press = [1]", "expected two numbers"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            screen.do(step)
        assert "do[0]" in str(caught.value)


def test_pictures_are_saved_within_a_script_and_at_its_end(screen: Screen) -> None:
    within, end = screen.folder / "within.png", screen.folder / "end.png"
    path = screen.folder / "script.toml"
    path.write_text(f"[[do]]\nat = 0.1\nshot = '{within}'\n", "utf-8")
    play(screen.window, screen.live.clock, path, end)
    assert within.stat().st_size > 1000
    assert end.stat().st_size > 1000


def test_the_scripts_of_the_pictures_in_the_documentation_can_be_read(project: Path) -> None:
    scripts = sorted((project / "fixtures" / "screen").glob("*.toml"))
    assert {script.stem for script in scripts} >= {"read", "let-go", "auto-press", "recording"}
    for script in scripts:
        assert read_script(script).steps
