"""A short form of ``fuzz_parsers.py``, which takes minutes for its million inputs to each parser."""

from __future__ import annotations

import random
import runpy
from pathlib import Path

import pytest

FUZZ = runpy.run_path(str(Path(__file__).with_name("fuzz_parsers.py")))
TARGETS = FUZZ["targets"]()


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_mutated_inputs_are_read_or_refused(target: object, tmp_path: Path) -> None:
    FUZZ["fuzz"](target, 300, 1, tmp_path)


def test_valid_samples_are_read() -> None:
    for target in TARGETS:
        for sample in target.samples:
            target.read(sample, random.Random(0))


def test_parser_that_raises_anything_else_is_found(tmp_path: Path) -> None:
    def read(data: bytes, rng: object) -> None:
        data[1000]

    with pytest.raises(FUZZ["FuzzError"], match="IndexError"):
        FUZZ["fuzz"](FUZZ["Target"]("broken", [b"sample"], read), 1, 0, tmp_path)
    assert len(list(tmp_path.glob("fuzz-broken-0-0.bin"))) == 1
