from __future__ import annotations

import lzma
from pathlib import Path

import pytest
from stampbench.bench.bench_off.corpus import VERSION, freeze, own_corpus, read_corpus
from stampbench.bench.plans.draws import PressDrawer
from stampbench.sim.panel import load_profile

import stampbench as sb

SHA256 = {1: "90fc1b16f3ed009d61d6e7b797f7ed7439274b86cf4c63bf50dff8752fcc89a5"}
"""Of each version that was ever published: a corpus that changes is another version."""


def plan(**header: object) -> sb.Plan:
    return sb.Plan.of(
        {
            "plan": {"name": "few", "family": "p5-60k", "seed": 5, "profiles": ["nexus-5"], **header},
            "decoder": {"sigma_mm": 0.15},
            "cases": [
                {"name": "held", "kind": "genuine", "presses": 1, "conditions": ["ordinary", "charger"]},
                {"name": "coins", "kind": "foreign", "stamps": ["coin"], "presses": 1},
            ],
        }
    )


def test_the_corpus_that_travels_along_is_the_one_of_its_version() -> None:
    corpus = read_corpus(own_corpus())
    assert (corpus.header.version, corpus.sha256) == (VERSION, SHA256[VERSION])


def test_it_has_stamps_under_many_conditions_on_three_panels_foreign_objects_and_recordings() -> None:
    presses = read_corpus(own_corpus()).presses
    simulated = [press for press in presses if press.condition != "recorded"]
    assert len({press.panel for press in simulated}) == 3
    assert len({press.condition for press in simulated if press.code is not None}) >= 6
    assert sum(press.code is None for press in simulated) >= 500
    assert {press.code for press in presses if press.condition == "recorded"} == {20406, 777, None}


def test_a_frozen_press_is_what_the_panel_reported(tmp_path: Path) -> None:
    corpus = freeze(plan(), tmp_path / "few.jsonl.xz")
    planned = plan().press(2)
    draw = PressDrawer(plan(), 5).draw(planned)
    device = sb.Device(load_profile("nexus-5"))
    device.configure(sb.Condition(charger_v=2.0))
    reports = [report for report in device.reports(draw.press, draw.seed) if report.contacts]
    frozen = corpus.presses[1]
    assert (frozen.condition, frozen.code) == ("charger", draw.code)
    assert [
        (report.t_us, [(c.id, c.tip, c.x_mm, c.y_mm) for c in report.contacts])
        for report in frozen.reports[:-1]
    ] == [
        (report.t_us, [(c.id, c.tip, round(c.x_mm, 4), round(c.y_mm, 4)) for c in report.contacts])
        for report in reports
    ]
    assert frozen.reports[-1].contacts == ()


def test_freezing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (freeze(plan(), tmp_path / name) for name in ("a.xz", "b.xz"))
    assert first == second


def test_presses_of_a_recording_have_the_codes_that_are_told(project: Path, tmp_path: Path) -> None:
    recording = project / "fixtures/recordings/sticky-finger.hid"
    corpus = freeze(plan(), tmp_path / "few.xz", [f"{recording}=20406,777"])
    recorded = [press for press in corpus.presses if press.condition == "recorded"]
    assert [press.code for press in recorded] == [20406, 777]
    with pytest.raises(sb.InputError, match="expected FILE for foreign objects, or FILE= and 2 codes"):
        freeze(plan(), tmp_path / "more.xz", [f"{recording}=20406"])


def test_recordings_without_sure_millimetres_are_refused(project: Path, tmp_path: Path) -> None:
    for name in ("evtest.txt", "resolution_misread.evemu"):
        with pytest.raises(sb.InputError, match="its millimetres are not sure"):
            freeze(plan(), tmp_path / "few.xz", [str(project / "fixtures/recordings" / name)])


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"no xz", "cannot be read"),
        (lzma.compress(b""), ":1: .*expected a line of a corpus"),
        (lzma.compress(b'{"format": "x"}\n'), ":1: .*missing required field"),
    ],
)
def test_what_is_no_corpus_is_refused_by_line(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "c.xz"
    path.write_bytes(data)
    with pytest.raises(sb.InputError, match=told):
        read_corpus(path)


def test_a_corpus_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.xz"
    freeze(plan(), path)
    lines = lzma.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(lzma.compress(b"".join(lines[:-1])))
    with pytest.raises(sb.InputError, match="of 2 presses: expected stampbench-corpus of 3"):
        read_corpus(path)


def test_a_corpus_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "c.xz"
    path.write_text("mine")
    with pytest.raises(sb.InputError, match="there is one already"):
        freeze(plan(), path)
    assert path.read_text() == "mine"
