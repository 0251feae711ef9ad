from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from stampbench.bench.bench_off.corpus import Corpus, CorpusPress, Header
from stampbench.bench.bench_off.report import picture, rows, to_mapping
from stampbench.bench.bench_off.running import bench_off

import stampbench as sb

FAMILY = sb.load_family("p5-60k")


def press(code: int | None, condition: str = "ordinary") -> CorpusPress:
    pads = (FAMILY.pads(code) if code is not None else FAMILY.pads(5)[:1]) + [40.0, 50.0]
    places = [(n, 1, x, y) for n, (x, y) in enumerate(pads.tolist())]
    return CorpusPress(
        panel="nexus-5",
        width_mm=61.6,
        height_mm=110.0,
        condition=condition,
        object="x",
        code=code,
        said=[(10_000 * n, places) for n in range(6)],
    )


CORPUS = Corpus(
    Header(format="stampbench-corpus", name="few", version=3, family="p5-60k", sigma_mm=0.15, presses=5),
    "ab" * 32,
    (press(7), press(20_406), press(None), press(777, "noisy"), press(None, "noisy")),
)


def test_every_recogniser_of_ours_reads_the_same_presses() -> None:
    scores = bench_off(CORPUS)
    assert [(s.total.genuine, s.total.foreign) for s in scores] == [(3, 2)] * len(scores)
    assert all((s.total.lost, s.total.misread, s.total.accepted) == (0, 0, 0) for s in scores)
    assert all(s.press_ms > 0.0 and s.memory_mb for s in scores)


def test_what_does_not_hang_on_the_machine_is_the_same_twice() -> None:
    first, second = (bench_off(CORPUS) for _ in range(2))
    assert [row[:6] for row in rows(first)] == [row[:6] for row in rows(second)]
    assert picture(CORPUS, first) == picture(CORPUS, second)


def test_what_a_recogniser_says_is_counted_by_what_was_pressed() -> None:
    answers = iter([*[None] * 4, 7, 5, 9, None, None])  # four to warm up
    (score,) = bench_off(CORPUS, only=["stampbench"], others={"theirs": lambda _: next(answers)})[1:]
    assert (score.total.lost, score.total.misread, score.total.accepted) == (2, 1, 1)
    assert (score.conditions["noisy"].lost, score.conditions["noisy"].misread) == (1, 0)
    said = to_mapping(CORPUS, [score])["recognisers"]["theirs"]
    assert said["frr"]["k"] == 2
    assert said["far"]["n"] == 2
    assert 0.0 < said["frr"]["low"] < 2 / 3 < said["frr"]["high"] <= 1.0


def test_a_recogniser_that_fails_loses_no_stamp() -> None:
    def fails(_: object) -> int | None:
        raise ValueError("no licence")

    (score,) = bench_off(CORPUS, only=["stampbench"], others={"theirs": fails})[1:]
    assert (score.total.errors, score.total.genuine, score.total.lost) == (5, 0, 0)
    assert "no licence" in score.failure


def test_a_process_takes_part(tmp_path: Path) -> None:
    script = tmp_path / "sdk.py"
    script.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    message = json.loads(line)\n"
        "    if 'begin' in message: most = 0\n"
        "    most = max(most, len(message.get('contacts', ())))\n"
        "    if 'end' in message: print(json.dumps({'code': 7 if most == 5 else None}), flush=True)\n"
    )
    (score,) = bench_off(CORPUS, only=["stampbench"], processes=[[sys.executable, str(script)]])[1:]
    assert (score.total.lost, score.total.misread, score.total.accepted) == (2, 2, 0)
    assert score.press_ms > 0.0


def test_a_process_that_dies_loses_no_stamp(tmp_path: Path) -> None:
    dies = [sys.executable, "-c", "import sys; sys.stdin.readline(); sys.exit(5)"]
    (score,) = bench_off(CORPUS, only=["stampbench"], processes=[dies])[1:]
    assert (score.total.errors, score.total.lost) == (5, 0)
    assert score.failure


def test_a_recogniser_that_is_not_there_is_told_by_name() -> None:
    with pytest.raises(sb.InputError, match="'kd' takes no part"):
        bench_off(CORPUS, only=["kd"])


def test_json_names_corpus_and_recognisers() -> None:
    told = json.loads(json.dumps(to_mapping(CORPUS, bench_off(CORPUS, only=["stampbench"]))))
    assert (told["corpus"]["version"], told["corpus"]["sha256"]) == (3, "ab" * 32)
    assert list(told["recognisers"]) == ["stampbench"]


@pytest.mark.parametrize("said", ["S001", True, 2.5, [7]])
def test_what_is_no_code_loses_no_stamp(said) -> None:
    (score,) = bench_off(CORPUS, only=["stampbench"], others={"theirs": lambda _: said})[1:]
    assert (score.total.errors, score.total.lost, score.total.accepted) == (5, 0, 0)
