from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from stampbench.bench.cli.panel import register
from stampbench.firmware_emulator.errors import InputError
from typer.testing import CliRunner


@pytest.fixture
def recording(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.normal(0.0, 1.6, (60, 12, 12))
    row, col = np.mgrid[:12, :12]
    frames[30:] += 220.0 * np.exp(-0.5 * ((row - 5.3) ** 2 + (col - 6.1) ** 2) / 0.85**2)
    path = tmp_path / "frames.npy"
    np.save(path, frames.round().astype(np.int16))
    return path


def run(*arguments):
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, ["panel", "fit", *map(str, arguments)])


def test_json_stands_alone_on_stdout(recording):
    figures = json.loads(run(recording, "--pitch-mm", 4.1, "--json").stdout)
    assert figures["noise_sd"] == pytest.approx(1.6, rel=0.1)
    assert figures["blob_sd_pitch"] == pytest.approx(0.85, rel=0.03)
    assert "k" not in figures


def test_figures_are_printed_for_people(recording):
    assert "touch_peak" in run(recording, "--pitch-mm", 4.1).stdout


@pytest.mark.parametrize("text", ["5", "a:b", "-1:4", "3:4:5"])
def test_a_range_is_two_numbers(recording, text):
    result = run(recording, "--pitch-mm", 4.1, f"--held={text}", "--released", "5:9")
    assert isinstance(result.exception, InputError)
    assert "--held" in str(result.exception)
