from __future__ import annotations

import json

import pytest
import typer
from stampbench.bench.cli import family
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import Catalogue
from typer.testing import CliRunner

CATALOGUE = """
[[stamp]]
name = "bakery"
pads = [[0, 0], [20, 0], [0, 15.5]]
[[stamp]]
name = "florist"
pads = [[0, 0], [24, 0], [3, 17]]
"""


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    family.register(made)
    made.command("other")(lambda: None)
    return made


@pytest.fixture
def catalogue(tmp_path) -> str:
    path = tmp_path / "stamps.toml"
    path.write_text(CATALOGUE)
    return str(path)


def run(app: typer.Typer, *arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["family", *map(str, arguments)])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.stdout


def test_show_tells_what_a_family_can_do(app):
    shown = json.loads(run(app, "show", "p5-60k", "--json"))
    assert shown["size"] == 60_000
    assert shown["density_of_e7"] == 0.295
    assert 0.3 < shown["design_sigma_mm"] < 0.4
    assert 0.0 < shown["far_at_design_radius"] < 0.2


def test_show_draws_one_stamp(app, tmp_path):
    picture = tmp_path / "stamp.png"
    shown = json.loads(run(app, "show", "p5-60k", "--code", 12345, "-o", picture, "--json"))
    assert shown["code"] == 12345
    assert len(shown["pads_mm"]) == 5
    assert picture.exists()


def test_show_takes_the_name_of_a_catalogue_entry(app, catalogue):
    assert json.loads(run(app, "show", catalogue, "--code", "florist", "--json"))["code"] == 1


def test_check_prints_the_closest_pairs_of_a_catalogue(app, catalogue):
    report = json.loads(run(app, "check", catalogue, "--json"))
    assert report["passed"]
    assert report["closest"][0][:2] == [0, 1]


def test_check_fails_where_a_family_does_not_keep_what_it_guarantees(app, catalogue, monkeypatch):
    monkeypatch.setattr("stampbench.sim.stamps.Family", Catalogue)  # whose least distance is a guarantee
    least = Catalogue.read(catalogue).min_distance_mm
    for guaranteed, status in ((least - 0.001, 0), (least + 0.001, 1)):
        monkeypatch.setattr(Catalogue, "min_distance_mm", guaranteed)
        assert ("NOT KEPT" in run(app, "check", catalogue, status=status)) is bool(status)


def test_export_writes_the_codes_asked_for(app, tmp_path):
    output = tmp_path / "out.csv"
    run(app, "export", "p5-60k", "-o", output, "--codes", "1,5-7")
    assert [line.split(",")[0] for line in output.read_text().splitlines()[1:]] == [
        f"p5-60k/{code}" for code in (1, 5, 6, 7)
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "no-such-family"], "no-such-family"),
        (["show", "p5-60k", "--code", "60000"], "codes 0 to 59999"),
        (["show", "p5-60k", "--code", "x"], "--code x"),
        (["show", "p5-60k", "-o", "a.png"], "expected --code"),
        (["export", "p5-60k", "-o", "a.csv", "--codes", "7-5"], "'7-5'"),
        (["export", "p5-60k", "-o", "a.csv", "--codes", "one"], "'one'"),
    ],
)
def test_wrong_arguments_are_refused(app, arguments, said):
    with pytest.raises(InputError, match=said):
        run(app, *arguments)


def test_export_leaves_out_the_codes_that_a_panel_loses(stampbench, tmp_path):
    listed = tmp_path / "codes.csv"
    listed.write_text(
        "# p5-60k on a panel, largest_loss = 0.001\ncode,predicted_loss,nearest_pads_mm\n"
        "9,0.0001,19\n4,0.0005,18\n7,0.2,12\n"
    )
    output = tmp_path / "stamps.csv"
    arguments = ("family", "export", "p5-60k", "--avoid", listed)
    assert stampbench(*arguments, "-o", output).status == 0
    assert [line.partition(",")[0] for line in output.read_text().splitlines()] == [
        "name",
        "p5-60k/9",
        "p5-60k/4",
    ]
    assert stampbench(*arguments, "--best", 1, "-o", tmp_path / "best.csv").status == 0
    assert len((tmp_path / "best.csv").read_text().splitlines()) == 2
    refused = stampbench(*arguments, "--best", 3, "-o", tmp_path / "three.csv")
    assert refused.status == 4
    assert "has 2 codes that are good enough" in refused.err
