from __future__ import annotations

import json
import tomllib


def test_capacity_is_printed_as_json_alone(stampbench, tmp_path):
    arguments = ("--profile", "nexus-5", "--family", "p5-60k", "--presses", 3, "--max-frr", 1)
    ended = stampbench("capacity", *arguments, "--json", "-o", tmp_path / "capacity.svg")
    assert ended.status == 0, ended.err
    answer = json.loads(ended.out)
    assert (answer["profile"], answer["noise"], answer["largest_family"]) == ("nexus-5", 1.0, "p5-60k")
    (family,) = answer["families"]
    assert (family["size"], family["ships"]) == (60_000, "yes")
    assert family["simulated"]["frr"]["n"] == 3
    assert (tmp_path / "capacity.svg").exists()


def test_capacity_is_a_table_for_people(stampbench):
    ended = stampbench("capacity", "--profile", "nexus-5", "--family", "p5-60k", "--presses", 2)
    assert ended.status == 0, ended.err
    for words in ("predicted", "simulated", "0 of 2", "largest family that ships: none"):
        assert words in ended.out


def test_panels_are_surveyed_drawn_and_kept(stampbench, tmp_path, monkeypatch):
    monkeypatch.setattr("stampbench.sim.panel.profile_names", lambda: ["nexus-5", "raspberry-pi-7"])
    curves, picture = tmp_path / "curves.toml", tmp_path / "codes.svg"
    ended = stampbench("capacity", "--panels", curves, "--presses", 30, "-o", picture, "--json")
    assert ended.status == 0, ended.err
    fine, wide = json.loads(ended.out)["panels"]
    assert fine["good"] == 60_000
    assert wide["good"] < 20_000
    assert set(tomllib.loads(curves.read_text())) == {"nexus-5", "raspberry-pi-7"}
    assert picture.exists()


def test_no_panel_is_status_4(stampbench):
    ended = stampbench("capacity")
    assert ended.status == 4
    assert "--panels" in ended.err


def test_unknown_names_are_status_4(stampbench):
    assert stampbench("capacity", "--profile", "nexus-6").status == 4
    assert stampbench("capacity", "--profile", "nexus-5", "--family", "p5-6").status == 4
