from __future__ import annotations

import json

import pytest
from stampbench.sim.panel import derived
from stampbench.sim.panel.curves import Curve, DerivedFigure, Fact
from stampbench.sim.panel.effects import EFFECTS


@pytest.fixture(autouse=True)
def few_figures(monkeypatch):
    """Only the quickest figure and one effect: the others have tests of their own."""
    monkeypatch.setattr(derived, "FIGURES", (derived.rest_noise,))
    monkeypatch.setattr("stampbench.bench.touch.panel_report.EFFECTS", EFFECTS[:1])


def test_report_is_written_and_its_figures_are_told(stampbench, tmp_path):
    page = tmp_path / "page.html"
    ended = stampbench("panel", "report", "-o", page, "--json")
    assert ended.status == 0
    told = json.loads(ended.out)
    assert told["report"] == str(page)
    assert {figure["figure"] for figure in told["figures"]} == {"rest_noise"}
    assert all(figure["within"] for figure in told["figures"])
    assert "LG Nexus 5" in page.read_text(encoding="utf-8")


def test_several_profiles_share_one_page(stampbench, tmp_path):
    page = tmp_path / "page.html"
    ended = stampbench("panel", "report", "--profile", "nexus-5", "--profile", "mxt224-4", "-o", page)
    assert ended.status == 0
    assert "12 of 12 figures within the facts" in ended.out
    assert 'id="mxt224-4-noise"' in page.read_text(encoding="utf-8")


def test_a_figure_outside_its_facts_fails_the_command(stampbench, tmp_path, monkeypatch):
    curve = Curve("line", (1.0,), (2.0,), (Fact(1.0, 1.0, 0.9, 1.1),))
    monkeypatch.setattr(derived, "FIGURES", (lambda _: DerivedFigure("off", "Off", "", "", "", (curve,)),))
    ended = stampbench("panel", "report", "-o", tmp_path / "page.html")
    assert ended.status == 1
    assert "outside: nexus-5 off, line at 1: 2, expected 0.9 to 1.1" in ended.out


def test_an_unknown_profile_is_a_usage_error(stampbench, tmp_path):
    ended = stampbench("panel", "report", "--profile", "nokia", "-o", tmp_path / "page.html")
    assert ended.status == 4
    assert "profile 'nokia' does not exist" in ended.err


def test_a_place_that_cannot_be_written_is_a_usage_error(stampbench, tmp_path):
    ended = stampbench("panel", "report", "-o", tmp_path / "not there" / "page.html")
    assert ended.status == 4
    assert "cannot be written" in ended.err
