from __future__ import annotations

import json

from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.sources.summary import PressReader

import stampbench as sb


def test_a_frozen_plan_is_read_by_whoever_takes_part(stampbench, tmp_path) -> None:
    plan = tmp_path / "few.toml"
    plan.write_text(
        '[plan]\nname = "few"\nfamily = "p5-60k"\nprofiles = ["nexus-5"]\n[decoder]\nsigma_mm = 0.15\n'
        '[[cases]]\nname = "held"\nkind = "genuine"\npresses = 3\n'
    )
    corpus, svg = tmp_path / "few.xz", tmp_path / "few.svg"
    frozen = json.loads(stampbench("bench-off", "--freeze", corpus, "--plan", plan, "--json").out)
    told = json.loads(
        stampbench("bench-off", "--corpus", corpus, "--only", "stampbench", "--svg", svg, "--json").out
    )
    assert told["corpus"] == frozen
    assert told["recognisers"]["stampbench"]["frr"]["n"] == 3
    assert svg.read_text().lstrip().startswith("<?xml")


def test_the_presses_of_a_plan_become_a_file_that_reads_as_them(stampbench, tmp_path) -> None:
    plan, file = tmp_path / "few.toml", tmp_path / "presses.evemu"
    plan.write_text(
        '[plan]\nname = "few"\nfamily = "p5-60k"\nprofiles = ["nexus-5"]\n[decoder]\nsigma_mm = 0.15\n'
        '[[cases]]\nname = "held"\nkind = "genuine"\npresses = 3\n'
    )
    said = [json.loads(line) for line in stampbench("plan", "evemu", plan, file, "--json").out.splitlines()]
    decoder = sb.Decoder(sb.load_family("p5-60k"), sigma_mm=0.15)
    reader = PressReader(lambda: sb.PressDecoder(decoder))
    with open_recording(file) as recording:
        decisions = [decision for report in recording if (decision := reader.feed(report))]
    decisions.append(reader.finish())
    assert [decision.reading.code for decision in decisions] == [one["code"] for one in said]
    assert all(
        0 <= decision.first_contact_us - 1e6 * one["begins_s"] < 200_000
        for decision, one in zip(decisions, said, strict=True)
    )
